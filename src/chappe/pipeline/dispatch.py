"""Hand messages to a carrier: claim what its window and rate allow, write it, collect the answers.

One lane, one loop: each turn writes down what the carrier said since the last one and claims what may leave now, in a
single unit of work. While that commits, answers gather for the next turn; the busier the carrier, the larger the
batches.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Literal

import structlog

from chappe.carriers.connection import BETWEEN_REFS, Acknowledge, Address, Connection, Outgoing, Piece, Question
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.options import CarrierOptions
from chappe.carriers.registry import connection_of
from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import Dlr
from chappe.domain.marketing_hours import FOREVER
from chappe.domain.outcomes import NO_REF, Outcome, ReceiptIn, ReplyIn, ref_of
from chappe.domain.plans import MARKETING
from chappe.domain.retry import Refused
from chappe.domain.throttle import Throttle
from chappe.pipeline import curfew, pace
from chappe.pipeline.arrivals import Arrivals
from chappe.pipeline.curfew import Cleared
from chappe.pipeline.pace import PaceMeter
from chappe.pipeline.questions import Questions
from chappe.pipeline.record import Lane, Recorded, Recorder
from chappe.pipeline.routing import Routing
from chappe.pipeline.rules import Rules
from chappe.pipeline.sending import Sending, Token
from chappe.pipeline.upkeep import Upkeep
from chappe.store import queue, replies
from chappe.store.carriers import PaceRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.queue import Claimed
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.lane")

MAX_BATCH = 1000
# The longest a lane sleeps.
SLEEP_S = 0.2
# After a database failure the lane waits before it tries to write the same things down again.
UNAVAILABLE_S = 0.5
DRAIN_S = 12.0
# Turns follow each other no faster than this unless half a window has been answered.
PACE_S = 0.01
# The end of a message of which a carrier has parts that the rest does not fit to any more.
CUT_ANEW = "some parts were taken, and its carrier's settings cut the rest differently now"


_Delivery = tuple[Acknowledge, int, ReceiptIn | ReplyIn]


class LaneRunner:
    """The owner of one lane, and the listener of its carrier."""

    def __init__(
        self, store: Store, ids: Ids, rules: Rules, lane: Lane, address: Address, options: CarrierOptions, rate: int,
        *, routing: Routing | None = None, is_paused: bool = False,
    ) -> None:  # fmt: skip
        self._store = store
        self._rules = rules
        self._lane = lane
        self._recorder = Recorder(lane, ids, routing)
        self.carrier: Connection[Token] = connection_of(address, options, self)
        self._throttle = Throttle(rate)
        self._pending: deque[tuple[Token, Piece]] = deque()
        self._outcomes: list[Outcome] = []
        self._deliveries: list[_Delivery] = []
        self._wake = asyncio.Event()
        self._may_have_more = True
        self._closes_at = FOREVER  # until then everything that is pending may leave
        self._open = 0  # messages claimed and not yet told about
        self._is_stopping = False
        self._upkeep = Upkeep(store, lane, self._recorder)
        self._questions = Questions(store, lane, self._recorder, self.carrier)
        self._arrivals = Arrivals(store, lane, self._recorder) if isinstance(options, HttpOptions) else None
        self._has_arrivals = False
        self._turned_at = 0.0
        self._is_paused = is_paused
        self._worth_a_commit = max(1, min(self.carrier.capacity // 2, MAX_BATCH))
        self._loop = asyncio.get_running_loop()
        self._pace = PaceMeter(self._loop.time())

    # -- Listener
    def answered(self, items: list[tuple[Token, Refused | None, str]], *, late: bool) -> None:
        now = self._loop.time()
        for (sending, part), refused, ref in items:
            sending.lost &= ~(1 << part)
            if refused is None:
                # A carrier that gives no id is believed; its receipts will name none of ours.
                first, *others = ref.split(BETWEEN_REFS)
                sending.refs[part] = ref_of(first, sending.message_id, part)
                # One that cut the piece itself tells an id for each of its parts.
                sending.refs += [ref_of(each, sending.message_id, part + n) for n, each in enumerate(others, 1)]
            else:
                sending.refused = refused
                if refused.kind in ("throttle", "queue_full"):
                    self._throttle.hit(now)
            if late:
                self._answered_late(sending)
            else:
                self._answered_part(sending)
        self._throttle.accepted(now, sum(refused is None for _, refused, _ in items))
        self._wake.set()

    def unknown(self, tokens: list[Token]) -> None:
        for sending, part in tokens:
            sending.lost |= 1 << part
            self._answered_part(sending)
        self._wake.set()

    def unsent(self, tokens: list[Token]) -> None:
        for sending, _ in tokens:
            self._answered_part(sending)
        self._wake.set()

    def delivered(self, acknowledge: Acknowledge, items: list[tuple[int, ReceiptIn | ReplyIn]]) -> None:
        self._deliveries += [(acknowledge, number, item) for number, item in items]
        self._wake.set()

    def told(self, answers: list[tuple[Question, ReceiptIn | str]]) -> None:
        self._questions.told(answers)
        self._wake.set()

    def congested(self, percent: int) -> None:
        self._throttle.congested(self._loop.time(), percent)

    def changed(self) -> None:
        if not self.carrier.is_bound:
            self._return_pending()
        self._may_have_more = True
        self._wake.set()

    # -- the loop
    def wake(self) -> None:
        """There may be something to claim, or to record."""
        self._may_have_more = True
        if self._arrivals is not None:
            self._arrivals.wake()
        self._wake.set()

    def reconfigure(self, address: Address, options: CarrierOptions, rate: int, *, is_paused: bool) -> None:
        """Take changed settings of which none needs a new connection; what is paused gets nothing more."""
        self.carrier.reconfigure(address, options)
        if rate != self._throttle.rate:
            self._throttle.change(rate)
        self._worth_a_commit = max(1, min(self.carrier.capacity // 2, MAX_BATCH))
        self._is_paused = is_paused
        if is_paused:
            self._return_pending()
        self.wake()

    def report(self, carrier: int, now: int) -> PaceRow:
        """How fast the lane is, and why not faster. Units: milliseconds UTC."""
        clock = self._loop.time()
        measured = self._pace.report(clock)
        known = [state.answer_s for state in self.carrier.states if state.answer_s is not None]
        allowed = self._throttle.allowed_per_s
        return PaceRow(
            carrier, measured.limited_by, measured.per_s, None if allowed is None else round(allowed),
            round(1000 * sum(known) / len(known)) if known else None, self._throttle.congestion(clock), now,
        )  # fmt: skip

    @property
    def is_held_back(self) -> bool:
        """Whether nothing leaves now because the carrier complained."""
        return self.carrier.is_held_back or self._throttle.pauses(self._loop.time())

    async def run(self) -> None:
        """Serve the lane until `stop`."""
        await self._store.write(self._recorder.load)
        await self._store.write(self._upkeep.take_over)
        self._recorder.recorded(await self._store.write(lambda tx: self._recorder.reconsider(tx, now_ms())))
        self.carrier.start()
        try:
            await self._serve()
        finally:
            await self.carrier.stop()

    async def _serve(self) -> None:
        while not self._is_stopping:
            await self._wait()
            await self._turn(self._room())
        self._return_pending()
        deadline = self._loop.time() + DRAIN_S
        while (self._open or self._outcomes or self._deliveries) and self._loop.time() < deadline:
            await self._wait()
            await self._turn(0)
        stopping = asyncio.ensure_future(self.carrier.stop())
        while not stopping.done() or self._outcomes or self._deliveries:
            await self._turn(0)
            await asyncio.wait([stopping], timeout=0.05)

    def stop(self) -> None:
        """Claim nothing more, wait for the answers, unbind, end."""
        self._is_stopping = True
        self._wake.set()

    async def _wait(self) -> None:
        self._send_pending()
        if self._outcomes or self._deliveries or self._has_arrivals or (self._may_have_more and self._room()):
            # Small turns that follow each other closely would spend their time on commits: let them grow.
            gathered = len(self._outcomes) + len(self._deliveries)
            now = self._loop.time()
            early_s = self._turned_at + PACE_S - now
            self._pace.note(self._limit(now) if not self._room() else pace.OURSELVES, now)
            await asyncio.sleep(early_s if early_s > 0 and gathered < self._worth_a_commit else 0)
            return
        now = self._loop.time()
        pause = self._throttle.wait_s(now)
        self._pace.note(self._limit(now), now)
        self._wake.clear()
        try:
            async with asyncio.timeout(min(SLEEP_S, pause) if pause else SLEEP_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _limit(self, now: float) -> str:
        """Why nothing more leaves now."""
        if self._is_paused:
            return pace.PAUSED
        if not self._pending and not self._may_have_more:
            return pace.NOTHING_WAITS
        if not self.carrier.is_bound:
            return pace.NOT_BOUND
        if self._throttle.wait_s(now):
            return pace.BRAKES[self._throttle.brake(now)]
        if self.carrier.is_held_back:
            return pace.BRAKES["throttling"]
        return pace.OURSELVES if self.carrier.free else pace.WINDOW

    def _room(self) -> int:
        """How many messages may be claimed now."""
        if self._is_stopping or self._is_paused or self._pending:
            return 0
        return self._throttle.allowance(self._loop.time(), min(self.carrier.free, MAX_BATCH))

    async def _turn(self, room: int) -> None:
        """Do what is due, write down what the carrier said, and send what may leave."""
        try:
            await self._work(room)
        except Unavailable as error:
            _log.error("database unavailable", lane=self._lane.carrier_id, reason=str(error))
            await asyncio.sleep(UNAVAILABLE_S)

    async def _work(self, room: int) -> None:
        """One turn. Raises: Unavailable; what the carrier said is kept for the next turn, and not acknowledged."""
        if await self._upkeep.run(self._loop.time()):
            self._may_have_more = True
        room = max(0, room - await self._ask())
        if self._arrivals is not None:
            self._has_arrivals = await self._arrivals.record(self._loop.time())
        wants = room if self._may_have_more and self._has_ready() else 0
        if room and not wants:
            self._may_have_more = False
        if not (self._outcomes or self._deliveries or wants):
            return
        self._turned_at = self._loop.time()
        outcomes, self._outcomes = self._outcomes, []
        deliveries, self._deliveries = self._deliveries, []

        try:
            recorded, cleared = await self._commit(outcomes, deliveries, wants)
        except Unavailable:
            self._outcomes = outcomes + self._outcomes
            self._deliveries = deliveries + self._deliveries
            raise
        except Exception:
            if not outcomes and not deliveries:
                raise
            _log.exception("bug in a batch, written down one by one", lane=self._lane.carrier_id)
            await self._write_one_by_one(outcomes, deliveries)
            return
        self._committed(recorded, outcomes, deliveries)
        if wants:
            self._claimed(cleared, wants)

    def _claimed(self, cleared: Cleared, wants: int) -> None:
        lane = self._lane.carrier_id
        if cleared.held:
            _log.info("held until the legal hours open", lane=lane, messages=cleared.held)
        if cleared.unwanted:
            _log.info("not sent to who said STOP", lane=lane, messages=len(cleared.unwanted))
        self._may_have_more = len(cleared.messages) == wants or cleared.held > 0 or bool(cleared.unwanted)
        self._closes_at = cleared.closes_at
        self._send(cleared.messages)

    async def _ask(self) -> int:
        """Ask the carrier about what it took and did not report; how many questions it were."""
        if not self._questions.is_active:
            return 0
        now = self._loop.time()
        allowance = 0 if self._is_stopping else self._throttle.allowance(now, self.carrier.free)
        asked = await self._questions.run(now, allowance)
        self._throttle.used(asked)
        return asked

    async def _commit(
        self, outcomes: list[Outcome], deliveries: list[_Delivery], wants: int
    ) -> tuple[Recorded | None, Cleared]:
        """Write down what the carrier said and claim `wants` messages, in one unit of work."""

        lane = self._lane

        def unit(tx: Tx) -> tuple[Recorded | None, Cleared]:
            now = now_ms()
            recorded = None
            if outcomes or deliveries:
                incoming = [item for _, _, item in deliveries]
                receipts = [item for item in incoming if isinstance(item, ReceiptIn)]
                replies.insert(tx, lane.carrier_id, [i for i in incoming if isinstance(i, ReplyIn)], now)
                recorded = self._recorder.record(tx, outcomes, receipts, now)
            cleared = curfew.claim(tx, self._rules, lane.carrier_id, lane.epoch, wants, now)
            if cleared.unwanted:
                curfew.end_unwanted(tx, self._recorder, cleared.unwanted, now)
            return recorded, cleared

        return await self._store.write(unit)

    def _committed(self, recorded: Recorded | None, outcomes: list[Outcome], deliveries: list[_Delivery]) -> None:
        """Remember and acknowledge what was written. A fault of ours here does not have it written once more."""
        if recorded is None:
            return
        lane = self._lane.carrier_id
        self._open -= len(outcomes)
        try:
            self._recorder.recorded(recorded)
            self._acknowledge(deliveries)
        except Exception:
            _log.exception("bug after a batch was written", lane=lane)
        _log.info(
            "recorded", lane=lane, sent=recorded.sent, refused=recorded.refused, unknown=recorded.unknown,
            final=recorded.final, receipts=len(deliveries), unmatched=len(recorded.quarantined),
        )  # fmt: skip

    async def _write_one_by_one(self, outcomes: list[Outcome], deliveries: list[_Delivery]) -> None:
        """A fault of ours in one item must not hold up the lane: the others are written down.

        The message of an outcome that cannot be written stays *sending* and becomes unknown with the next owner; a
        receipt that cannot be written is not acknowledged, so the carrier brings it again.
        """
        for each in outcomes:
            await self._write_alone([each], [])
        for delivery in deliveries:
            await self._write_alone([], [delivery])

    async def _write_alone(self, outcomes: list[Outcome], deliveries: list[_Delivery]) -> None:
        try:
            recorded, _ = await self._commit(outcomes, deliveries, 0)
        except Unavailable:
            self._outcomes += outcomes
            self._deliveries += deliveries
            return
        except Exception:
            self._open -= len(outcomes)
            _log.exception("bug", lane=self._lane.carrier_id, messages=[each.message_id for each in outcomes])
            return
        self._committed(recorded, outcomes, deliveries)

    def _has_ready(self) -> bool:
        return self._store.glance(lambda tx: queue.has_ready(tx, self._lane.carrier_id))

    def _acknowledge(self, deliveries: list[_Delivery]) -> None:
        numbers: dict[Acknowledge, list[int]] = {}
        for acknowledge, number, _ in deliveries:
            numbers.setdefault(acknowledge, []).append(number)
        for acknowledge, some in numbers.items():
            acknowledge(some)

    # -- sending
    def _send(self, claimed: Iterable[Claimed]) -> None:
        now = now_ms()
        for message in claimed:
            refs = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
            if NO_REF not in refs:
                self._conclude_at_once(message, refs, "accepted")
                continue
            if message.expires_at <= now:
                self._conclude_at_once(message, refs, _conclusion(Dlr.EXPIRED, "validity is over"))
                continue
            try:
                pieces, note = self.carrier.cut(_outgoing(message, now))
            except ValueError as error:
                self._conclude_at_once(message, refs, _unsayable(str(error)))
                continue
            if len(pieces) != len(refs):
                if message.refs:
                    self._conclude_at_once(message, refs, _conclusion(Dlr.NOT_DELIVERED, CUT_ANEW))
                    continue
                refs = [NO_REF] * len(pieces)  # the carrier cuts differently from what was priced
            missing = [part for part, ref in enumerate(refs) if ref == NO_REF]
            sending = Sending(message, refs, len(missing), note)
            self._open += 1
            self._pending += [((sending, part), pieces[part]) for part in missing]
        self._send_pending()

    def _conclude_at_once(self, message: Claimed, refs: list[str], result: Refused | Literal["accepted"]) -> None:
        self._open += 1
        self._outcomes.append(Outcome(message.message_id, refs, result, message.attempts, message.expires_at))

    def _send_pending(self) -> None:
        if not self._pending:
            return
        if self._is_paused:
            self._return_pending()  # claimed while it was being paused
            return
        if self._closes_at <= now_ms():
            self._closes_at = FOREVER
            self._return_pending()  # to be claimed again and held
            self._may_have_more = True
            return
        room = self._throttle.allowance(self._loop.time(), min(self.carrier.free, len(self._pending)))
        if not room:
            return
        items = [self._pending.popleft() for _ in range(room)]
        self._throttle.used(room)
        self._pace.sent(room)
        for (sending, _), reason in self.carrier.submit(items):
            sending.refused = _unsayable(reason)
            self._answered_part(sending)

    def _return_pending(self) -> None:
        """What was claimed and not written goes back to its place in the queue."""
        waiting, self._pending = self._pending, deque()
        for (sending, _), _ in waiting:
            self._answered_part(sending)

    def _answered_part(self, sending: Sending) -> None:
        sending.left -= 1
        if sending.left == 0:
            sending.is_told = True
            self._outcomes.append(sending.outcome())

    def _answered_late(self, sending: Sending) -> None:
        """An answer after its time: a refusal decides only when no other part of the message is in doubt."""
        if not sending.is_told:
            return  # the other parts are still out; the outcome is told with the last of them
        self._open += 1
        self._outcomes.append(sending.outcome())


def _conclusion(dlr: Dlr, why: str) -> Refused:
    return Refused("permanent", dlr, why, is_ours=True)


def _unsayable(why: str) -> Refused:
    """This carrier cannot say it: another one may."""
    return _conclusion(Dlr.ROUTE_NOT_AVAILABLE, f"cannot be encoded: {why}")


def _outgoing(message: Claimed, now: int) -> Outgoing:
    return Outgoing(
        message.message_id, message.number, message.text, message.sender, message.encoding, message.parts,
        (message.expires_at - now) / 1000, message.campaign_id, message.priority < MARKETING,
    )  # fmt: skip
