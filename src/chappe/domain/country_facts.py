"""What is known of a country, and how well: facts with their confidence and sources."""

from datetime import date
from typing import ClassVar, Final, Generic, Literal, TypeVar

import msgspec

Confidence = Literal["seed", "law", "several", "standard", "vendor doc", "single", "conflict", "assumption", "unknown"]
AlphaSender = Literal[
    "allowed", "may_be_overwritten", "registration", "registration_some_networks", "mandatory", "not_supported"
]
NumericSender = Literal[
    "allowed", "only_numbers_bought_from_the_provider", "not_supported", "overwritten", "only_numeric"
]
DefaultSender = Literal["alpha", "alpha_platform_default", "numeric", "short_code"]
WindowKind = Literal["law", "charter", "operator", "vendor_rule", "recommendation", "none_known"]

T = TypeVar("T")

_SURE: Final[frozenset[Confidence]] = frozenset({"seed", "law", "several"})


class Fact(msgspec.Struct, Generic[T], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something said of a country, by whom, and how sure it is.

    Shape: `sources` are names for `source`; `since` is the day from which it holds, when one is known;
           `as_in` is the country that it was taken over from.
    """

    enforced_at: ClassVar[frozenset[Confidence]] = _SURE

    value: T
    confidence: Confidence
    sources: tuple[str, ...]
    note: str = ""
    since: date | None = None
    as_in: str = ""

    @property
    def is_enforced(self) -> bool:
        """Whether it is sure enough to hold messages to it; what is less sure is told as a hint."""
        return self.confidence in self.enforced_at


class ShapeFact(Fact[T], Generic[T], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fact about the shape of a sender: a provider's own documentation is enough to enforce it."""

    enforced_at: ClassVar[frozenset[Confidence]] = _SURE | {"vendor doc"}


class LengthFact(Fact[int], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a name may be: the standard of the networks is enforced too."""

    enforced_at: ClassVar[frozenset[Confidence]] = _SURE | {"vendor doc", "standard"}


class WindowFact(Fact[str], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When marketing may be sent, and what kind of rule says so.

    Shape: "mon-fri 08:00-20:00, sat 09:00-13:00", in the recipient's time, ends excluded; " no-holidays" at the
           end closes public holidays. A day that is not named is closed.
    """

    kind: WindowKind
    citation: str = ""


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where names are registered, and what becomes of those that are not."""

    authority: str = ""
    act: str = ""
    what: str = ""
    effect: str = ""
    blocked_from: date | None = None
    case_sensitive: bool = False


class ForbiddenNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names that networks block. Shape: words in small letters; a name is blocked that is one of them."""

    purely_numeric: bool = False
    generic_words: frozenset[str] = frozenset()


class StopRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How recipients get out of marketing. Shape: `added_by` is `platform` where the mention is ours to append."""

    required_for_marketing: bool
    added_by: str
    style: str
    keywords: tuple[str, ...]
    example_numbers: tuple[str, ...] = ()
    placeholder: str = ""
