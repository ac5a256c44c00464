"""What changed lately, for somebody who watches."""

from typing import NamedTuple

import msgspec

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_PREPARING = Statement("SELECT id FROM campaign WHERE queued_to IS NOT NULL AND state IN (1, 3)")
_NEWEST = Statement("SELECT COALESCE(MAX(id), 0) FROM campaign")
_SINCE = Statement(
    "SELECT id, account_id, sent, total, cost_mc, first_message_id, open, delivered, failed, expired, network_error,"
    " cancelled, send_at FROM campaign WHERE (id > :after OR id IN (SELECT value FROM json_each(:late))) AND state = 0"
    " ORDER BY id LIMIT :n"
)
_UNFINISHED = Statement("SELECT id FROM campaign WHERE open > 0 AND state = 0 ORDER BY id DESC LIMIT 50")
_ONE = Statement(
    "SELECT id, account_id, sent, total, cost_mc, first_message_id, open, delivered, failed, expired, network_error,"
    " cancelled, send_at FROM campaign WHERE id = :id"
)
_MESSAGE = Statement(
    "SELECT m.state, m.dlr, m.carrier_refs, k.name FROM message m LEFT JOIN carrier k ON k.id = m.carrier_id"
    " WHERE m.id = :id"
)
_NEWEST_CLICK = Statement("SELECT COALESCE(MAX(id), 0) FROM click")
_CLICKS = Statement(
    "SELECT id, campaign_id, position, brand, model, os FROM click WHERE id > :after ORDER BY id LIMIT :n"
)
_LINKED_TEXT = Statement(
    "SELECT m.text FROM campaign c JOIN message m ON m.id = c.first_message_id"
    " WHERE c.id = :id AND EXISTS (SELECT 1 FROM link WHERE campaign_id = c.id)"
)


class ClickNews(NamedTuple):
    """A click on a short link."""

    id: int
    campaign_id: int
    position: int
    brand: str
    model: str
    os: str


_NEWEST_REPLY = Statement("SELECT COALESCE(MAX(id), 0) FROM reply")
_REPLIES_SINCE = Statement("SELECT id, state, kind, campaign_id FROM reply WHERE id > :after ORDER BY id LIMIT :n")


class ReplyNews(NamedTuple):
    """What has been done about a reply; `campaign_id` is None while nothing was, or when it is nobody's."""

    id: int
    state: int
    kind: str | None
    campaign_id: int | None


class CampaignNews(NamedTuple):
    """How a campaign stands. Units: thousandths of a credit, milliseconds UTC."""

    id: int
    account_id: int
    sent: int
    total: int
    cost_mc: int
    first_message_id: int
    open: int
    delivered: int
    failed: int
    expired: int
    network_error: int
    cancelled: int
    send_at: int


class MessageNews(NamedTuple):
    """How a message stands."""

    state: int
    dlr: int
    refs: str | None
    carrier: str | None


def newest_click(tx: Tx) -> int:
    return int(tx.one(_NEWEST_CLICK)[0])


def clicks(tx: Tx, after: int, n: int) -> list[ClickNews]:
    return [ClickNews._make(row) for row in tx.rows(_CLICKS, after=after, n=n)]


def linked_text(tx: Tx, id_: int) -> str | None:
    """What a campaign's first recipient reads, when there are links in it."""
    row = tx.row(_LINKED_TEXT, id=id_)
    return None if row is None else str(row[0])


def newest(tx: Tx) -> int:
    return int(tx.one(_NEWEST)[0])


def preparing(tx: Tx) -> list[int]:
    """Campaigns that may be told of later: they are being written, or wait for a person."""
    return [row[0] for row in tx.rows(_PREPARING)]


def since(tx: Tx, after: int, late: list[int], n: int) -> list[CampaignNews]:
    """The accepted campaigns after an id, and those of `late` that are accepted by now."""
    rows = tx.rows(_SINCE, after=after, late=msgspec.json.encode(late).decode(), n=n)
    return [CampaignNews._make(row) for row in rows]


def newest_reply(tx: Tx) -> int:
    return int(tx.one(_NEWEST_REPLY)[0])


def replies_since(tx: Tx, after: int, n: int) -> list[ReplyNews]:
    return [ReplyNews._make(row) for row in tx.rows(_REPLIES_SINCE, after=after, n=n)]


def unfinished(tx: Tx) -> list[int]:
    """The newest campaigns with messages that are not final, oldest first."""
    return [row[0] for row in reversed(tx.rows(_UNFINISHED))]


def campaign(tx: Tx, id_: int) -> CampaignNews:
    return CampaignNews._make(tx.one(_ONE, id=id_))


def message(tx: Tx, id_: int) -> MessageNews:
    return MessageNews._make(tx.one(_MESSAGE, id=id_))
