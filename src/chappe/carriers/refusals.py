"""A carrier's status as the refusal that the retry rules know."""

from functools import lru_cache

from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import RefusalClass, Refused
from chappe.telecom.smpp import status as smpp_status
from chappe.telecom.smpp.status import Action

_CLASSES: dict[Action, RefusalClass] = {
    "fail": "permanent",
    "report": "permanent",
    "retry": "temporary",
    "alert": "temporary",  # the bind is in trouble, not the message
    "rebind": "protocol",
    "slow": "throttle",
    "later": "queue_full",
}


@lru_cache(maxsize=512)
def refusal(status: int) -> Refused:
    """What a command_status other than 0 in an answer to a submit means for its message."""
    known = smpp_status.lookup(status)
    return Refused(_CLASSES.get(known.action, "temporary"), known.dlr_status or int(Dlr.REJECTED), known.name)
