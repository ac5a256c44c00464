"""What waits for a carrier that stops moves to another one; what a carrier refuses for reasons of its own does too."""

import time
from pathlib import Path

import pytest

from chappe.domain.failover import PINNED
from chappe.domain.lane_health import SLOT_MS, Health, HealthState
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.plans import MARKETING
from chappe.domain.retry import Refused
from chappe.domain.routes import Conditions, Route
from chappe.pipeline import failover
from chappe.pipeline.failover import Failover, reapply
from chappe.pipeline.record import Lane, Recorder
from chappe.pipeline.routing import Routing
from chappe.store import carrier_figures, carriers, lane_health, queue, routes
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.store.build import (
    CARRIER,
    CREDITS,
    LONG_TEXT,
    QUEUE_FULL,
    TOO_FAST,
    Core,
    accepted,
    add_carrier,
    balance,
    database,
    delivered,
    failed,
    lost,
    numbers,
    refused,
)

A, B, C = CARRIER, 6, 7
NO_CREDIT = Refused("permanent", Dlr.ROUTE_NOT_AVAILABLE, "0x00000045")
NO_NUMBER = Refused("permanent", Dlr.INVALID_DESTINATION, "ESME_RINVDSTADR")
SYSTEM = Refused("temporary", Dlr.NETWORK_ERROR, "ESME_RSYSERR")
FOR_NOW = Refused("temporary", Dlr.NETWORK_ERROR, "ESME_RX_T_APPN")
MESSAGE = Statement(
    "INSERT INTO message (id, campaign_id, account_id, number, country, encoding, parts, price_mc, state, dlr)"
    " VALUES (:id, 1, 1, :number, 'BE', 0, 1, 1000, 0, 0)"
)
WAITING = Statement(
    "INSERT INTO dispatch (message_id, lane_id, priority, turn, state, attempts, epoch, ready_at, expires_at, in_doubt)"
    " VALUES (:message, :lane, 0, :turn, 0, 0, 0, 0, 9e15, FALSE)"
)


class Carriers:
    """Carriers of which each takes everything, the first before the second; how they are is the test's to say."""

    def __init__(self, folder: Path, count: int = 2) -> None:
        path = folder / "chappe.db"
        self.core = Core(db=database(path), now=now_ms())
        for carrier in (A, B, C)[:count]:
            add_carrier(self.core.db, carrier, f"carrier{carrier}")
            route = Route(carrier, carrier, rank=carrier)
            self.core.db.write(lambda tx, route=route: routes.insert(tx, route, 0))  # type: ignore[misc]
        self.store = Store(path)
        self.lanes = {carrier: self.lane(carrier) for carrier in (A, B, C)[:count]}
        self.failover = Failover(self.store)

    def lane(self, carrier: int) -> Core:
        """The lane of a carrier, whose recorder knows the routes."""
        core = self.core if carrier == A else Core(db=self.core.db, carrier=carrier, now=self.core.now)
        core.recorder = Recorder(Lane(carrier, core.epoch), core.ids, Routing(self.store))
        return core

    def are(self, **states: HealthState) -> None:
        """Say how carriers are, by `a`, `b` and `c`; everybody routes by it at once."""
        rows = [({"a": A, "b": B, "c": C}[name], "", Health(state, "a test")) for name, state in states.items()]
        self.core.db.write(lambda tx: lane_health.put(tx, rows))
        self.failover._routing._until = 0
        for core in self.lanes.values():
            core.recorder._routing._until = 0  # type: ignore[union-attr]

    def where(self) -> dict[int, int]:
        """How many messages are in each lane."""
        return {row[0]: row[1] for row in self.core.rows("SELECT lane_id, COUNT(*) FROM dispatch GROUP BY 1")}

    def steps(self, message: int) -> list[tuple[str, str]]:
        found = self.core.rows("SELECT step, detail FROM trace WHERE message_id = :id ORDER BY id", id=message)
        return [(row[0], row[1]) for row in found]

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


# -- what waits


