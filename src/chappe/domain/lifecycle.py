"""The states of a message, and the only ways from one to the next.

accepted ──answer──▶ sent ──receipt──▶ delivered | failed
    │  └──refused, expired, no route──▶ failed
    └──cancelled by its owner──▶ cancelled
"""

from enum import IntEnum
from typing import Literal


class State(IntEnum):
    """Where a message is. The numbers are stored: never renumber."""

    ACCEPTED = 0
    SENT = 1
    DELIVERED = 2
    FAILED = 3
    CANCELLED = 4


class Dlr(IntEnum):
    """The delivery status a customer reads. Source: the contract's table of webhook statuses."""

    NOT_SENT = 0
    SENT = 1
    NOT_DELIVERED = 2
    DELIVERED = 3
    NOT_ALLOWED = 4
    INVALID_DESTINATION = 5
    INVALID_SENDER = 6
    ROUTE_NOT_AVAILABLE = 7
    REJECTED = 9
    NETWORK_ERROR = 11
    EXPIRED = 12


class Queue(IntEnum):
    """Where a message that the carrier has not answered for is. The numbers are stored: never renumber."""

    READY = 0
    SENDING = 1
    UNKNOWN = 2  # written to the carrier, never answered
    SCHEDULED = 3  # waits for its time, or for the next try


class CampaignState(IntEnum):
    """Whether a campaign is there. The numbers are stored: never renumber.

    A campaign for lists is written in pieces before it is accepted; until then nobody reads it.
    """

    ACCEPTED = 0
    PREPARING = 1  # its messages are being written; nothing is reserved for it
    DISCARDED = 2  # it was not accepted; its messages are being deleted
    MODERATION = 3  # accepted and paid for; a person is asked before any of it comes to the queue
    DENIED = 4  # that person said no; its credits went back


FINAL = frozenset({State.DELIVERED, State.FAILED, State.CANCELLED})

Rollup = Literal["delivered", "failed", "expired", "network_error", "cancelled"]


def final_state(dlr: int) -> State:
    """The final state that a final delivery status means."""
    return State.DELIVERED if dlr == Dlr.DELIVERED else State.FAILED


def may_replace(state: int, dlr: int, new_dlr: int) -> bool:
    """Whether a final receipt may still change a message.

    The first final receipt wins, but for two statuses that say that nobody knew: a carrier's UNKNOWN or a lost
    answer (network error), and the receipt that never came in time (expired). Better news may replace those.
    """
    if state in (State.ACCEPTED, State.SENT):
        return True
    return state == State.FAILED and dlr in (Dlr.NETWORK_ERROR, Dlr.EXPIRED) and new_dlr == Dlr.DELIVERED


def combine(part_dlrs: list[int], parts: int) -> Dlr | None:
    """The final status of a message from the statuses of its parts; None while it is open.

    Shape: a part without a final receipt is Dlr.SENT or Dlr.NOT_SENT.
    One part that finally failed fails the message; it is delivered when all parts are.
    """
    for dlr in part_dlrs:
        if dlr > Dlr.SENT and dlr != Dlr.DELIVERED:
            return Dlr(dlr)
    delivered = part_dlrs.count(Dlr.DELIVERED)
    return Dlr.DELIVERED if delivered >= parts else None


def rollup(state: int, dlr: int) -> Rollup:
    """The campaign's counter that a final message belongs to."""
    if state == State.DELIVERED:
        return "delivered"
    if state == State.CANCELLED:
        return "cancelled"
    if dlr == Dlr.EXPIRED:
        return "expired"
    if dlr == Dlr.NETWORK_ERROR:
        return "network_error"
    return "failed"
