"""What time brings to a lane: schedules, the next tries, and outcomes that nobody ever told."""

from pathlib import Path

import pytest

from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.unknown import RESEND, Unknowns
from chappe.pipeline import upkeep
from chappe.pipeline.record import Lane
from chappe.pipeline.upkeep import EVERY_S, Upkeep
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from tests.builders import on_loop
from tests.store.build import (
    CREDITS,
    DAY,
    MINUTE,
    MOVE_INTO_THE_PAST,
    NOT_NOW,
    NUMBER,
    RESENDING,
    TO,
    Core,
    accepted,
    balance,
    database,
    delivered,
    lost,
    numbers,
    refused,
)

_RECEIPT_WAIT_S = 3600


class Watch:
    """A lane and the clock that its upkeep looks at."""

    def __init__(self, folder: Path, known: Unknowns) -> None:
        path = folder / "chappe.db"
        self.core = Core(db=database(path), now=now_ms(), unknowns=known)
        self.store = Store(path)
        self.clock = 0.0
        self.take_over()

    def take_over(self) -> None:
        """As another process that starts."""
        self.core.restart()
        self.upkeep = Upkeep(
            self.store, Lane(self.core.carrier, self.core.epoch, self.core.unknowns), self.core.recorder
        )
        self.core.db.write(self.upkeep.take_over)

    async def after(self, ms: int) -> bool:
        """Let time pass and the upkeep run; whether messages have become ready."""
        for statement in MOVE_INTO_THE_PAST:
            self.core.db.write(lambda tx, statement=statement: tx.run(statement, ms=ms))  # type: ignore[misc]
        self.clock += ms / 1000 + EVERY_S
        return await self.upkeep.run(self.clock)

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


HELD = Unknowns(receipt_wait_s=_RECEIPT_WAIT_S)


@on_loop
async def test_nothing_is_due_in_a_lane_that_stands_still(tmp_path: Path) -> None:
    watch = Watch(tmp_path, HELD)
    watch.core.submit(TO)
    assert not await watch.after(DAY)
    assert watch.store.commits == 0
    await watch.close()


@on_loop
async def test_the_next_try_of_a_refused_message_comes_when_its_time_has_come(tmp_path: Path) -> None:
    watch = Watch(tmp_path, HELD)
    watch.core.submit(TO)
    message = watch.core.claim_one()
    watch.core.record([refused(message, NOT_NOW)])
    assert not await watch.after(20_000)
    assert await watch.after(10_000)
    assert watch.core.claim_one().attempts == 1
    await watch.close()


@on_loop
async def test_the_lane_is_looked_at_no_more_often_than_said(tmp_path: Path) -> None:
    watch = Watch(tmp_path, HELD)
    assert not await watch.after(0)
    watch.core.submit(TO)
    watch.core.record([refused(watch.core.claim_one(), NOT_NOW)])
    watch.core.db.write(lambda tx: tx.run(MOVE_INTO_THE_PAST[1], ms=30_000))
    assert not await watch.upkeep.run(watch.clock + EVERY_S / 2)
    assert await watch.upkeep.run(watch.clock + EVERY_S)
    await watch.close()


def test_a_schedule_larger_than_a_batch_is_woken_without_a_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 4)

    @on_loop
    async def scenario() -> None:
        watch = Watch(tmp_path, HELD)
        watch.core.submit(*numbers(10))
        watch.core.record([refused(message, NOT_NOW) for message in watch.core.claim()])
        assert await watch.after(30_000)
        for _ in range(2):
            assert await watch.upkeep.run(watch.clock)
        assert len(watch.core.claim()) == 10
        await watch.close()

    scenario()


@on_loop
async def test_under_hold_an_unknown_outcome_waits_for_its_receipt_to_the_end_and_is_never_sent_again(
    tmp_path: Path,
) -> None:
    watch = Watch(tmp_path, HELD)
    watch.core.submit(TO)
    message = watch.core.claim_one()
    watch.core.record([lost(message)])
    assert not await watch.after(2 * DAY + _RECEIPT_WAIT_S * 1000 - MINUTE)
    assert watch.core.queue_state(message.message_id) == Queue.UNKNOWN
    assert not await watch.after(2 * MINUTE)
    assert watch.core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert balance(watch.core) == (CREDITS - 1, 0)
    assert watch.core.column("SELECT step FROM trace ORDER BY id") == ["unknown", "given up"]
    await watch.close()


@on_loop
async def test_under_resend_an_unknown_message_goes_out_again_twice_and_each_time_it_is_noted(tmp_path: Path) -> None:
    watch = Watch(tmp_path, RESENDING)
    watch.core.submit(TO)
    for tries in range(RESEND.times):
        message = watch.core.claim_one()
        assert message.attempts == tries
        watch.core.record([lost(message)])
        assert not await watch.after(50_000)
        assert await watch.after(20_000)
    message = watch.core.claim_one()
    watch.core.record([lost(message)])
    assert not await watch.after(DAY)
    assert watch.core.claim() == []
    steps = watch.core.column("SELECT step FROM trace ORDER BY id")
    assert steps.count("resent") == RESEND.times
    await watch.after(10 * DAY)
    assert watch.core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert balance(watch.core) == (CREDITS - 1, 0)
    await watch.close()


@on_loop
async def test_a_receipt_of_the_first_try_ends_a_message_that_waits_to_be_sent_again(tmp_path: Path) -> None:
    watch = Watch(tmp_path, RESENDING)
    watch.core.submit(TO)
    message = watch.core.claim_one()
    watch.core.record([lost(message)])
    watch.core.record(receipts=[delivered("never.told", NUMBER)])
    assert not await watch.after(DAY)
    assert watch.core.claim() == []
    await watch.close()


@pytest.mark.parametrize(("known", "is_resent"), [(HELD, False), (RESENDING, True)])
def test_what_a_dead_process_was_sending_is_unknown_and_follows_the_policy(
    tmp_path: Path, known: Unknowns, is_resent: bool
) -> None:
    @on_loop
    async def scenario() -> None:
        watch = Watch(tmp_path, known)
        watch.core.submit(*numbers(3))
        answered, *sending = watch.core.claim(3)
        watch.core.record([accepted(answered)])
        watch.take_over()
        assert [watch.core.queue_state(message.message_id) for message in sending] == [Queue.UNKNOWN] * 2
        assert await watch.after(2 * MINUTE) == is_resent
        assert [message.message_id for message in watch.core.claim()] == (
            [message.message_id for message in sending] if is_resent else []
        )
        await watch.close()

    scenario()


@on_loop
async def test_a_database_that_is_away_is_tried_again_with_the_next_look(tmp_path: Path) -> None:
    watch = Watch(tmp_path, HELD)
    watch.core.submit(TO)
    watch.core.record([refused(watch.core.claim_one(), NOT_NOW)])
    watch.store._writer.connection.pragma("query_only", True)
    assert not await watch.after(30_000)
    watch.store._writer.connection.pragma("query_only", False)
    assert await watch.after(0)
    await watch.close()
