"""Messages as rows to read: a period of an account's, and everything known about one.

An account's messages of a period are the id spans of its campaigns of that period: no index on `message` is needed.
"""

from typing import Any, NamedTuple

from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_COLUMNS = (
    "m.id, m.campaign_id, m.client_ref, COALESCE(m.text, c.text), m.price_mc, m.country, m.number, c.sender,"
    " c.send_at, m.state, m.dlr, COALESCE(m.done_at, m.submitted_at), m.list_id"
)
_SPAN = (
    " FROM campaign c JOIN message m ON m.id BETWEEN c.first_message_id AND c.last_message_id"
    " WHERE c.account_id = :account AND c.state = 0 AND c.send_at BETWEEN :from_at AND :to_at"
    " AND c.messages_deleted_at IS NULL"
)
_MATCH = (
    _SPAN + " AND (:destination IS NULL OR instr(CAST(m.number AS TEXT), :destination) > 0)"
    " AND (:text IS NULL OR instr(lower(COALESCE(m.text, c.text)), lower(:text)) > 0)"
    " AND (:country IS NULL OR m.country = :country)"
    " AND (:statuses IS NULL OR m.dlr IN (SELECT value FROM json_each(:statuses)))"
    " AND (:is_open IS NULL OR (m.state = 0) = :is_open)"
)
_TOTAL = Statement(f"SELECT COUNT(*){_SPAN}")
_MATCHING = Statement(f"SELECT COUNT(*){_MATCH}")
_PAGES = {
    (column, is_descending): Statement(
        f"SELECT {_COLUMNS}{_MATCH} ORDER BY {column}{' DESC' if is_descending else ''}, m.id"
        f"{' DESC' if is_descending else ''} LIMIT :length OFFSET :start"
    )
    for column in ("c.send_at", "m.number", "c.sender", "m.dlr")
    for is_descending in (False, True)
}
_SHOW = Statement(
    "SELECT m.id, m.campaign_id, m.account_id, m.number, m.country, m.client_ref, COALESCE(m.text, c.text), c.sender,"
    " c.kind, m.encoding, m.parts, m.price_mc, m.state, m.dlr, c.created_at, c.send_at, c.expires_at, m.submitted_at,"
    " m.done_at, k.name, m.carrier_refs, d.state, d.ready_at, d.attempts"
    " FROM message m JOIN campaign c ON c.id = m.campaign_id LEFT JOIN carrier k ON k.id = m.carrier_id"
    " LEFT JOIN dispatch d ON d.message_id = m.id WHERE m.id = :id AND c.state = 0"
)
_TRACE = Statement("SELECT at, step, detail FROM trace WHERE message_id = :id ORDER BY id")
_SPAN_OF_TICKET = Statement(
    "SELECT first_message_id, last_message_id FROM campaign WHERE id = :id AND state = 0"
    " AND messages_deleted_at IS NULL"
)


class MessageRow(NamedTuple):
    """A message as a list shows it. Units: milliseconds UTC, thousandths of a credit."""

    id: int
    campaign_id: int
    client_ref: str | None
    text: str
    price_mc: int
    country: str
    number: int
    sender: str | None
    send_at: int
    state: int
    dlr: int
    dlr_at: int | None
    list_id: int | None


class MessageDetail(NamedTuple):
    """Everything the message's own rows say. Units: milliseconds UTC, thousandths of a credit."""

    id: int
    campaign_id: int
    account_id: int
    number: int
    country: str
    client_ref: str | None
    text: str
    sender: str | None
    kind: str
    encoding: int
    parts: int
    price_mc: int
    state: int
    dlr: int
    accepted_at: int
    send_at: int
    expires_at: int
    submitted_at: int | None
    done_at: int | None
    carrier: str | None
    carrier_refs: str | None
    queue_state: int | None
    ready_at: int | None
    attempts: int | None


def page(
    tx: Tx, column: str, is_descending: bool, start: int, length: int, **conditions: Any
) -> tuple[list[MessageRow], int, int]:
    """A page of a period's messages, how many the period has, how many match. Cost: a scan of the period.

    Shape: `conditions` are account, from_at, to_at, destination, text, country, statuses (JSON), is_open.
    """
    rows = tx.rows(_PAGES[(column, is_descending)], start=start, length=length, **conditions)
    total = tx.one(_TOTAL, **{name: conditions[name] for name in ("account", "from_at", "to_at")})
    matching = tx.one(_MATCHING, **conditions)
    return [MessageRow._make(row) for row in rows], total[0], matching[0]


def detail(tx: Tx, message: int) -> MessageDetail | None:
    row = tx.row(_SHOW, id=message)
    return MessageDetail._make(row) if row else None


def trace(tx: Tx, message: int) -> list[Row]:
    """(at, step, detail) of what happened out of the ordinary."""
    return tx.rows(_TRACE, id=message)


def span_of_ticket(tx: Tx, ticket: int) -> tuple[int, int] | None:
    """The message ids of a campaign, whoever owns it; None when it is unknown or its messages' time is over."""
    row = tx.row(_SPAN_OF_TICKET, id=ticket)
    return (row[0], row[1]) if row else None
