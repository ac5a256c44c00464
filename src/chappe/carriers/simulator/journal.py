"""What the simulated carrier remembers: counters always, messages when asked to."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from chappe.telecom import receipts
from chappe.telecom.alphabets import announced
from chappe.telecom.smpp import status, tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import Element, MalformedHeader, split_udh

from .account import Outgoing
from .options import SimulatorOptions
from .outcomes import Outcome
from .tally import ACKNOWLEDGED, ANSWERED, REFUSED, SENT, TAKEN, Row, Summary, Tally, place_of

_UDHI = 0x40


class Submit(NamedTuple):
    """A submit and what the carrier did with it; refused ones have no id and no fate.

    Shape: `key` is its message's in the tally, 0 without one; `faults` are the lines of the script that hit it.
    """

    system_id: str
    message: ShortMessage
    status: int
    message_id: str = ""
    fate: Outcome | None = None
    key: int = 0
    faults: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """A submit as the simulator shows it: one part of a message, decoded.

    Shape: `faults` are the lines of the script that hit this submit; `taken`, `answered` and `reported` count what
           happened up to now to all submits of the same part, text and number.
    """

    system_id: str
    message_id: str
    status: int
    outcome: str
    source: str
    destination: str
    text: str
    part: int
    parts: int
    data_coding: int
    registered_delivery: int
    faults: list[str]
    taken: int
    answered: int
    reported: int


class BindStats(msgspec.Struct, frozen=True):
    """One connection: submits received on it, deliveries that wait for an answer."""

    system_id: str
    state: str
    received: int
    in_flight: int


class Stats(msgspec.Struct):
    """Counters since the start or the last reset.

    Shape: every submit is counted once in `received` and once in `accepted` or, by status, in `refused`; `answered`
           are accepted ones whose answer was handed to the connection, `unanswered` those whose answer never will be.
           `distinct` and `doubled` count accepted texts per number, when fingerprints or messages are kept.
           `receipts` counts by outcome when they are planned, `receipts_sent` and `receipts_acknowledged` what
           came of them; `acknowledged` and `waiting` receipts and replies that were taken or are on their way.
           `faults` says how often each line of the script hit, `turned_away` are connections while the link was down.
    """

    received: int = 0
    accepted: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    answered: int = 0
    unanswered: int = 0
    distinct: int = 0
    doubled: int = 0
    receipts: dict[str, int] = msgspec.field(default_factory=dict)
    receipts_sent: int = 0
    receipts_acknowledged: int = 0
    replies: int = 0
    acknowledged: int = 0
    turned_down: int = 0
    waiting: int = 0
    forgotten: int = 0
    binds_accepted: int = 0
    binds_refused: int = 0
    dropped: int = 0
    turned_away: int = 0
    oddities: dict[str, int] = msgspec.field(default_factory=dict)
    faults: dict[str, int] = msgspec.field(default_factory=dict)
    binds: list[BindStats] = msgspec.field(default_factory=list)


class Journal:
    """Counts submits and remembers what the options ask for."""

    def __init__(self) -> None:
        self.stats = Stats()
        self.receipts: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()
        self._refused: Counter[int] = Counter()
        self.tally = Tally()
        self._kept: deque[Submit] = deque()
        self._by_id: dict[str, Submit] = {}

    def note(self, submits: list[Submit], options: SimulatorOptions) -> None:
        """Count and remember submits."""
        stats = self.stats
        stats.received += len(submits)
        refused = [submit.status for submit in submits if submit.status]
        stats.accepted += len(submits) - len(refused)
        if refused:
            self._refused.update(refused)
        if options.keep == "counters":
            return
        self.tally.count(TAKEN, [submit.key for submit in submits if not submit.status])
        if refused:
            self.tally.count(REFUSED, [submit.key for submit in submits if submit.status])
        if options.keep == "messages":
            self._kept.extend(submits)
            self._by_id.update((receipts.key(submit.message_id), submit) for submit in submits if submit.fate)
            while len(self._kept) > options.keep_most:
                self._by_id.pop(receipts.key(self._kept.popleft().message_id), None)

    def answered(self, count: int, keys: Iterable[int]) -> None:
        """Answers to accepted submits left; a key of 0 is one that nobody asks for."""
        self.stats.answered += count
        self.tally.count(ANSWERED, filter(None, keys))

    def delivered(self, items: list[Outgoing]) -> None:
        """Receipts and replies left."""
        keys = [item.key for item in items if item.outcome is not None]
        self.stats.receipts_sent += len(keys)
        self.tally.count(SENT, filter(None, keys))

    def acknowledged(self, items: list[Outgoing]) -> None:
        """The customer took receipts and replies."""
        keys = [item.key for item in items if item.outcome is not None]
        self.stats.acknowledged += len(items)
        self.stats.receipts_acknowledged += len(keys)
        self.tally.count(ACKNOWLEDGED, filter(None, keys))

    def snapshot(self) -> Stats:
        """The counters of this moment."""
        return msgspec.structs.replace(
            self.stats,
            distinct=self.tally.taken,
            doubled=self.tally.doubled,
            refused={status.name(value): count for value, count in self._refused.items()},
            receipts=dict(self.receipts),
            oddities=dict(self.oddities),
        )

    def summary(self, stats: Stats) -> Summary:
        """The tally of the run beside the counters of the same moment."""
        return msgspec.structs.replace(
            self.tally.summary(),
            refused=stats.received - stats.accepted,
            receipts_due=sum(self.receipts.values()),
            receipts_sent=stats.receipts_sent,
            receipts_acknowledged=stats.receipts_acknowledged,
            receipts_waiting=stats.waiting,
            receipts_forgotten=stats.forgotten,
        )

    def find(self, message_id: str) -> Submit | None:
        """A remembered submit by its message id, however that is padded."""
        return self._by_id.get(receipts.key(message_id))

    def messages(self, destination: str | None = None, latest: int | None = None) -> list[Message]:
        """Remembered submits, oldest first."""
        kept = [row for row in self._kept if destination is None or row.message.destination == destination]
        return [
            _shown(row, self.tally.row(row.key))
            for row in (kept if latest is None else kept[max(0, len(kept) - latest) :])
        ]


def _shown(submit: Submit, row: Row) -> Message:
    message = submit.message
    octets = message.short_message or tlv.find(message.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    elements, octets = _header(message, octets)
    _, part, parts = place_of(message)
    return Message(
        system_id=submit.system_id,
        message_id=submit.message_id,
        status=submit.status,
        outcome=submit.fate.name if submit.fate else "",
        source=message.source,
        destination=message.destination,
        text=_text(octets, message.data_coding, elements),
        part=part,
        parts=parts,
        data_coding=message.data_coding,
        registered_delivery=message.registered_delivery,
        faults=list(submit.faults),
        taken=row.taken,
        answered=row.answered,
        reported=row.acknowledged,
    )


def _header(message: ShortMessage, octets: bytes) -> tuple[tuple[Element, ...], bytes]:
    """The elements of the header, and the octets without it."""
    if not message.esm_class & _UDHI:
        return (), octets
    try:
        return split_udh(octets)
    except MalformedHeader:
        return (), octets


def _text(octets: bytes, data_coding: int, elements: tuple[Element, ...]) -> str:
    if data_coding == 8:
        return octets.decode("utf-16-be", "replace")
    if data_coding != 0:
        return octets.decode("latin-1")
    return announced(elements).decode(octets)
