"""Everything about one message before it is sent, as values: what becomes of it, and why."""

from typing import Literal

import msgspec

from chappe.domain.reasons import Reason
from chappe.domain.remarks import Warned
from chappe.domain.requests import Kind
from chappe.domain.text_costs import Costly, Outside
from chappe.telecom.segments import Encoding
from chappe.telecom.transliterate import Change

LeftOutAs = Literal["", "invalid", "blacklisted", "npai", "not_allowed", "country_limit", "flood"]
MentionPlace = Literal["none", "end", "token", "author"]


class Addressee(msgspec.Struct, frozen=True):
    """Who it is to. Shape: `number` is 0 and `country` empty as far as they cannot be read; `left_out` is the count
    that the number would be in, empty for one that gets the message, and `why` says it in words.
    """

    given: str
    number: int
    country: str
    country_name: str
    left_out: LeftOutAs
    why: str
    because: tuple[Reason, ...]


class Wording(msgspec.Struct, frozen=True):
    """The text as it leaves, and what it costs in room.

    Shape: `encoded` is the encoding in words, with the tables of a language that it uses; `outside` is the first
           character of the author's that they lack; `parts_otherwise` is what the text takes with the other choice
           of unicode, None where that changes nothing.
    Units: `units` and `room` in septets or UTF-16 code units; `to_drop` in characters for one part less, 0 for none.
    """

    text: str
    encoding: Encoding
    encoded: str
    units: int
    room: int
    parts: int
    max_parts: int
    replaced: tuple[Change, ...]
    costly: tuple[Costly, ...]
    outside: Outside | None
    to_drop: int
    parts_otherwise: int | None
    because: tuple[Reason, ...]


class Mention(msgspec.Struct, frozen=True):
    """How people are told to opt out. Shape: `text` is empty where the platform adds nothing."""

    text: str
    place: MentionPlace
    why: str
    because: tuple[Reason, ...]


class Origin(msgspec.Struct, frozen=True):
    """What the recipient sees as sender. Shape: `sent_as` is None for the carrier's own number."""

    asked: str | None
    sent_as: str | None
    why: str
    because: tuple[Reason, ...]


class Price(msgspec.Struct, frozen=True):
    """What it costs. Units: thousandths of a credit; nothing for a message that is left out."""

    part_mc: int
    total_mc: int
    because: tuple[Reason, ...]


class WallClock(msgspec.Struct, frozen=True):
    """An instant on the recipient's wall. Shape: like 2026-11-23 08:00:00."""

    zone: str
    time: str


class Timing(msgspec.Struct, frozen=True):
    """When it may leave.

    Shape: `hours` in words; `is_delayed` when a later time was asked for; a clock for every zone the number may be in.
    Units: milliseconds UTC.
    """

    hours: str
    is_delayed: bool
    asked_at: int
    planned_at: int
    expires_at: int
    clocks: tuple[WallClock, ...]
    because: tuple[Reason, ...]

    @property
    def is_held(self) -> bool:
        """Whether it waits for the legal hours."""
        return self.planned_at > self.asked_at


class Stop(msgspec.Struct, frozen=True):
    """A carrier that may take it. Shape: `route` says what its route asks for, `health` is empty where it is well.

    Units: thousandths of a credit for a part, None where nobody said; `share` of equals is 0 to 1.
    """

    carrier: str
    route: str
    rank: int
    is_default: bool
    cost_mc: int | None
    health: str
    share: float


class Way(msgspec.Struct, frozen=True):
    """Which carrier takes it.

    Shape: None for nobody; `is_default` where only the route for everything leads to it; `candidates` are all that
           may, each getting it when those before it cannot.
    """

    carrier: str | None
    is_default: bool
    candidates: tuple[Stop, ...]
    because: tuple[Reason, ...]


class Explanation(msgspec.Struct, frozen=True):
    """One message before it is sent."""

    kind: Kind
    to: Addressee
    wording: Wording
    mention: Mention
    sender: Origin
    price: Price
    timing: Timing
    way: Way
    remarks: tuple[Warned, ...]

    @property
    def is_sent(self) -> bool:
        return not self.to.left_out
