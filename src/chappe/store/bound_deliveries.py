"""Receipts and replies on their way to customers who bind: a queue for each."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from chappe.domain.bound_deliveries import BoundDelivery, BoundReceipt, decoded, encoded
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_INSERT = Statement(
    "INSERT INTO bound_delivery (bind_user_id, message_id, is_receipt, body, created_at, attempts, next_at)"
    " VALUES (:user, :message, :is_receipt, :body, :at, 0, :at)"
)
_DUE = Statement(
    "SELECT id, message_id, body, attempts FROM bound_delivery WHERE bind_user_id = :user AND next_at <= :now"
    " ORDER BY next_at, id LIMIT :n"
)
_WITH_DUE = Statement(
    "SELECT value FROM json_each(:users) WHERE EXISTS"
    " (SELECT 1 FROM bound_delivery WHERE bind_user_id = value AND next_at <= :now)"
)
_DELETE = Statement("DELETE FROM bound_delivery WHERE id = :id")
_SUPERSEDE = Statement(
    "DELETE FROM bound_delivery WHERE message_id IN (SELECT value FROM json_each(:messages)) AND is_receipt"
)
_AGAIN = Statement("UPDATE bound_delivery SET attempts = attempts + 1, next_at = :next_at WHERE id = :id")
_AT_ONCE = Statement("UPDATE bound_delivery SET next_at = :now WHERE bind_user_id = :user AND next_at > :now")
_OLDEST = Statement("SELECT id, bind_user_id, created_at FROM bound_delivery ORDER BY id LIMIT :n")
_OF_USER = Statement("DELETE FROM bound_delivery WHERE bind_user_id = :user")
# Counted on the index alone.
_WAITING = Statement(
    "SELECT w.bind_user_id, w.n, d.created_at FROM (SELECT bind_user_id, COUNT(*) AS n, MIN(id) AS first"
    " FROM bound_delivery GROUP BY bind_user_id) w JOIN bound_delivery d ON d.id = w.first"
)


class NewDelivery(NamedTuple):
    """Something to tell a customer."""

    bind_user_id: int
    message_id: int | None
    body: BoundDelivery


class DueDelivery(NamedTuple):
    """Something whose time has come. Shape: `attempts` so often a customer has not taken it."""

    id: int
    message_id: int | None
    body: BoundDelivery
    attempts: int


class WaitingDeliveries(NamedTuple):
    """What waits for one bind user. Units: milliseconds UTC."""

    bind_user_id: int
    waiting: int
    oldest_at: int


def insert(tx: Tx, deliveries: Sequence[NewDelivery], now: int) -> None:
    """Queue deliveries."""
    rows = [(d.bind_user_id, d.message_id, isinstance(d.body, BoundReceipt), encoded(d.body), now, now)
            for d in deliveries]  # fmt: skip
    tx.many(_INSERT, rows)


def supersede(tx: Tx, messages: Iterable[int]) -> None:
    """Take back receipts of messages that there is something newer to say of."""
    tx.run(_SUPERSEDE, messages=_json(messages))


def due(tx: Tx, user: int, now: int, n: int, without: Collection[int]) -> list[DueDelivery]:
    """The next `n` of a user, as far as they are not under way.

    Cost: a microsecond for each that is under way, some more for each that is found.
    """
    rows = tx.rows(_DUE, user=user, now=now, n=n)
    return [DueDelivery(row[0], row[1], decoded(row[2]), row[3]) for row in rows if row[0] not in without]


def with_due(tx: Tx, users: Collection[int], now: int) -> list[int]:
    """Those of the users for whom something waits. Cost: a look-up a user."""
    return [row[0] for row in tx.rows(_WITH_DUE, users=_json(users), now=now)]


def delete(tx: Tx, ids: Iterable[int]) -> None:
    """Forget what a customer has taken, or will never take."""
    tx.many(_DELETE, [(each,) for each in ids])


def again(tx: Tx, rows: Iterable[tuple[int, int]]) -> None:
    """Rows: (not before, delivery)."""
    tx.many(_AGAIN, rows)


def at_once(tx: Tx, user: int, now: int) -> None:
    """Try everything of a user again without waiting."""
    tx.run(_AT_ONCE, user=user, now=now)


def oldest(tx: Tx, n: int) -> list[tuple[int, int, int]]:
    """(id, bind user, when it was queued) of the deliveries that wait longest."""
    return [(row[0], row[1], row[2]) for row in tx.rows(_OLDEST, n=n)]


def delete_of(tx: Tx, user: int) -> int:
    """Forget everything of a user; how many it were."""
    return tx.run(_OF_USER, user=user)


def waiting(tx: Tx) -> list[WaitingDeliveries]:
    """What waits, by bind user. Cost: reads the index of all that waits."""
    return [WaitingDeliveries._make(row) for row in tx.rows(_WAITING)]


def _json(ids: Iterable[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
