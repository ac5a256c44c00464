"""The answers to requests that carried an idempotency key, kept for a day."""

from typing import NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

KEEP_MS = 24 * 3600 * 1000

_FIND = Statement(
    "SELECT digest, answer FROM idempotency WHERE account_id = :account AND key = :key AND created_at > :since"
)
_INSERT = Statement(
    "INSERT INTO idempotency (account_id, key, digest, answer, created_at)"
    " VALUES (:account, :key, :digest, :answer, :at)"
    " ON CONFLICT (account_id, key) DO UPDATE SET digest = :digest, answer = :answer, created_at = :at"
)
_FORGET = Statement("DELETE FROM idempotency WHERE created_at <= :until")


class Remembered(NamedTuple):
    """An earlier request under the same key. Shape: `answer` is JSON."""

    digest: bytes
    answer: bytes


def find(tx: Tx, account: int, key: str, now: int) -> Remembered | None:
    row = tx.row(_FIND, account=account, key=key, since=now - KEEP_MS)
    return Remembered._make(row) if row else None


def remember(tx: Tx, account: int, key: str, digest: bytes, answer: bytes, now: int) -> None:
    tx.run(_INSERT, account=account, key=key, digest=digest, answer=answer, at=now)


def forget_old(tx: Tx, now: int) -> int:
    return tx.run(_FORGET, until=now - KEEP_MS)
