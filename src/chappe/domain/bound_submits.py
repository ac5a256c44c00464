"""What a customer's link brings: a text, or a part of one, with all that its PDU says about it.

The octets are read when the text is whole: a part may end in the middle of a character.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.domain.errors import BadData, Refusal, Unavailable
from chappe.domain.requests import Kind, Submission, SubmitRequest
from chappe.telecom.data_coding import Coding, decode
from chappe.telecom.gsm7 import DEFAULT
from chappe.telecom.segments import PROTOCOL_MAX_PARTS, Encoding, capacity, normalise_text
from chappe.telecom.transliterate import losses

# A set that got a part so lately is still being filled; an older one was left by its sender.
FRESH_MS: Final = 10_000
# The characters that as many parts as a message can have hold at most, in GSM-7 and in UCS-2.
_HEADER: Final = 6
_LONGEST: Final = PROTOCOL_MAX_PARTS * capacity(Encoding.GSM7, _HEADER)
_LONGEST_UNICODE: Final = PROTOCOL_MAX_PARTS * capacity(Encoding.UCS2, _HEADER)


class Place(NamedTuple):
    """The place of a part in its message.

    Shape: `form` tells the references of one way to write them from those of another.
    """

    form: str
    reference: int
    total: int
    part: int


class BoundSubmit(msgspec.Struct, frozen=True, array_like=True):
    """One submit.

    Shape: `source` and `destinations` as he wrote them: "TON NPI digits"; `numbers` are the same destinations as our
           callers write numbers. `registered` is his registered_delivery, `client_ref` his user_message_reference.
    Units: milliseconds UTC.
    """

    source: str
    destinations: list[str]
    sender: str | None
    numbers: list[str]
    coding: Coding
    octets: bytes
    registered: int = 0
    send_at: int | None = None
    expires_at: int | None = None
    place: Place | None = None
    is_replacing: bool = False
    client_ref: str | None = None

    @property
    def part_of(self) -> str:
        """What the parts of a message have in common; "" of a whole text."""
        if self.place is None:
            return ""
        form, reference, total, _ = self.place
        return f"{self.source}|{self.destinations[0]}|{form} {reference}/{total}"

    @property
    def digest(self) -> bytes:
        """What parts with the same words have in common."""
        charset, single, locking = self.coding
        return blake2b(b"%s %d %d " % (charset.encode(), single, locking) + self.octets, digest_size=16).digest()


Reason = Literal[
    "invalid",
    "duplicated",
    "blacklisted",
    "npai",
    "not_allowed",
    "country_limit",
    "flood",
    "unreadable",
    "too_many_parts",
    "nothing_to_replace",
]
"""Why a text is not taken, where no Refusal says it: the recipient is left out, or the octets are no text."""


_LEFT_OUT: Final[tuple[Reason, ...]] = (
    "invalid",
    "duplicated",
    "blacklisted",
    "npai",
    "not_allowed",
    "country_limit",
    "flood",
)


class Failed(NamedTuple):
    """A destination that is not sent to. Shape: `at` is its place among the destinations."""

    at: int
    reason: Reason | Refusal | Unavailable


class Taken(NamedTuple):
    """A submit that is on the disk, and the id that its customer is told."""

    ref: int
    failed: tuple[Failed, ...] = ()


class WaitingPart(NamedTuple):
    """A part that waits for the others. Shape: `ref` is the id that the customer was told. Units: milliseconds UTC."""

    part_of: str
    set_no: int
    part: int
    ref: int
    received_at: int
    body: BoundSubmit


@dataclass(slots=True)
class WaitingSet:
    """Parts of one text that wait. Units: milliseconds UTC.

    Shape: `taken` are those of its places that were asked about, each with the id and the digest of its part.
    """

    count: int
    newest: int
    taken: dict[int, tuple[int, bytes]] = field(default_factory=dict)


class Fit(NamedTuple):
    """Where a part belongs. Shape: `ref` is the id of the part that it repeats."""

    set_no: int
    ref: int | None = None


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(BoundSubmit)


def encoded(submit: BoundSubmit) -> bytes:
    """The form in which parts are kept."""
    return _encoder.encode(submit)


def decoded(body: bytes) -> BoundSubmit:
    """Read what `encoded` wrote."""
    return _decoder.decode(body)


def text_of(parts: Iterable[BoundSubmit]) -> str:
    """The text of parts in their order; those in one coding are read as one. Raises: Unreadable."""
    pieces = [
        decode(coding, b"".join([part.octets for part in group]))
        for coding, group in groupby(parts, key=lambda part: part.coding)
    ]
    return "".join(pieces)


def request_of(parts: Sequence[BoundSubmit], kind: Kind, now_ms: int) -> SubmitRequest:
    """The request that a submit, or all parts of one, make.

    Shape:  times and sender are those of the first part. A text whose letters look the same in GSM-7 is sent so,
            whatever it came in; any other keeps its letters.
    Raises: Unreadable; BadData for a text that no message can be, before anybody looks at it closely.
    """
    first = parts[0]
    text = text_of(parts)
    is_unicode = len(text) <= _LONGEST and needs_unicode(text)
    if len(text) > (_LONGEST_UNICODE if is_unicode else _LONGEST) and len(normalise_text(text)) > _LONGEST_UNICODE:
        raise BadData(f"{len(text)} characters are more than any message has", field="text")
    validity_s = None
    if first.expires_at is not None:
        validity_s = max(1, (first.expires_at - max(now_ms, first.send_at or 0)) // 1000)
    return SubmitRequest(
        text=text,
        numbers=first.numbers,
        kind=kind,
        sender=first.sender,
        is_unicode=is_unicode,
        client_refs=[first.client_ref] * len(first.numbers) if first.client_ref else [],
        send_at=first.send_at,
        validity_s=validity_s,
    )


def needs_unicode(text: str) -> bool:
    """Whether a text would look different in GSM-7. Cost: each letter is looked up once."""
    return not DEFAULT.has(text) and losses("".join(set(normalise_text(text))), DEFAULT) > 0


def reason_of(counts: Submission) -> Reason:
    """Why the only recipient of a request is left out."""
    return next((reason for reason in _LEFT_OUT if getattr(counts, reason)), "invalid")


def set_for(sets: Mapping[int, WaitingSet], number: int, digest: bytes, now_ms: int) -> Fit:
    """The set that part `number` of a text belongs to, or the part that it repeats.

    Shape: `sets` are those of its `part_of`; one that is not among them has to be opened.

    References are used again. A part whose place is taken by other words opens a new set; one that fits several goes
    to the oldest that is still being filled, else to the newest: an older one was left unfinished.
    """
    lacking: list[int] = []
    for set_no in sorted(sets):
        taken = sets[set_no].taken.get(number)
        if taken is None:
            lacking.append(set_no)
        elif taken[1] == digest:
            return Fit(set_no, taken[0])
    for set_no in lacking:
        if sets[set_no].newest > now_ms - FRESH_MS:
            return Fit(set_no)
    return Fit(lacking[-1] if lacking else max(sets, default=-1) + 1)
