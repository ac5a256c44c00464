"""What the simulated carrier remembers: counters always, messages when asked to."""

from collections import Counter, deque
from typing import Final, NamedTuple

import msgspec

from chappe.telecom import receipts
from chappe.telecom.alphabets import announced
from chappe.telecom.smpp import status, tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import Element, MalformedHeader, find_concatenation, split_udh

from .options import SimulatorOptions
from .outcomes import Outcome

_UDHI: Final = 0x40


class Submit(NamedTuple):
    """A submit and what the carrier did with it; refused ones have no id and no fate."""

    system_id: str
    message: ShortMessage
    status: int
    message_id: str = ""
    fate: Outcome | None = None


class Message(msgspec.Struct, frozen=True):
    """A submit as the simulator shows it: one part of a message, decoded."""

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


class BindStats(msgspec.Struct, frozen=True):
    """One connection: submits received on it, deliveries that wait for an answer."""

    system_id: str
    state: str
    received: int
    in_flight: int


class Stats(msgspec.Struct):
    """Counters since the start or the last reset.

    Shape: every submit is counted once in `received` and once in `accepted` or, by status, in `refused`;
           `unanswered` are accepted ones whose answer never left. `distinct` and `doubled` count accepted
           texts per number, when fingerprints or messages are kept. `receipts` counts by outcome when they
           are planned, `acknowledged` and `waiting` receipts and replies that were taken or are on their way.
    """

    received: int = 0
    accepted: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    unanswered: int = 0
    distinct: int = 0
    doubled: int = 0
    receipts: dict[str, int] = msgspec.field(default_factory=dict)
    replies: int = 0
    acknowledged: int = 0
    turned_down: int = 0
    waiting: int = 0
    forgotten: int = 0
    binds_accepted: int = 0
    binds_refused: int = 0
    dropped: int = 0
    oddities: dict[str, int] = msgspec.field(default_factory=dict)
    binds: list[BindStats] = msgspec.field(default_factory=list)


class Journal:
    """Counts submits and remembers what the options ask for."""

    def __init__(self) -> None:
        self.stats = Stats()
        self.receipts: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()
        self._refused: Counter[int] = Counter()
        self._seen: set[int] = set()
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
        for submit in submits:
            if not submit.status:
                self._fingerprint(submit.message)
        if options.keep == "messages":
            self._kept.extend(submits)
            self._by_id.update((receipts.key(submit.message_id), submit) for submit in submits if submit.fate)
            while len(self._kept) > options.keep_most:
                self._by_id.pop(receipts.key(self._kept.popleft().message_id), None)

    def _fingerprint(self, message: ShortMessage) -> None:
        print_of = hash((message.source, message.destination, message.short_message, message.tlvs))
        if print_of in self._seen:
            self.stats.doubled += 1
        else:
            self._seen.add(print_of)

    def snapshot(self) -> Stats:
        """The counters of this moment."""
        return msgspec.structs.replace(
            self.stats,
            distinct=len(self._seen),
            refused={status.name(value): count for value, count in self._refused.items()},
            receipts=dict(self.receipts),
            oddities=dict(self.oddities),
        )

    def find(self, message_id: str) -> Submit | None:
        """A remembered submit by its message id, however that is padded."""
        return self._by_id.get(receipts.key(message_id))

    def messages(self, destination: str | None = None, latest: int | None = None) -> list[Message]:
        """Remembered submits, oldest first."""
        kept = [row for row in self._kept if destination is None or row.message.destination == destination]
        return [_shown(row) for row in (kept if latest is None else kept[max(0, len(kept) - latest) :])]


def _shown(submit: Submit) -> Message:
    message = submit.message
    octets = message.short_message or tlv.find(message.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    elements, octets = _header(message, octets)
    part, parts = _place(message, elements)
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
    )


def _header(message: ShortMessage, octets: bytes) -> tuple[tuple[Element, ...], bytes]:
    """The elements of the header, and the octets without it."""
    if not message.esm_class & _UDHI:
        return (), octets
    try:
        return split_udh(octets)
    except MalformedHeader:
        return (), octets


def _place(message: ShortMessage, elements: tuple[Element, ...]) -> tuple[int, int]:
    """Number of the part, and how many there are."""
    total = tlv.find_int(message.tlvs, tlv.SAR_TOTAL_SEGMENTS)
    if total is not None:
        return tlv.find_int(message.tlvs, tlv.SAR_SEGMENT_SEQNUM) or 1, total
    place = find_concatenation(elements)
    return (place.number, place.total) if place is not None else (1, 1)


def _text(octets: bytes, data_coding: int, elements: tuple[Element, ...]) -> str:
    if data_coding == 8:
        return octets.decode("utf-16-be", "replace")
    if data_coding != 0:
        return octets.decode("latin-1")
    return announced(elements).decode(octets)
