"""Held campaigns on a running server, decided about from the command line; a refusal that is killed half way."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, Override
from chappe.runtime.bootstrap import opened
from chappe.store.sqlite import Database, Row
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.server import CHAPPE, Prepared, Server, prepare, serving
from tests.webhook_receiver import OK, always, receiver

BALANCE = 100_000
MANY = 40_000
FIRST = 33_612_000_000


async def hold_banks(prepared: Prepared) -> None:
    async with opened(prepared.settings) as chappe:
        rule = Override(EVERYBODY, EVERYWHERE, "hold_words", "bank", "a test")
        await chappe.rules.set([rule], "cli:tests")


async def send(server: Server, text: str, count: int) -> dict[str, object]:
    numbers = [{"value": str(FIRST + i)} for i in range(count)]
    body = {"sms": {"message": {"text": text}, "recipients": {"gsm": numbers}}}
    return await call(server, "POST", "/send", json=body)


async def call(server: Server, method: str, path: str, **more: object) -> dict[str, object]:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {server.prepared.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{server.url}{path}", headers=headers, **more) as response,  # type: ignore[arg-type]
    ):
        answer: dict[str, object] = await response.json()
        return answer


async def chappe(server: Server, *words: str) -> str:
    """What a command prints."""
    process = await command(server, *words)
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


async def command(server: Server, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        CHAPPE, *words, "--data", str(server.prepared.settings.data), stdout=asyncio.subprocess.PIPE
    )


def rows(server: Server, sql: str) -> list[Row]:
    database = Database(server.prepared.settings.database)
    try:
        return database.read(lambda tx: tx.rows(Statement(sql)))
    finally:
        database.close()


async def until(condition: Callable[[], bool], what: str, within_s: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.05)


@pytest.mark.timeout(240)
@on_loop
async def test_nothing_leaves_before_a_person_says_so_and_what_he_refuses_is_refunded_and_told(tmp_path: Path) -> None:
    options = SimulatorOptions(port=0, control_port=0, keep="messages", receipt_delay_s=0.05)
    async with Simulator(options) as carrier, receiver(always(OK)) as hooks:
        prepared = await prepare(tmp_path / "data", carrier.port, balance=BALANCE, webhook=hooks.url)
        await hold_banks(prepared)
        allow = {"CHAPPE_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
        async with serving(prepared, tmp_path / "log", **allow) as server:
            good, bad = await send(server, "Your bank, really", 3), await send(server, "Your b.a.n.k", 2)
            assert [(answer["status"], answer["sent"]) for answer in (good, bad)] == [(-8, 3), (-8, 2)]
            waiting = json.loads(await chappe(server, "moderation", "list", "--json"))
            assert [str(each["ticket"]) for each in waiting] == [good["ticket"], bad["ticket"]]
            assert carrier.stats().distinct == 0

            assert "is approved" in await chappe(server, "moderation", "approve", str(good["ticket"]))
            told = await chappe(server, "moderation", "refuse", str(bad["ticket"]), "--note", "phishing")
            assert "is refused" in told
            await until(lambda: len(hooks.requests) == 5, "five reports")
            reports = [json.loads(request.body)["status"] for request in hooks.requests]
            assert sorted(map(int, reports)) == [3, 3, 3, 4, 4]
            assert carrier.stats().distinct == 3
            campaign = await call(server, "GET", f"/campaign/{bad['ticket']}")
            assert campaign["campaign"][0]["status"] == "Denied"  # type: ignore[index]
            assert (await call(server, "GET", "/credits"))["credits"] == str(BALANCE - 3)
            assert rows(server, "SELECT recipient, state FROM mail") == [("shop@example.org", 0)]
            assert "refused" in await chappe(server, "moderation", "show", str(bad["ticket"]))


@pytest.mark.timeout(240)
@on_loop
async def test_a_refusal_that_is_killed_half_way_is_finished(tmp_path: Path) -> None:
    prepared = await prepare(tmp_path / "data", 0, balance=BALANCE)
    await hold_banks(prepared)
    server = Server(prepared, tmp_path / "log")
    await server.start()
    await server.until_ready("/health/live")
    try:
        answer = await send(server, "Your bank", MANY)
        assert (answer["status"], answer["sent"]) == (-8, MANY)
        server.kill("worker")  # it would help at once
        refusing = await command(server, "moderation", "refuse", str(answer["ticket"]), "--note", "phishing")
        begun = "SELECT open FROM campaign"
        await until(lambda: rows(server, begun)[0][0] < MANY, "a refusal that has begun")
        refusing.kill()
        await refusing.wait()
        print(f"killed with {rows(server, begun)[0][0]} messages left")
        await until(lambda: rows(server, begun)[0][0] == 0, "a worker that finishes it")
        assert rows(server, "SELECT DISTINCT state, dlr FROM message") == [(3, 4)]
        assert rows(server, "SELECT available_mc, reserved_mc FROM wallet") == [(BALANCE * 1000, 0)]
        assert rows(server, "SELECT COUNT(*) FROM mail") == [(1,)]
        assert rows(server, "SELECT failed, queued_to, state FROM campaign") == [(MANY, None, 4)]
    finally:
        await server.stop()
