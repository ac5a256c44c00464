"""Whether a carrier that refuses a number is to be believed that nobody has it."""

from typing import Final

from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import Refused

# Customers read of the number, but these are about our settings. Source: SMPP 3.4, 5.1.3.
_OF_SETTINGS: Final = frozenset({"ESME_RINVDSTTON", "ESME_RINVDSTNPI"})
# So many numbers of a country must have been taken for each one that was refused.
TAKEN_FOR_ONE: Final = 20
# Counts are halved from here on: what a carrier did long ago says little.
_MOST: Final = 10_000


def names_nobody(refused: Refused) -> bool:
    """Whether a refusal says for good that nobody has the number, in whatever way the carrier says such things."""
    is_number = refused.kind == "permanent" and refused.dlr == Dlr.INVALID_DESTINATION
    return is_number and refused.name not in _OF_SETTINGS


class NumberRefusals:
    """What a carrier made of the numbers of each country lately.

    A carrier with wrong settings, or without a contract for a country, refuses every number of it with the status of
    one that does not exist: believed at once, that would list everybody. So a refusal counts only beside many numbers
    of the same country that were taken.
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._refused: dict[str, int] = {}

    def took(self, country: str) -> None:
        """The carrier took a message to a number."""
        count = self._taken.get(country, 0) + 1
        if count >= _MOST:
            count //= 2
            self._refused[country] = self._refused.get(country, 0) // 2
        self._taken[country] = count

    def is_believed(self, country: str) -> bool:
        """Count a refused number; whether it is to be taken for one that nobody has."""
        self._refused[country] = count = self._refused.get(country, 0) + 1
        return self._taken.get(country, 0) >= TAKEN_FOR_ONE * count
