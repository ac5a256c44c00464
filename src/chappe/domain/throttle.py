"""How fast a carrier is fed: a token bucket that slows down when the carrier says so.

A carrier that refuses most of what it gets is given a pause. One that takes most is slowed down by as much as it
refuses: some refuse a few percent at any pace, and to cut the rate for each complaint would end at one a second.

Source: practice of gateways (a pause that doubles up to a minute, 30 % off the rate, back by 2 % a second); RFC 8257
        (cuts in proportion to the share of complaints); SMPP 5.0, 4.8.4.18 (congestion_state: 80 to 89 percent is
        the load that suits the centre best, above that it is too much).
"""

from dataclasses import dataclass, field
from typing import Final, Literal

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 60.0
CUT = 0.7
RECOVER_PER_S = 0.02
# At least so much comes back in each second, or a limit learned at a small load would hold for minutes.
RECOVER_LEAST: Final = 0.2
# A smaller share of complaints is lived with.
TOLERATED: Final = 0.05
# Fewer complaints, faded, are no share of anything.
EVIDENCE: Final = 2.0
# However often the carrier complains, the rate is not cut below this.
FLOOR_PER_S = 1.0
# What a centre says of its load, in percent: above the first it is too much, from the second on just right.
CONGESTED, IDEAL = 90, 80
# A centre that says so with every answer is heeded once in this time.
HEED_S: Final = 1.0
# Without a configured rate, a limit that was learned is forgotten when so many times as much has gone well.
FORGET_AT: Final = 2.0
# How long what a centre said of its load holds.
SAID_S: Final = 10.0

Brake = Literal["throttling", "congestion", "rate"]


