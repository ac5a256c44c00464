"""What a request becomes, as values: the recipients it names, the plan that is decided, the counts of it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import msgspec

from chappe.domain.requests import Kind

UNROUTED = 0  # the lane of messages that no carrier serves yet

# Lower goes first: a single alert, the alerts of a campaign, marketing.
SINGLE, ALERT, MARKETING = 0, 1, 2

NO_NUMBER: Final = 0  # stands for what is no mobile number


@dataclass(frozen=True, slots=True)
class Limits:
    """What this installation allows in one request.

    Units: seconds, recipients given as numbers, and given as contacts of lists.
    """

    max_recipients: int = 100_000
    validity_s: int = 48 * 3600
    max_list_recipients: int = 5_000_000


class Excluded(NamedTuple):
    """Those of some numbers that the account does not write to: who said STOP, and who does not exist."""

    blacklisted: AbstractSet[int]
    npai: AbstractSet[int]


NOBODY: Final = Excluded(frozenset(), frozenset())


class Recipients(msgspec.Struct, frozen=True):
    """Some recipients whose numbers have been read, as columns of one length.

    Shape: a number that is none is NO_NUMBER, and its country is empty; `client_refs` and `infos` may be empty instead.
           `infos` are a person's four fields as `domain/infos.py` joins them; `list_id` is the list they all come from.
    """

    numbers: list[int]
    countries: list[str]
    client_refs: list[str | None]
    infos: list[str | None]
    list_id: int | None = None


class Terms(msgspec.Struct, frozen=True):
    """What all messages of a campaign have in common.

    Shape: the messages may have another sender, text and time than their campaign. `send_at` is the first moment any
           of them may leave, `expires_at` the last at which it still does.
    Units: milliseconds UTC.
    """

    kind: Kind
    sender: str | None
    text: str
    send_at: int
    expires_at: int
    priority: int
    validity_ms: int


class LeftOut(msgspec.Struct, frozen=True):
    """How many recipients get nothing, each counted once, for the first reason that holds in this order."""

    invalid: int = 0
    duplicated: int = 0
    blacklisted: int = 0
    npai: int = 0
    not_allowed: int = 0
    country_limit: int = 0
    flood: int = 0

    def __add__(self, other: "LeftOut") -> "LeftOut":
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return LeftOut(*[a + b for a, b in zip(mine, theirs, strict=True)])

    @property
    def total(self) -> int:
        return sum(msgspec.structs.astuple(self))


class Plan(Terms, frozen=True):
    """What a request, or a chunk of one, becomes: a campaign and its messages.

    Shape: the lists are columns of equal length, a row per accepted message; `texts` is empty when every message
           has the campaign's text, and so is a text of one that has; so are `senders` (where "" stands for the
           carrier's own number), `ready` (the planned times, when they are not all the campaign's), `client_refs` and
           `infos`. `total` is the sum of the messages and of those left out. `link_urls` are where the links of the
           texts lead; the links themselves are nobody's before the messages have ids (`Planner.with_links`).
    Units: thousandths of a credit.
    """

    total: int
    left_out: LeftOut
    numbers: list[int]
    countries: list[str]
    lanes: list[int]
    client_refs: list[str | None]
    texts: list[str | None]
    senders: list[str | None]
    encodings: list[int]
    parts: list[int]
    prices_mc: list[int]
    ready: list[int]
    infos: list[str | None]
    list_id: int | None
    link_urls: list[str]

    @property
    def cost_mc(self) -> int:
        return sum(self.prices_mc)


class Tally(msgspec.Struct):
    """The counts of a campaign, summed up over its chunks. Units: thousandths of a credit, milliseconds UTC."""

    total: int = 0
    sent: int = 0
    left_out: LeftOut = LeftOut()
    cost_mc: int = 0
    sms: int = 0
    first_at: int | None = None  # when the first of its messages is planned, and how long the last may wait
    expires_at: int = 0

    @classmethod
    def of(cls, planned: Plan) -> Self:
        """The counts of a plan that is the whole campaign."""
        tally = cls()
        tally.add(planned)
        return tally

    def add(self, planned: Plan) -> None:
        self.total += planned.total
        self.sent += len(planned.numbers)
        self.left_out += planned.left_out
        self.cost_mc += planned.cost_mc
        self.sms += sum(planned.parts)
        if planned.numbers:
            self.first_at = min(planned.send_at, self.first_at or planned.send_at)
            self.expires_at = max(planned.expires_at, self.expires_at)
