"""Who gets a message next when its carrier cannot bring it on, so that none is asked for ever and no two in turn.

What a carrier took a part of, or may have taken, is never given to another one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from chappe.domain.lane_health import HealthState
from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import Fail, Refused, after_refusal

# The mark of a message that goes to its own carrier or to nobody: a test.
PINNED: Final = "*"
_FOR_GOOD: Final = "!"

# Who takes nothing at all, or one message to see.
STOPPED: Final[frozenset[HealthState]] = frozenset({"unproven", "down", "paused"})


Reach = Literal["well", "working", "any"]
"""Which carriers may take over: those that are well, those that take messages at all, or whichever there is."""

# Refusals for reasons of the carrier's own, or of ours with it. Source: SMPP 3.4, 5.1.3; 5.0, 4.7.6.
_OWN_TROUBLE: Final = frozenset(
    {
        "ESME_RSYSERR", "ESME_RSUBMITFAIL", "ESME_RINVSYSTYP", "ESME_RSERTYPUNAUTH", "ESME_RSERTYPUNAVAIL",
        "ESME_RSERTYPDENIED", "ESME_RPROHIBITED",
    }
)  # fmt: skip
# Tries after which a queue that is full stays full.
_STAYS_FULL: Final = 2


@dataclass(frozen=True, slots=True)
class Pass:
    """A refused message goes to another carrier within `reach`. Shape: `mark` is how the old one is noted."""

    reach: Reach
    mark: Literal["", "once", "for good"]


def is_about_carrier(refused: Refused) -> bool:
    """Whether another carrier might take what this one refuses.

    Shape: not what is about the number, the sender or the text; not what a person at the other end does not want.
    """
    if refused.dlr == Dlr.ROUTE_NOT_AVAILABLE or refused.name in _OWN_TROUBLE:
        return True
    return refused.kind != "permanent" and refused.dlr == Dlr.NOT_ALLOWED  # our access to it is in trouble


def passing(refused: Refused, attempts: int, state: HealthState) -> Pass | None:
    """Whether a refused message goes to another carrier; None when the old one decides.

    Shape: `attempts` are the tries used up; `state` is the health of the lane that refused it.
    """
    if isinstance(after_refusal(refused, attempts), Fail):
        return Pass("any", "for good") if refused.kind != "permanent" or is_about_carrier(refused) else None
    match refused.kind:
        case "throttle":
            return Pass("well", "") if state == "throttled" else None
        case "queue_full":
            return Pass("well", "") if attempts >= _STAYS_FULL else None
        case _:
            return Pass("well", "once") if is_about_carrier(refused) else None


@dataclass(frozen=True, slots=True)
class Tried:
    """The lanes that could not bring a message on. Shape: those in `for_good` are not asked again."""

    once: frozenset[int] = frozenset()
    for_good: frozenset[int] = frozenset()
    is_pinned: bool = False

    @classmethod
    def read(cls, text: str | None) -> "Tried":
        """As it is stored: lanes separated by blanks, each with a mark when it is for good."""
        words = (text or "").split()
        if PINNED in words:
            return cls(is_pinned=True)
        return cls(
            frozenset(int(word) for word in words if not word.endswith(_FOR_GOOD)),
            frozenset(int(word.removesuffix(_FOR_GOOD)) for word in words if word.endswith(_FOR_GOOD)),
        )

    def adding(self, lane: int, *, for_good: bool) -> "Tried":
        if for_good:
            return Tried(self.once - {lane}, self.for_good | {lane})
        return self if lane in self.for_good else Tried(self.once | {lane}, self.for_good)

    def text(self) -> str | None:
        words = [*map(str, sorted(self.once)), *(f"{lane}{_FOR_GOOD}" for lane in sorted(self.for_good))]
        return PINNED if self.is_pinned else " ".join(words) or None


def next_lane(
    order: Iterable[int], lane: int, tried: Tried, states: dict[int, HealthState], reach: Reach, *, again: bool
) -> int | None:
    """The lane that takes a message over; None when it stays.

    Shape: `order` are its candidates, the best first; `again` when one that tried it may be asked once more.
    """
    if tried.is_pinned:
        return None
    able = [
        each for each in order
        if each != lane and each not in tried.for_good
        and (reach == "any" or states[each] == "ok" or (reach == "working" and states[each] not in STOPPED))
    ]  # fmt: skip
    fresh = [each for each in able if each not in tried.once]
    return next(iter(fresh or (able if again else [])), None)
