"""What a customer's link brings: a text, or a part of one, with all that its PDU says about it.

The octets are read when the text is whole: a part may end in the middle of a character.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.domain.errors import Refusal
from chappe.domain.requests import Kind, Submission, SubmitRequest
from chappe.telecom.data_coding import Coding, decode
from chappe.telecom.gsm7 import DEFAULT
from chappe.telecom.segments import normalise_text
from chappe.telecom.transliterate import losses

# A set that got a part so lately is still being filled; an older one was left by its sender.
FRESH_MS: Final = 10_000


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
    reason: Reason | Refusal


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
    """The request that a submit, or all parts of one, make. Raises: Unreadable.

    Shape: times and sender are those of the first part. A text whose letters look the same in GSM-7 is sent so,
           whatever it came in; any other keeps its letters.
    """
    first = parts[0]
    text = text_of(parts)
    validity_s = None
    if first.expires_at is not None:
        validity_s = max(1, (first.expires_at - max(now_ms, first.send_at or 0)) // 1000)
    return SubmitRequest(
        text=text,
        numbers=first.numbers,
        kind=kind,
        sender=first.sender,
        is_unicode=needs_unicode(text),
        client_refs=[first.client_ref] * len(first.numbers) if first.client_ref else [],
        send_at=first.send_at,
        validity_s=validity_s,
    )


def needs_unicode(text: str) -> bool:
    """Whether a text would look different in GSM-7."""
    return not DEFAULT.has(text) and losses(normalise_text(text), DEFAULT) > 0


def reason_of(counts: Submission) -> Reason:
    """Why the only recipient of a request is left out."""
    return next((reason for reason in _LEFT_OUT if getattr(counts, reason)), "invalid")


def same_part(one: BoundSubmit, other: BoundSubmit) -> bool:
    """Whether a part is another that came again."""
    return (one.coding, one.octets) == (other.coding, other.octets)


def set_for(waiting: Sequence[WaitingPart], submit: BoundSubmit, number: int, now_ms: int) -> int | WaitingPart:
    """The set that part `number` of a text belongs to, or the part that it repeats.

    Shape: `waiting` are the parts of its `part_of`.

    References are used again. A part whose place is taken by other words opens a new set; one that fits several goes
    to the oldest that is still being filled, else to the newest: an older one was left unfinished.
    """
    sets: dict[int, list[WaitingPart]] = {}
    for part in waiting:
        sets.setdefault(part.set_no, []).append(part)
    lacking: list[int] = []
    for set_no in sorted(sets):
        taken = next((part for part in sets[set_no] if part.part == number), None)
        if taken is None:
            lacking.append(set_no)
        elif same_part(taken.body, submit):
            return taken
    for set_no in lacking:
        if max(part.received_at for part in sets[set_no]) > now_ms - FRESH_MS:
            return set_no
    return lacking[-1] if lacking else max(sets, default=-1) + 1
