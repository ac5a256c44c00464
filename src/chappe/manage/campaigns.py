"""Campaigns as their owner reads and cancels them."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from chappe.domain import lifecycle
from chappe.domain.accounts import Account
from chappe.domain.errors import NotFound
from chappe.domain.pricing import cost_credits
from chappe.domain.requests import Kind
from chappe.manage.pages import Page
from chappe.store import campaigns
from chappe.store.campaigns import CampaignRow
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.telecom.numbers import normalise

Sort = Literal["id", "date", "text", "cost", "status"]
CampaignState = Literal["waiting", "sending", "sent", "cancelled", "moderation", "denied"]


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns to list; None leaves a condition out.

    Shape: `sms_*` count SMS: the parts of all messages.
    Units: times in milliseconds UTC, both ends included, on the send time.
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
    """One campaign with its counts, and the ids of the lists it was sent to.

    Units: milliseconds UTC, whole credits.
    """

    id: int
    kind: Kind
    sender: str | None
    text: str
    created_at: int
    send_at: int
    state: CampaignState
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
    lists: tuple[int, ...] = ()


class Campaigns:
    """An account's campaigns, as it may read them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def history(self, account: Account, wanted: CampaignFilter) -> Page[Campaign]:
        """A page of the account's campaigns."""
        conditions = {
            "account": account.id,
            "from_at": wanted.from_at,
            "to_at": wanted.to_at,
            "min_sms": wanted.sms_min,
            "max_sms": wanted.sms_max,
            "text": wanted.text,
            "now": now_ms(),
        }
        number = _number(wanted.destination, account.country)

        def query(tx: Tx) -> tuple[list[CampaignRow], int, int]:
            return campaigns.page(
                tx, wanted.sort, wanted.is_descending, wanted.start, wanted.length, number, **conditions
            )

        rows, total, matching = await self._store.read(query)
        now = now_ms()
        return Page([_campaign(row, now) for row in rows], total, matching)

    async def get(self, account: Account, ticket: int) -> Campaign:
        """One campaign. Raises: NotFound, also for another account's."""
        row = self._store.glance(lambda tx: campaigns.one(tx, account.id, ticket))
        if row is None:
            raise NotFound(f"there is no campaign {ticket}", field="id")
        return _campaign(row, now_ms())


def _number(destination: str | None, country: str) -> int | None:
    if destination is None:
        return None
    number = normalise([destination], country).e164[0]
    return int(number) if number else -1  # matches nothing


def _campaign(row: CampaignRow, now: int) -> Campaign:
    return Campaign(
        id=row.id,
        kind="marketing" if row.kind == "marketing" else "alert",
        sender=row.sender,
        text=row.text,
        created_at=row.created_at,
        send_at=row.send_at,
        state=_state(row, now),
        cost=cost_credits(row.cost_mc),
        total=row.total,
        sent=row.sent,
        delivered=row.delivered,
        failed=row.failed,
        expired=row.expired,
        network_error=row.network_error,
        cancelled=row.cancelled,
        stop=row.stops,
        npai=row.unassigned,
        lists=tuple(msgspec.json.decode(row.lists)) if row.lists else (),
    )


def _state(row: CampaignRow, now: int) -> CampaignState:
    if row.sent and row.cancelled == row.sent:
        return "cancelled"
    if row.state == lifecycle.CampaignState.DENIED:
        return "denied"
    if row.state == lifecycle.CampaignState.MODERATION:
        return "moderation"
    if row.open and row.send_at > now:
        return "waiting"
    return "sending" if row.open else "sent"
