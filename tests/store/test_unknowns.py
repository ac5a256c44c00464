"""Messages whose end nobody told, in the database: questions that are planned and put, lists, decisions by hand."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import time_machine
from prometheus_client import generate_latest

from chappe.carriers.connection import Question
from chappe.carriers.kinds import encode_options
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import Dlr, State
from chappe.domain.outcomes import ReceiptIn
from chappe.domain.unknown import GIVE_UP, HOLD, QUERY, RESEND, UnknownPolicies, UnknownPolicy, Unknowns
from chappe.manage.carriers import Carriers
from chappe.manage.messages import Messages
from chappe.manage.unknowns import UnknownMessages
from chappe.pipeline.questions import Questions
from chappe.pipeline.settle import Settler
from chappe.pipeline.upkeep import Upkeep
from chappe.runtime.health import Health
from chappe.store import carriers, unknowns
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from tests.builders import on_loop
from tests.store.build import (
    CREDITS,
    DAY,
    LONG_TEXT,
    MINUTE,
    MOVE_INTO_THE_PAST,
    NUMBER,
    SENT,
    TO,
    Core,
    accepted,
    add_carrier,
    balance,
    database,
    delivered,
    lost,
    numbers,
)

ASKING = Unknowns(UnknownPolicies(QUERY, QUERY), 3600)


class Centre:
    """A carrier that can be asked, with so many free slots."""

    can_query, capacity = True, 100

    def __init__(self) -> None:
        self.free = 100
        self.asked: list[Question] = []

    def query(self, questions: Sequence[Question]) -> None:
        self.asked += questions


class Asking:
    """A lane that asks, and the clock that it looks at."""

    def __init__(self, folder: Path, known: Unknowns = ASKING) -> None:
        self.core = Core(db=database(folder / "chappe.db"), now=now_ms(), unknowns=known)
        add_carrier(self.core.db)
        self.store, self.centre, self.clock = Store(folder / "chappe.db"), Centre(), 0.0
        self.restart(known)

    def restart(self, known: Unknowns) -> None:
        self.core.unknowns = known
        self.core.restart()
        lane = self.core.recorder._lane
        self.questions = Questions(self.store, lane, self.core.recorder, self.centre)  # type: ignore[arg-type]
        self.upkeep = Upkeep(self.store, lane, self.core.recorder)
        self.core.db.write(self.upkeep.take_over)

    async def after(self, ms: int) -> list[Question]:
        """Let time pass; what the carrier is asked by then."""
        for statement in MOVE_INTO_THE_PAST:
            self.core.db.write(lambda tx, statement=statement: tx.run(statement, ms=ms))  # type: ignore[misc]
        self.clock += ms / 1000 + 1
        self.centre.asked.clear()
        await self.upkeep.run(self.clock)
        await self.questions.run(self.clock, 100)
        return list(self.centre.asked)

    async def answer(self, *answers: ReceiptIn | str) -> None:
        self.questions.told(list(zip(self.centre.asked, answers, strict=True)))
        await self.questions.run(self.clock, 0)

    def steps(self, step: str) -> list[object]:
        return self.core.column("SELECT detail FROM trace WHERE step = :step ORDER BY id", step=step)

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


@on_loop
async def test_a_silent_message_is_asked_about_in_growing_pauses_and_not_for_ever(tmp_path: Path) -> None:
    lane = Asking(tmp_path)
    message = lane.core.sent("abc", sender="MyClub")
    assert await lane.after(4 * MINUTE) == []
    for asked, minutes in enumerate([1, 10, 20, 40, 80]):
        if asked:
            assert await lane.after((minutes - 1) * MINUTE) == []
        (question,) = await lane.after(MINUTE)
        assert (question.message_id, question.seq, question.ref, question.sender) == (message, 0, "abc", "MyClub")
        await lane.answer(ReceiptIn("abc", NUMBER, 1, False, "ENROUTE"))
    assert await lane.after(DAY) == []
    assert lane.core.status(message) == SENT
    assert len(lane.steps("asked")) == QUERY.times
    await lane.close()


@on_loop
async def test_what_has_its_receipt_is_not_asked_about_and_of_a_long_one_only_the_silent_parts(tmp_path: Path) -> None:
    lane = Asking(tmp_path)
    lane.core.sent("told")
    lane.core.sent("p1", "p2", "p3", text=LONG_TEXT)
    lane.core.record(receipts=[delivered("told"), delivered("p2")])
    assert [question.ref for question in await lane.after(6 * MINUTE)] == ["p1", "p3"]
    await lane.answer(ReceiptIn("p1", NUMBER, 3, True, "DELIVRD"), "ESME_RQUERYFAIL")
    (again,) = await lane.after(10 * MINUTE)
    await lane.answer(ReceiptIn("p3", NUMBER, 3, True, "DELIVRD"))
    assert lane.core.status(again.message_id) == (State.DELIVERED, Dlr.DELIVERED)
    assert lane.core.rows("SELECT what, count FROM unknown_count") == [("asked", 3), ("query", 1)]
    await lane.close()


@on_loop
async def test_a_part_that_a_carrier_took_of_an_unanswered_message_is_asked_about_and_may_fail_it(
    tmp_path: Path,
) -> None:
    lane = Asking(tmp_path)
    lane.core.submit(TO, text=LONG_TEXT)
    message = lane.core.claim_one()
    lane.core.record([lost(message, "p1", "-", "-")])
    (question,) = await lane.after(6 * MINUTE)
    assert (question.ref, question.seq) == ("p1", 0)
    await lane.answer(ReceiptIn("p1", NUMBER, 2, True, "UNDELIV"))
    assert lane.core.status(message.message_id) == (State.FAILED, Dlr.NOT_DELIVERED)
    assert lane.core.queue_state(message.message_id) is None
    assert balance(lane.core) == (CREDITS - 3, 0)
    await lane.close()


@on_loop
async def test_a_carrier_is_asked_about_an_id_with_unusual_blanks_in_it_as_one(tmp_path: Path) -> None:
    lane = Asking(tmp_path)
    lane.core.submit(TO)
    lane.core.record([accepted(lane.core.claim_one(), "id\t7")])
    assert [question.ref for question in await lane.after(301_000)] == ["id\t7"]
    await lane.close()


@on_loop
async def test_questions_leave_room_for_messages_and_wait_while_there_is_none(tmp_path: Path) -> None:
    lane = Asking(tmp_path)
    lane.core.submit(*numbers(25))
    lane.core.record([accepted(message) for message in lane.core.claim()])
    lane.centre.free = 0
    assert await lane.after(6 * MINUTE) == []
    lane.centre.free = 100
    assert len(await lane.after(0)) == 10, "a tenth of the window"
    await lane.answer(*["no answer"] * 10)
    assert len(await lane.after(0)) == 10
    await lane.answer(*["no answer"] * 10)
    assert len(await lane.after(0)) == 5
    await lane.close()


@on_loop
async def test_a_lane_that_does_not_ask_any_more_forgets_its_questions(tmp_path: Path) -> None:
    lane = Asking(tmp_path)
    lane.core.sent("abc")
    lane.restart(Unknowns())
    assert lane.core.rows("SELECT 1 FROM open_question") == []
    lane.restart(ASKING)
    lane.core.sent("def")
    lane.core.db.write(lambda tx: carriers.remove(tx, lane.core.carrier, lane.core.now))
    lane.core.db.write(unknowns.forget_strays)
    assert lane.core.rows("SELECT 1 FROM open_question") == []
    await lane.close()


@on_loop
async def test_a_policy_that_was_changed_holds_for_what_is_unknown_already(tmp_path: Path) -> None:
    lane = Asking(tmp_path, Unknowns(receipt_wait_s=3600))
    lane.core.submit(*numbers(2))
    lane.core.record([lost(message) for message in lane.core.claim()])
    lane.restart(Unknowns(UnknownPolicies(RESEND, RESEND), 3600))
    await lane.after(61_000)
    again = lane.core.claim()
    assert len(again) == 2
    lane.core.record([lost(message) for message in again])
    lane.restart(Unknowns(receipt_wait_s=3600))
    await lane.after(61_000)
    assert (lane.core.claim(), lane.steps("given up")) == ([], [])
    lane.restart(Unknowns(UnknownPolicies(GIVE_UP), 3600))
    await lane.after(61 * MINUTE)
    assert len(lane.steps("given up")) == 2
    assert balance(lane.core) == (CREDITS - 2, 0)
    await lane.close()


@on_loop
async def test_a_policy_that_waits_longer_is_given_its_time_and_no_more(tmp_path: Path) -> None:
    lane = Asking(tmp_path, Unknowns(UnknownPolicies(RESEND, RESEND), 24 * 3600))
    lane.core.submit(TO)
    lane.core.record([lost(lane.core.claim_one())])
    lane.restart(Unknowns(UnknownPolicies(GIVE_UP, GIVE_UP), 24 * 3600))
    await lane.after(61_000)
    assert lane.steps("given up") == []
    await lane.after(58 * MINUTE)
    assert lane.steps("given up") == []
    await lane.after(MINUTE)
    assert len(lane.steps("given up")) == 1
    await lane.close()


@time_machine.travel("2026-11-24 10:00+01:00")  # when marketing may leave
@on_loop
async def test_what_is_unknown_is_listed_with_what_will_be_done_and_counted_for_the_metrics(tmp_path: Path) -> None:
    policies = UnknownPolicies(UnknownPolicy("resend", 60, 1), HOLD)
    lane = Asking(tmp_path, Unknowns(policies, 3600))
    options = encode_options(SmppOptions(unknown=policies))
    lane.core.db.write(lambda tx: carriers.update(tx, carriers.all_carriers(tx)[0]._replace(options=options)))
    lane.core.submit(TO)
    lane.core.submit("33612345679", kind="marketing")
    lane.core.record([lost(message) for message in lane.core.claim()])
    listing = UnknownMessages(lane.store, receipt_wait_s=3600)
    first, second = await listing.list(None, None, 10)
    assert (first.kind, first.number, first.policy, first.next) == (
        "alert", "3361234****", "resend:60x1", "sent again, 1 of 1",
    )  # fmt: skip
    assert first.decides_at == lane.core.now + MINUTE
    assert (second.kind, second.policy, second.next) == ("marketing", "hold", "held for its receipt, then given up")
    assert await listing.list("carrier", 3600, 10) == []
    with pytest.raises(NotFound):
        await listing.list("nobody", None, 10)
    health = Health(lane.store, Carriers(lane.store, lane.core.ids))
    health._snapshot.carriers = await health._carriers.list()
    exposed = generate_latest(health.registry).decode()
    assert 'chappe_unknown_messages{carrier="carrier"} 2.0' in exposed
    assert 'chappe_unknown_outcomes_total{carrier="carrier",what="unknown"} 2.0' in exposed
    await lane.close()


@on_loop
async def test_each_way_out_of_unknown_is_counted_once(tmp_path: Path) -> None:
    lane = Asking(tmp_path, Unknowns(UnknownPolicies(GIVE_UP), 3600))
    lane.core.submit(*numbers(3))
    late, by_number, silent = lane.core.claim()
    lane.core.record([lost(late), lost(by_number), lost(silent)])
    lane.core.record([accepted(late)])
    lane.core.record(receipts=[delivered("never.told", by_number.number)])
    await lane.after(61 * MINUTE)
    assert dict(lane.core.rows("SELECT what, count FROM unknown_count")) == {
        "unknown": 3, "late answer": 1, "receipt by number": 1, "given up": 1,
    }  # fmt: skip
    assert set(unknowns.WHAT) >= {"unknown", "late answer", "receipt by number", "given up"}
    steps = [step.step for step in Messages(lane.store).show(late.message_id).steps]
    assert steps == ["accepted", "unknown", "known again", "submitted"]
    await lane.close()


@on_loop
async def test_only_what_is_open_is_settled_by_hand(tmp_path: Path) -> None:
    lane = Asking(tmp_path, Unknowns())
    settler = Settler(lane.store, lane.core.ids)
    sent = lane.core.sent("abc")
    await settler.settle(sent, "delivered", "cli:alice", "seen")
    assert lane.core.status(sent) == (State.DELIVERED, Dlr.DELIVERED)
    lane.core.submit(TO)
    waiting = lane.core.column("SELECT MAX(id) FROM message")[0]
    assert isinstance(waiting, int)
    for message, verdict in ((sent, "failed"), (waiting, "failed"), (waiting, "resend")):
        with pytest.raises(BadData):
            await settler.settle(message, verdict, "cli:alice")  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await settler.settle(999_999, "failed", "cli:alice")
    assert lane.core.rows("SELECT actor, action, detail, note FROM audit") == [
        ("cli:alice", "message.settle", "delivered", "seen")
    ]
    await lane.close()
