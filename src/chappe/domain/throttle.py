"""How fast a carrier is fed: a token bucket that slows down when the carrier says so.

Source: practice of gateways (a pause that doubles up to a minute, 30 % off the rate, back by 2 % a second).
"""

from dataclasses import dataclass, field

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 60.0
CUT = 0.7
RECOVER_PER_S = 0.02
# However often the carrier complains, the rate is not cut below this. Without a configured rate there is only a pause.
FLOOR_PER_S = 1.0


@dataclass(slots=True)
class Throttle:
    """The allowance of one lane.

    Units: seconds on any monotonic clock, passed in by the caller; `rate` in submits per second, 0 for no limit.
    """

    rate: float
    _factor: float = 1.0
    _tokens: float = 0.0
    _at: float | None = None
    _pause_s: float = field(default=0.0)
    _paused_until: float = 0.0
    _hit_at: float = float("-inf")
    # What the carrier did since the last pause began.
    _taken: int = 0
    _refused: int = 0

    def allowance(self, now: float, wanted: int) -> int:
        """How many submits may leave now, at most `wanted`."""
        if now < self._paused_until:
            return 0
        self._recover(now)
        if not self.rate:
            return wanted
        return max(0, min(wanted, int(self._tokens)))

    def used(self, count: int) -> None:
        self._tokens -= count

    def wait_s(self, now: float) -> float:
        """How long until the next submit may leave."""
        if now < self._paused_until:
            return self._paused_until - now
        if not self.rate or self._tokens >= 1:
            return 0.0
        return (1 - self._tokens) / self._pace()

    def hit(self, now: float) -> None:
        """The carrier said that we are too fast. Several answers of one window count once.

        Shape: pauses get longer while they do not help. A carrier that takes most of what it gets and refuses some,
               whatever the pace, would be fed a window a minute.
        """
        self._refused += 1
        if now < self._paused_until:
            return
        fresh = now - self._hit_at > 2 * MAX_PAUSE_S or self._taken > self._refused
        self._taken = self._refused = 0
        self._pause_s = FIRST_PAUSE_S if fresh or not self._pause_s else min(self._pause_s * 2, MAX_PAUSE_S)
        self._hit_at = now
        self._paused_until = now + self._pause_s
        self._factor = max(self._factor * CUT, FLOOR_PER_S / self.rate if self.rate else 0.0)
        self._tokens = 0.0

    def accepted(self, now: float, count: int) -> None:
        """The carrier answered and took so many: the next pause starts short once it has been quiet."""
        self._taken += count
        if self._pause_s and now - self._hit_at > 2 * self._pause_s:
            self._pause_s = 0.0

    def _pace(self) -> float:
        return max(self.rate * self._factor, min(self.rate, FLOOR_PER_S))

    def _recover(self, now: float) -> None:
        if self._at is None:
            self._at = now
            self._tokens = min(self.rate, 1.0)
            return
        elapsed = max(0.0, now - self._at)
        self._at = now
        self._factor = min(1.0, self._factor + RECOVER_PER_S * elapsed)
        # At most a tenth of a second's worth is saved up: a carrier counts by the second, bursts included.
        self._tokens = min(self._tokens + elapsed * self._pace(), max(1.0, self._pace() / 10))
