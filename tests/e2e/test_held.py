"""Marketing that meets the end of its legal hours: a real gateway, a simulated carrier, a clock that is moved."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import time_machine

from chappe.carriers.simulator import Simulator
from chappe.domain.public_holidays import Holidays, holidays_of
from chappe.domain.requests import SubmitRequest
from chappe.pipeline.failover import Failover
from chappe.store.clock import now_ms
from tests.builders import STRANGER_EMAIL, on_loop
from tests.sending import Sending, installation, sending_to, simulated, until

PARIS = ZoneInfo("Europe/Paris")
SATURDAY_NOON = datetime(2026, 12, 19, 12, 0, tzinfo=PARIS)
CLOSING = datetime(2026, 12, 19, 20, 0, tzinfo=PARIS)
MONDAY = datetime(2026, 12, 21, 8, 0, tzinfo=PARIS)
NUMBERS = [f"336{i:08d}" for i in range(10_000_000, 10_000_200)]


# Loading the calendars takes a second or two on a slow machine, of the three that a test has before the closing.
holidays_of(Holidays("FR"), 2026)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def before(at: datetime, seconds: float) -> datetime:
    return datetime.fromtimestamp(at.timestamp() - seconds, UTC)


async def alert(sending: Sending, number: str) -> int:
    """Another account's alert; its message."""
    account = sending.use_cases.accounts.find(STRANGER_EMAIL)
    answer = await sending.use_cases.submitter.submit(account, SubmitRequest("Alert", [number]))
    assert answer.ticket is not None
    return answer.ticket


async def watched(carrier: Simulator, seconds: float) -> list[tuple[int, int]]:
    """The time and how many messages had come, again and again."""
    seen = []
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        seen.append((now_ms(), len(carrier.messages())))
        await asyncio.sleep(0.01)
    return seen


@on_loop
async def test_a_campaign_that_has_not_finished_by_the_closing_goes_on_at_the_next_opening(tmp_path: Path) -> None:
    with time_machine.travel(SATURDAY_NOON) as clock:
        async with sending_to(tmp_path, simulated(), rate=20) as (sending, carrier):
            clock.move_to(before(CLOSING, 3))
            ticket = await sending.submit(*NUMBERS, kind="marketing", sender="Shop")
            seen = await watched(carrier, 4)
            by_closing = max(count for at, count in seen if at < ms(CLOSING))
            assert 0 < by_closing < len(NUMBERS)
            assert {count for at, count in seen if at >= ms(CLOSING)} == {by_closing}
            assert await sending.credits() == 1000 - len(NUMBERS)
            # Alerts of others leave all the night.
            await sending.until_all(await alert(sending, "33698765432"), "delivered")
            clock.move_to(before(MONDAY, 2))
            seen = await watched(carrier, 1.5)
            assert {count for _, count in seen} == {by_closing + 1}
            await sending.until_all(ticket, "delivered", within_s=30)
            assert sorted(m.destination for m in carrier.messages() if m.text != "Alert") == NUMBERS
            first_of_monday = min(
                trace.message.submitted_at or 0
                for trace in sending.traces(ticket)
                if (trace.message.submitted_at or 0) >= ms(CLOSING)
            )
            assert ms(MONDAY) <= first_of_monday < ms(MONDAY) + 5000
            campaign = await sending.use_cases.campaigns.get(sending.account, ticket)
            assert (campaign.delivered, campaign.cost) == (len(NUMBERS), len(NUMBERS))


@on_loop
async def test_a_long_message_that_has_begun_is_finished_and_the_next_one_waits(tmp_path: Path) -> None:
    with time_machine.travel(SATURDAY_NOON) as clock:
        async with sending_to(tmp_path, simulated(), rate=1) as (sending, carrier):
            clock.move_to(before(CLOSING, 2.2))
            ticket = await sending.submit(*NUMBERS[:3], text="abcdefghij" * 80, kind="marketing", sender="Shop")
            await until(lambda: "delivered" in sending.states(ticket), "the first one is delivered")
            assert now_ms() > ms(CLOSING)
            await until(lambda: set(sending.states(ticket)) == {"delivered", "scheduled"}, "the others are held")
            assert len({message.destination for message in carrier.messages()}) == sending.states(ticket).count(
                "delivered"
            )


@on_loop
async def test_what_waited_for_a_carrier_over_the_closing_is_held_and_alerts_go_ahead_of_it(tmp_path: Path) -> None:
    with time_machine.travel(SATURDAY_NOON) as clock:
        async with Simulator(simulated()) as carrier, installation(tmp_path) as sending:
            await sending.add_carrier(carrier.port, rate=5)
            clock.move_to(before(CLOSING, 3600))
            ticket = await sending.submit(*NUMBERS, kind="marketing", sender="Shop")
            clock.move_to(before(CLOSING, -3600))
            urgent = await alert(sending, "33698765432")
            sending.start_gateway()
            await sending.until_all(urgent, "delivered")
            await sending.until_all(ticket, "scheduled")
            assert [message.text for message in carrier.messages()] == ["Alert"]
            expires = {trace.message.expires_at for trace in sending.traces(ticket)}
            # Of 48 hours one had passed when the hours closed, and one more until somebody could look.
            assert min(expires) > ms(MONDAY) + 46 * 3600_000 - 60_000


@on_loop
async def test_held_messages_of_a_removed_carrier_leave_over_another_at_the_opening(tmp_path: Path) -> None:
    with time_machine.travel(before(CLOSING, -3600)) as clock:
        async with sending_to(tmp_path) as (sending, first), Simulator(simulated()) as second:
            ticket = await sending.submit(*NUMBERS[:20], kind="marketing", sender="Shop")
            gone = await sending.submit(*NUMBERS[:20], kind="marketing", sender="Shop")
            assert set(sending.states(ticket)) == {"scheduled"}
            campaign = await sending.use_cases.campaigns.get(sending.account, ticket)
            assert (campaign.send_at, campaign.state) == (ms(MONDAY), "waiting")
            trace = sending.traces(ticket)[0]
            assert trace.message.ready_at == ms(MONDAY)
            assert trace.held_by == "legal hours of FR: mon-sat 08:00-20:00 no-holidays"
            await sending.use_cases.submitter.cancel(sending.account, gone)
            assert await sending.credits() == 1000 - 20
            await sending.carriers.remove("carrier")
            await sending.add_carrier(second.port, "second")
            await sending.bound("second")
            await Failover(sending.store).once()
            assert set(sending.states(ticket)) == {"scheduled"}
            clock.move_to(MONDAY)
            await sending.until_all(ticket, "delivered")
            assert (len(first.messages()), len(second.messages())) == (0, 20)
            assert set(sending.states(gone)) == {"cancelled"}
