"""How a carrier is doing, judged by what its lane has seen of it.

No judgement flaps: who has lost one gets it back above a higher threshold only, and by what happened since.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from chappe.domain.lifecycle import Dlr

HealthState = Literal["ok", "throttled", "bad", "unproven", "down", "paused"]

# Who gets a message when nobody is well: the later in this list, the worse.
_WORSE: Final[tuple[HealthState, ...]] = ("ok", "throttled", "bad", "unproven", "down", "paused")

MINUTE_MS: Final = 60_000
# How far back messages speak for or against a carrier, and how long one counts figures together.
WINDOW_MS: Final = 30 * MINUTE_MS
SLOT_MS: Final = 5 * MINUTE_MS
# How long a receipt may take where the operator asks nothing about delays.
RECEIPT_S: Final = 3600
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
           `is_told` when the carrier is asked to report deliveries.
    """

    down_s: int = 30
    throttled: int = 50
    success: int = 50
    delay_s: int = 300
    samples: int = 100
    is_told: bool = True

    @property
    def wait_ms(self) -> int:
        """How long after its submit a message without a receipt counts as one that did not arrive."""
        return (self.delay_s or RECEIPT_S) * 1000 if self.is_told else 0

    @property
    def reach_ms(self) -> int:
        """How far back the figures go that a judgement needs."""
        return WINDOW_MS + self.wait_ms


USUAL: Final = Thresholds()


class Signs(NamedTuple):
    """What a gateway sees of a carrier now.

    Shape: `steady_s` is for how long it has been bound, or not; `held_back` the part of the last minute in which the
           carrier wanted nothing, None when less than half a minute was seen; `is_unproven` when it takes a message
           and has not answered any since it began, or since it last failed.
    """

    is_bound: bool
    steady_s: float
    held_back: float | None
    is_unproven: bool = False


def link_health(was: Health, signs: Signs, limits: Thresholds, now: int) -> Health:
    """How a lane is doing whatever the country. Shape: `was` itself when nothing changed."""
    if was.state in ("down", "unproven"):
        if signs.is_unproven:
            return was if was.state == "unproven" else Health("unproven", "it has not answered since it was down", now)
        if not signs.is_bound:
            return was if was.state == "down" else Health("down", "it was tried in vain", now)
        if signs.steady_s < BOUND_S:
            return was
    elif not signs.is_bound and signs.steady_s >= limits.down_s:
        return Health("down", f"not bound for {limits.down_s} s", now)
    if was.state == "throttled":
        is_calm = signs.held_back is not None and signs.held_back < min(CALM, limits.throttled / 200)
        return Health("ok", "", now) if is_calm and now - was.since_at >= MIN_THROTTLED_MS else was
    if signs.held_back is not None and signs.held_back * 100 > limits.throttled:
        return Health("throttled", f"it held back {signs.held_back:.0%} of the last minute", now)
    return was if was.state == "ok" else Health("ok", "", now)


class Figures(NamedTuple):
    """What became of the messages that a carrier got in some time.

    Shape: `sent` were taken, `unknown` never answered; `faults` are those of the refused and the failed that speak
           against the carrier: not those to numbers that nobody has, nor those with a sender that nobody may use;
           `within` are the delivered ones by DELAYS_S.
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
    def unreported(self) -> int:
        """Those that were taken, and of which nothing is known since."""
        return max(0, self.sent - self.delivered - self.failed)

    def tally(self, *, is_told: bool = True, is_over: bool = True) -> "Tally":
        """What speaks for and against the carrier.

        Shape: where deliveries are not reported (`is_told`) what was taken and did not fail has arrived; otherwise
               what is unreported has not, once the time for receipts `is_over`.
        """
        if not is_told:
            return Tally(max(0, self.sent - self.failed), self.faults + self.unknown, 0)
        return Tally(self.delivered, self.faults + self.unknown, self.unreported if is_over else 0)

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


class Tally(NamedTuple):
    """Messages that speak for or against a carrier. Shape: of the `silent` nothing was heard in time."""

    arrived: int = 0
    faults: int = 0
    silent: int = 0

    @property
    def samples(self) -> int:
        return sum(self)

    @property
    def success(self) -> float:
        """The part that arrived, 0 to 1."""
        return self.arrived / self.samples if self.samples else 1.0

    def __str__(self) -> str:
        unheard = f", {self.silent} without a receipt in time" if self.silent else ""
        return f"{self.success:.0%} of {self.samples} arrived{unheard}"


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
    """What became of the messages of five minutes, until now. Units: milliseconds UTC."""

    at: int
    figures: Figures


def quality(was: Health, slots: Sequence[Slot], limits: Thresholds, now: int, bound_s: float = float("inf")) -> Health:
    """How a lane is doing in a country. Shape: `slots` of any time; `was` itself when nothing changed.

    Only messages of slots that began after a judgement count for the next. Silence counts when the time for receipts
    is over for all of a slot, and the link has held for so long that they could come: `bound_s` seconds.
    """
    seen, tally, waited_for = Figures(), Tally(), 0
    is_heard = bound_s * 1000 >= limits.wait_ms
    for at, figures in slots:
        if at < max(was.since_at, now - limits.reach_ms):
            continue
        is_over = is_heard and now >= at + SLOT_MS + limits.wait_ms
        # Of a few messages the quick receipts come first: it is not well again before the others are over as well.
        if was.state == "bad" and limits.is_told and figures.unreported and not is_over:
            waited_for += figures.tally().samples
            continue
        seen += figures
        mine = figures.tally(is_told=limits.is_told, is_over=is_over)
        tally = Tally(*map(sum, zip(tally, mine, strict=True)))
    if was.state != "bad":
        fault = _fault(seen, tally, limits) if tally.samples >= limits.samples else ""
        return Health("bad", fault, now) if fault else was
    # It gets a small share only: a tenth of the samples must do.
    enough = max(10, limits.samples // 10)
    if tally.samples >= enough:
        return Health("ok", "it delivers again", now) if _is_good(seen, tally, limits) else was
    if tally.samples + waited_for >= enough:
        return was
    return Health("ok", "another chance", now) if now - was.since_at >= CHANCE_MS else was


def _fault(seen: Figures, tally: Tally, limits: Thresholds) -> str:
    if limits.success and tally.success * 100 < limits.success:
        return str(tally)
    if limits.delay_s and seen.median_delay_s > limits.delay_s:
        return f"half of {seen.delivered} took {seen.median_delay_s:.0f} s or longer"
    return ""


def _is_good(seen: Figures, tally: Tally, limits: Thresholds) -> bool:
    """Better than it would have to be: a third of the way to perfect, in half of the time."""
    enough = limits.success + (100 - limits.success) * 0.3
    is_quick = not limits.delay_s or seen.median_delay_s <= limits.delay_s / 2
    return is_quick and (not limits.success or tally.success * 100 >= enough)
