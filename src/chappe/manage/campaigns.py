"""Campaigns as their owner reads and cancels them."""

from dataclasses import dataclass
from typing import Literal

from chappe.domain.requests import Kind

Sort = Literal["id", "date", "text", "cost", "status"]


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns to list; None leaves a condition out.

    Units: times in milliseconds UTC, both ends included, on the send time; `parts_*` are SMS counts.
    """

    start: int = 0
    length: int = 100
    from_at: int | None = None
    to_at: int | None = None
    sms_min: int | None = None
    sms_max: int | None = None
    destination: str | None = None
    text: str | None = None
    sort: Sort = "id"
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign with its counts. Units: milliseconds UTC, whole credits."""

    id: int
    kind: Kind
    sender: str | None
    text: str
    created_at: int
    send_at: int
    state: Literal["waiting", "sending", "sent", "cancelled", "moderation", "denied"]
    cost: int
    total: int
    sent: int
    delivered: int
    failed: int
    expired: int
    network_error: int
    cancelled: int
    stop: int
    npai: int
