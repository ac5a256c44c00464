"""How a carrier is doing, judged by what its lane has seen of it.

No judgement flaps: who has lost one gets it back above a higher threshold only, and by what happened since.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from chappe.domain.lifecycle import Dlr

HealthState = Literal["ok", "throttled", "bad", "down", "paused"]

# Who gets a message when nobody is well: the later in this list, the worse.
_WORSE: Final[tuple[HealthState, ...]] = ("ok", "throttled", "bad", "down", "paused")

MINUTE_MS: Final = 60_000
# How far back messages speak for or against a carrier, and how long one counts figures together.
WINDOW_MS: Final = 30 * MINUTE_MS
SLOT_MS: Final = 5 * MINUTE_MS
# A carrier that delivered badly and of which too little is seen to judge it gets another chance after this.
CHANCE_MS: Final = 60 * MINUTE_MS
# A bind that holds for so long is back.
BOUND_S: Final = 2.0
# A lane that is not throttled any more by this part of the last minute, and was for a minute at least, is well again.
CALM: Final = 0.25
MIN_THROTTLED_MS: Final = MINUTE_MS
# Seconds from submit to receipt up to which the deliveries of a column count; the last has what took longer.
DELAYS_S: Final = (5, 15, 60, 300, 3600)
_LONGEST_S: Final = 24 * 3600
# What is wrong with a message whichever carrier takes it, or is not wanted by who would get it.
_ABOUT_MESSAGE: Final = (Dlr.NOT_ALLOWED, Dlr.INVALID_DESTINATION, Dlr.INVALID_SENDER)


class Health(NamedTuple):
    """How a lane is doing, in a country or everywhere. Units: milliseconds UTC."""

    state: HealthState
    reason: str = ""
    since_at: int = 0

    @property
    def rank(self) -> int:
        """0 for a lane that is well; the higher, the worse."""
        return _WORSE.index(self.state)


WELL: Final = Health("ok")


class Thresholds(NamedTuple):
    """When a carrier is not well.

    Shape: *down* when no bind holds for `down_s`; *throttled* when it held back more than `throttled` percent of the
           last minute; *bad* in a country when of `samples` messages in half an hour fewer than `success` percent
           arrived, or half of those that did took longer than `delay_s`. A `success` or `delay_s` of 0 asks nothing.
    """

    down_s: int = 30
    throttled: int = 50
    success: int = 50
    delay_s: int = 300
    samples: int = 100


USUAL: Final = Thresholds()


class Signs(NamedTuple):
    """What a gateway sees of a carrier now.

    Shape: `steady_s` is for how long it has been bound, or not; `held_back` the part of the last minute in which the
           carrier wanted nothing, None when less than half a minute was seen.
    """

    is_bound: bool
    steady_s: float
    held_back: float | None


def link_health(was: Health, signs: Signs, limits: Thresholds, now: int) -> Health:
    """How a lane is doing whatever the country. Shape: `was` itself when nothing changed."""
    if not signs.is_bound and (was.state == "down" or signs.steady_s >= limits.down_s):
        return was if was.state == "down" else Health("down", f"not bound for {limits.down_s} s", now)
    if was.state == "down" and (not signs.is_bound or signs.steady_s < BOUND_S):
        return was
    if was.state == "throttled":
        is_calm = signs.held_back is not None and signs.held_back < min(CALM, limits.throttled / 200)
        return Health("ok", "", now) if is_calm and now - was.since_at >= MIN_THROTTLED_MS else was
    if signs.held_back is not None and signs.held_back * 100 > limits.throttled:
        return Health("throttled", f"it held back {signs.held_back:.0%} of the last minute", now)
    return was if was.state == "ok" else Health("ok", "", now)


class Figures(NamedTuple):
    """What became of messages in some time.

    Shape: `faults` are those of the refused and the failed that speak against the carrier: not those to numbers that
           nobody has, nor those with a sender that nobody may use; `within` are the delivered ones by DELAYS_S.
    """

    sent: int = 0
    refused: int = 0
    unknown: int = 0
    delivered: int = 0
    failed: int = 0
    faults: int = 0
    delay_ms: int = 0
    within: tuple[int, ...] = (0,) * len(DELAYS_S)

    def __add__(self, other: "Figures") -> "Figures":  # type: ignore[override]
        sums = [mine + theirs for mine, theirs in zip(self[:-1], other[:-1], strict=True)]
        return Figures._make([*sums, tuple([a + b for a, b in zip(self.within, other.within, strict=True)])])

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Figures":
        """The figures that were counted by their names."""
        fixed = [counts.get(name, 0) for name in cls._fields[:-1]]
        return cls._make([*fixed, tuple([counts.get(f"within_{seconds}s", 0) for seconds in DELAYS_S])])

    @property
    def samples(self) -> int:
        return self.delivered + self.faults

    @property
    def success(self) -> float:
        """The part that arrived, 0 to 1, of those that speak for or against the carrier."""
        return self.delivered / self.samples if self.samples else 1.0

    @property
    def mean_delay_s(self) -> float:
        return self.delay_ms / self.delivered / 1000 if self.delivered else 0.0

    @property
    def median_delay_s(self) -> float:
        """How long half of the delivered ones took at most, as the columns tell it."""
        half, seen, low = self.delivered / 2, 0, 0
        for high, count in zip((*DELAYS_S, _LONGEST_S), (*self.within, self.delivered - sum(self.within)), strict=True):
            if count and seen + count >= half:
                return low + (high - low) * (half - seen) / count
            seen, low = seen + count, high
        return 0.0


def count_refused(counts: Counter[str], dlr: int) -> None:
    """Count a message that a carrier refused for good, or that another one gets because of it."""
    counts["refused"] += 1
    counts["faults"] += dlr not in _ABOUT_MESSAGE


def count_final(counts: Counter[str], dlr: int, delay_ms: int) -> None:
    """Count a message whose receipt came so long after its submit."""
    if dlr != Dlr.DELIVERED:
        counts["failed"] += 1
        counts["faults"] += dlr not in _ABOUT_MESSAGE
        return
    counts["delivered"] += 1
    counts["delay_ms"] += delay_ms
    within = next((seconds for seconds in DELAYS_S if delay_ms <= seconds * 1000), None)
    if within is not None:
        counts[f"within_{within}s"] += 1


class Slot(NamedTuple):
    """The figures of five minutes. Units: milliseconds UTC."""

    at: int
    figures: Figures


def quality(was: Health, slots: Sequence[Slot], limits: Thresholds, now: int) -> Health:
    """How a lane is doing in a country. Shape: `slots` of any time; `was` itself when nothing changed.

    What happened in the slot in which a judgement changed, or before, does not count for the next.
    """
    seen = sum((slot.figures for slot in slots if slot.at >= max(was.since_at, now - WINDOW_MS)), Figures())
    if was.state != "bad":
        fault = _fault(seen, limits) if seen.samples >= limits.samples else ""
        return Health("bad", fault, now) if fault else was
    # It gets a small share only: a tenth of the samples must do.
    if seen.samples >= max(10, limits.samples // 10):
        return Health("ok", "it delivers again", now) if _is_good(seen, limits) else was
    return Health("ok", "another chance", now) if now - was.since_at >= CHANCE_MS else was


def _fault(seen: Figures, limits: Thresholds) -> str:
    if limits.success and seen.success * 100 < limits.success:
        return f"{seen.success:.0%} of {seen.samples} arrived"
    if limits.delay_s and seen.median_delay_s > limits.delay_s:
        return f"half of {seen.delivered} took {seen.median_delay_s:.0f} s or longer"
    return ""


def _is_good(seen: Figures, limits: Thresholds) -> bool:
    """Better than it would have to be: a third of the way to perfect, in half of the time."""
    enough = limits.success + (100 - limits.success) * 0.3
    is_quick = not limits.delay_s or seen.median_delay_s <= limits.delay_s / 2
    return is_quick and (not limits.success or seen.success * 100 >= enough)
