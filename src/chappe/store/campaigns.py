"""Campaigns as rows: one, a page of an account's, and the span of message ids of each.

Only those that were accepted (`state = 0`): one for lists is written in pieces before (`store/preparations.py`).
"""

from typing import Any, NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_COLUMNS = (
    "id, kind, sender, text, created_at, send_at, cost_mc, total, sent, open, delivered, failed, expired,"
    " network_error, cancelled, lists"
)
_SPAN = Statement(
    "SELECT first_message_id, last_message_id FROM campaign WHERE id = :id AND account_id = :account AND state = 0"
)
_ONE = Statement(f"SELECT {_COLUMNS} FROM campaign WHERE id = :id AND account_id = :account AND state = 0")
# Counted on the index of accounts alone; those that are not accepted are few and have an index of their own.
_COUNT = Statement(
    "SELECT (SELECT COUNT(*) FROM campaign WHERE account_id = :account) - (SELECT COUNT(*) FROM campaign"
    " WHERE queued_to IS NOT NULL AND state <> 0 AND account_id = :account)"
)
_MATCH = (
    " FROM campaign c WHERE c.account_id = :account AND c.state = 0"
    " AND (:from_at IS NULL OR c.send_at >= :from_at) AND (:to_at IS NULL OR c.send_at <= :to_at)"
    " AND (:min_mc IS NULL OR c.cost_mc >= :min_mc) AND (:max_mc IS NULL OR c.cost_mc <= :max_mc)"
    " AND (:text IS NULL OR instr(lower(c.text), lower(:text)) > 0)"
    " AND (:number IS NULL OR EXISTS (SELECT 1 FROM message m WHERE m.id BETWEEN c.first_message_id"
    " AND c.last_message_id AND m.number = :number))"
)
_MATCHING = Statement(f"SELECT COUNT(*){_MATCH}")
_PAGES = {
    (column, is_descending): Statement(
        f"SELECT {_COLUMNS}{_MATCH} ORDER BY {column}{' DESC' if is_descending else ''}, c.id"
        f"{' DESC' if is_descending else ''} LIMIT :length OFFSET :start"
    )
    for column in ("c.id", "c.send_at", "c.text", "c.cost_mc", "c.open > 0")
    for is_descending in (False, True)
}
# In the order of the index of open campaigns, so that the finished ones cost nothing.
_OVERDUE = Statement(
    "SELECT id, first_message_id, last_message_id, expires_at FROM campaign"
    " WHERE open > 0 AND expires_at <= :now AND (expires_at, id) > (:after_at, :after_id)"
    " AND (expires_at <= :silent_since OR EXISTS (SELECT 1 FROM dispatch"
    " WHERE message_id BETWEEN first_message_id AND last_message_id AND state IN (0, 3)))"
    " ORDER BY expires_at, id LIMIT :n"
)
_SENT_IN = Statement("SELECT id FROM message WHERE id BETWEEN :first AND :last AND state = 1 LIMIT :n")


class CampaignRow(NamedTuple):
    """A campaign and its counters.

    Shape: `lists` is a JSON array of the ids of the lists it was sent to, None when it was sent to numbers.
    Units: milliseconds UTC, thousandths of a credit.
    """

    id: int
    kind: str
    sender: str | None
    text: str
    created_at: int
    send_at: int
    cost_mc: int
    total: int
    sent: int
    open: int
    delivered: int
    failed: int
    expired: int
    network_error: int
    cancelled: int
    lists: str | None


class Overdue(NamedTuple):
    """A campaign with open messages whose validity is over, and that something can be done about."""

    id: int
    first: int
    last: int
    expires_at: int


def span(tx: Tx, account: int, campaign: int) -> tuple[int, int] | None:
    """The first and last message id of a campaign of this account."""
    row = tx.row(_SPAN, id=campaign, account=account)
    return (row[0], row[1]) if row else None


def one(tx: Tx, account: int, campaign: int) -> CampaignRow | None:
    row = tx.row(_ONE, id=campaign, account=account)
    return CampaignRow._make(row) if row else None


def page(
    tx: Tx, column: str, is_descending: bool, start: int, length: int, **conditions: Any
) -> tuple[list[CampaignRow], int, int]:
    """A page of an account's campaigns, how many there are, how many match.

    Shape: `conditions` are account, from_at, to_at, min_mc, max_mc, text, number; None leaves one out.
    """
    rows = tx.rows(_PAGES[(column, is_descending)], start=start, length=length, **conditions)
    total = tx.one(_COUNT, account=conditions["account"])
    matching = tx.one(_MATCHING, **conditions)
    return [CampaignRow._make(row) for row in rows], total[0], matching[0]


def overdue(tx: Tx, now: int, silent_since: int, after: Overdue | None, n: int) -> list[Overdue]:
    """The next `n` campaigns with messages that no carrier took in time, or whose validity was over at `silent_since`.

    Cost: about a microsecond for each campaign that waits for receipts only.
    """
    at, id_ = (after.expires_at, after.id) if after else (0, 0)
    rows = tx.rows(_OVERDUE, now=now, silent_since=silent_since, after_at=at, after_id=id_, n=n)
    return [Overdue._make(row) for row in rows]


def waiting_for_receipt(tx: Tx, first: int, last: int, n: int) -> list[int]:
    """Messages of a span that a carrier took and that no receipt has finished. Cost: a scan of the span."""
    return [row[0] for row in tx.rows(_SENT_IN, first=first, last=last, n=n)]
