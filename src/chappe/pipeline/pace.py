"""How fast a lane is, and what keeps it from being faster."""

from collections import deque
from typing import Final, NamedTuple

NOTHING_WAITS: Final = "nothing: no message waits"
PAUSED: Final = "its operator, who paused it"
NOT_BOUND: Final = "the carrier, which is not there"
WINDOW: Final = "the window and the carrier's answer time"
OURSELVES: Final = "this machine"
BRAKES: Final = {"rate": "the configured rate", "throttling": "throttling", "congestion": "congestion"}
# Over how many reports the speed is taken.
_REPORTS: Final = 5


class Pace(NamedTuple):
    """What was measured. Units: parts a second."""

    limited_by: str
    per_s: int


class PaceMeter:
    """The time that a lane spends on each reason why nothing more leaves, between two reports.

    Units: seconds on the lane's clock.
    """

    def __init__(self, now: float) -> None:
        self._reason = NOTHING_WAITS
        self._since = now
        self._spent: dict[str, float] = {}
        self._sent = 0
        self._reports: deque[tuple[float, int]] = deque([(now, 0)], maxlen=_REPORTS + 1)

    def note(self, reason: str, now: float) -> None:
        """From now on this is the reason."""
        self._spent[self._reason] = self._spent.get(self._reason, 0.0) + now - self._since
        self._reason, self._since = reason, now

    def sent(self, count: int) -> None:
        self._sent += count

    def report(self, now: float) -> Pace:
        """What took the most time since the last report, and how many parts left in a second lately."""
        self.note(self._reason, now)
        most = max(self._spent, key=lambda reason: self._spent[reason])
        self._spent = {}
        self._reports.append((now, self._sent))
        began, before = self._reports[0]
        return Pace(most, round((self._sent - before) / (now - began)) if now > began else 0)
