"""The carrier of demo accounts: it sends nothing to anybody, and numbers say what becomes of their messages.

Everything passes through the lane as at any carrier: answers, refusals, receipts, replies, and what never comes.
What has not happened when the gateway stops happens then; what a gateway that was killed had in mind is forgotten.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

from chappe.carriers.connection import Address, Cut, LinkState, Listener, Outgoing, Question
from chappe.carriers.options import CarrierOptions, says
from chappe.carriers.refusals import Refusals
from chappe.domain.lifecycle import Dlr
from chappe.domain.magic import MagicOutcome, outcome_of
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused
from chappe.telecom import receipts
from chappe.telecom.receipts import STATES, Dialect
from chappe.telecom.segments import segments

T = TypeVar("T")

# Pieces that may be unanswered: many wait for an answer that never comes.
WINDOW: Final = 2_000
# As long as a lane waits for an answer over SMPP.
PATIENCE_MS: Final = 10_000
ORDINARY: Final = MagicOutcome("", "ordinary", "delivered after a moment", receipt_after_ms=1_000)
# Source: 3GPP TS 29.002, 17.6: 1 is an unknown subscriber.
DIALECT: Final = Dialect({"1": int(Dlr.INVALID_DESTINATION)})
_REFUSALS: Final = Refusals({}, {})
# Messages that were put off once; then the oldest may be put off again.
PUT_OFF_MOST: Final = 10_000


class SandboxOptions(CarrierOptions, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The settings of this carrier."""

    speed: Annotated[
        float, says("answers", "times of the table of magic numbers pass so many times faster", is_live=False, gt=0)
    ] = 1.0


class Piece(NamedTuple):
    """A part of a message. Shape: `part` from 0."""

    message_id: int
    part: int
    number: int
    sender: str

    @property
    def ref(self) -> str:
        return f"sandbox-{self.message_id}-{self.part}"


