"""The verdict on each submit: accepted, refused, throttled, or never answered; and what becomes of it."""

import random
from typing import Final, Protocol

from chappe.telecom.smpp import status

from .options import SimulatorOptions
from .outcomes import OUTCOMES, Choice, Outcome
from .statuses import status_number

UNANSWERED: Final = -1
"""A verdict that is no command_status: accepted, but the answer never leaves."""

_ANY_FINAL, _FAILURE, _SUCCESS = 1, 2, 3


class Metered(Protocol):
    """What holds the tokens of a rate limit: one second's worth at most."""

    tokens: float
    tokens_at: float


class Judge:
    """Decides by the shares of the options."""

    def __init__(self, options: SimulatorOptions, dice: random.Random) -> None:
        self._rate = options.rate
        shares = {status_number(name): share for name, share in options.refuse.items()}
        shares[UNANSWERED] = options.unanswered
        self._verdicts: Choice[int] = Choice(shares, status.ESME_ROK, 100.0, dice)
        fates = {OUTCOMES[name]: weight for name, weight in options.outcomes.items() if weight}
        self._fates: Choice[Outcome] = Choice(fates, OUTCOMES["none"], None, dice)
        self._only_fate = next(iter(fates)) if len(fates) == 1 else None

    def verdict(self, meter: Metered) -> int:
        """A command_status for the next submit, or UNANSWERED."""
        if self._rate:
            if meter.tokens < 1.0:
                return status.ESME_RTHROTTLED
            meter.tokens -= 1.0
        return self._verdicts.pick()

    def refill(self, meter: Metered, now: float) -> None:
        """Let the rate limit recover up to this moment."""
        meter.tokens = min(max(self._rate, 1.0), meter.tokens + (now - meter.tokens_at) * self._rate)
        meter.tokens_at = now

    def fate(self) -> Outcome:
        """What becomes of the next accepted message."""
        return self._only_fate or self._fates.pick()


def is_wanted(outcome: Outcome, registered_delivery: int) -> bool:
    """Tell whether the submit asked for a receipt about this outcome.

    Source: SMPP 3.4, 5.2.17; SMPP 5.0, 4.7 (success only).
    """
    if not outcome.stat:
        return False
    wanted = registered_delivery & 3
    return wanted == _ANY_FINAL or wanted == (_SUCCESS if outcome.is_success else _FAILURE)
