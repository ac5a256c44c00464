"""Limits as a customer meets them: in the counters of an answer, in JSON and in XML, and as a refusal."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from chappe.domain.rulebook import Override
from chappe.store import rules, usage
from chappe.store.sqlite import Tx
from tests.builders import Api, on_loop, running_api
from tests.wire import Reply, call

FRENCH, SWISS = "33600112233", "41791234567"


async def limit(api: Api, **values: object) -> None:
    """Set rules for everybody; they are read again within half a second."""
    wanted = []
    for key, value in values.items():
        name, _, country = key.partition("__")
        wanted.append(Override(0, country, name, str(value), "a test"))

    def unit(tx: Tx) -> None:
        rules.put(tx, wanted)
        usage.forget(tx, None)

    await api.store.write(unit)
    await asyncio.sleep(0.6)


async def send(api: Api, *numbers: str, syntax: str, text: str = "Hello", path: str = "/send") -> Reply:
    if syntax == "json":
        gsm = [{"value": number} for number in numbers]
        body = msgspec.json.encode({"sms": {"message": {"text": text}, "recipients": {"gsm": gsm}}})
    else:
        inner = "".join(f"<gsm>{number}</gsm>" for number in numbers)
        body = f"<sms><message><text>{text}</text></message><recipients>{inner}</recipients></sms>".encode()
    headers = {
        "Authorization": f"Bearer {api.token}",
        "Accept": f"application/{syntax}",
        "Content-Type": f"application/{syntax}",
    }
    return await call(api.port, "POST", path, headers, body)


def counted(reply: Reply, syntax: str) -> dict[str, int]:
    tree = reply.json if syntax == "json" else reply.tree
    names = ("status", "total", "sent", "cost", "not_allowed", "flood", "country_limit")
    return {name: int(str(tree[name])) for name in names}


@pytest.mark.parametrize("syntax", ["json", "xml"])
@on_loop
async def test_who_is_beyond_a_limit_is_counted_and_not_charged(syntax: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await limit(api, may_send__BE="no", messages_per_month__CH=1, messages_per_day=3)
        numbers = (FRENCH, "32470123456", SWISS, "41791234568", "33600112234", "33600112235")
        for path in ("/send/simulate", "/send"):
            reply = await send(api, *numbers, syntax=syntax, path=path)
            assert counted(reply, syntax) == {
                "status": 1, "total": 6, "sent": 3, "cost": 3, "not_allowed": 1, "flood": 1, "country_limit": 1,
            }  # fmt: skip


@pytest.mark.parametrize("syntax", ["json", "xml"])
@on_loop
async def test_the_same_text_to_the_same_number_is_flood(syntax: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await limit(api, same_text_minutes=5)
        sent = [counted(await send(api, FRENCH, syntax=syntax, text=text), syntax) for text in ("a", "a", "b")]
        assert [(each["sent"], each["flood"]) for each in sent] == [(1, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize("syntax", ["json", "xml"])
@on_loop
async def test_beyond_the_daily_cap_there_are_too_few_credits(syntax: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await limit(api, credits_per_day=1)
        reply = await send(api, FRENCH, SWISS, syntax=syntax)
        tree = reply.json if syntax == "json" else reply.tree
        assert int(str(tree["status"])) == -3
        assert "the daily cap of 1 credits leaves 1 for today and this costs 2" in str(tree)


@on_loop
async def test_twenty_requests_at_once_get_no_more_than_the_limit_through(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await limit(api, messages_per_day=10)
        replies = await asyncio.gather(*(send(api, f"336001122{i:02}", syntax="json") for i in range(20)))
        found = [counted(reply, "json") for reply in replies]
        assert sum(each["sent"] for each in found) == sum(each["flood"] for each in found) == 10
        assert {each["status"] for each in found} == {1}
