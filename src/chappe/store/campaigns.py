"""Campaigns as rows: one, a page of an account's, and the span of message ids of each.

Only those that were accepted, whatever became of them (`THERE`): one for lists is written in pieces before
(`store/preparations.py`).
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# The states of a campaign that its owner reads: accepted, waiting for a person, denied by him.
THERE: Final = "state IN (0, 3, 4)"
_COLUMNS = (
    "id, kind, sender, text, created_at, send_at, cost_mc, total, sent, open, delivered, failed, expired,"
    " network_error, cancelled, lists, stops, unassigned, state"
)
_SPAN = Statement(
    f"SELECT first_message_id, last_message_id FROM campaign WHERE id = :id AND account_id = :account AND {THERE}"
)
_ONE = Statement(f"SELECT {_COLUMNS} FROM campaign WHERE id = :id AND account_id = :account AND {THERE}")
# Counted on the index of accounts alone; those that are not accepted are few and have an index of their own.
# The sign keeps the look-up from the index of accounts, which would find a million.
_NOT_ACCEPTED = "SELECT id FROM campaign WHERE queued_to IS NOT NULL AND state IN (1, 2) AND +account_id = :account"
_ALL = 9_000_000_000_000_000_000
_PERIOD = f"account_id = :account AND send_at >= COALESCE(:from_at, 0) AND send_at <= COALESCE(:to_at, {_ALL})"
_COUNT = Statement(
    f"SELECT (SELECT COUNT(*) FROM campaign WHERE {_PERIOD})"
    f" - (SELECT COUNT(*) FROM campaign WHERE id IN ({_NOT_ACCEPTED}) AND {_PERIOD})"
)
_MATCH = (
    f" FROM campaign c WHERE {_PERIOD} AND {THERE}"
    " AND (:min_sms IS NULL OR COALESCE(sms, cost_mc / 1000) >= :min_sms)"
    " AND (:max_sms IS NULL OR COALESCE(sms, cost_mc / 1000) <= :max_sms)"
    " AND (:text IS NULL OR instr(lower(text), lower(:text)) > 0)"
    " AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))"
)
_MATCHING = Statement(f"SELECT COUNT(*){_MATCH}")
_FILTERS: Final = ("min_sms", "max_sms", "text", "ids")
# The words that readers see, in the order of the alphabet: canceled, denied, moderation, sending, sent, waiting.
_STATUS = (
    "CASE WHEN sent > 0 AND cancelled = sent THEN 0 WHEN state = 4 THEN 1 WHEN state = 3 THEN 2"
    " WHEN open > 0 AND send_at > :now THEN 5 WHEN open > 0 THEN 3 ELSE 4 END"
)
_ORDERS: Final = {
    "id": ("id",),
    "date": ("send_at", "id"),
    "text": ("text", "id"),
    "cost": ("cost_mc", "id"),
    "status": (_STATUS, "id"),
}
# The ids first, from the index alone: an account may have a million campaigns. They are nearly sorted in the order of
# the time, so that few of them come to stay among the best for a moment.
_NEWEST = {
    down: Statement(
        f"SELECT {_COLUMNS} FROM campaign WHERE id IN (SELECT id FROM (SELECT id FROM campaign WHERE {_PERIOD}"
        f" AND id NOT IN ({_NOT_ACCEPTED}) ORDER BY send_at{down} LIMIT {_ALL}) ORDER BY id{down}"
        f" LIMIT :length OFFSET :start) ORDER BY id{down}"
    )
    for down in ("", " DESC")
}
# One pass over what the account sent in the period, whatever the campaigns.
_SENT_TO = Statement(
    f"SELECT c.id FROM campaign c WHERE {_PERIOD} AND EXISTS (SELECT 1 FROM message m"
    " WHERE m.id BETWEEN c.first_message_id AND c.last_message_id AND m.number = :number)"
)
# In the order of the index of open campaigns, so that the finished ones cost nothing. What waits for a person does not
# expire.
_OVERDUE = Statement(
    "SELECT id, first_message_id, last_message_id, expires_at FROM campaign"
    " WHERE open > 0 AND state = 0 AND expires_at <= :now AND (expires_at, id) > (:after_at, :after_id)"
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
    stops: int
    unassigned: int
    state: int


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


@cache
def _page(order: str, is_descending: bool) -> Statement:
    down = " DESC" if is_descending else ""
    by = ", ".join(f"{each}{down}" for each in _ORDERS[order])
    return Statement(f"SELECT {_COLUMNS}{_MATCH} ORDER BY {by} LIMIT :length OFFSET :start")


def page(
    tx: Tx, order: str, is_descending: bool, start: int, length: int, number: int | None, **conditions: Any
) -> tuple[list[CampaignRow], int, int]:
    """A page of an account's campaigns, how many there are, how many match.

    Shape: `conditions` are account, from_at, to_at, min_sms, max_sms, text, now; None leaves one out.
    Cost:  that of the account's campaigns of the period; with a number, that of their messages.
    """
    conditions["ids"] = None
    if number is not None:
        conditions["ids"] = _json(row[0] for row in tx.rows(_SENT_TO, number=number, **conditions))
    total = matching = tx.one(_COUNT, **{**conditions, "from_at": None, "to_at": None})[0]
    is_filtered = any(conditions[name] is not None for name in _FILTERS)
    if is_filtered:
        matching = tx.one(_MATCHING, **conditions)[0]
    elif conditions["from_at"] is not None or conditions["to_at"] is not None:
        matching = tx.one(_COUNT, **conditions)[0]
    if order == "id" and not is_filtered:
        statement = _NEWEST[" DESC" if is_descending else ""]
    else:
        statement = _page(order, is_descending)
    rows = tx.rows(statement, start=start, length=length, **conditions)
    return [CampaignRow._make(row) for row in rows], total, matching


def _json(ids: Iterable[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()


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
