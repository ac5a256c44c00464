"""Write down what carriers answered: submits that were taken, refused or lost, and receipts.

One unit of work per batch: states, money, the campaign's counters, the queue and the customer's webhook events
change together. The carrier is acknowledged by the caller, after the commit.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from chappe.carriers.connection import Question
from chappe.domain.failover import Pass, Tried, passing
from chappe.domain.lane_health import SLOT_MS, Figures, count_final, count_refused
from chappe.domain.lifecycle import FINAL, Dlr, Queue, State
from chappe.domain.number_refusals import NumberRefusals, names_nobody
from chappe.domain.outcomes import NO_REF, Outcome, ReceiptIn, Tracked, finish, receipt, ref_of, submitted
from chappe.domain.privacy import ERASED
from chappe.domain.retry import Again, Fail, Refused, after_refusal
from chappe.domain.unknown import Unknowns, pause_s
from chappe.pipeline import failover
from chappe.pipeline.bound_events import tell_sent
from chappe.pipeline.events import announce
from chappe.pipeline.held import MAX_HELD, Held
from chappe.pipeline.matching import first_match
from chappe.pipeline.routing import Routing
from chappe.store import carrier_figures, carriers, exclusions, quarantine, queue, tracking, unknowns
from chappe.store.ids import Ids
from chappe.store.quarantine import Quarantined
from chappe.store.queue import Movable, Queued
from chappe.store.sqlite import Tx
from chappe.store.tracking import FoundPart
from chappe.telecom.receipts import IdForms, key, keys_by

# A delivery that the carrier dates so far from now is noted with its date.
OLD_NEWS_MS = 5 * 60_000
# The rule that is counted when a receipt was matched by its number, because its submit was never answered.
BY_NUMBER = "number of the only unknown message"


class Lane(NamedTuple):
    """Who records: a carrier's lane in the hands of one owner."""

    carrier_id: int
    epoch: int
    unknowns: Unknowns = Unknowns()
    message_ids: IdForms = "learned"


class Recorded(NamedTuple):
    """What a batch left behind, for the memory of the recorder and the log."""

    sent: int
    refused: int
    unknown: int
    final: int
    quarantined: list[Quarantined]
    released: list[Quarantined]


@dataclass(slots=True)
class _Batch:
    """The work sheet of one unit of work."""

    now: int
    messages: dict[int, Tracked]
    new_parts: list[tuple[int, str, int, int]] = field(default_factory=list)
    part_dlrs: list[tuple[int, int, str, int, int]] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)
    again_now: list[int] = field(default_factory=list)
    again_later: list[tuple[int, int, int]] = field(default_factory=list)
    trace: list[tuple[int, int, str, str]] = field(default_factory=list)
    passing: list[tuple[Tracked, Outcome, Refused, Pass]] = field(default_factory=list)
    figures: dict[int, dict[str, Counter[str]]] = field(default_factory=dict)
    final: dict[int, Tracked] = field(default_factory=dict)
    unassigned: list[int] = field(default_factory=list)
    may_have_left: set[int] = field(default_factory=set)
    rules: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    questions: list[tuple[int, int, int]] = field(default_factory=list)
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    sent: int = 0
    refused: int = 0
    lost: int = 0

    def counted(self, message: Tracked, at: int | None = None) -> Counter[str]:
        """What is counted of messages to a country that the carrier got at a time, or now."""
        slot = (self.now if at is None else at) // SLOT_MS
        return self.figures.setdefault(slot, {}).setdefault(message.country, Counter())


