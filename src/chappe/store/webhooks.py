"""Webhooks, the events to be posted to them, and the attempts made."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from chappe.domain.webhook_schedule import EventState
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# Events ended in one unit of work, so that deleting a webhook with a million of them disturbs nobody.
GIVE_UP_CHUNK: Final = 1000


class WebhookRow(NamedTuple):
    id: int
    type: str
    url: str
    signature: str | None
    is_live: bool
    last_http_code: int | None


class NewEvent(NamedTuple):
    """An event to be posted. Units: milliseconds UTC. Shape: `payload` is the body, as it will be sent."""

    id: int
    webhook_id: int
    message_id: int | None
    payload: str
    created_at: int
    next_at: int


class PendingRow(NamedTuple):
    """A webhook that has events to be posted, now or later. Shape: `url` is None when it was deleted."""

    webhook_id: int
    url: str | None
    signature: str | None
    is_live: bool
    next_at: int


class DueEvent(NamedTuple):
    id: int
    attempts: int
    payload: str


class AttemptRow(NamedTuple):
    """One post and what came of it. Units: milliseconds."""

    number: int
    at: int
    http_code: int | None
    error: str | None
    duration_ms: int


class EventTrace(NamedTuple):
    """An event with its attempts. Shape: `url` is None when the webhook was deleted."""

    id: int
    webhook_id: int
    url: str | None
    payload: str
    created_at: int
    state: EventState
    next_at: int
    attempts: list[AttemptRow]


class Outcome(NamedTuple):
    """One attempt and where it leaves the event. Units: milliseconds UTC."""

    webhook_id: int
    event_id: int
    state: EventState
    next_at: int
    attempt: AttemptRow


_INSERT = Statement(
    "INSERT INTO webhook (id, account_id, type, url, signature, is_live, created_at)"
    " VALUES (:id, :account_id, :type, :url, :signature, TRUE, :created_at)"
)
_COUNT = Statement("SELECT count(*) FROM webhook WHERE account_id = :account_id")
_LIST = Statement(
    "SELECT id, type, url, signature, is_live, last_http_code FROM webhook WHERE account_id = :account_id ORDER BY id"
)
_UPDATE = Statement(
    "UPDATE webhook SET type = :type, url = :url, signature = :signature"
    " WHERE id = :id AND account_id = :account_id"
    " RETURNING id, type, url, signature, is_live, last_http_code"
)
_SET_LIVE = Statement(
    "UPDATE webhook SET is_live = :is_live WHERE id = :id AND account_id = :account_id"
    " RETURNING id, type, url, signature, is_live, last_http_code"
)
_DELETE = Statement("DELETE FROM webhook WHERE id = :id AND account_id = :account_id")
_LIVE = Statement("SELECT id FROM webhook WHERE account_id = :account_id AND type = :type AND is_live ORDER BY id")
_INSERT_EVENT = Statement(
    "INSERT INTO event (id, webhook_id, message_id, payload, created_at, attempts, state, next_at)"
    " VALUES (:id, :webhook_id, :message_id, :payload, :created_at, 0, 0, :next_at)"
)
# Jumps from webhook to webhook in the index, so that a million events of one cost no more than one event.
_PENDING = Statement(
    "WITH RECURSIVE pending (id) AS ("
    " SELECT min(webhook_id) FROM event WHERE state = 0"
    " UNION ALL"
    " SELECT (SELECT min(webhook_id) FROM event WHERE state = 0 AND webhook_id > pending.id) FROM pending"
    " WHERE pending.id IS NOT NULL"
    ") SELECT pending.id, webhook.url, webhook.signature, webhook.is_live,"
    " (SELECT min(next_at) FROM event WHERE state = 0 AND webhook_id = pending.id)"
    " FROM pending LEFT JOIN webhook ON webhook.id = pending.id WHERE pending.id IS NOT NULL"
)
_DUE = Statement(
    "SELECT id, attempts, payload FROM event"
    " WHERE state = 0 AND webhook_id = :webhook_id AND next_at <= :now ORDER BY next_at, id LIMIT :limit"
)
_GIVE_UP = Statement(
    "UPDATE event SET state = 2 WHERE id IN (SELECT id FROM event"
    " WHERE state = 0 AND webhook_id = :webhook_id AND next_at <= :before ORDER BY next_at LIMIT :limit)"
)
# An event that was ended meanwhile (its webhook was deleted) stays ended.
_SETTLE = Statement(
    "UPDATE event SET state = :state, attempts = :attempts, next_at = :next_at WHERE id = :id AND state = 0"
)
# An event that was erased while it was posted leaves none.
_INSERT_ATTEMPT = Statement(
    "INSERT INTO attempt (event_id, number, at, http_code, error, duration_ms)"
    " SELECT id, :number, :at, :http_code, :error, :duration_ms FROM event WHERE id = :event_id"
    " ON CONFLICT (event_id, number) DO NOTHING"
)
_SET_CODE = Statement(
    "UPDATE webhook SET last_http_code = :code WHERE id = :id AND last_http_code IS DISTINCT FROM :code"
)
_EVENTS = Statement(
    "SELECT event.id, webhook_id, url, payload, event.created_at, state, next_at"
    " FROM event LEFT JOIN webhook ON webhook.id = webhook_id WHERE message_id = :message_id"
    " ORDER BY event.id"
)
_ATTEMPTS = Statement(
    "SELECT number, at, http_code, error, duration_ms FROM attempt WHERE event_id = :event_id ORDER BY number"
)


def insert_webhook(
    tx: Tx, *, webhook_id: int, account_id: int, kind: str, url: str, signature: str | None, created_at: int
) -> None:
    tx.run(
        _INSERT,
        id=webhook_id,
        account_id=account_id,
        type=kind,
        url=url,
        signature=signature,
        created_at=created_at,
    )


def count_webhooks(tx: Tx, account_id: int) -> int:
    row = tx.row(_COUNT, account_id=account_id)
    return int(row[0]) if row else 0


def webhooks_of(tx: Tx, account_id: int) -> list[WebhookRow]:
    """Every webhook of an account, the oldest first."""
    return [_webhook(row) for row in tx.rows(_LIST, account_id=account_id)]


def update_webhook(
    tx: Tx, account_id: int, webhook_id: int, *, kind: str, url: str, signature: str | None
) -> WebhookRow | None:
    """Change a webhook; None when the account has no such one."""
    row = tx.row(_UPDATE, id=webhook_id, account_id=account_id, type=kind, url=url, signature=signature)
    return _webhook(row) if row else None


def set_live(tx: Tx, account_id: int, webhook_id: int, is_live: bool) -> WebhookRow | None:
    """Pause a webhook or let it go on; None when the account has no such one.

    Nothing is posted to a paused webhook and no events are made for it; those it already has wait.
    """
    row = tx.row(_SET_LIVE, id=webhook_id, account_id=account_id, is_live=is_live)
    return _webhook(row) if row else None


def delete_webhook(tx: Tx, account_id: int, webhook_id: int) -> bool:
    """Delete a webhook and give up its events; whether the account had it.

    Of a long queue the first events only: the notifier gives up the rest, and posts none of them.
    """
    if not tx.run(_DELETE, id=webhook_id, account_id=account_id):
        return False
    give_up(tx, webhook_id, before=(1 << 62))
    return True


def live_webhooks(tx: Tx, account_ids: Iterable[int], kind: str) -> dict[int, list[int]]:
    """The webhooks that want events of a type now, by account; accounts without any are left out."""
    found: dict[int, list[int]] = {}
    for account_id in set(account_ids):
        if rows := tx.rows(_LIVE, account_id=account_id, type=kind):
            found[account_id] = [row[0] for row in rows]
    return found


def insert_events(tx: Tx, events: Iterable[NewEvent | tuple[int, int, int | None, str, int, int]]) -> None:
    """Write down events to be posted; plain tuples in the order of `NewEvent` will do."""
    tx.many(_INSERT_EVENT, events)


def pending_webhooks(tx: Tx) -> list[PendingRow]:
    """The webhooks with events that are not settled, and when each one's first is due. Cost: per webhook."""
    return [PendingRow(i, url, sign, bool(live), at) for i, url, sign, live, at in tx.rows(_PENDING)]


