"""A carrier's status as the refusal that the retry rules know, and what its operator says that it means."""

from collections.abc import Mapping
from typing import Final, get_args

from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import RefusalClass, Refused
from chappe.telecom.smpp import status as smpp_status
from chappe.telecom.smpp.status import Action

_CLASSES: Final[dict[Action, RefusalClass]] = {
    "fail": "permanent",
    "report": "permanent",
    "retry": "temporary",
    "alert": "temporary",  # the bind is in trouble, not the message
    "rebind": "protocol",
    "slow": "throttle",
    "later": "queue_full",
}
MEANINGS: Final[tuple[RefusalClass, ...]] = get_args(RefusalClass)
# What customers may read of a message that a carrier refused, or that failed.
FAILURES: Final = {
    dlr.name: int(dlr)
    for dlr in (
        Dlr.NOT_DELIVERED, Dlr.NOT_ALLOWED, Dlr.INVALID_DESTINATION, Dlr.INVALID_SENDER, Dlr.ROUTE_NOT_AVAILABLE,
        Dlr.REJECTED, Dlr.NETWORK_ERROR, Dlr.EXPIRED,
    )
}  # fmt: skip
_NUMBERS: Final = {known.name: known.value for known in smpp_status.STATUSES.values()}


class Refusals:
    """What one carrier's statuses mean."""

    def __init__(self, statuses: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._own = {int(number, 0): read_meaning(meaning) for number, meaning in statuses.items()}
        self._names = {int(number, 0): name for number, name in names.items()}
        self._known: dict[int, Refused] = {}

    def of(self, status: int) -> Refused:
        """What a command_status other than 0 in an answer to a submit means for its message."""
        found = self._known.get(status)
        if found is None:
            if len(self._known) >= 512:
                self._known.clear()
            found = self._known[status] = self._read(status)
        return found

    def name(self, status: int) -> str:
        """A status as the carrier or the standard calls it."""
        return self._names.get(status) or smpp_status.name(status)

    def is_for_long(self, status: int) -> bool:
        """Whether a bind that was refused so is refused again if it is tried soon: it is wrong, or one of too many."""
        own = self._own.get(status)
        return own[0] != "temporary" if own else smpp_status.lookup(status).action != "retry"

    def _read(self, status: int) -> Refused:
        known = smpp_status.lookup(status)
        kind, dlr = self._own.get(status, (_CLASSES.get(known.action, "temporary"), None))
        return Refused(kind, dlr or known.dlr_status or int(Dlr.REJECTED), self.name(status))


def status_number(text: str) -> int:
    """The number of a status given by name or number (`0x58`, `88`). Raises: ValueError for anything else."""
    if text in _NUMBERS:
        return _NUMBERS[text]
    try:
        number = int(text, 0)
    except ValueError:
        number = 0
    if not 1 <= number <= 0xFFFFFFFF:
        raise ValueError(f"{text} is no status: give its number, like 0x45, or its name, like ESME_RSUBMITFAIL")
    return number


def read_meaning(text: str) -> tuple[RefusalClass, int | None]:
    """What a status means, in words: a class, then perhaps what the customer reads if that is the last word.

    Raises: ValueError for other words.
    """
    kind, _, dlr = text.strip().partition(" ")
    found = next((each for each in MEANINGS if each == kind), None)
    if found is None:
        raise ValueError(f"{kind} is not one of {', '.join(MEANINGS)}")
    if dlr and dlr.strip().upper() not in FAILURES:
        raise ValueError(f"{dlr} is not one of {', '.join(FAILURES)}")
    return found, FAILURES[dlr.strip().upper()] if dlr else None
