"""How a carrier is doing, judged by what its lane has seen of it; hysteresis keeps a judgement from flapping."""

from typing import Final, Literal, NamedTuple

HealthState = Literal["ok", "throttled", "bad", "down", "paused"]

# Who gets a message when nobody is well: the later in this list, the worse.
_WORSE: Final[tuple[HealthState, ...]] = ("ok", "throttled", "bad", "down", "paused")


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
