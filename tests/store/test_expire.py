"""Every message comes to an end in time, and what has no carrier finds one."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.routes import Route
from chappe.pipeline import expire, failover
from chappe.pipeline.expire import Expirer
from chappe.pipeline.failover import Failover
from chappe.pipeline.rounds import Rounds
from chappe.store import campaigns, carriers, queue, routes
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from tests.builders import on_loop
from tests.store.build import (
    CARRIER,
    CREDITS,
    DAY,
    LONG_TEXT,
    MINUTE,
    MOVE_INTO_THE_PAST,
    TOO_FAST,
    Core,
    accepted,
    add_carrier,
    database,
    delivered,
    lost,
    numbers,
    refused,
)

RECEIPT_WAIT_S = 3600
VALIDITY_MS = 2 * DAY


class Night:
    """A database file, the lane of its carrier, and the job that ends what nothing else has ended."""

    def __init__(self, folder: Path, *, has_carrier: bool = True) -> None:
        path = folder / "chappe.db"
        self.core = Core(db=database(path), now=now_ms(), carrier=CARRIER if has_carrier else 0)
        if has_carrier:
            add_carrier(self.core.db)
        self.core.listen()
        self.store = Store(path)
        self.expirer = Expirer(self.store, Ids(), receipt_wait_s=RECEIPT_WAIT_S)

    def let_time_pass(self, ms: int) -> None:
        """Move everything that is written down into the past."""
        for statement in MOVE_INTO_THE_PAST:
            self.core.db.write(lambda tx, statement=statement: tx.run(statement, ms=ms))  # type: ignore[misc]

    async def after(self, ms: int) -> None:
        self.let_time_pass(ms)
        await self.expirer.once()

    def balance(self) -> tuple[int, int]:
        wallet = self.core.wallet()
        return wallet.available_mc // 1000, wallet.reserved_mc // 1000

    def events(self) -> list[int]:
        return [json.loads(str(row[0]))["status"] for row in self.core.rows("SELECT payload FROM event ORDER BY id")]

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


@on_loop
async def test_nothing_ends_before_its_validity_is_over(tmp_path: Path) -> None:
    night = Night(tmp_path)
    ticket = night.core.submit(*numbers(3))
    await night.after(VALIDITY_MS - MINUTE)
    assert night.core.campaign(ticket).open == 3
    assert night.balance() == (CREDITS - 3, 3)
    await night.close()


@on_loop
async def test_what_no_carrier_took_in_time_is_expired_and_costs_nothing(tmp_path: Path) -> None:
    night = Night(tmp_path)
    ticket = night.core.submit(*numbers(3), text=LONG_TEXT)
    await night.after(VALIDITY_MS)
    for message in night.core.messages_of(ticket):
        assert (message.state, message.dlr, message.queue_state) == (State.FAILED, Dlr.EXPIRED, None)
    campaign = night.core.campaign(ticket)
    assert (campaign.open, campaign.expired, night.balance()) == (0, 3, (CREDITS, 0))
    assert night.events() == [Dlr.EXPIRED] * 3
    await night.expirer.once()
    assert night.events() == [Dlr.EXPIRED] * 3
    await night.close()


@on_loop
async def test_what_has_no_route_says_so(tmp_path: Path) -> None:
    night = Night(tmp_path, has_carrier=False)
    ticket = night.core.submit("33612345678")
    await night.after(VALIDITY_MS)
    (message,) = night.core.messages_of(ticket)
    assert (message.state, message.dlr) == (State.FAILED, Dlr.ROUTE_NOT_AVAILABLE)
    assert night.balance() == (CREDITS, 0)
    await night.close()


@on_loop
async def test_a_long_message_of_which_parts_have_left_expires_and_stays_paid(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.core.submit("33612345678", text=LONG_TEXT)
    message = night.core.claim_one()
    night.core.record([refused(message, TOO_FAST, "a", "-", "-")])
    await night.after(VALIDITY_MS)
    assert night.core.status(message.message_id) == (State.FAILED, Dlr.EXPIRED)
    assert night.balance() == (CREDITS - 3, 0)
    await night.close()


@on_loop
async def test_what_is_waiting_for_its_next_try_expires_too(tmp_path: Path) -> None:
    night = Night(tmp_path)
    ticket = night.core.submit("33612345678", delay="2099-01-01 00:00:00")
    await night.after(VALIDITY_MS)
    assert night.core.campaign(ticket).open == 1
    night.let_time_pass(night.core.messages_of(ticket)[0].expires_at - now_ms())
    await night.expirer.once()
    assert night.core.campaign(ticket).expired == 1
    await night.close()


@on_loop
async def test_a_message_no_receipt_came_for_is_expired_after_the_wait_and_stays_paid(tmp_path: Path) -> None:
    night = Night(tmp_path)
    message = night.core.sent("abc")
    await night.after(VALIDITY_MS + RECEIPT_WAIT_S * 1000 - MINUTE)
    assert night.core.status(message) == (State.SENT, Dlr.SENT)
    await night.after(MINUTE)
    assert night.core.status(message) == (State.FAILED, Dlr.EXPIRED)
    assert (night.balance(), night.events()) == ((CREDITS - 1, 0), [Dlr.EXPIRED])
    assert night.core.message(message).carrier == "carrier"
    night.core.record(receipts=[delivered("abc")])
    assert night.core.status(message) == (State.DELIVERED, Dlr.DELIVERED)
    assert night.events() == [Dlr.EXPIRED, Dlr.DELIVERED]
    await night.close()


@on_loop
async def test_an_unknown_outcome_is_not_expired_as_unsent_but_given_up_after_the_wait(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.core.submit("33612345678")
    message = night.core.claim_one()
    night.core.record([lost(message)])
    await night.after(VALIDITY_MS)
    assert night.core.queue_state(message.message_id) == Queue.UNKNOWN
    await night.after(RECEIPT_WAIT_S * 1000)
    assert night.core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert night.balance() == (CREDITS - 1, 0)
    await night.close()


@on_loop
async def test_what_waits_to_be_sent_again_after_a_try_nobody_answered_ends_unknown_and_stays_paid(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path)
    night.core.submit("33612345678")
    message = night.core.claim_one()
    night.core.record([lost(message)])
    night.core.db.write(lambda tx: queue.resend(tx, [message.message_id]))
    await night.after(VALIDITY_MS)
    assert night.core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert night.balance() == (CREDITS - 1, 0)
    await night.close()


@on_loop
async def test_what_a_removed_carrier_was_being_given_is_given_up_after_the_wait(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.core.submit("33612345678")
    message = night.core.claim_one()
    night.core.db.write(lambda tx: carriers.remove(tx, CARRIER, now_ms()))
    await night.after(VALIDITY_MS)
    assert night.core.queue_state(message.message_id) == Queue.SENDING
    await night.after(RECEIPT_WAIT_S * 1000)
    assert night.core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert night.balance() == (CREDITS - 1, 0)
    await night.close()


@on_loop
async def test_what_a_living_carrier_is_being_given_is_left_to_its_owner(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.core.submit("33612345678")
    message = night.core.claim_one()
    await night.after(10 * DAY)
    assert night.core.queue_state(message.message_id) == Queue.SENDING
    await night.close()


@pytest.mark.parametrize("sent", ["all", "half", "none"])
def test_campaigns_larger_than_a_batch_come_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(expire, "MESSAGES", 7)
    monkeypatch.setattr(expire, "CAMPAIGNS", 3)

    @on_loop
    async def scenario() -> None:
        night = Night(tmp_path)
        tickets = [night.core.submit(*numbers(20)) for _ in range(8)]
        claimed = night.core.claim({"all": 160, "half": 80, "none": 0}[sent])
        night.core.record([accepted(message) for message in claimed])
        await night.after(VALIDITY_MS + RECEIPT_WAIT_S * 1000)
        for ticket in tickets:
            campaign = night.core.campaign(ticket)
            assert (campaign.open, campaign.expired) == (0, 20)
        assert night.balance() == (CREDITS - len(claimed), 0)
        assert night.events() == [Dlr.EXPIRED] * 160
        await night.close()

    scenario()


@on_loop
async def test_campaigns_that_only_wait_for_receipts_are_not_looked_at_before_the_wait_is_over(tmp_path: Path) -> None:
    night = Night(tmp_path)
    for _ in range(3):
        night.core.sent()
    late = night.core.submit(*numbers(2))
    night.let_time_pass(VALIDITY_MS)
    now = now_ms()

    def found(silent_since: int) -> list[int]:
        rows = night.core.db.read(lambda tx: campaigns.overdue(tx, now, silent_since, None, 10))
        return [row.id for row in rows]

    assert found(now - RECEIPT_WAIT_S * 1000) == [late]
    assert found(now) == [1, 2, 3, late]
    await night.close()


@on_loop
async def test_the_pages_of_overdue_campaigns_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    night = Night(tmp_path)
    for i in range(9):
        night.core.now += i % 3  # some with the same end
        night.core.submit(*numbers(1))
    night.let_time_pass(VALIDITY_MS + MINUTE)
    now, seen, last = now_ms(), [], None
    for _ in range(20):
        page = night.core.db.read(lambda tx, last=last: campaigns.overdue(tx, now, 0, last, 2))  # type: ignore[misc]
        if not page:
            break
        seen += [row.id for row in page]
        last = page[-1]
    assert sorted(seen) == list(range(1, 10))
    await night.close()


@on_loop
async def test_what_waits_without_a_carrier_goes_to_the_first_that_comes(tmp_path: Path) -> None:
    night = Night(tmp_path, has_carrier=False)
    now_ticket = night.core.submit(*numbers(3))
    later_ticket = night.core.submit(*numbers(2), delay="2099-01-01 00:00:00")
    await Failover(night.store).once()
    assert night.core.db.read(queue.lanes_in_use) == [0]
    add_carrier(night.core.db)
    await Failover(night.store).once()
    assert night.core.db.read(queue.lanes_in_use) == [CARRIER]
    lane = Core(db=night.core.db, carrier=CARRIER)
    assert [message.campaign_id for message in lane.claim()] == [now_ticket] * 3
    assert {message.queue_state for message in lane.messages_of(later_ticket)} == {Queue.SCHEDULED}
    await night.close()


def test_however_much_waits_for_a_removed_carrier_goes_where_its_country_is_served_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "CHUNK", 4)

    @on_loop
    async def scenario() -> None:
        night = Night(tmp_path)
        night.core.submit(*numbers(30), "+41791234567")
        sending = night.core.claim(2)
        for carrier, name in ((6, "second"), (7, "swiss")):
            add_carrier(night.core.db, carrier, name)
        night.core.db.write(lambda tx: routes.insert(tx, Route(1, 7, "CH"), 0))
        night.core.db.write(lambda tx: carriers.remove(tx, CARRIER, now_ms()))
        await Failover(night.store).once()
        lanes = [tuple(row) for row in night.core.rows("SELECT lane_id, COUNT(*) FROM dispatch GROUP BY 1 ORDER BY 1")]
        assert lanes == [(CARRIER, 2), (6, 28), (7, 1)]
        assert {night.core.queue_state(message.message_id) for message in sending} == {Queue.SENDING}
        await night.close()

    scenario()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@on_loop
async def test_the_job_runs_again_and_again_until_it_is_stopped(tmp_path: Path) -> None:
    night = Night(tmp_path)
    job = Rounds("expire", night.expirer.once, every_s=0.01)
    running = asyncio.create_task(job.run())
    for _ in range(2):
        ticket = night.core.submit("33612345678")
        night.let_time_pass(VALIDITY_MS)
        await until(lambda ticket=ticket: night.core.campaign(ticket).expired)  # type: ignore[misc]
    job.stop()
    await asyncio.wait_for(running, 20)
    await night.close()


@on_loop
async def test_a_database_that_is_away_for_a_while_does_not_stop_the_job(tmp_path: Path) -> None:
    night = Night(tmp_path)
    ticket = night.core.submit("33612345678")
    night.let_time_pass(VALIDITY_MS)
    connection = night.store._writer.connection
    connection.pragma("query_only", True)  # every write fails
    with pytest.raises(Unavailable):
        await night.expirer.once()
    job = Rounds("expire", night.expirer.once, every_s=0.01)
    running = asyncio.create_task(job.run())
    await asyncio.sleep(0.05)
    assert not running.done()
    connection.pragma("query_only", False)
    await until(lambda: night.core.campaign(ticket).expired)
    job.stop()
    await asyncio.wait_for(running, 20)
    await night.close()


@on_loop
async def test_a_fault_of_ours_in_one_round_does_not_stop_the_job() -> None:
    rounds = []

    async def once() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise ZeroDivisionError

    job = Rounds("faulty", once, every_s=0.001)
    running = asyncio.create_task(job.run())
    with capture_logs() as lines:
        await until(lambda: len(rounds) > 2)
        job.stop()
        await asyncio.wait_for(running, 20)
    assert [line["job"] for line in lines if line["event"] == "bug"] == ["faulty"]