@pytest.mark.parametrize("state", ["down", "paused"])
def test_what_waits_for_a_carrier_that_stops_moves_to_the_next_and_says_why(tmp_path: Path, state: HealthState) -> None:
    @on_loop
    async def scenario() -> None:
        made = Carriers(tmp_path)
        made.core.submit(*numbers(5))
        sending = made.core.claim(2)
        made.are(a=state)
        await made.failover.once()
        assert made.where() == {A: 2, B: 3}
        moved = made.lanes[B].claim()
        assert [message.number for message in moved] == [int(number) for number in numbers(5)[2:]]
        assert made.steps(moved[0].message_id) == [("moved", f"carrier{A} is {state}: to carrier carrier{B}")]
        made.lanes[B].record([accepted(message) for message in moved])
        made.core.record([accepted(message) for message in sending])
        assert {status for message in (*moved, *sending) for status in [made.core.status(message.message_id)]} == {
            (State.SENT, Dlr.SENT)
        }
        await made.close()

    scenario()


@on_loop
async def test_where_all_are_down_a_message_waits_and_goes_with_the_first_that_comes_back(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(3))
    made.are(a="down", b="down")
    await made.failover.once()
    assert made.where() == {A: 3}
    made.are(b="ok")
    await made.failover.once()
    assert made.where() == {B: 3}
    made.are(a="ok", b="down")
    await made.failover.once()
    assert made.where() == {A: 3}
    await made.close()


@on_loop
async def test_of_a_throttled_carrier_alerts_move_and_marketing_waits(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(4))
    made.core.submit(*numbers(4, 33_613_000_000), kind="marketing", text="Sale", sender="Acme")
    made.core.db.write(lambda tx: tx.run(Statement("UPDATE dispatch SET state = 0")))
    made.are(a="throttled")
    await made.failover.once()
    assert made.core.rows("SELECT DISTINCT lane_id, priority FROM dispatch ORDER BY 1") == [(A, MARKETING), (B, 1)]
    made.are(a="bad")
    await made.failover.once()
    assert made.where() == {A: 4, B: 4}
    await made.close()


@on_loop
async def test_nothing_moves_of_what_a_carrier_has_a_part_of_nor_a_test_nor_without_another_carrier(
    tmp_path: Path,
) -> None:
    made = Carriers(tmp_path)
    made.core.submit("33612345678", text=LONG_TEXT)
    begun = made.core.claim_one()
    made.core.record([refused(begun, TOO_FAST, "r1", "-", "-")])
    made.core.submit("33612345679")
    made.core.db.write(lambda tx: queue.pin(tx, begun.message_id + 1, PINNED))
    made.are(a="down")
    await made.failover.once()
    assert made.where() == {A: 2}
    made.core.submit("33612345670")
    made.core.db.write(lambda tx: carriers.remove(tx, B, 1))
    made.are(a="down")
    await made.failover.once()
    assert made.where() == {A: 3}
    await made.close()


@on_loop
async def test_what_was_sent_again_moves_unless_its_carrier_knows_it_again(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(1))
    message = made.core.claim_one()
    made.core.record([lost(message)])
    made.are(a="down")
    await made.failover.once()
    assert made.where() == {A: 1}, "its end is unknown"
    made.core.db.write(lambda tx: queue.resend(tx, [message.message_id]))
    row = made.core.db.read(carriers.all_carriers)[0]
    for options, lane in (('{"is_idempotent":true}', A), ("{}", B)):
        made.core.db.write(lambda tx, o=options: carriers.update(tx, row._replace(options=o)))  # type: ignore[misc]
        made.are(a="down")
        await made.failover.once()
        assert made.where() == {lane: 1}
    made.lanes[B].record([refused(made.lanes[B].claim_one(), NO_NUMBER)])
    assert balance(made.core) == (CREDITS - 1, 0), "it may have left by the first carrier"
    await made.close()


@on_loop
async def test_what_waits_for_its_time_moves_when_that_has_come_and_at_once_from_a_removed_carrier(
    tmp_path: Path,
) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(3), delay="2099-01-01 00:00:00")
    made.are(a="down")
    await made.failover.once()
    assert made.where() == {A: 3}
    made.core.db.write(lambda tx: tx.run(Statement("UPDATE dispatch SET ready_at = 1 WHERE message_id = 1")))
    made.are(a="down")
    await made.failover.once()
    assert made.where() == {A: 2, B: 1}
    made.core.db.write(lambda tx: carriers.remove(tx, A, 1))
    made.are()
    await made.failover.once()
    assert made.where() == {B: 3}
    assert made.core.column("SELECT DISTINCT state FROM dispatch") == [Queue.SCHEDULED]
    await made.close()


