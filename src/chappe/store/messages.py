"""Messages as rows to read: a period of an account's, and everything known about one.

An account's messages of a period are the id spans of its campaigns of that period: no index on `message` is needed.
What came in is in the list too.
"""

from functools import cache
from typing import Any, Final, Literal, NamedTuple

from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

# What the recipient sees: the message's own sender where it has one; NULL for the carrier's own number.
_SENDER = "NULLIF(COALESCE(m.sender, c.sender), '')"
# What both kinds of message have in common, under the same names. `parent` makes the order that the index gives unique.
_OUT_COLUMNS = (
    "m.id AS id, m.campaign_id, m.client_ref, COALESCE(m.text, c.text), m.price_mc, m.country, m.number AS number,"
    f" {_SENDER} AS sender, c.send_at AS at, m.state, m.dlr AS dlr, COALESCE(m.done_at, m.submitted_at), m.list_id,"
    " FALSE AS is_in, c.id AS parent"
)
_IN_COLUMNS = (
    "r.id AS id, r.campaign_id, m.client_ref, r.text, 0, m.country, CAST(LTRIM(r.source, '+0') AS INTEGER) AS number,"
    " r.destination AS sender, r.received_at AS at, 0, 0 AS dlr, NULL, NULL, TRUE AS is_in, 0 AS parent"
)
_OUT = (
    " FROM campaign c JOIN message m"
    " WHERE m.id BETWEEN c.first_message_id AND c.last_message_id AND c.account_id = :account AND c.state IN (0, 3, 4)"
    " AND (:campaign_state IS NULL OR c.state = :campaign_state)"
    " AND c.send_at BETWEEN :from_at AND :to_at AND c.messages_deleted_at IS NULL"
    " AND (:destination IS NULL OR instr(CAST(m.number AS TEXT), :destination) > 0)"
    " AND (:text IS NULL OR instr(lower(COALESCE(m.text, c.text)), lower(:text)) > 0)"
    " AND (:country IS NULL OR m.country = :country)"
    " AND (:statuses IS NULL OR m.dlr IN (SELECT value FROM json_each(:statuses)))"
    " AND (:is_open IS NULL OR (m.state = 0) = :is_open)"
)
# What came in has no delivery status.
_IN = (
    " FROM reply r LEFT JOIN message m ON m.id = r.message_id"
    " WHERE r.account_id = :account AND r.received_at BETWEEN :from_at AND :to_at"
    " AND (:destination IS NULL OR instr(r.source, :destination) > 0)"
    " AND (:text IS NULL OR instr(lower(r.text), lower(:text)) > 0)"
    " AND (:country IS NULL OR m.country = :country) AND :statuses IS NULL AND :is_open IS NULL"
)
_SELECT: Final = {"out": f"SELECT {_OUT_COLUMNS}{_OUT}", "in": f"SELECT {_IN_COLUMNS}{_IN}"}
_COUNT: Final = {"out": Statement(f"SELECT COUNT(*){_OUT}"), "in": Statement(f"SELECT COUNT(*){_IN}")}
# Without a look at any message.
_TOTAL: Final = {
    "out": Statement(
        "SELECT COALESCE(SUM(sent), 0) FROM campaign WHERE account_id = :account AND state IN (0, 3, 4)"
        " AND send_at BETWEEN :from_at AND :to_at AND messages_deleted_at IS NULL"
    ),
    "in": Statement(
        "SELECT COUNT(*) FROM reply WHERE account_id = :account AND received_at BETWEEN :from_at AND :to_at"
    ),
}
_FILTERS: Final = ("destination", "text", "country", "statuses", "is_open", "campaign_state")
Direction = Literal["in", "out"]


@cache
def _page(directions: tuple[Direction, ...], column: str, is_descending: bool) -> Statement:
    """A page in an order that the indexes give, when it is that of the time."""
    down = " DESC" if is_descending else ""
    order = ", ".join(f"{name}{down}" for name in dict.fromkeys((column, "at", "parent", "id")))
    every = " UNION ALL ".join(_SELECT[direction] for direction in directions)
    return Statement(f"{every} ORDER BY {order} LIMIT :length OFFSET :start")


_SHOW = Statement(
    "SELECT m.id, m.campaign_id, m.account_id, m.number, m.country, m.client_ref, COALESCE(m.text, c.text),"
    f" {_SENDER}, c.kind, m.encoding, m.parts, m.price_mc, m.state, m.dlr, c.created_at, c.send_at,"
    " COALESCE(d.expires_at, c.expires_at), m.submitted_at, m.done_at, k.name, m.carrier_refs, d.state, d.ready_at,"
    " d.attempts, c.state, c.held_because, c.decided_at"
    " FROM message m JOIN campaign c ON c.id = m.campaign_id LEFT JOIN carrier k ON k.id = m.carrier_id"
    " LEFT JOIN dispatch d ON d.message_id = m.id WHERE m.id = :id AND c.state IN (0, 3, 4)"
)
_TRACE = Statement("SELECT at, step, detail FROM trace WHERE message_id = :id ORDER BY id")
_SPAN_OF_TICKET = Statement(
    "SELECT first_message_id, last_message_id FROM campaign WHERE id = :id AND state IN (0, 3, 4)"
    " AND messages_deleted_at IS NULL"
)


class MessageRow(NamedTuple):
    """A message as a list shows it. Units: milliseconds UTC, thousandths of a credit."""

    id: int
    campaign_id: int | None
    client_ref: str | None
    text: str
    price_mc: int
    country: str | None
    number: int
    sender: str | None
    send_at: int
    state: int
    dlr: int
    dlr_at: int | None
    list_id: int | None
    is_in: bool = False


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
    campaign_state: int
    held_because: str | None
    decided_at: int | None


def page(
    tx: Tx,
    directions: tuple[Direction, ...],
    column: str,
    is_descending: bool,
    start: int,
    length: int,
    **conditions: Any,
) -> tuple[list[MessageRow], int, int]:
    """A page of a period's messages, how many the period has, how many match.

    Shape: `column` is at, number, sender or dlr; `conditions` are account, from_at, to_at, destination, text,
           country, statuses (JSON), is_open, campaign_state.
    Cost:  a scan of the period only with conditions on messages, or another order than that of the time.
    """
    rows = tx.rows(_page(directions, column, is_descending), start=start, length=length, **conditions)
    total = sum(tx.one(_TOTAL[each], **conditions)[0] for each in directions)
    matching = total
    if any(conditions[name] is not None for name in _FILTERS):
        matching = sum(tx.one(_COUNT[each], **conditions)[0] for each in directions)
    return [MessageRow._make((*row[:13], bool(row[13]))) for row in rows], total, matching


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
