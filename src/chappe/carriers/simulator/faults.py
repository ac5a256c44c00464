"""A script at work: which of its lines holds now, and whom it hits."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from .script import FAULTS, Statement

_FIRST: Final = frozenset({"throttle", "queue full", "refuse"})
"""Asked first: what a refused submit is spared needs no asking."""


class Mood(NamedTuple):
    """What holds for all links at this time.

    Units: `octets_per_s` None for as fast as it goes.
    """

    is_down: bool = False
    is_reading: bool = True
    octets_per_s: float | None = None


CALM: Final = Mood()


class Running:
    """One line at work: how many things fitted it and how many it hit."""

    def __init__(self, statement: Statement, dice: random.Random) -> None:
        self.statement = statement
        self.words = str(statement)
        self.dice = dice
        self.hits = 0
        self._seen = 0
        self._window = statement.window

    def strikes(self, now_ms: float) -> bool:
        """Whether the next thing that fits is hit."""
        statement = self.statement
        if not self._window.holds(now_ms):
            return False
        self._seen += 1
        if statement.times is not None and self.hits >= statement.times:
            return False
        if statement.nth is not None and not self._is_its_turn(*statement.nth):
            return False
        if statement.share < 100 and self.dice.random() * 100 >= statement.share:
            return False
        self.hits += 1
        return True

    def _is_its_turn(self, word: str, number: int) -> bool:
        if word == "every":
            return self._seen % number == 0
        return self._seen == number if word == "at" else self._seen >= number


class Moment:
    """One line that happens to all links at certain moments."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.hits = 0
        self.next_ms: float | None = statement.at_ms or statement.every_ms

    def is_due(self, now_ms: float) -> bool:
        """Whether it happens now; moments that were missed happen once."""
        if self.next_ms is None or now_ms < self.next_ms:
            return False
        self.hits += 1
        period, times = self.statement.every_ms, self.statement.times
        if period is None or (times is not None and self.hits >= times):
            self.next_ms = None
        else:
            self.next_ms += period * (1 + (now_ms - self.next_ms) // period)
        return True


class State:
    """One line that holds for all links for a time."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.window = statement.window
        self.hits = 0
        self._held = False

    def holds(self, now_ms: float) -> bool:
        """Whether it holds now; each time it begins counts as a hit."""
        holds = self.window.holds(now_ms)
        self.hits += holds and not self._held
        self._held = holds
        return holds


class Faults:
    """A script that began at a moment of the loop's clock.

    Shape: the same seed hits the same: each line has its own dice, so the n-th submit that fits it meets the same fate
           whatever else is in the script.
    Units: `speed` is how many seconds of the script pass in one.
    """

    def __init__(self, statements: Sequence[Statement], *, seed: int | None, speed: float, began: float) -> None:
        self.speed = speed
        self._began = began
        self.submits: list[Running] = []
        self.binds: list[Running] = []
        self.probes: list[Running] = []
        self._states: list[State] = []
        self._moments: list[Moment] = []
        for number, statement in enumerate(statements):
            dice = random.Random(None if seed is None else f"{seed}/{number}")
            match FAULTS[statement.fault].scope:
                case "submit":
                    self.submits.append(Running(statement, dice))
                case "bind":
                    self.binds.append(Running(statement, dice))
                case "enquire_link":
                    self.probes.append(Running(statement, dice))
                case "state":
                    self._states.append(State(statement))
                case "moment":
                    self._moments.append(Moment(statement))
        self.submits.sort(key=lambda running: running.statement.fault not in _FIRST)

    def elapsed_ms(self, now: float) -> float:
        """Milliseconds of the script that have passed at a moment of the loop's clock."""
        return (now - self._began) * 1000 * self.speed

    def mood(self, now: float) -> Mood:
        """What holds for all links now."""
        elapsed = self.elapsed_ms(now)
        holding = {state.statement.fault: state.statement for state in self._states if state.holds(elapsed)}
        slow = holding.get("write slowly")
        return Mood(
            is_down="down" in holding or "flap" in holding,
            is_reading="stop reading" not in holding,
            octets_per_s=float(str(slow.arguments[0])) * self.speed if slow else None,
        )

    def moments(self, now: float) -> list[str]:
        """What happens to all links now: `drop links`, `unbind`."""
        elapsed = self.elapsed_ms(now)
        return [moment.statement.fault for moment in self._moments if moment.is_due(elapsed)]

    def next_change(self, now: float) -> float | None:
        """When `mood` or `moments` will say something new, on the loop's clock; None for never."""
        elapsed = self.elapsed_ms(now)
        changes = [state.window.next_change(elapsed) for state in self._states]
        changes += [moment.next_ms for moment in self._moments]
        nearest = min((change for change in changes if change is not None), default=None)
        return None if nearest is None else self._began + nearest / 1000 / self.speed

    def hits(self) -> dict[str, int]:
        """How often each line hit, in words; for states how often they began."""
        counts: Counter[str] = Counter()
        lines: list[Running | State | Moment] = [*self.submits, *self.binds, *self.probes]
        for line in lines + self._states + self._moments:
            counts[str(line.statement)] += line.hits
        return dict(counts)