@on_loop
async def test_a_hundred_thousand_that_cannot_move_do_not_hide_those_that_can_and_are_left_alone_then(
    tmp_path: Path,
) -> None:
    made = Carriers(tmp_path)
    made.core.submit("33612345678", "33612345679")
    many = range(10, 100_010)
    made.core.db.write(lambda tx: tx.many(MESSAGE, [(each, 32_470_000_000 + each) for each in many]))
    made.core.db.write(lambda tx: tx.many(WAITING, [(each, A, each) for each in many]))
    # Belgium has no other carrier; the two to France stand behind its hundred thousand.
    made.core.db.write(lambda tx: routes.update(tx, Route(B, B, "FR", Conditions())))
    made.are(a="down")
    chunks: list[int] = []
    counted_read = queue.movable_ready

    def watched(*given: object) -> list[queue.Movable]:
        found = counted_read(*given)  # type: ignore[arg-type]
        chunks.append(len(found))
        return found

    queue.movable_ready = watched  # type: ignore[assignment]
    try:
        rounds, began = 0, time.process_time()
        while made.where().get(B) != 2:
            await made.failover.once()
            rounds += 1
            assert rounds <= 100_000 // (failover.CHUNK * failover.CHUNKS) + 2
        assert max(chunks) <= failover.CHUNK
        assert time.process_time() - began < 30
        await made.failover.once()
        before = len(chunks)
        for _ in range(20):
            await made.failover.once()
        assert len(chunks) == before, "nothing has changed, so nothing is read"
    finally:
        queue.movable_ready = counted_read
    assert made.where() == {A: 100_000, B: 2}
    await made.close()


# -- what is refused


@pytest.mark.parametrize(
    ("why", "state", "moves"),
    [
        (NO_CREDIT, "ok", True), (SYSTEM, "ok", True), (FOR_NOW, "ok", False), (TOO_FAST, "ok", False),
        (TOO_FAST, "throttled", True), (QUEUE_FULL, "ok", False), (NO_NUMBER, "ok", False),
    ],
)  # fmt: skip
def test_a_refusal_moves_a_message_when_it_is_about_the_carrier(
    tmp_path: Path, why: Refused, state: HealthState, moves: bool
) -> None:
    @on_loop
    async def scenario() -> None:
        made = Carriers(tmp_path)
        made.are(a=state)
        made.core.submit("33612345678")
        message = made.core.claim_one()
        made.core.record([refused(message, why)])
        taken = made.lanes[B].claim()
        assert bool(taken) == moves
        if moves:
            assert taken[0].attempts == 0
            assert made.steps(message.message_id) == [
                ("moved", f"{why.name} from carrier carrier{A}: to carrier carrier{B}")
            ]
            made.core.record([refused(message, NO_NUMBER)])  # late words of who has lost it
            made.lanes[B].record([accepted(taken[0], "b1")])
            made.lanes[B].record(receipts=[delivered("b1", 33612345678)])
            assert made.core.status(message.message_id) == (State.DELIVERED, Dlr.DELIVERED)
        await made.close()

    scenario()


@on_loop
async def test_after_its_retries_a_message_moves_and_with_nobody_left_it_ends_as_the_last_one_says(
    tmp_path: Path,
) -> None:
    made = Carriers(tmp_path, 3)
    made.core.submit("33612345678")
    for lane in (A, B, C):
        for _ in range(4):
            made.lanes[lane].record([refused(made.lanes[lane].claim_one(), FOR_NOW)])
            made.core.db.write(lambda tx: tx.run(Statement("UPDATE dispatch SET state = 0 WHERE state = 3")))
    assert made.core.status(1) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert [step for step, _ in made.steps(1)].count("moved") == 2
    assert balance(made.core) == (CREDITS, 0)
    await made.close()


