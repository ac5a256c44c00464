"""What a caller asks for and gets when he submits messages, in no wire's words."""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from chappe.domain.remarks import Warned

Kind = Literal["alert", "marketing"]


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """A text for one or many numbers, or for the contacts of lists, as the caller gave them.

    Shape: `numbers` or `lists` (their ids) is empty. `client_refs` and `infos` are empty, or as long as `numbers`; an
           info is the four texts for `[info1]` to `[info4]`. `delay` is the wall-clock time in Europe/Paris, as text.
           `links` are the addresses for the text's `<-short->`, in its order. `send_at` is a moment that stands for a
           delay, `validity_s` may shorten the installation's.
    Units: milliseconds UTC, seconds.
    """

    text: str
    numbers: list[str]
    kind: Kind = "alert"
    sender: str | None = None
    delay: str | None = None
    is_unicode: bool = False
    client_refs: list[str | None] = field(default_factory=list)
    infos: list[tuple[str | None, str | None, str | None, str | None] | None] = field(default_factory=list)
    lists: list[int] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    send_at: int | None = None
    validity_s: int | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's promise that equal keys mean the same request.

    Shape: `digest` is 32 octets over everything that makes the request what it is.
    """

    key: str
    digest: bytes


class Submission(msgspec.Struct, frozen=True):
    """What became of a submit.

    Units: `cost` and `credits` are whole credits; the cost is rounded up, the balance down.
    Shape: `total` is the sum of `sent` and the seven filtered counts; `ticket` is None for a simulation. What `is_held`
           is accepted and paid for, and waits for a person before it is sent.
    """

    ticket: int | None
    cost: int
    credits: int
    total: int
    sent: int
    blacklisted: int = 0
    duplicated: int = 0
    npai: int = 0
    invalid: int = 0
    not_allowed: int = 0
    flood: int = 0
    country_limit: int = 0
    is_held: bool = False


class Simulation(Submission, frozen=True):
    """What would become of a submit, and what its author should know before."""

    warnings: tuple[Warned, ...] = ()
