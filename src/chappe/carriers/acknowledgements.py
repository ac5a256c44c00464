"""Which replies a carrier may bring again, because our acknowledgements of them may not have arrived.

A centre repeats what it saw no acknowledgement of: what came over a link that ended since, or was acknowledged late.
It may do so over any of its links, so the links of a carrier share this.
"""

import time

from chappe.domain.replies import AGAIN_MS, Doubt


class Acknowledgements:
    """The doubts about a carrier. Units: milliseconds UTC."""

    def __init__(self, began_at: int) -> None:
        self._began_at = began_at
        self._doubt = Doubt(0, 0)
        self._arose_at = 0

    def lost(self, at: int) -> None:
        """A link that was bound has ended."""
        self._add(at, at)

    def bound(self, at: int, lost_at: int | None) -> None:
        """A link was bound, in the place of one that was lost or of one of an earlier process, None."""
        self._add(self._began_at - 1 if lost_at is None else lost_at, at)

    def late(self, at: int) -> None:
        """What came until then was acknowledged so late that the centre may have given up, or is not yet."""
        self._add(at, at)

    def doubt(self, now: int) -> Doubt | None:
        """What may come again now."""
        return self._doubt if now - self._arose_at <= AGAIN_MS else None

    def _add(self, until: int, at: int) -> None:
        before = self.doubt(at) or Doubt(until, until)
        self._doubt = Doubt(min(before.since, until - AGAIN_MS), max(before.until, until))
        self._arose_at = at


def wall_ms() -> int:
    """The time as the database's rows have it."""
    return time.time_ns() // 1_000_000