class Recorder:
    """The records of one lane. It remembers the receipts in quarantine, to match them when an answer comes late."""

    def __init__(self, lane: Lane, ids: Ids, routing: Routing | None = None) -> None:
        """Shape: without routes, what a carrier refuses never goes to another one."""
        self._lane = lane
        self._routing = routing
        self._ids = ids
        self._keys_of = keys_by(lane.message_ids)
        self._held = Held(self._keys_of)
        self._refusals = NumberRefusals()

    def load(self, tx: Tx) -> None:
        """Take up the quarantine of an earlier process."""
        self._held.add(quarantine.newest(tx, self._lane.carrier_id, MAX_HELD))

    def reconsider(self, tx: Tx, now: int) -> Recorded:
        """Look through the quarantine for receipts of messages that have become unknown since."""
        return self._receive(tx, _Batch(now, {}), (), self._held.with_number())

    def record(self, tx: Tx, outcomes: Sequence[Outcome], receipts: Sequence[ReceiptIn], now: int) -> Recorded:
        """Write a batch down. Call `recorded` with the result once it is committed."""
        batch = _Batch(now, tracking.load(tx, [outcome.message_id for outcome in outcomes]) if outcomes else {})
        if outcomes:
            self._record_outcomes(tx, batch, outcomes)
        return self._receive(tx, batch, receipts, self._held_for(batch))

    def recorded(self, result: Recorded) -> None:
        """Remember what is in quarantine, and forget what has left it."""
        self._held.remove(result.released)
        self._held.add(result.quarantined)

    def _receive(self, tx: Tx, batch: _Batch, receipts: Sequence[ReceiptIn], held: Sequence[Quarantined]) -> Recorded:
        """Apply receipts, those held since earlier first, and write everything down."""
        waiting = [ReceiptIn(*early[1:]) for early in held]
        unmatched = set(map(id, self._record_receipts(tx, batch, [*waiting, *receipts])))
        released = [early for early, one in zip(held, waiting, strict=True) if id(one) not in unmatched]
        fresh = [one for one in receipts if id(one) in unmatched]
        kept = quarantine.insert(tx, self._lane.carrier_id, fresh, batch.now)
        quarantine.delete(tx, [early.id for early in released])
        self._write(tx, batch)
        return Recorded(batch.sent, batch.refused, batch.lost, len(batch.final), kept, released)

    def learn(self, tx: Tx, answers: Sequence[tuple[Question, ReceiptIn | str]], now: int) -> int:
        """Record what the carrier said when it was asked; how many messages ended by it.

        Shape: (question, what it says of the part, or why it says nothing).
        """
        batch = _Batch(now, tracking.load(tx, [question.message_id for question, _ in answers]))
        parts = tracking.find_parts(tx, self._lane.carrier_id, {key(question.ref) for question, _ in answers})
        matches: list[tuple[ReceiptIn, FoundPart]] = []
        for question, told in answers:
            part, message = _part_of(question, parts), batch.messages.get(question.message_id)
            if message is None or part is None:
                continue
            batch.counts[self._lane.carrier_id, "asked"] += 1
            if message.number != ERASED:
                batch.trace.append((message.id, now, "asked", _said(question, told)))
            if isinstance(told, ReceiptIn):
                matches.append((told, part))
        self._apply(tx, batch, matches, is_told=False)
        batch.counts[self._lane.carrier_id, "query"] += len(batch.final)
        self._write(tx, batch, counts_receipts=False)
        return len(batch.final)

    def give_up(
        self, tx: Tx, messages: Iterable[int], dlr: Dlr, why: str, now: int, *,
        may_have_left: bool, as_: str = "given up",
    ) -> int:  # fmt: skip
        """Finish messages that no answer will come for."""
        batch = _Batch(now, tracking.load(tx, list(messages)))
        in_queue = queue.states(tx, batch.messages)
        for message in batch.messages.values():
            if finish(message, dlr, now):
                batch.final[message.id] = message
                batch.trace.append((message.id, now, as_, why))
                if (row := in_queue.get(message.id)) and row.state == Queue.UNKNOWN:
                    batch.counts[row.lane_id, as_] += 1
        if may_have_left:
            batch.may_have_left.update(batch.messages)
        batch.leaving.extend(batch.messages)
        self._write(tx, batch, counts_receipts=False)
        return len(batch.final)

    def _record_outcomes(self, tx: Tx, batch: _Batch, outcomes: Sequence[Outcome]) -> None:
        in_queue = queue.states(tx, batch.messages)
        unknown: dict[int, int] = {}
        for outcome in outcomes:
            message = batch.messages.get(outcome.message_id)
            if message is None:
                continue
            row = in_queue.get(message.id)
            # Another owner took the lane over, or the message has been tried again since: what the carrier said
            # stands, what to do next is not for this outcome to say.
            is_ours = row is not None and (row.attempts, row.epoch, row.lane_id) == (
                outcome.attempts, self._lane.epoch, self._lane.carrier_id,
            )  # fmt: skip
            if row is not None and row.in_doubt:
                batch.may_have_left.add(message.id)
            self._take_refs(batch, message, outcome)
            result = outcome.result
            if message.was == State.ACCEPTED and message.state == State.SENT:
                result = "accepted"  # with what earlier tries have told, the carrier has all of it
            if row is not None and (_is_late(row, outcome) or message.id in unknown):
                self._answered_late(batch, message, outcome)
            if outcome.note and result in ("accepted", "unknown"):
                batch.trace.append((message.id, batch.now, "written", outcome.note))
            if message.was in FINAL:  # an early receipt of one part has decided, or its time was over
                batch.leaving.append(message.id)
            elif result == "accepted":
                batch.sent += 1
                batch.counted(message)["sent"] += 1
                batch.leaving.append(message.id)
                self._refusals.took(message.country)
                if row is not None:
                    self._plan_question(batch, row)
            elif result == "unsent":
                if is_ours:
                    batch.again_now.append(message.id)
            elif result == "unknown":
                if row is not None and is_ours:
                    unknown[message.id] = self._unknown(batch, message, outcome, row)
            elif isinstance(result, Refused):
                batch.refused += 1
                if is_ours and (way := self._way_on(message, outcome, result)):
                    batch.passing.append((message, outcome, result, way))
                elif is_ours:
                    self._refused(batch, message, outcome, result)
            else:
                assert_never(result)
        # First, for a late answer of this batch may know more; and before the receipts, which settle what is unknown
        # by the numbers of what has not been answered.
        queue.make_unknown(tx, [(decides_at, message) for message, decides_at in unknown.items()])
        self._pass_on(tx, batch)
        queue.leave(tx, batch.leaving)
        batch.leaving = []

    def _way_on(self, message: Tracked, outcome: Outcome, refused: Refused) -> Pass | None:
        """Whether another carrier is asked; never about what this one has a part of."""
        if self._routing is None or message.has_refs:
            return None
        return passing(refused, outcome.attempts, self._routing.table().health(self._lane.carrier_id).state)

    def _pass_on(self, tx: Tx, batch: _Batch) -> None:
        """Give what was refused to the next carrier; where there is none, the refusal is what counts."""
        if not batch.passing or self._routing is None:
            return
        table, lane = self._routing.table(), self._lane.carrier_id
        rows = queue.movable_among(tx, [message.id for message, *_ in batch.passing])
        moved: list[tuple[int, str | None, Movable]] = []
        for message, outcome, refused, way in batch.passing:
            row = rows.get(message.id)
            to = failover.target(table, lane, row, way.reach, batch.now, again=False) if row else None
            if to is None or row is None:
                self._refused(batch, message, outcome, refused)
                continue
            tried = Tried.read(row.tried)
            if way.mark:
                tried = tried.adding(lane, for_good=way.mark == "for good")
                _count_refused(batch, message, refused)
            moved.append((to, tried.text(), row))
            why = f"{refused.name} from {failover.name_of(table, lane)}: to {failover.name_of(table, to)}"
            batch.trace.append((message.id, batch.now, "moved", why))
        queue.pass_on(tx, lane, self._lane.epoch, moved, batch.now)

    def _take_refs(self, batch: _Batch, message: Tracked, outcome: Outcome) -> None:
        carrier = self._lane.carrier_id
        for seq, ref in enumerate(outcome.refs):
            if ref != NO_REF:
                batch.new_parts.append((carrier, key(ref), message.id, seq))
        if any(ref != NO_REF for ref in outcome.refs):
            submitted(message, outcome.refs, batch.now)

    def _unknown(self, batch: _Batch, message: Tracked, outcome: Outcome, row: Queued) -> int:
        """When the policy decides about a message of which a part was written and never answered."""
        known = self._lane.unknowns
        decides_at = known.decides_at(row.priority, batch.now, outcome.expires_at, row.resends)
        if row.state != Queue.UNKNOWN:  # else another of its parts was answered late
            batch.lost += 1
            batch.counted(message)["unknown"] += 1
            batch.counts[self._lane.carrier_id, "unknown"] += 1
            follows = known.follows(row.priority, row.resends, decides_at < outcome.expires_at)
            detail = f"written, never answered; {known.of(row.priority)}: to be {follows}"
            batch.trace.append((message.id, batch.now, "unknown", detail))
            if message.has_refs:
                self._plan_question(batch, row)
        return decides_at

    def _answered_late(self, batch: _Batch, message: Tracked, outcome: Outcome) -> None:
        """Tell of an answer that came after its time, and settles what was unknown."""
        if outcome.result == "accepted":
            detail = f"the carrier answered late: it took the message as {' '.join(outcome.refs)}"
        elif isinstance(outcome.result, Refused):
            detail = f"the carrier answered late: {outcome.result.name}"
        else:
            return
        batch.counts[self._lane.carrier_id, "late answer"] += 1
        batch.trace.append((message.id, batch.now, "known again", detail))

    def _plan_question(self, batch: _Batch, row: Queued) -> None:
        """Have the carrier asked about a message that it took, in case its receipt does not come."""
        policy = self._lane.unknowns.of(row.priority)
        if policy.does == "query":
            batch.questions.append((batch.now + pause_s(policy, 0) * 1000, row.message_id, 0))

    def _refused(self, batch: _Batch, message: Tracked, outcome: Outcome, refused: Refused) -> None:
        verdict = after_refusal(refused, outcome.attempts)
        match verdict:
            case Again(delay_s=0):
                batch.again_now.append(message.id)
            case Again(delay_s, counts):
                batch.again_later.append((batch.now + int(delay_s * 1000), int(counts), message.id))
                detail = f"{refused.name}; again in {delay_s:.0f} s"
                batch.trace.append((message.id, batch.now, "refused for now", detail))
            case Fail(dlr):
                batch.leaving.append(message.id)
                batch.trace.append((message.id, batch.now, "refused", refused.name))
                _count_refused(batch, message, refused)
                if finish(message, dlr, batch.now):
                    batch.final[message.id] = message
                    is_number = names_nobody(refused) and not message.has_refs
                    if is_number and self._refusals.is_believed(message.country):
                        batch.unassigned.append(message.id)
            case _:
                assert_never(verdict)

    def _record_receipts(self, tx: Tx, batch: _Batch, receipts: Sequence[ReceiptIn]) -> list[ReceiptIn]:
        """Apply receipts to the parts they name; the ones that name none."""
        if not receipts:
            return []
        carrier = self._lane.carrier_id
        wanted = [self._keys_of(one.ref) for one in receipts]
        # The parts that this very batch adds are not in the table yet.
        tracking.add_parts(tx, batch.new_parts)
        batch.new_parts = []
        parts = tracking.find_parts(tx, carrier, {each for keys in wanted for _, each in keys})
        matches: list[tuple[ReceiptIn, FoundPart]] = []
        unmatched: list[ReceiptIn] = []
        for one, keys in zip(receipts, wanted, strict=True):
            match = first_match(one.number, keys, parts)
            if match is not None and not self._is_older(tx, batch, one, match[1].message_id):
                batch.rules[match[0]] += 1
                matches.append((one, match[1]))
            else:
                unmatched.append(one)
        unknown = [found for one in unmatched if (found := self._adopt(tx, batch, one))]
        matches += unknown
        adopted = {id(one) for one, _ in unknown}
        missing = {part.message_id for _, part in matches} - batch.messages.keys()
        if missing:
            batch.messages.update(tracking.load(tx, missing))
        self._apply(tx, batch, matches)
        return [one for one in unmatched if id(one) not in adopted]

    def _adopt(self, tx: Tx, batch: _Batch, one: ReceiptIn) -> tuple[ReceiptIn, FoundPart] | None:
        """A receipt that names an id nobody told us settles the one message to its number whose answer was lost."""
        if one.number is None or (found := queue.only_unknown_to(tx, self._lane.carrier_id, one.number)) is None:
            return None
        if self._is_older(tx, batch, one, found):
            return None
        message = _message(tx, batch, found)
        ref = ref_of(one.ref, found, 0)
        submitted(message, [ref], batch.now)
        batch.counted(message)["sent"] += 1
        batch.rules[BY_NUMBER] += 1
        batch.counts[self._lane.carrier_id, "receipt by number"] += 1
        batch.leaving.append(found)
        batch.trace.append((found, batch.now, "known again", f"a receipt for this number came under the id {one.ref}"))
        part = FoundPart(key(ref), found, 0, 0, one.number)
        tracking.add_parts(tx, [(self._lane.carrier_id, part.ref_key, found, 0)])
        queue.leave(tx, [found])  # at once, so that a second receipt of this batch does not find it again
        return one, part

    def _apply(
        self, tx: Tx, batch: _Batch, matches: list[tuple[ReceiptIn, FoundPart]], *, is_told: bool = True
    ) -> None:
        """Apply receipts to the parts they are about; `is_told` when the trace is to tell of them."""
        for one, part in matches:
            message = batch.messages.get(part.message_id)
            if message is None:
                continue
            if len(message.refs) > 1 and not message.part_dlrs:
                tracking.load_part_dlrs(tx, self._lane.carrier_id, message, [key(ref) for ref in message.refs])
            elif len(message.refs) == 1 and part.dlr:
                message.part_dlrs.setdefault(part.seq, part.dlr)
            before = message.part_dlrs.get(part.seq, 0)
            if receipt(message, part.seq, one.dlr, one.is_final, batch.now):
                batch.final[message.id] = message
                batch.leaving.append(message.id)
                began = min(batch.now, message.submitted_at or batch.now)
                count_final(batch.counted(message, began), message.dlr, batch.now - began)
                if message.dlr == Dlr.INVALID_DESTINATION:
                    batch.unassigned.append(message.id)
            if message.part_dlrs.get(part.seq, 0) != before:
                # A part that was sent again has two ids: what it is known by now must tell as well.
                for each in {part.ref_key, *(key(ref) for ref in message.refs[part.seq : part.seq + 1])}:
                    batch.part_dlrs.append((one.dlr, self._lane.carrier_id, each, part.message_id, part.seq))
            if message.number == ERASED or not is_told:  # the carrier's words may be about who was erased
                continue
            if _is_told(one, message, batch.now):
                batch.trace.append((message.id, batch.now, "receipt", one.detail))

    def _write(self, tx: Tx, batch: _Batch, *, counts_receipts: bool = True) -> None:
        if counts_receipts:
            self._count_receipts(tx, batch)
        tracking.add_parts(tx, batch.new_parts)
        tracking.save(
            tx, batch.messages.values(), batch.now,
            carrier=self._lane.carrier_id or None, may_have_left=batch.may_have_left,
        )  # fmt: skip
        tracking.save_part_dlrs(tx, batch.part_dlrs)
        for slot, places in batch.figures.items() if self._lane.carrier_id else ():
            figures = [(country, Figures.of(counts)) for country, counts in places.items()]
            carrier_figures.add(tx, self._lane.carrier_id, slot * SLOT_MS, figures)
        queue.leave(tx, batch.leaving)
        queue.again_now(tx, batch.again_now, self._lane.epoch)
        queue.again_later(tx, batch.again_later)
        tracking.add_trace(tx, batch.trace)
        carriers.count_rules(tx, self._lane.carrier_id, batch.rules)
        unknowns.ask(tx, self._lane.carrier_id, batch.questions)
        unknowns.count(tx, +batch.counts)
        if batch.unassigned:
            exclusions.add_recipients(tx, "npai", batch.unassigned, batch.now)
        tell_sent(
            tx, [m for m in batch.messages.values() if m.was == State.ACCEPTED and m.state == State.SENT], batch.now
        )
        announce(tx, self._ids, list(batch.final.values()), batch.now)

    def _count_receipts(self, tx: Tx, batch: _Batch) -> None:
        """Count the unknown messages that this batch's receipts have settled under their own ids."""
        unsent = [message.id for message in batch.final.values() if message.was == State.ACCEPTED]
        for row in queue.states(tx, unsent).values() if unsent else ():
            if row.state == Queue.UNKNOWN or row.in_doubt:
                batch.counts[row.lane_id, "receipt"] += 1

    def _held_for(self, batch: _Batch) -> list[Quarantined]:
        """Receipts in quarantine that may belong to a message of this batch."""
        if not self._held:
            return []
        return self._held.find(
            (part[1] for part in batch.new_parts), (message.number for message in batch.messages.values())
        )

    @staticmethod
    def _is_older(tx: Tx, batch: _Batch, one: ReceiptIn, message: int) -> bool:
        """Whether a held receipt came before the message could leave, so that it must be about another."""
        return one.at is not None and one.at < _message(tx, batch, message).send_at


