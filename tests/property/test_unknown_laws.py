"""Laws of messages whose end nobody told: whatever answers, receipts, questions, deadlines, policies and people come in
whatever order, each message ends once, is paid once, and is sent again only as often as was said.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from chappe.carriers.connection import Question
from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr, State
from chappe.domain.outcomes import NO_REF, Outcome, ReceiptIn
from chappe.domain.retry import Refused
from chappe.domain.unknown import GIVE_UP, HOLD, QUERY, RESEND, UnknownPolicies, UnknownPolicy, Unknowns
from chappe.pipeline.expire import Expirer
from chappe.pipeline.questions import Questions
from chappe.pipeline.record import Lane, Recorder
from chappe.pipeline.settle import Settler, Verdict
from chappe.pipeline.upkeep import Upkeep
from chappe.store import leases, queue
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.queue import Claimed
from chappe.store.sqlite import Row, Store
from chappe.store.statement import Statement
from tests.store.build import (
    CARRIER,
    CREDITS,
    DAY,
    LONG_TEXT,
    MINUTE,
    MOVE_INTO_THE_PAST,
    TO,
    Core,
    add_carrier,
    database,
)

RECEIPT_WAIT_S = 3600
POLICIES = [HOLD, RESEND, QUERY, GIVE_UP]
REFUSED = Refused("permanent", Dlr.INVALID_DESTINATION, "no such number")
parts = st.integers(0, 2)
tries = st.tuples(st.sampled_from(["accept", "accept", "lose", "lose", "refuse", "unsent"]), parts)
steps = st.one_of(
    tries,
    st.tuples(st.just("late"), st.sampled_from(["accepted", "refused"])),
    st.tuples(st.just("receipt"), st.tuples(parts, st.sampled_from([3, 3, 2, 11, 1]))),
    st.tuples(st.just("receipt of the number"), st.sampled_from([3, 2])),
    st.tuples(st.sampled_from(["told", "told"]), st.sampled_from([3, 2, 1, 1, 11, "ESME_RQUERYFAIL", "no answer"])),
    st.tuples(st.just("pass"), st.sampled_from([MINUTE, 6 * MINUTE, 6 * MINUTE, 65 * MINUTE, DAY, 3 * DAY])),
    st.tuples(st.just("restart"), st.sampled_from(POLICIES)),
    st.tuples(st.just("by hand"), st.sampled_from(["delivered", "failed", "resend"])),
)


class Centre:
    """A carrier that can be asked: what it was asked and has not answered."""

    can_query, capacity, free = True, 100, 100

    def __init__(self) -> None:
        self.asked: list[Question] = []

    def query(self, questions: Sequence[Question]) -> None:
        self.asked += questions


@cache
def prepared(text: str) -> Path:
    """A database with one message that waits, made once."""
    path = Path(tempfile.mkdtemp()) / "chappe.db"
    made = database(path)
    add_carrier(made)
    core = Core(made, now=now_ms())
    core.submit(TO, text=text)
    core.listen()
    made.close()
    return path


class History:
    """One message of up to three parts, and what happens to it."""

    def __init__(self, folder: Path, policy: UnknownPolicy, text: str, *, is_idempotent: bool) -> None:
        path = folder / "chappe.db"
        shutil.copy(prepared(text), path)
        self.ids, self.store = Ids(), Store(path)
        self.store._writer.connection.pragma("synchronous", "off")
        self.is_idempotent, self.resends_allowed = is_idempotent, 0
        self.settler = Settler(self.store, self.ids)
        self.expirer = Expirer(self.store, self.ids, receipt_wait_s=RECEIPT_WAIT_S)
        self.tries: list[Claimed] = []
        self.lost: list[Claimed] = []
        self.clock, self.hands, self.was_written = 0.0, 0, False

    async def restart(self, policy: UnknownPolicy) -> None:
        """Another process takes the lane over, under another policy perhaps."""
        known = Unknowns(UnknownPolicies(policy), RECEIPT_WAIT_S, self.is_idempotent)
        self.resends_allowed = max(self.resends_allowed, known.unanswered(1).times * (known.unanswered(1) == RESEND))
        self.was_written |= bool(self.tries)
        self.tries.clear()
        self.lost.clear()
        epoch = await self.store.write(lambda tx: leases.take(tx, "lane", "test", now_ms(), 10_000))
        self.lane = Lane(CARRIER, epoch, known)
        self.recorder, self.centre = Recorder(self.lane, self.ids), Centre()
        self.upkeep = Upkeep(self.store, self.lane, self.recorder)
        self.questions = Questions(self.store, self.lane, self.recorder, self.centre)  # type: ignore[arg-type]
        await self.store.write(self.recorder.load)
        await self.store.write(self.upkeep.take_over)

    async def happen(self, what: str, how: object) -> None:
        match what, how:
            case (("accept" | "lose" | "refuse" | "unsent"), int(part)):
                await self.try_(what, part)
            case "late", str(result) if self.lost:
                one = self.lost.pop()
                await self.answer(one, self.refs(one) if result == "accepted" else self.known(one), result)
            case "receipt", (int(part), int(dlr)):
                refs = (await self.detail())[0]
                if refs and (ref := refs.split(" ")[part % len(refs.split(" "))]) != NO_REF:
                    await self.record([], [ReceiptIn(ref, int(TO), dlr, dlr > 1, "words")])
            case "receipt of the number", int(dlr) if self.lost:
                await self.record([], [ReceiptIn("never-told", int(TO), dlr, True, "words")])
            case "told", int(told) | str(told) if await self.is_asked():
                question = self.centre.asked.pop()
                is_final = told in (Dlr.DELIVERED, Dlr.NOT_DELIVERED)
                said = told if isinstance(told, str) else ReceiptIn(question.ref, int(TO), told, is_final, "said")
                self.questions.told([(question, said)])
                event(f"told {told}")
            case "pass", int(ms):
                await self.let_time_pass(ms)
            case "restart", UnknownPolicy() as policy:
                await self.restart(policy)
            case "by hand", str(verdict):
                await self.decide(verdict)  # type: ignore[arg-type]
        await self.keep_up()

    async def is_asked(self) -> bool:
        """Whether there is a question to answer, perhaps after a while."""
        if not self.centre.asked:
            await self.let_time_pass(6 * MINUTE)
            await self.keep_up()
        return bool(self.centre.asked)

    async def try_(self, how: str, part: int) -> None:
        """Have the lane hand the message over, if it is its turn, and the carrier say something."""
        self.tries += await self.store.write(lambda tx: queue.claim(tx, CARRIER, self.lane.epoch, 1))
        if not self.tries:
            return
        one = self.tries.pop()
        self.was_written |= how in ("accept", "lose")
        if how == "lose":
            self.lost.append(one)
        known, refs = self.known(one), self.refs(one)
        some = [new if seq < part else old for seq, (new, old) in enumerate(zip(refs, known, strict=True))]
        self.was_written |= some != known
        if NO_REF not in some:
            how = "accept"
        told = {"accept": "accepted", "lose": "unknown", "refuse": "refused", "unsent": "unsent"}[how]
        await self.answer(one, refs if how == "accept" else some, told)

    @staticmethod
    def known(one: Claimed) -> list[str]:
        return one.refs.split(" ") if one.refs else [NO_REF] * one.parts

    def refs(self, one: Claimed) -> list[str]:
        """The ids that the carrier gives to a try."""
        return [ref if ref != NO_REF else f"r{one.attempts}.{seq}" for seq, ref in enumerate(self.known(one))]

    async def answer(self, one: Claimed, refs: list[str], result: str) -> None:
        said = REFUSED if result == "refused" else result
        await self.record([Outcome(one.message_id, refs, said, one.attempts, one.expires_at)], [])  # type: ignore[arg-type]

    async def record(self, outcomes: list[Outcome], receipts: list[ReceiptIn]) -> None:
        self.recorder.recorded(
            await self.store.write(lambda tx: self.recorder.record(tx, outcomes, receipts, now_ms()))
        )

    async def let_time_pass(self, ms: int) -> None:
        await self.store.write(lambda tx: [tx.run(statement, ms=ms) for statement in MOVE_INTO_THE_PAST])
        if ms >= DAY:
            await self.expirer.once()

    async def keep_up(self) -> None:
        self.clock += 10.0
        await self.upkeep.run(self.clock)
        await self.questions.run(self.clock, 100)

    async def decide(self, verdict: Verdict) -> None:
        """An operator says how it ended, or wants it sent again."""
        (message,) = self.rows("SELECT id FROM message")[0]
        try:
            await self.settler.settle(message, verdict, "cli:test")
        except BadData:
            return
        self.hands += verdict == "resend"

    def rows(self, sql: str) -> list[Row]:
        return self.store.glance(lambda tx: tx.rows(Statement(sql)))

    async def detail(self) -> Row:
        return self.rows("SELECT carrier_refs, state, dlr, price_mc FROM message")[0]

    async def holds(self) -> None:
        """What is true at every moment."""
        refs, state, dlr, price = await self.detail()
        available, reserved = self.rows("SELECT available_mc, reserved_mc FROM wallet WHERE id = 1")[0]
        spent = CREDITS * 1000 - available - reserved
        assert reserved == (price if state == State.ACCEPTED else 0)
        assert spent in (0, price)
        if state in (State.SENT, State.DELIVERED) or refs:
            assert self.was_written
            assert spent + reserved == price
        if not self.was_written:
            assert spent == 0
        in_queue = self.rows("SELECT message_id FROM dispatch")
        assert bool(in_queue) == (state == State.ACCEPTED)
        counts: dict[str, int] = dict(self.rows("SELECT what, count FROM unknown_count"))
        assert counts.get("resent", 0) <= self.resends_allowed
        told = [row[0] for row in self.rows("SELECT payload FROM event ORDER BY id")]
        assert len(told) == len(set(told)) <= 2
        assert bool(told) == (state in (State.DELIVERED, State.FAILED))
        if len(told) == 2:
            assert dlr == Dlr.DELIVERED


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@given(
    text=st.sampled_from(["Hello", LONG_TEXT]),
    is_idempotent=st.booleans(),
    first=tries,
    history=st.lists(steps, min_size=2, max_size=15),
)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_message_ends_once_and_is_paid_once(
    policy: UnknownPolicy, text: str, is_idempotent: bool, first: tuple[str, object], history: list[tuple[str, object]]
) -> None:
    async def scenario() -> None:
        with tempfile.TemporaryDirectory() as folder:
            one = History(Path(folder), policy, text, is_idempotent=is_idempotent)
            await one.restart(policy)
            for what, how in [first, *history]:
                await one.happen(what, how)
                await one.holds()
            for _ in range(4):
                await one.let_time_pass(9 * DAY)
                await one.keep_up()
                one.questions.told([(question, "no answer") for question in one.centre.asked])
                one.centre.asked.clear()
            await one.holds()
            assert (await one.detail())[1] not in (State.ACCEPTED, State.SENT)
            assert one.rows("SELECT 1 FROM open_question") == []
            await one.store.close()

    asyncio.run(scenario())
