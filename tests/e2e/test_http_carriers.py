"""Carriers over HTTP against a vendor on a real socket: what it takes, refuses or loses, and what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chappe.carriers.http import connection
from chappe.carriers.http.vendor import Posted
from chappe.domain import throttle
from chappe.domain.unknown import EVERY_HELD, read_policies
from chappe.manage.carrier_status import BindStatus
from chappe.manage.http_carriers import CallbackPlace, HttpCarriers, NewHttpCarrier
from chappe.manage.lane_health import vitals
from chappe.pipeline import lane_health
from chappe.store import replies
from tests.builders import on_loop
from tests.http_vendor import PLAIN, Answers, Asked, Behaviour, Says, Vendor, taken, vendor
from tests.sending import Sending, installation, until
from tests.server import free_port

TO = "33612345678"
TOO = "33612345679"
UNKNOWN = "unknown: written to the carrier, never answered"


@dataclass(frozen=True, slots=True)
class World:
    """An installation whose only carrier is a vendor."""

    sending: Sending
    vendor: Vendor
    place: CallbackPlace

    async def posts(self, **news: object) -> None:
        """The vendor tells something."""
        posted = Posted("", "POST", "https://sms.example/c", {}, json.dumps(news).encode())
        await self.sending.use_cases.callbacks.take(self.place.name, self.place.secret, posted)

    async def receipt(self, asked: Asked, state: str = "done") -> None:
        await self.posts(kind="receipt", id=f"v-{asked.json['key']}", to=asked.json["to"], state=state)

    async def is_in(self, state: str, words: str = "", within_s: float = 20.0) -> BindStatus:
        """Wait until the carrier is in a state and says some words of it."""
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            binds = (await self.sending.carrier()).binds
            if binds and binds[0].state == state and words in binds[0].detail:
                return binds[0]
            assert asyncio.get_running_loop().time() < deadline, binds
            await asyncio.sleep(0.05)


@asynccontextmanager
async def world(
    folder: Path, answers: Answers = taken, template: str = PLAIN, port: int = 0, **more: object
) -> AsyncIterator[World]:
    async with installation(folder) as sending, vendor(answers, port) as served:
        new = NewHttpCarrier("carrier", "generic", {"token": "t"}, template, served.url, **more)  # type: ignore[arg-type]
        _, place = await HttpCarriers(sending.store, sending.ids).add(new)
        sending.start_gateway()
        yield World(sending, served, place)


def steps(sending: Sending, ticket: int) -> list[str]:
    """What is told of the only message of a campaign."""
    (trace,) = sending.traces(ticket)
    return [f"{step.step}: {step.detail}" for step in trace.steps]


@on_loop
async def test_messages_are_taken_with_the_vendors_ids_and_delivered_by_its_receipts(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        ticket = await here.sending.submit(TO, TOO, text="Bonjour")
        await here.sending.until_all(ticket, "sent")
        first, second = here.vendor.asked
        assert first.headers["authorization"] == "Bearer t"
        assert (first.json["to"], first.json["text"]) == (f"+{TO}", "Bonjour")
        assert first.json["key"] != second.json["key"]
        await here.receipt(first)
        await here.receipt(first)
        await here.receipt(second, "lost")
        await until(lambda: here.sending.states(ticket) == ["delivered", "failed"], "the receipts")
        assert (await here.is_in("ready")).submitted == 2


@on_loop
async def test_a_receipt_that_beats_the_answer_waits_for_it(tmp_path: Path) -> None:
    async with world(tmp_path, lambda asked: Says(200, taken(asked).body, after_s=0.6)) as here:
        ticket = await here.sending.submit(TO)
        await until(lambda: here.vendor.asked)
        await here.receipt(here.vendor.asked[0])
        await here.sending.until_all(ticket, "delivered")


@on_loop
async def test_a_text_the_vendor_cuts_is_delivered_when_all_its_parts_are(tmp_path: Path) -> None:
    template = PLAIN.replace('id = "id"\ncode', 'id = "ids"\ncode')
    async with world(tmp_path, lambda _: Says(200, '{"ids":["a","b","c"]}'), template) as here:
        ticket = await here.sending.submit(TO, text="long " * 60)
        await here.sending.until_all(ticket, "sent")
        await here.posts(kind="receipt", id="a", to=TO, state="done")
        await here.posts(kind="receipt", id="c", to=TO, state="done")
        await asyncio.sleep(0.3)
        assert here.sending.states(ticket) == ["sent"]
        await here.posts(kind="receipt", id="b", to=TO, state="done")
        await here.sending.until_all(ticket, "delivered")


@on_loop
async def test_who_gives_no_sender_gets_the_carriers_and_each_person_always_the_same(tmp_path: Path) -> None:
    pool = "33700000001,33700000002,33700000003"
    numbers = [f"336123456{n:02d}" for n in range(12)]
    async with world(tmp_path, sender=pool) as here:
        for _ in range(2):
            await here.sending.until_all(await here.sending.submit(*numbers), "sent")
        seen = {(asked.json["to"], asked.json["from"]) for asked in here.vendor.asked}
        assert len(here.vendor.asked) == 24
        assert len(seen) == 12
        assert len({sender for _, sender in seen}) > 1
        await here.sending.until_all(await here.sending.submit(TO, sender="Acme"), "sent")
        assert here.vendor.asked[-1].json["from"] == "Acme"


@on_loop
async def test_a_refusal_fails_the_message_and_gives_the_credits_back(tmp_path: Path) -> None:
    async with world(tmp_path, lambda _: Says(400, '{"error":"bad_number"}')) as here:
        before = await here.sending.credits()
        ticket = await here.sending.submit(TO)
        await here.sending.until_all(ticket, "failed")
        assert "refused: bad_number" in steps(here.sending, ticket)
        assert await here.sending.credits() == before
        assert (await here.is_in("ready")).detail == ""


@on_loop
async def test_what_cannot_be_said_to_the_vendor_fails_at_once(tmp_path: Path) -> None:
    template = PLAIN.replace('url = "{url}/sms"', 'url = "{url}/{sender}/sms"')
    async with world(tmp_path, template=template) as here:
        ticket = await here.sending.submit(TO)
        await here.sending.until_all(ticket, "failed")
        assert here.vendor.asked == []


@on_loop
async def test_a_throttled_message_is_sent_again_after_the_time_the_vendor_names(tmp_path: Path) -> None:
    def answers(asked: Asked) -> Behaviour:
        return Says(429, "", {"Retry-After": "2"}) if len(here.vendor.asked) == 1 else taken(asked)

    async with world(tmp_path, answers) as here:
        began = asyncio.get_running_loop().time()
        ticket = await here.sending.submit(TO)
        await here.sending.until_all(ticket, "sent")
        assert asyncio.get_running_loop().time() - began >= 2
        assert len(here.vendor.asked) == 2


@on_loop
async def test_a_carrier_that_wants_nothing_for_a_while_is_throttled_for_all_to_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(lane_health, "_ENOUGH", 1)
    monkeypatch.setattr(lane_health, "_LOOKS", 1)
    async with world(tmp_path, lambda _: Says(429, "", {"Retry-After": "900"})) as here:
        await here.sending.submit(TO)
        await here.is_in("ready")

        async def seen() -> tuple[str, str]:
            pace = (await here.sending.carrier()).pace
            (vital,) = await vitals(here.sending.store, 0)
            return pace.limited_by if pace else "", vital.health.state

        async with asyncio.timeout(10):
            while await seen() != ("throttling", "throttled"):
                await asyncio.sleep(0.05)


@on_loop
async def test_mended_credentials_are_used_at_once(tmp_path: Path) -> None:
    def answers(asked: Asked) -> Behaviour:
        return taken(asked) if asked.headers["authorization"] == "Bearer good" else Says(401)

    async with world(tmp_path, answers) as here:
        ticket = await here.sending.submit(TO)
        await here.is_in("refused", "HTTP 401; next try in")
        await HttpCarriers(here.sending.store, here.sending.ids).tell("carrier", {"token": "good"})
        await here.sending.until_all(ticket, "sent", within_s=10)


@on_loop
async def test_a_window_is_so_many_requests_at_a_time(tmp_path: Path) -> None:
    async with world(tmp_path, lambda asked: Says(200, taken(asked).body, after_s=0.05), window=3) as here:
        ticket = await here.sending.submit(*[f"336123456{n:02d}" for n in range(12)])
        await here.sending.until_all(ticket, "sent")
        assert here.vendor.most_at_once == 3
        assert here.vendor.connections == 3


@pytest.mark.parametrize("how", ["break", "half", "hang", Says(500, "oops"), Says(200, "<html>")])
def test_what_may_have_been_taken_is_unknown_and_not_sent_again(tmp_path: Path, how: Behaviour) -> None:
    async def run() -> None:
        template = PLAIN.replace('code = "error"', 'code = "error"\nsuccess = { path = "id" }')
        async with world(tmp_path, lambda _: how, template, timeout_s=2) as here:
            ticket = await here.sending.submit(TO)
            await here.sending.until_all(ticket, UNKNOWN)
            await asyncio.sleep(0.5)
            assert len(here.vendor.asked) == 1
            # Its receipt settles it by the number.
            await here.posts(kind="receipt", id="whatever", to=TO, state="done")
            await here.sending.until_all(ticket, "delivered")

    asyncio.run(run())


@on_loop
async def test_with_a_key_that_the_vendor_knows_what_is_unclear_is_asked_again(tmp_path: Path) -> None:
    def answers(asked: Asked) -> Behaviour:
        return "break" if len(here.vendor.asked) == 1 else taken(asked)

    async with world(tmp_path, answers, "idempotent = true\n" + PLAIN) as here:
        ticket = await here.sending.submit(TO)
        await here.sending.until_all(ticket, "sent")
        assert [asked.json["key"] for asked in here.vendor.asked] == [here.vendor.asked[0].json["key"]] * 2


@on_loop
async def test_a_vendor_that_is_away_costs_nothing_and_gets_the_messages_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    async with installation(tmp_path) as sending:
        new = NewHttpCarrier("carrier", "generic", {"token": "t"}, PLAIN, f"http://127.0.0.1:{port}")
        _, place = await HttpCarriers(sending.store, sending.ids).add(new)
        sending.start_gateway()
        ticket = await sending.submit(TO, TOO)
        here = World(sending, Vendor(taken), place)
        await here.is_in("down", "cannot connect: Connection refused; next try in")
        assert set(sending.states(ticket)) <= {"ready", "sending"}
        async with vendor(taken, port) as served:
            await sending.until_all(ticket, "sent")
            assert len(served.asked) == 2
        assert all("unknown" not in step for trace in sending.traces(ticket) for step in map(str, trace.steps))


@on_loop
async def test_a_vendor_that_refuses_us_is_named_and_one_message_tries_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REFUSED_S", (1.5,))
    is_paid = False

    def answers(asked: Asked) -> Behaviour:
        return taken(asked) if is_paid else Says(401, "who are you?")

    async with world(tmp_path, answers, window=2) as here:
        ticket = await here.sending.submit(*[f"336123456{n:02d}" for n in range(6)])
        await here.is_in("refused", "HTTP 401; next try in")
        assert set(here.sending.states(ticket)) == {"ready"}
        assert len(here.vendor.asked) <= 2
        is_paid = True
        await here.sending.until_all(ticket, "sent")
        assert (await here.is_in("ready")).detail == ""


@on_loop
async def test_a_message_that_is_forbidden_each_time_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REFUSED_S", (0.2,))

    def answers(asked: Asked) -> Behaviour:
        return Says(403, "not you") if asked.json["to"] == f"+{TO}" else taken(asked)

    async with world(tmp_path, answers, window=1) as here:
        ticket = await here.sending.submit(TO, TOO)
        await until(lambda: here.sending.states(ticket)[1] == "sent", "the other message")
        assert here.sending.states(ticket)[0] == "waiting for the next try"


@on_loop
async def test_a_vendor_that_only_answers_in_riddles_gets_no_more_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECONNECT_S", (30,))
    async with world(tmp_path, lambda _: Says(502, "bad gateway"), window=3) as here:
        ticket = await here.sending.submit(*[f"336123456{n:02d}" for n in range(40)])
        await here.is_in("down", "HTTP 502")
        await asyncio.sleep(0.5)
        states = here.sending.states(ticket)
        assert (states.count(UNKNOWN), states.count("ready")) == (3, 37)


@on_loop
async def test_a_vendor_that_reports_nothing_is_asked(tmp_path: Path) -> None:
    asks = PLAIN + '[query]\nurl = "{url}/sms/{ref}"\nstate = "state"\nstates = { going = "-", done = "DELIVERED" }\n'
    asked_for: list[str] = []

    def answers(asked: Asked) -> Behaviour:
        if asked.method == "POST":
            return taken(asked)
        asked_for.append(asked.target)
        return Says(200, '{"state":"going"}' if len(asked_for) == 1 else '{"state":"done"}')

    async with world(tmp_path, answers, asks, unknown=read_policies(["query:1x5"], EVERY_HELD)) as here:
        ticket = await here.sending.submit(TO)
        await here.sending.until_all(ticket, "delivered")
        assert asked_for == [f"/sms/v-{here.vendor.asked[0].json['key']}"] * 2


@on_loop
async def test_replies_are_stored_with_their_carrier(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.posts(kind="reply", **{"from": f"+{TO}"}, to="36180", text="Yes")
        (reply,) = here.sending.store.glance(lambda tx: replies.stored(tx, 10))
        assert (reply.source, reply.destination, reply.text, reply.carrier_id) == (TO, "36180", "Yes", 1)


@on_loop
async def test_a_gateway_that_stops_waits_for_the_answers(tmp_path: Path) -> None:
    async with world(tmp_path, lambda asked: Says(200, taken(asked).body, after_s=1)) as here:
        ticket = await here.sending.submit(TO)
        await until(lambda: here.vendor.asked)
        await here.sending.stop_gateway()
        assert here.sending.states(ticket) == ["sent"]


@on_loop
async def test_receipts_that_come_while_no_gateway_runs_are_recorded_by_the_next(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        ticket = await here.sending.submit(TO)
        await here.sending.until_all(ticket, "sent")
        await here.sending.stop_gateway()
        await here.receipt(here.vendor.asked[0])
        assert here.sending.states(ticket) == ["sent"]
        here.sending.start_gateway()
        await here.sending.until_all(ticket, "delivered")


@on_loop
async def test_what_a_vendor_makes_up_is_counted_under_a_bounded_number_of_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "NAMES_MOST", 1)
    statuses = [555, 444]
    async with world(tmp_path, lambda _: Says(statuses.pop(), "{}")) as here:
        for number in (TO, TOO):
            ticket = await here.sending.submit(number)
            await until(lambda ticket=ticket: "ready" not in here.sending.states(ticket)[0], "handed over")  # type: ignore[misc]
            await until(lambda ticket=ticket: "sending" not in here.sending.states(ticket)[0], "answered")  # type: ignore[misc]
        async with asyncio.timeout(5):
            while (await here.sending.carrier()).binds[0].oddities != {"HTTP 444": 1, "others": 1}:
                await asyncio.sleep(0.05)