@on_loop
async def test_who_refused_for_good_is_not_asked_again_though_the_other_goes_down(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit("33612345678")
    made.core.record([refused(made.core.claim_one(), NO_CREDIT)])
    made.are(b="down")
    await made.failover.once()
    assert made.where() == {B: 1}
    made.core.submit("33612345679")
    made.are(b="ok")
    made.core.record([refused(made.core.claim_one(), SYSTEM)])
    made.are(b="down")
    await made.failover.once()
    assert made.where() == {A: 1, B: 1}, "who refused once is asked again when there is nobody else"
    await made.close()


@on_loop
async def test_what_a_carrier_cannot_say_goes_to_the_next_for_good_and_counts_against_nobody(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(1))
    cannot = Refused("permanent", Dlr.ROUTE_NOT_AVAILABLE, "cannot be encoded: no sender", is_ours=True)
    made.core.record([refused(made.core.claim_one(), cannot)])
    (message,) = made.lanes[B].claim()
    assert made.core.column("SELECT tried FROM dispatch") == [f"{A}!"]
    made.lanes[B].record([refused(message, cannot)])
    assert made.core.status(message.message_id) == (State.FAILED, Dlr.ROUTE_NOT_AVAILABLE)
    assert made.core.column("SELECT SUM(refused) + SUM(faults) FROM carrier_figure") in ([0], [None])
    await made.close()


@pytest.mark.parametrize("batches", [1, 2])
def test_an_answer_that_is_late_moves_a_message_even_when_it_comes_with_its_loss(tmp_path: Path, batches: int) -> None:
    @on_loop
    async def scenario() -> None:
        made = Carriers(tmp_path)
        made.core.submit(*numbers(1))
        message = made.core.claim_one()
        outcomes = [lost(message), refused(message, NO_CREDIT)]
        if batches == 1:
            made.core.record(outcomes)
        else:
            for each in outcomes:
                made.core.record([each])
        assert [step for step, _ in made.steps(message.message_id)] == ["unknown", "known again", "moved"]
        (again,) = made.lanes[B].claim()
        made.lanes[B].record([accepted(again, "b1")])
        assert made.core.status(message.message_id) == (State.SENT, Dlr.SENT)
        await made.close()

    scenario()


@on_loop
async def test_a_long_message_of_which_a_part_was_taken_stays_whatever_is_refused(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit("33612345678", text=LONG_TEXT)
    made.core.record([refused(made.core.claim_one(), NO_CREDIT, "r1", "-", "-")])
    assert made.lanes[B].claim() == []
    assert made.core.status(1) == (State.FAILED, Dlr.ROUTE_NOT_AVAILABLE)
    await made.close()


# -- applied anew, and counted


@on_loop
async def test_what_waits_is_routed_anew_when_the_operator_says_so(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(30), delay="2099-01-01 00:00:00")
    made.core.submit(*numbers(30, 33_613_000_000))
    made.core.db.write(lambda tx: routes.update(tx, Route(B, B, rank=1)))
    await made.failover.once()
    assert made.where() == {A: 60}
    told: list[float] = []
    assert await reapply(made.store, told.append) == 60
    assert (made.where(), told[-1]) == ({B: 60}, 1.0)
    assert await reapply(made.store, told.append) == 0
    await made.close()


@on_loop
async def test_what_becomes_of_messages_is_counted_by_carrier_and_country(tmp_path: Path) -> None:
    made = Carriers(tmp_path)
    made.core.submit(*numbers(4), "32470123456")
    first, second, third, fourth, belgian = made.core.claim()
    made.core.record([accepted(first, "a"), accepted(second, "b"), refused(third, NO_CREDIT), lost(fourth)])
    made.core.now += 10_000
    made.core.record([accepted(belgian, "c")], [delivered("a", first.number)])
    # An end counts where the message was sent, so that what is missing there never came.
    began, made.core.now = made.core.now, made.core.now + 2 * SLOT_MS
    made.core.record([], [failed("b", second.number, 5)])
    ends = made.core.db.read(lambda tx: carrier_figures.by_country(tx, A, began + SLOT_MS, made.core.now))
    assert ends == {}
    until = made.core.now
    found = made.core.db.read(lambda tx: carrier_figures.by_country(tx, A, until - 4 * SLOT_MS, until))
    france, belgium = found["FR"], found["BE"]
    assert (france.sent, france.refused, france.unknown, france.delivered, france.failed) == (2, 1, 1, 1, 1)
    assert (france.faults, france.within, belgium.sent) == (1, (0, 1, 0, 0, 0), 1)
    day = 24 * 3600 * 1000
    for at in (1, 300_001):
        made.core.db.write(lambda tx, at=at: carrier_figures.add(tx, A, at, [("FR", france)]))  # type: ignore[misc]
    made.core.db.write(lambda tx: carrier_figures.compact(tx, 10 * day))
    rows = made.core.rows("SELECT slot_at, sent FROM carrier_figure WHERE slot_at < :day", day=day)
    assert rows == [(0, 4)]
    made.core.db.write(lambda tx: carrier_figures.compact(tx, 500 * day))
    assert made.core.rows("SELECT 1 FROM carrier_figure WHERE slot_at < :day", day=day) == []
    await made.close()
