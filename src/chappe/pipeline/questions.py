"""Ask a carrier what became of messages that it took and never reported.

What is to be asked about waits in its own table, in the order of its time, and is looked at when that has come: a
message that has its receipt by then is dropped there, so receipts cost nothing more where carriers are asked.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from chappe.carriers.connection import Connection, Question
from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import FINAL, Dlr
from chappe.domain.outcomes import NO_REF, ReceiptIn
from chappe.domain.plans import ALERT, MARKETING
from chappe.domain.unknown import pause_s
from chappe.pipeline.record import Lane, Recorder
from chappe.pipeline.sending import Token
from chappe.store import tracking, unknowns
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.store.unknowns import Silent
from chappe.telecom.receipts import key

_log = structlog.get_logger("chappe.lane")

# How often it is looked whether something is to be asked.
EVERY_S: Final = 0.2
# Messages looked at in one unit of work: most have their receipts by then.
BATCH: Final = 1000
# Of the window, what questions may take.
SHARE: Final = 10
# An id that we made for a part whose carrier told none (`domain/outcomes.ref_of`): nobody else knows it.
_OWN: Final = "none."


class Questions:
    """The questions of one lane to its carrier."""

    def __init__(self, store: Store, lane: Lane, recorder: Recorder, carrier: Connection[Token]) -> None:
        self._store = store
        self._lane = lane
        self._recorder = recorder
        self._carrier = carrier
        self._most = max(1, carrier.capacity // SHARE)
        self._waiting: deque[Question] = deque()
        self._asked = 0
        self._answers: list[tuple[Question, ReceiptIn | str]] = []
        self._next = 0.0
        self.is_active = carrier.can_query and lane.unknowns.policies.ask

    def told(self, answers: Sequence[tuple[Question, ReceiptIn | str]]) -> None:
        """The carrier has answered questions, or will not."""
        self._answers += answers
        self._asked -= len(answers)

    async def run(self, now: float, allowance: int) -> int:
        """Write down what was answered and ask on, within the lane's allowance; how many were asked."""
        if self._answers:
            await self._write_down()
        room = min(self._most - self._asked, self._carrier.free, allowance)
        if room <= 0:
            return 0
        if not self._waiting and now >= self._next:
            self._next = now + EVERY_S
            await self._look()
        return self._ask(room)

    def _ask(self, room: int) -> int:
        asking = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        if asking:
            self._asked += len(asking)
            self._carrier.query(asking)
        return len(asking)

    async def _look(self) -> None:
        lane, at = self._lane.carrier_id, now_ms()
        if not self._store.glance(lambda tx: unknowns.has_due(tx, lane, at)):
            return
        try:
            found, was_full = await self._store.write(self._due)
        except Unavailable as error:
            _log.error("database unavailable", lane=lane, reason=str(error))
            return
        self._waiting.extend(found)
        if was_full:
            self._next = 0.0

    def _due(self, tx: Tx) -> tuple[list[Question], bool]:
        """What is to be asked now; each is planned to be asked again before it is asked."""
        now, lane = now_ms(), self._lane.carrier_id
        due = unknowns.due(tx, lane, now, BATCH)
        silent = [each for each in due if self._is_silent(each)]
        parts = tracking.find_parts(tx, lane, {key(ref) for each in silent for ref in _refs(each)})
        has_ended = {(p.message_id, p.seq) for found in parts.values() for p in found if p.dlr > Dlr.SENT}
        questions: list[Question] = []
        again: list[tuple[int, int, int]] = []
        for each in silent:
            follows = self._plan(each, now, again)
            questions += [
                Question(each.message_id, seq, ref, each.number or 0, each.sender, follows)
                for seq, ref in enumerate(_refs(each))
                if ref != NO_REF and not ref.startswith(_OWN) and (each.message_id, seq) not in has_ended
            ]
        unknowns.ask(tx, lane, again)
        return questions, len(due) == BATCH

    def _is_silent(self, each: Silent) -> bool:
        """Whether the message still has no end, and this carrier can be asked about it."""
        if each.state is None or each.state in FINAL or each.carrier_id != self._lane.carrier_id:
            return False
        policy = self._lane.unknowns.of(_priority(each))
        return bool(each.carrier_refs) and policy.does == "query"

    def _plan(self, each: Silent, now: int, again: list[tuple[int, int, int]]) -> str:
        """Plan the question after this one; what is said of it."""
        policy, asked = self._lane.unknowns.of(_priority(each)), each.asked + 1
        if asked >= policy.times:
            return f"question {asked} of {policy.times}, the last"
        pause = pause_s(policy, asked)
        again.append((now + pause * 1000, each.message_id, asked))
        return f"question {asked} of {policy.times}, the next in {pause} s"

    async def _write_down(self) -> None:
        answers, self._answers = self._answers, []
        try:
            ended = await self._store.write(lambda tx: self._recorder.learn(tx, answers, now_ms()))
        except Unavailable as error:
            self._answers = answers + self._answers
            _log.error("database unavailable", lane=self._lane.carrier_id, reason=str(error))
            return
        _log.info("asked", lane=self._lane.carrier_id, questions=len(answers), ended=ended)


def _refs(each: Silent) -> list[str]:
    return each.carrier_refs.split(" ") if each.carrier_refs else []


def _priority(each: Silent) -> int:
    return MARKETING if each.kind == "marketing" else ALERT
