"""When to probe a silent peer with enquire_link, and when to give it up.

Source: SMPP 3.4, 7.2 (enquire_link_timer, inactivity_timer); the standard names no values.
"""

from typing import Literal

Verdict = Literal["probe", "dead", "idle"]


class KeepAlive:
    """The silence of a link.

    Units: seconds; 0 turns probing or the inactivity limit off.
    """

    def __init__(
        self, now: float, *, enquire_link_s: float, response_s: float, max_lost: int, inactivity_s: float
    ) -> None:
        self.enquire_link_s = enquire_link_s
        self.response_s = response_s
        self.max_lost = max_lost
        self.inactivity_s = inactivity_s
        self._heard = now
        self._traffic = now
        self._probed_until: float | None = None
        self._lost = 0
        self._is_doubted = False

    def heard(self, now: float) -> None:
        """The peer sent something: it lives, whatever became of a probe."""
        self._heard = now
        self._traffic = now
        self._probed_until = None
        self._lost = 0
        self._is_doubted = False

    def doubt(self, now: float, waited_s: float) -> None:
        """A request got no answer for so long: the next `check` probes, unless the peer was heard meanwhile."""
        self._is_doubted = now - self._heard >= waited_s

    def spoke(self, now: float) -> None:
        """We sent something that is no probe."""
        self._traffic = now

    def deadline(self) -> float | None:
        """When `check` may have a verdict."""
        probe = self._probed_until
        if probe is None and self.enquire_link_s:
            probe = self._heard + self.enquire_link_s
        idle = self._traffic + self.inactivity_s if self.inactivity_s else None
        if probe is None or idle is None:
            return idle if probe is None else probe
        return min(probe, idle)

    def check(self, now: float) -> Verdict | None:
        """What to do now; a "probe" counts as sent."""
        if self.inactivity_s and now >= self._traffic + self.inactivity_s:
            return "idle"
        if self._probed_until is not None:
            if now < self._probed_until:
                return None
            self._lost += 1
            if self._lost >= self.max_lost:
                return "dead"
        elif not self.enquire_link_s or not (self._is_doubted or now >= self._heard + self.enquire_link_s):
            return None
        self._probed_until = now + self.response_s
        return "probe"