def _is_late(row: Queued, outcome: Outcome) -> bool:
    """Whether an answer is to a try that was given up, and perhaps repeated, already."""
    return row.state == Queue.UNKNOWN or outcome.attempts < row.attempts


def _count_refused(batch: _Batch, message: Tracked, refused: Refused) -> None:
    if not refused.is_ours:
        count_refused(batch.counted(message), refused.dlr)


def _part_of(question: Question, parts: dict[str, list[FoundPart]]) -> FoundPart | None:
    """The part that a question was about."""
    wanted = (question.message_id, question.seq)
    return next((part for part in parts.get(key(question.ref), ()) if (part.message_id, part.seq) == wanted), None)


def _said(question: Question, told: ReceiptIn | str) -> str:
    """What the trace says of an answer."""
    said = told if isinstance(told, str) else told.detail
    return said if isinstance(told, ReceiptIn) and told.is_final else f"{said}; {question.next}"


def _is_told(one: ReceiptIn, message: Tracked, now: int) -> bool:
    """Whether a receipt says more than the message itself: why it failed, where it is, or that it is old news."""
    if one.is_final:
        return one.dlr != Dlr.DELIVERED or (one.done_at is not None and abs(now - one.done_at) > OLD_NEWS_MS)
    return message.state not in FINAL


def _message(tx: Tx, batch: _Batch, message: int) -> Tracked:
    """A message of the batch, or one that it takes in now."""
    if message not in batch.messages:
        batch.messages.update(tracking.load(tx, [message]))
    return batch.messages[message]
