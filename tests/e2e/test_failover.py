"""Two simulated carriers, one of which stops, throttles or delivers badly, with traffic going on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from chappe.carriers.http import connection
from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.lane_health import WELL
from chappe.domain.requests import SubmitRequest
from chappe.manage.carriers import Changes
from chappe.manage.http_carriers import HttpCarriers, NewHttpCarrier
from chappe.manage.lane_health import vitals
from chappe.manage.routes import NewRoute
from chappe.pipeline.failover import Failover
from chappe.store import lane_health
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.http_vendor import PLAIN, Asked, Says, taken, vendor
from tests.sending import Sending, installation, simulated, until

_stopped: list[Simulator] = []
QUICK = SmppOptions(down_after_s=1)


@asynccontextmanager
async def two(
    folder: Path, first: SimulatorOptions | None = None, options: SmppOptions = QUICK
) -> AsyncIterator[tuple[Sending, Simulator, Simulator]]:
    """A first carrier and its reserve, both bound, and the job that moves what waits."""
    async with AsyncExitStack() as stack:
        a, b = Simulator(first or simulated()), Simulator(simulated())
        for each in (a, b):
            await each.__aenter__()
            stack.push_async_callback(stop, each)
        sending = await stack.enter_async_context(installation(folder))
        for rank, (name, port) in enumerate((("first", a.port), ("second", b.port))):
            await sending.add_carrier(port, name, options=options, window=10)
            await sending.routes.add(name, NewRoute(rank=rank))
        sending.start_gateway()
        await sending.bound("first")
        await sending.bound("second")
        moving = asyncio.create_task(_move(sending))
        try:
            yield sending, a, b
        finally:
            moving.cancel()


async def stop(simulator: Simulator) -> None:
    """Stop a carrier, once."""
    if simulator not in _stopped:
        _stopped.append(simulator)
        await simulator.__aexit__(None, None, None)


async def _move(sending: Sending) -> None:
    job = Failover(sending.store)
    while True:
        await job.once()
        await asyncio.sleep(0.2)


async def states(sending: Sending) -> dict[str, str]:
    return {each.carrier: each.health.state for each in await vitals(sending.store, 0)}


async def until_is(sending: Sending, carrier: str, state: str) -> None:
    async with asyncio.timeout(40):
        while (await states(sending))[carrier] != state:
            await asyncio.sleep(0.1)


async def _id(sending: Sending) -> int:
    return (await sending.carrier("first")).id


def numbers(count: int, first: int = 33_612_000_000) -> list[str]:
    return [str(first + i) for i in range(count)]


@on_loop
async def test_a_carrier_that_dies_in_traffic_costs_no_message_and_nobody_gets_one_twice(tmp_path: Path) -> None:
    slow = simulated(latency_s=0.05)
    async with two(tmp_path, slow) as (sending, first, second):
        ticket = await sending.submit(*numbers(300))
        await until(lambda: first.stats().received >= 40, "some traffic")
        await stop(first)
        later = await sending.submit(*numbers(20, 33_613_000_000))
        await until(lambda: {"sent", "delivered"} >= set(sending.states(later)), "the new ones", 40)
        unknown = await sending.carrier("first")
        # What was in flight as it died may have arrived: it is not sent again.
        await until(lambda: sending.states(ticket).count("ready") == 0, "all of the old ones", 40)
        arrived = [message.destination for message in (*first.messages(), *second.messages())]
        assert 310 <= len(arrived) == len(set(arrived))
        assert (await sending.carrier("first")).unknown <= 10 >= unknown.unknown
        assert {state.partition(":")[0] for state in sending.states(ticket)} <= {"sent", "delivered", "unknown"}
        moved = next(trace for trace in sending.traces(ticket) if any(step.step == "moved" for step in trace.steps))
        assert [step.detail for step in moved.steps if step.step == "moved"] == ["first is down: to carrier second"]


@on_loop
async def test_a_carrier_that_stays_bound_and_answers_nothing_is_down_and_the_other_gets_what_waits(
    tmp_path: Path,
) -> None:
    options = SmppOptions(down_after_s=1, response_s=1)
    async with two(tmp_path, simulated(latency_s=3600.0), options) as (sending, first, second):
        ticket = await sending.submit(*numbers(40))
        await until_is(sending, "first", "down")
        await until(lambda: sending.states(ticket).count("delivered") == 40 - 13, "what was not handed over", 20)
        # A window and three that tried it; none of them is sent again.
        assert (await sending.carrier("first")).unknown == 13
        assert (first.stats().received, len(second.messages())) == (13, 27)
        (bind,) = (await sending.carrier("first")).binds
        assert bind.detail.startswith("the carrier answers no submits; next try in")


@on_loop
async def test_where_both_are_down_messages_wait_and_flow_when_one_is_back(tmp_path: Path) -> None:
    async with two(tmp_path) as (sending, first, second):
        port = second.port
        await stop(first)
        await stop(second)
        await until_is(sending, "first", "down")
        await until_is(sending, "second", "down")
        ticket = await sending.submit(*numbers(20))
        await asyncio.sleep(1)
        assert set(sending.states(ticket)) == {"ready"}
        async with Simulator(simulated(port=port)):
            await sending.until_all(ticket, "delivered", 60)


@on_loop
async def test_a_carrier_that_refuses_for_its_own_reasons_is_passed_over_at_once(tmp_path: Path) -> None:
    async with two(tmp_path, simulated(refuse={"ESME_RSYSERR": 100.0})) as (sending, first, second):
        ticket = await sending.submit(*numbers(50))
        await sending.until_all(ticket, "delivered")
        assert (first.stats().received, len(second.messages())) == (50, 50)


@on_loop
async def test_a_carrier_that_delivers_badly_gets_less(tmp_path: Path) -> None:
    options = SmppOptions(min_samples=10)
    async with two(tmp_path, simulated(outcomes={"undeliverable": 1.0}), options) as (sending, first, second):
        ticket = await sending.submit(*numbers(50))
        await until(lambda: set(sending.states(ticket)) == {"failed"}, "the receipts")
        bad = ((await _id(sending)), "FR")
        async with asyncio.timeout(20):
            while sending.store.glance(lane_health.read).get(bad, WELL).state != "bad":
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.6)
        answer = await sending.use_cases.submitter.submit(
            sending.account, SubmitRequest("Hello", numbers(200, 33_613_000_000))
        )
        assert answer.ticket is not None
        await until(lambda: first.stats().received + len(second.messages()) == 250, "all of them")
        assert 1 <= first.stats().received - 50 <= 20


@on_loop
async def test_a_carrier_that_takes_everything_and_reports_nothing_gets_less(tmp_path: Path) -> None:
    options = SmppOptions(min_samples=10, max_delay_s=1)
    async with two(tmp_path, simulated(outcomes={"none": 1.0}), options) as (sending, first, second):
        ticket = await sending.submit(*numbers(50))
        await sending.until_all(ticket, "sent")
        silent = ((await _id(sending)), "FR")
        await asyncio.sleep(1.5)
        assert silent not in sending.store.glance(lane_health.read), "their five minutes are not over"
        past = Statement("UPDATE carrier_figure SET slot_at = slot_at - :ms")
        await sending.store.write(lambda tx: tx.run(past, ms=600_000))
        async with asyncio.timeout(20):
            while sending.store.glance(lane_health.read).get(silent, WELL).state != "bad":
                await asyncio.sleep(0.1)
        judged = sending.store.glance(lane_health.read)[silent]
        assert judged.reason == "0% of 50 arrived, 50 without a receipt in time"
        figures, is_told = await sending.routes.figures("first", 0, 1 << 50)
        assert (figures["FR"].unreported, figures["FR"].tally().success, is_told) == (50, 0.0, True)
        await asyncio.sleep(0.6)
        await sending.submit(*numbers(200, 33_613_000_000))
        await until(lambda: first.stats().received + len(second.messages()) == 250, "all of them")
        assert 1 <= first.stats().received - 50 <= 20


@on_loop
async def test_a_carrier_over_http_that_refuses_us_stays_down_until_it_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REFUSED_S", (2.0,))
    is_paid = False

    def answers(asked: Asked) -> Says:
        return taken(asked) if is_paid else Says(401, "who are you?")

    async with AsyncExitStack() as stack:
        sending = await stack.enter_async_context(installation(tmp_path))
        served = await stack.enter_async_context(vendor(answers))
        reserve = await stack.enter_async_context(Simulator(simulated()))
        new = NewHttpCarrier("first", "generic", {"token": "t"}, PLAIN, served.url)
        await HttpCarriers(sending.store, sending.ids).add(new)
        await sending.carriers.change("first", Changes({"down_after_s": 1}))
        await sending.add_carrier(reserve.port, "second", options=QUICK)
        for rank, name in enumerate(("first", "second")):
            await sending.routes.add(name, NewRoute(rank=rank))
        sending.start_gateway()
        await sending.bound("second")
        moving = asyncio.create_task(_move(sending))
        stack.callback(moving.cancel)

        ticket = await sending.submit(*numbers(20))
        await sending.until_all(ticket, "delivered", 40)
        await until_is(sending, "first", "unproven")
        asked, seen = len(served.asked), set[str]()
        for _ in range(50):
            seen.add((await states(sending))["first"])
            await asyncio.sleep(0.1)
        assert (seen, len(served.asked)) == ({"unproven"}, asked), "nobody tries it, and it is not well by that"
        # Of many messages some try it: they arrive over the other one, and it stays down.
        ticket = await sending.submit(*numbers(300, 33_613_000_000))
        await until(lambda: len(served.asked) > asked, "a try", 40)
        await sending.until_all(ticket, "delivered", 40)
        assert (await states(sending))["first"] in ("down", "unproven")
        is_paid = True
        await until_is(sending, "first", "unproven")
        await asyncio.sleep(0.6)
        for more in range(20):  # the numbers that try it are others each minute
            if (await states(sending))["first"] == "ok":
                break
            await sending.submit(*numbers(300, 33_614_000_000 + 1000 * more))
            await asyncio.sleep(2)
        assert (await states(sending))["first"] == "ok"
        await asyncio.sleep(0.6)
        ticket = await sending.submit(*numbers(10, 33_615_000_000))
        await sending.until_all(ticket, "sent")
