"""When an event is posted again, and when an endpoint is left alone for a while."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

# Seconds between the attempts: fast while it may be a restart, then for three days, as people repair things.
RETRY_S: Final = (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 86_400)
# So much of a delay is drawn by lot, so that events which failed together do not come back together.
JITTER: Final = 0.1
# An event that was never attempted for so long (endpoint away, webhook paused) is given up. Milliseconds.
MAX_WAIT_MS: Final = 7 * 86_400_000

OPENS_AFTER: Final = 5
FIRST_PAUSE_S: Final = 5.0
MAX_PAUSE_S: Final = 300.0


class EventState(IntEnum):
    """Where an event stands. The numbers are stored."""

    DUE = 0
    DONE = 1
    GIVEN_UP = 2


def next_attempt(attempts: int, jitter: float) -> int | None:
    """How long to wait after so many attempts, None when it is time to give up.

    Units: milliseconds; `jitter` is drawn from 0 to 1.
    """
    if attempts < 1:
        return 0
    if attempts > len(RETRY_S):
        return None
    return int(RETRY_S[attempts - 1] * 1000 * (1 + JITTER * jitter))


def is_success(http_code: int | None) -> bool:
    return http_code is not None and 200 <= http_code < 300


def after_attempt(http_code: int | None, *, attempts: int, jitter: float) -> tuple[EventState, int]:
    """What an attempt leads to: the event's state, and the milliseconds until it is due again.

    Shape: `attempts` counts the one just made; `http_code` is None when no answer came, also because the address may
           not be called: the name may come to lead elsewhere.
    """
    if is_success(http_code):
        return EventState.DONE, 0
    delay = next_attempt(attempts, jitter)
    if delay is None:
        return EventState.GIVEN_UP, 0
    return EventState.DUE, delay


@dataclass(slots=True)
class Breaker:
    """Leaves an endpoint alone that keeps failing: some failures in a row, and nothing is posted for a pause.

    When the pause is over a single post tries the endpoint; if it fails too, the pause doubles.
    Units: seconds on any monotonic clock, passed in by the caller.
    """

    failures: int = 0
    pause_s: float = 0.0
    until: float = float("-inf")
    _opened_at: float = float("-inf")

    def allows(self, now: float, in_flight: int) -> bool:
        """Whether another post may leave while `in_flight` are on their way."""
        if not self.pause_s:
            return True
        return now >= self.until and in_flight == 0

    def succeeded(self) -> None:
        self.failures = 0
        self.pause_s = 0.0

    def failed(self, began: float, now: float) -> None:
        """A post that left at `began` failed; those on their way when the breaker opened count once."""
        self.failures += 1
        if self.failures < OPENS_AFTER or began <= self._opened_at:
            return
        self.pause_s = min(self.pause_s * 2, MAX_PAUSE_S) if self.pause_s else FIRST_PAUSE_S
        self._opened_at = now
        self.until = now + self.pause_s
