"""What can become of an accepted message, and choosing one by its share."""

import random
from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Outcome(NamedTuple):
    """What the receipt of a message says; an empty `stat` means no receipt at all."""

    name: str
    stat: str
    message_state: int
    error: int
    is_success: bool


OUTCOMES: Final[Mapping[str, Outcome]] = {
    outcome.name: outcome
    for outcome in (
        Outcome("delivered", "DELIVRD", 2, 0, True),
        Outcome("undeliverable", "UNDELIV", 5, 1, False),
        Outcome("rejected", "REJECTD", 8, 8, False),
        Outcome("expired", "EXPIRED", 3, 27, False),
        Outcome("deleted", "DELETED", 4, 64, False),
        Outcome("unknown", "UNKNOWN", 7, 255, False),
        Outcome("accepted", "ACCEPTD", 6, 0, True),
        Outcome("none", "", 1, 0, True),
        Outcome("silent", "", 2, 0, True),  # delivered, and told only to who asks
    )
}


class Choice(Generic[T]):
    """Picks values at random by their weights.

    Shape: `rest` has whatever is missing to `total`; None makes the weights the total.
    """

    def __init__(self, weights: Mapping[T, float], rest: T, total: float | None, dice: random.Random) -> None:
        self._values = [*weights, rest]
        self._limits = list(accumulate(weights.values()))
        self._total = total if total is not None else (self._limits[-1] if self._limits else 0.0)
        self._dice = dice
        self.is_certain = not any(weights.values())

    def pick(self) -> T:
        """One value."""
        if self.is_certain:
            return self._values[-1]
        return self._values[bisect(self._limits, self._dice.random() * self._total)]