def due_events(tx: Tx, webhook_id: int, *, now: int, limit: int) -> list[DueEvent]:
    """The events of one webhook that are due, the longest waiting first."""
    rows = tx.rows(_DUE, webhook_id=webhook_id, now=now, limit=limit)
    return [DueEvent._make(row) for row in rows]


def give_up(tx: Tx, webhook_id: int, *, before: int, limit: int = GIVE_UP_CHUNK) -> int:
    """End events of a webhook that were due before a time, without posting them; how many it were."""
    return tx.run(_GIVE_UP, webhook_id=webhook_id, before=before, limit=limit)


def record_outcomes(tx: Tx, outcomes: list[Outcome]) -> None:
    """Write down attempts and where they leave their events."""
    tx.many(_SETTLE, [(o.state.value, o.attempt.number, o.next_at, o.event_id) for o in outcomes])
    tx.many(_INSERT_ATTEMPT, [(*o.attempt, o.event_id) for o in outcomes])
    codes = {o.webhook_id: o.attempt.http_code for o in outcomes if o.attempt.http_code is not None}
    for webhook_id, code in codes.items():
        tx.run(_SET_CODE, id=webhook_id, code=code)


def events_of_message(tx: Tx, message_id: int) -> list[EventTrace]:
    """What was or will be posted about a message, with every attempt."""
    traces = []
    for row in tx.rows(_EVENTS, message_id=message_id):
        attempts = [AttemptRow._make(found) for found in tx.rows(_ATTEMPTS, event_id=row[0])]
        event_id, webhook_id, url, payload, created_at, state, next_at = row
        trace = EventTrace(event_id, webhook_id, url, payload, created_at, EventState(state), next_at, attempts)
        traces.append(trace)
    return traces


def _webhook(row: tuple[object, ...]) -> WebhookRow:
    found = WebhookRow._make(row)
    return found._replace(is_live=bool(found.is_live))
