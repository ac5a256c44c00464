"""The answers to requests that carried an idempotency key, kept for a day."""

from typing import NamedTuple, TypeVar

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.requests import IdempotencyKey
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


T = TypeVar("T")


class Remembered(NamedTuple):
    """An earlier request under the same key. Shape: `answer` is JSON."""

    digest: bytes
    answer: bytes


def find(tx: Tx, account: int, key: str, now: int) -> Remembered | None:
    row = tx.row(_FIND, account=account, key=key, since=now - KEEP_MS)
    return Remembered._make(row) if row else None


def answered(tx: Tx, account: int, key: IdempotencyKey, now: int, as_type: type[T]) -> T | None:
    """The answer to the same request under the same key. Raises: BadData when it was another request."""
    found = find(tx, account, key.key, now)
    if found is None:
        return None
    if found.digest != key.digest:
        raise BadData("was used for another request within 24 hours", field="Idempotency-Key")
    return msgspec.json.decode(found.answer, type=as_type)


def remember(tx: Tx, account: int, key: str, digest: bytes, answer: bytes, now: int) -> None:
    tx.run(_INSERT, account=account, key=key, digest=digest, answer=answer, at=now)


def forget_old(tx: Tx, now: int) -> int:
    return tx.run(_FORGET, until=now - KEEP_MS)