class SandboxCarrier(Generic[T]):
    """The table of `domain/magic` as a lane's carrier."""

    def __init__(self, options: SandboxOptions, listener: Listener[T]) -> None:
        self._options = options
        self._listener = listener
        self._waiting: dict[int, tuple[asyncio.TimerHandle, Callable[[], None]]] = {}
        self._numbers = count()
        self._in_flight = 0
        self._put_off: dict[tuple[int, int], None] = {}
        self._report = LinkState()
        self.states = [self._report]
        self.capacity = WINDOW

    # -- Connection
    @property
    def is_bound(self) -> bool:
        return self._report.state == "ready"

    @property
    def is_served(self) -> bool:
        return self.is_bound

    @property
    def is_unproven(self) -> bool:
        return False  # it is our own

    @property
    def free(self) -> int:
        return max(0, WINDOW - self._in_flight) if self.is_bound else 0

    @property
    def is_held_back(self) -> bool:
        return False

    def in_flight(self, bind: int) -> int:
        return self._in_flight

    def start(self) -> None:
        self._now("ready")
        self._listener.changed()

    def reconfigure(self, address: Address, options: SandboxOptions) -> None:
        self._options = options

    def cut(self, message: Outgoing) -> Cut:
        sender = message.sender or self._options.sender
        return Cut([Piece(message.message_id, part, message.number, sender) for part in range(message.parts)])

    def submit(self, items: Sequence[tuple[T, Piece]]) -> list[tuple[T, str]]:
        """Let happen what the numbers say."""
        alike: dict[str, tuple[MagicOutcome, list[tuple[T, Piece]]]] = {}
        for token, piece in items:
            outcome = outcome_of(str(piece.number)) or ORDINARY
            alike.setdefault(outcome.code, (outcome, []))[1].append((token, piece))
        self._in_flight += len(items)
        self._report.submitted += len(items)
        for outcome, some in alike.values():
            taken: list[tuple[T, Piece]] = []
            refused: list[tuple[T, Piece]] = []
            for each in some:
                (refused if self._is_refused(outcome, each[1]) else taken).append(each)
            if refused:
                self._later(0, partial(self._refuse, refused, _REFUSALS.of(outcome.refusal)))
            if taken:
                self._treat(outcome, taken)
        return []

    @property
    def can_query(self) -> bool:
        return False

    def query(self, questions: Sequence[Question]) -> None:
        """Never called: it does not know more than it tells."""

    async def stop(self) -> None:
        """What is still to happen happens now."""
        while self._waiting:
            for number, (timer, _) in sorted(self._waiting.items(), key=lambda each: each[1][0].when()):
                timer.cancel()
                self._happen(number)
        self._now("closed")

    # -- what becomes of messages
    def _is_refused(self, outcome: MagicOutcome, piece: Piece) -> bool:
        if not outcome.refusal or outcome.again:
            return bool(outcome.refusal)
        key = (piece.message_id, piece.part)
        if key in self._put_off:
            del self._put_off[key]
            return False
        if len(self._put_off) >= PUT_OFF_MOST:
            del self._put_off[next(iter(self._put_off))]
        self._put_off[key] = None
        return True

    def _treat(self, outcome: MagicOutcome, items: list[tuple[T, Piece]]) -> None:
        wait = outcome.answer_after_ms
        is_late = wait is None or wait > PATIENCE_MS
        if is_late:
            self._later(PATIENCE_MS, partial(self._doubt, [token for token, _ in items]))
        if wait is not None:
            if outcome.is_receipt_early:
                self._later(0, partial(self._tell_end, outcome, items))
            self._later(wait, partial(self._accept, outcome, items, is_late))

    def _refuse(self, items: list[tuple[T, Piece]], refused: Refused) -> None:
        self._in_flight -= len(items)
        self._listener.answered([(token, refused, "") for token, _ in items], late=False)

    def _accept(self, outcome: MagicOutcome, items: list[tuple[T, Piece]], is_late: bool) -> None:
        self._in_flight -= 0 if is_late else len(items)
        self._listener.answered([(token, None, piece.ref) for token, piece in items], late=is_late)
        if outcome.stat and not outcome.is_receipt_early:
            self._later(outcome.receipt_after_ms, partial(self._tell_end, outcome, items))

    def _doubt(self, tokens: list[T]) -> None:
        self._in_flight -= len(tokens)
        self._listener.unknown(tokens)

    def _tell_end(self, outcome: MagicOutcome, items: list[tuple[T, Piece]]) -> None:
        """Deliver the receipts, and let those reply who do."""
        said = receipts.of_state(STATES[outcome.stat].message_state or 0, outcome.error, DIALECT)
        found = [
            ReceiptIn(
                piece.ref, piece.number, said.dlr_status, said.is_final,
                f"{said.state} err:{said.error} id:{piece.ref}",
            )
            for _, piece in items
            if outcome.parts == "all" or piece.part == 0
        ]  # fmt: skip
        self._deliver(found * outcome.copies)
        if outcome.reply:
            firsts = [piece for _, piece in items if piece.part == 0]
            self._later(outcome.reply_after_ms, partial(self._reply, outcome.reply, firsts))

    def _reply(self, text: str, pieces: list[Piece]) -> None:
        parts = segments(text).parts
        self._deliver(
            [
                ReplyIn(str(piece.number), piece.sender, part, f"8.{piece.message_id % 256}/{len(parts)}", number)
                if len(parts) > 1
                else ReplyIn(str(piece.number), piece.sender, part)
                for piece in pieces
                for number, part in enumerate(parts, 1)
            ]
        )

    def _deliver(self, items: Sequence[ReceiptIn | ReplyIn]) -> None:
        self._listener.delivered(_keep_nothing, [(next(self._numbers), item) for item in items])

    # -- time
    def _later(self, wait_ms: float, act: Callable[[], None]) -> None:
        number = next(self._numbers)
        wait_s = wait_ms / 1000 / self._options.speed
        self._waiting[number] = (asyncio.get_running_loop().call_later(wait_s, self._happen, number), act)

    def _happen(self, number: int) -> None:
        _, act = self._waiting.pop(number)
        act()

    def _now(self, state: str) -> None:
        self._report.state = state
        self._report.since = asyncio.get_running_loop().time()


def _keep_nothing(numbers: list[int]) -> None:
    """Nobody waits for the acknowledgement."""
