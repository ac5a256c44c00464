"""What the database says of one person, in rows that were found before (`store/privacy.py`)."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from chappe.store.privacy import BY_ACCOUNT, ByAccount, Whom
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_IDS = "(SELECT value FROM json_each(:ids))"
_CONTACTS = Statement(
    "SELECT l.account_id, l.name, c.entry FROM contact c JOIN contact_list l ON l.id = c.list_id"
    f" WHERE c.list_id = :list AND c.id IN {_IDS} ORDER BY c.id"
)
_MESSAGES = Statement(
    "SELECT m.id, m.account_id, m.campaign_id, c.kind, m.country, COALESCE(m.sender, c.sender),"
    " COALESCE(m.text, c.text), m.parts, m.client_ref, m.infos, l.name, m.state, m.dlr, c.created_at, c.send_at,"
    " m.submitted_at, m.done_at, k.name, m.carrier_refs FROM message m JOIN campaign c ON c.id = m.campaign_id"
    " LEFT JOIN carrier k ON k.id = m.carrier_id LEFT JOIN contact_list l ON l.id = m.list_id"
    f" WHERE m.id IN {_IDS} ORDER BY m.id"
)
_STEPS = Statement(f"SELECT message_id, at, step, detail FROM trace WHERE message_id IN {_IDS} ORDER BY message_id, id")
_CLICKS = Statement(
    "SELECT k.account_id, k.message_id, k.at, l.url, k.brand, k.model, k.os FROM click k"
    " LEFT JOIN link l ON l.campaign_id = k.campaign_id AND l.position = k.position"
    f" WHERE k.message_id IN {_IDS} ORDER BY k.id"
)
_REPLIES = Statement(
    "SELECT r.account_id, r.received_at, r.source, r.destination, r.text, r.kind, r.message_id, k.name FROM reply r"
    f" LEFT JOIN carrier k ON k.id = r.carrier_id WHERE r.id IN {_IDS} ORDER BY r.id"
)
_EVENT = (
    "SELECT e.id, w.account_id, e.message_id, w.type, e.created_at, e.state, e.payload FROM event e"
    " LEFT JOIN webhook w ON w.id = e.webhook_id WHERE"
)
_EVENTS = Statement(f"{_EVENT} e.id IN {_IDS}")
_EVENTS_OF_MESSAGES = Statement(f"{_EVENT} e.message_id IN {_IDS}")
_LOOKUPS = Statement(
    "SELECT u.account_id, u.asked_at, k.name, u.result FROM lookup u LEFT JOIN carrier k ON k.id = u.carrier_id"
    f" WHERE u.id IN {_IDS} ORDER BY u.id"
)
_RECEIPTS = Statement(
    "SELECT r.received_at, k.name, r.ref, r.dlr, r.detail FROM unmatched_receipt r"
    f" LEFT JOIN carrier k ON k.id = r.carrier_id WHERE r.id IN {_IDS} ORDER BY r.id"
)
_EXCLUSIONS = {
    kind: Statement(f"SELECT account_id, kind, created_at, campaign_id, infos FROM {BY_ACCOUNT[kind]}")
    for kind in ("blacklist", "npai")
}
_LATELY = {
    kind: Statement(f"SELECT account_id, at FROM {BY_ACCOUNT[kind]}") for kind in ("recent_send", "contact_answer")
}
_ACCOUNTS = Statement(f"SELECT id, company FROM account WHERE id IN {_IDS} ORDER BY id")


class MessageRow(NamedTuple):
    """A message to the person. Units: milliseconds UTC. Shape: `infos` as `domain/infos.py` joins them."""

    id: int
    account_id: int
    campaign_id: int
    kind: str
    country: str
    sender: str | None
    text: str
    parts: int
    client_ref: str | None
    infos: str | None
    list_name: str | None
    state: int
    dlr: int
    accepted_at: int
    send_at: int
    submitted_at: int | None
    done_at: int | None
    carrier: str | None
    carrier_refs: str | None


class ClickRow(NamedTuple):
    """A link of a message that was followed. Units: milliseconds UTC."""

    account_id: int
    message_id: int
    at: int
    url: str | None
    brand: str
    model: str
    os: str


class ReplyRow(NamedTuple):
    """A text of the person's. Units: milliseconds UTC. Shape: `account_id` is None when it was nobody's."""

    account_id: int | None
    received_at: int
    source: str
    destination: str
    text: str
    kind: str | None
    message_id: int | None
    carrier: str | None


class EventRow(NamedTuple):
    """What an account's server was told, or is to be. Units: milliseconds UTC. Shape: `payload` is JSON."""

    id: int
    account_id: int | None
    message_id: int | None
    type: str | None
    created_at: int
    state: int
    payload: str


