"""Messages as their owner searches them, and one message with everything that happened to it."""

from dataclasses import dataclass
from typing import Literal

MessageStatus = Literal["delivered", "sent", "waiting", "moderation", "denied", "not_sent", "undelivered"]
Sort = Literal["date", "destination", "sender", "status"]


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages of a period to list. Units: milliseconds UTC, both ends included."""

    from_at: int
    to_at: int
    start: int = 0
    length: int = 100
    destination: str | None = None
    text: str | None = None
    direction: Literal["in", "out"] | None = None
    country: str | None = None
    status: MessageStatus | None = None
    sort: Sort = "date"
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """One message as listed. Units: milliseconds UTC, whole credits; `dlr` is the delivery status number."""

    id: int
    campaign_id: int
    account_id: int
    client_ref: str | None
    text: str
    cost: int
    country: str
    number: int
    sender: str | None
    sent_at: int
    dlr: int
    dlr_at: int | None
    direction: Literal["in", "out"] = "out"