@dataclass(slots=True)
class Throttle:
    """The allowance of one lane.

    Units: seconds on any monotonic clock, passed in by the caller; `rate` in submits per second, 0 for no limit.
    Shape: without a rate, what the carrier took before it complained is the rate for a while.
    """

    rate: float
    _learned: float = 0.0
    _factor: float = 1.0
    _tokens: float = 0.0
    _at: float | None = None
    _pause_s: float = field(default=0.0)
    _paused_until: float = 0.0
    _hit_at: float = float("-inf")
    _brake: Brake = "throttling"
    _heeded_at: float = float("-inf")
    _steady_until: float = float("-inf")
    _said: tuple[float, int] | None = None
    # What the carrier did lately: each second counts half as much as the next.
    _agreed: float = 0.0
    _refused: float = 0.0
    # What the carrier took in this second and in the last one.
    _taken: int = 0
    _taken_since: float | None = None
    _taken_per_s: float = 0.0

    def allowance(self, now: float, wanted: int) -> int:
        """How many submits may leave now, at most `wanted`."""
        if now < self._paused_until:
            return 0
        self._recover(now)
        if not self._base:
            return wanted
        return max(0, min(wanted, int(self._tokens)))

    def pauses(self, now: float) -> bool:
        """Whether nothing may leave, because the carrier complained."""
        return now < self._paused_until

    def used(self, count: int) -> None:
        if self._base:  # what left before there was a limit is not owed once there is one
            self._tokens -= count

    def wait_s(self, now: float) -> float:
        """How long until the next submit may leave."""
        if now < self._paused_until:
            return self._paused_until - now
        if not self._base or self._tokens >= 1:
            return 0.0
        return (1 - self._tokens) / self._pace()

    def hit(self, now: float) -> None:
        """The carrier said that we are too fast. Several answers of one window count once.

        Shape: pauses get longer while they do not help.
        """
        self._measure(now)
        self._refused += 1
        if now < self._paused_until:
            return
        if self._agreed > self._refused:
            self._slow_down(now)
            return
        fresh = now - self._hit_at > 2 * MAX_PAUSE_S
        self._agreed = self._refused = 0.0
        self._pause_s = FIRST_PAUSE_S if fresh or not self._pause_s else min(self._pause_s * 2, MAX_PAUSE_S)
        self._hit_at = now
        self._paused_until = now + self._pause_s
        self._cut(now, CUT, "throttling")
        self._tokens = 0.0

    def _slow_down(self, now: float) -> None:
        """Heed once a second that a part of what leaves is refused."""
        share = self._refused / (self._refused + self._agreed)
        self._pause_s = 0.0  # the next pause starts short
        is_meant = share > TOLERATED and self._refused >= EVIDENCE
        if is_meant and now - self._heeded_at >= HEED_S:
            self._heeded_at = now
            self._cut(now, 1 - share, "throttling")

    def congested(self, now: float, percent: int) -> None:
        """The centre said how busy it is: slow down above its best load, and hold what keeps it there."""
        self._said = now, percent
        if percent >= IDEAL:
            self._steady_until = now + 2 * HEED_S
        if percent >= CONGESTED and now - self._heeded_at >= HEED_S:
            self._heeded_at = now
            self._cut(now, 1 - (min(percent, 99) - IDEAL) / 100, "congestion")

    def accepted(self, now: float, count: int) -> None:
        """The carrier answered and took so many: the next pause starts short once it has been quiet."""
        if self._pause_s and now - self._hit_at > 2 * self._pause_s:
            self._pause_s = 0.0
        self._measure(now)
        self._taken += count
        self._agreed += count

    def change(self, rate: float) -> None:
        """Take another rate; what the carrier complained about before holds on in proportion."""
        self.rate = rate
        self._learned = 0.0
        self._tokens = max(self._tokens, 0.0)  # what was taken at once under the old rate is not paid at the new one
        if not rate:
            self._factor = 1.0

    def brake(self, now: float) -> Brake:
        """What holds it back when something does."""
        if now < self._paused_until:
            return "throttling"
        is_braked = self._factor < 1 or (not self.rate and self._learned)
        return self._brake if is_braked else "rate"

    @property
    def allowed_per_s(self) -> float | None:
        """What may leave in a second now; None without a limit."""
        return self._pace() if self._base else None

    def congestion(self, now: float) -> int | None:
        """What the centre last said of its load, in percent; None when it has not for a while."""
        return self._said[1] if self._said is not None and now - self._said[0] < SAID_S else None

    @property
    def _base(self) -> float:
        return self.rate or self._learned

    def _cut(self, now: float, factor: float, why: Brake) -> None:
        if not self._base:
            self._measure(now)
            taken = max(self._taken_per_s, self._taken / max(1.0, now - (self._taken_since or now)))
            # A complaint at a small load is about something else: then there is only a pause.
            self._learned = max(taken, FLOOR_PER_S) if taken >= FLOOR_PER_S else self._learned
            self._factor = 1.0
            self._tokens = max(self._tokens, 0.0)
        self._factor = max(self._factor * factor, FLOOR_PER_S / self._base if self._base else 0.0)
        self._brake = why

    def _measure(self, now: float) -> None:
        """Count by the second."""
        if self._taken_since is None:
            self._taken_since = now
        elapsed = now - self._taken_since
        if elapsed >= 1:
            self._taken_per_s, self._taken, self._taken_since = self._taken / elapsed, 0, now
            fading = 0.5 ** min(elapsed, 60.0)
            self._agreed, self._refused = self._agreed * fading, self._refused * fading

    def _pace(self) -> float:
        return max(self._base * self._factor, min(self._base, FLOOR_PER_S))

    def _recover(self, now: float) -> None:
        if self._at is None:
            self._at = now
            self._tokens = min(self._base, 1.0)
            return
        elapsed = max(0.0, now - self._at)
        self._at = now
        if now >= self._steady_until:
            share = max(RECOVER_PER_S, RECOVER_LEAST / self._base) if self._learned else RECOVER_PER_S
            self._factor = min(1.0 if self.rate else FORGET_AT, self._factor + share * elapsed)
        if self._learned and self._factor >= FORGET_AT:
            self._learned, self._factor = 0.0, 1.0
        # At most a tenth of a second's worth is saved up: a carrier counts by the second, bursts included.
        self._tokens = min(self._tokens + elapsed * self._pace(), max(1.0, self._pace() / 10))