class LookupRow(NamedTuple):
    """What a carrier was asked about the number. Units: milliseconds UTC. Shape: `result` is JSON."""

    account_id: int
    asked_at: int
    carrier: str | None
    result: str | None


class ReceiptRow(NamedTuple):
    """A receipt that belongs to no message. Units: milliseconds UTC."""

    received_at: int
    carrier: str | None
    ref: str
    dlr: int
    detail: str


class ExclusionRow(NamedTuple):
    """An account does not write to the person. Units: milliseconds UTC. Shape: `kind` is blacklist or npai."""

    account_id: int
    kind: str
    created_at: int
    campaign_id: int | None
    infos: str | None


def contacts(tx: Tx, list_id: int, ids: Sequence[int]) -> list[Row]:
    """(account, list's name, entry)."""
    return tx.rows(_CONTACTS, list=list_id, ids=_array(ids))


def messages(tx: Tx, ids: Sequence[int]) -> list[MessageRow]:
    return [MessageRow._make(row) for row in tx.rows(_MESSAGES, ids=_array(ids))]


def steps(tx: Tx, messages: Sequence[int]) -> list[Row]:
    """(message, at, step, detail)."""
    return tx.rows(_STEPS, ids=_array(messages))


def clicks(tx: Tx, messages: Sequence[int]) -> list[ClickRow]:
    return [ClickRow._make(row) for row in tx.rows(_CLICKS, ids=_array(messages))]


def replies(tx: Tx, ids: Sequence[int]) -> list[ReplyRow]:
    return [ReplyRow._make(row) for row in tx.rows(_REPLIES, ids=_array(ids))]


def events(tx: Tx, ids: Sequence[int]) -> list[EventRow]:
    return [EventRow._make(row) for row in tx.rows(_EVENTS, ids=_array(ids))]


def events_of_messages(tx: Tx, messages: Sequence[int]) -> list[EventRow]:
    return [EventRow._make(row) for row in tx.rows(_EVENTS_OF_MESSAGES, ids=_array(messages))]


def lookups(tx: Tx, ids: Sequence[int]) -> list[LookupRow]:
    return [LookupRow._make(row) for row in tx.rows(_LOOKUPS, ids=_array(ids))]


def receipts(tx: Tx, ids: Sequence[int]) -> list[ReceiptRow]:
    return [ReceiptRow._make(row) for row in tx.rows(_RECEIPTS, ids=_array(ids))]


def exclusions(tx: Tx, whom: Whom) -> list[ExclusionRow]:
    rows = [row for statement in _EXCLUSIONS.values() for row in tx.rows(statement, **whom.values())]
    return [ExclusionRow._make(row) for row in rows]


def lately(tx: Tx, kind: ByAccount, whom: Whom) -> list[Row]:
    """(account, at): when it wrote to the person, or told him whom its messages are from."""
    return tx.rows(_LATELY[kind], **whom.values())


def companies(tx: Tx, accounts: Collection[int]) -> list[Row]:
    """(account, company)."""
    return tx.rows(_ACCOUNTS, ids=_array(accounts))


def _array(ids: Collection[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
