"""Replies as their owner reads them, and people of a campaign who do not want or do not exist."""

from functools import cache
from typing import Final, NamedTuple

from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_COLUMNS = "r.id, r.campaign_id, r.source, r.text, m.infos, r.received_at"
_PERIOD = (
    " FROM reply r LEFT JOIN message m ON m.id = r.message_id"
    " WHERE r.account_id = :account AND r.received_at BETWEEN :from_at AND :to_at"
)
_COUNT = Statement("SELECT COUNT(*) FROM reply WHERE account_id = :account AND received_at BETWEEN :from_at AND :to_at")
# Ids grow with the time: both orders are the index's.
_ORDERS: Final = {"id": "r.received_at", "date": "r.received_at", "text": "r.text"}
_OF_CAMPAIGN = Statement(
    f"SELECT {_COLUMNS} FROM reply r LEFT JOIN message m ON m.id = r.message_id"
    " WHERE r.campaign_id = :campaign AND r.account_id = :account ORDER BY r.id LIMIT :length OFFSET :start"
)
_COUNT_OF_CAMPAIGN = Statement("SELECT COUNT(*) FROM reply WHERE campaign_id = :campaign AND account_id = :account")
# Who says it again is in the list once, with the first time.
_STOPS = Statement(
    "SELECT MIN(r.id), r.campaign_id, r.source, r.text, m.infos, MIN(r.received_at)"
    " FROM reply r LEFT JOIN message m ON m.id = r.message_id"
    " WHERE r.campaign_id = :campaign AND r.account_id = :account AND r.kind = 'stop'"
    " GROUP BY r.message_id ORDER BY r.message_id LIMIT :length OFFSET :start"
)
_COUNT_STOPS = Statement(
    "SELECT COUNT(DISTINCT message_id) FROM reply"
    " WHERE campaign_id = :campaign AND account_id = :account AND kind = 'stop'"
)
_UNASSIGNED = (
    " FROM campaign c JOIN message m ON m.id BETWEEN c.first_message_id AND c.last_message_id"
    " WHERE c.id = :campaign AND c.account_id = :account AND c.failed > 0 AND m.dlr = 5"
)
_UNASSIGNED_PAGE = Statement(
    f"SELECT m.id, m.number, m.infos, COALESCE(m.done_at, c.send_at){_UNASSIGNED}"
    " AND m.id > :after ORDER BY m.id LIMIT :length OFFSET :start"
)
_COUNT_UNASSIGNED = Statement(f"SELECT COUNT(*){_UNASSIGNED}")


_NEWEST = Statement(
    "SELECT r.id, r.received_at, k.name, r.source, r.destination, r.text, r.state, r.kind, a.email, r.campaign_id,"
    " r.message_id, r.missing FROM reply r LEFT JOIN carrier k ON k.id = r.carrier_id"
    " LEFT JOIN account a ON a.id = r.account_id WHERE (:account IS NULL OR r.account_id = :account)"
    " AND (NOT :is_unmatched OR r.state IN (2, 4)) AND r.part IS NULL ORDER BY r.id DESC LIMIT :n"
)


class AnyReply(NamedTuple):
    """A reply as the operator sees it. Units: milliseconds UTC. Shape: `state` as `ReplyState`."""

    id: int
    received_at: int
    carrier: str | None
    source: str
    destination: str
    text: str
    state: int
    kind: str | None
    account: str | None
    campaign_id: int | None
    message_id: int | None
    missing: int | None


class ReplyRow(NamedTuple):
    """A reply as its owner reads it. Units: milliseconds UTC. Shape: `infos` as `domain/infos.py` joins them."""

    id: int
    campaign_id: int | None
    source: str
    text: str
    infos: str | None
    received_at: int


class UnassignedRow(NamedTuple):
    """A message to a number that nobody has. Units: milliseconds UTC."""

    id: int
    number: int
    infos: str | None
    at: int


@cache
def _page(order: str, is_descending: bool) -> Statement:
    down = " DESC" if is_descending else ""
    return Statement(
        f"SELECT {_COLUMNS}{_PERIOD} ORDER BY {_ORDERS[order]}{down}, r.id{down} LIMIT :length OFFSET :start"
    )


def page(
    tx: Tx, account: int, period: tuple[int, int], order: str, is_descending: bool, start: int, length: int
) -> tuple[list[ReplyRow], int]:
    """Some of an account's replies of a period, and how many there are. Shape: `order` is id, date or text."""
    bounds = {"account": account, "from_at": period[0], "to_at": period[1]}
    rows = tx.rows(_page(order, is_descending), start=start, length=length, **bounds)
    return _replies(rows), tx.one(_COUNT, **bounds)[0]


def newest(tx: Tx, account: int | None, is_unmatched: bool, n: int) -> list[AnyReply]:
    """The last replies, whosoever, the newest first; of one account, or only those that are nobody's.

    Cost: without an account reads on until it has found so many.
    """
    return [AnyReply._make(row) for row in tx.rows(_NEWEST, account=account, is_unmatched=is_unmatched, n=n)]


def of_campaign(tx: Tx, account: int, campaign: int, start: int, length: int) -> tuple[list[ReplyRow], int]:
    """Some of the replies to a campaign, the first first, and how many there are."""
    rows = tx.rows(_OF_CAMPAIGN, account=account, campaign=campaign, start=start, length=length)
    return _replies(rows), tx.one(_COUNT_OF_CAMPAIGN, account=account, campaign=campaign)[0]


def stops_of_campaign(tx: Tx, account: int, campaign: int, start: int, length: int) -> tuple[list[ReplyRow], int]:
    """Some of the people who answered a campaign with an opt-out, and how many they are."""
    rows = tx.rows(_STOPS, account=account, campaign=campaign, start=start, length=length)
    return _replies(rows), tx.one(_COUNT_STOPS, account=account, campaign=campaign)[0]


def unassigned_of_campaign(
    tx: Tx, account: int, campaign: int, start: int, length: int
) -> tuple[list[UnassignedRow], int]:
    """Some of a campaign's messages to numbers that nobody has, and how many they are.

    Cost: a scan of the campaign's messages, unless none failed.
    """
    rows = tx.rows(_UNASSIGNED_PAGE, account=account, campaign=campaign, after=0, start=start, length=length)
    total: int = tx.one(_COUNT_UNASSIGNED, account=account, campaign=campaign)[0]
    return [UnassignedRow._make(row) for row in rows], total


def unassigned_after(tx: Tx, account: int, campaign: int, after: int, n: int) -> list[int]:
    """The next of a campaign's messages to numbers that nobody has."""
    return [
        row[0] for row in tx.rows(_UNASSIGNED_PAGE, account=account, campaign=campaign, after=after, start=0, length=n)
    ]


def _replies(rows: list[Row]) -> list[ReplyRow]:
    return [ReplyRow._make(row) for row in rows]
