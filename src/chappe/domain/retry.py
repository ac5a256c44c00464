"""When to try a message again that a carrier refused, and when to give up."""

from dataclasses import dataclass
from typing import Literal

from chappe.domain.lifecycle import Dlr

# Seconds between the tries of a temporary refusal. Source: practice of gateways, see rules/smpp.
TEMPORARY_S = (30, 120, 600)
# Seconds a message waits after the centre said that its queue is full.
QUEUE_FULL_S = 60
MAX_QUEUE_FULL = 20

RefusalClass = Literal["permanent", "temporary", "throttle", "queue_full", "protocol"]


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no. `dlr` is what the customer reads if that is the last word.

    Shape: `is_ours` when it is our own conclusion, which says nothing about the carrier: it was not asked.
    """

    kind: RefusalClass
    dlr: int
    name: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Put it back into the queue. `delay_s` 0: at its old place; `counts`: it uses up one of the tries."""

    delay_s: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Fail:
    """Give up with this status."""

    dlr: Dlr


def after_refusal(refused: Refused, attempts: int) -> Again | Fail:
    """What follows a refusal, given the tries that have already been used up."""
    match refused.kind:
        case "throttle":
            return Again(0, counts=False)
        case "queue_full":
            return Again(QUEUE_FULL_S, counts=True) if attempts < MAX_QUEUE_FULL else _fail(refused)
        case "temporary" | "protocol":
            return Again(TEMPORARY_S[attempts], counts=True) if attempts < len(TEMPORARY_S) else _fail(refused)
        case "permanent":
            return _fail(refused)


def _fail(refused: Refused) -> Fail:
    return Fail(Dlr(refused.dlr))
