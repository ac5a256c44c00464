"""How much an account may still send: what its limits leave of a request's recipients."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of an account's limits at one moment; None, and what is not named, is without a limit.

    Shape: `flooded` are the numbers that have had their share lately; `credits_mc` is what is left of `cap_mc`.
    Units: messages; thousandths of a credit.
    """

    flooded: AbstractSet[int] = frozenset()
    messages: int | None = None
    by_country: Mapping[str, int] = field(default_factory=dict)
    credits_mc: int | None = None
    cap_mc: int = 0


UNLIMITED: Final = Quota()
