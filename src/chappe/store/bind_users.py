"""Bind users as rows."""

from collections.abc import Collection
from typing import Final

import msgspec

from chappe.domain.bind_users import BindOptions, BindUser
from chappe.store.accounts import COLUMNS, IS_OPEN, account_of
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_SELECT: Final = (
    "SELECT u.id, u.system_id, u.options, u.password_hash, u.created_at, u.kicked_at, u.expired,"
    f" {COLUMNS} FROM bind_user u JOIN account ON account.id = u.account_id WHERE u.removed_at IS NULL"
)
_OPEN = Statement(f"{_SELECT} AND {IS_OPEN}")
_ALL = Statement(f"{_SELECT} ORDER BY u.system_id")
_BY_SYSTEM_ID = Statement(f"{_SELECT} AND u.system_id = :system_id")
_OPEN_BY_SYSTEM_ID = Statement(f"{_SELECT} AND u.system_id = :system_id AND {IS_OPEN}")
_OF_ACCOUNTS = Statement(
    "SELECT id, account_id, options FROM bind_user"
    " WHERE account_id IN (SELECT value FROM json_each(:accounts)) AND removed_at IS NULL ORDER BY id"
)
_IS_ANY = Statement("SELECT 1 FROM bind_user LIMIT 1")
_INSERT = Statement(
    "INSERT INTO bind_user (account_id, system_id, password_hash, options, created_at)"
    " VALUES (:account, :system_id, :password_hash, :options, :at) ON CONFLICT DO NOTHING"
)
_UPDATE = Statement("UPDATE bind_user SET options = :options, password_hash = :password_hash WHERE id = :id")
_KICK = Statement("UPDATE bind_user SET kicked_at = :at WHERE id = :id")
_REMOVE = Statement("UPDATE bind_user SET removed_at = :at WHERE id = :id")
_COUNT_EXPIRED = Statement("UPDATE bind_user SET expired = expired + :n WHERE id = :id")


def open_users(tx: Tx) -> list[BindUser]:
    """Those who may bind now: their account is open."""
    return [_user(row) for row in tx.rows(_OPEN)]


def all_users(tx: Tx) -> list[BindUser]:
    """Everybody who is not removed."""
    return [_user(row) for row in tx.rows(_ALL)]


def named(tx: Tx, system_id: str) -> BindUser | None:
    row = tx.row(_BY_SYSTEM_ID, system_id=system_id)
    return _user(row) if row else None


def open_named(tx: Tx, system_id: str) -> BindUser | None:
    """The same, if his account is open."""
    row = tx.row(_OPEN_BY_SYSTEM_ID, system_id=system_id)
    return _user(row) if row else None


def is_any(tx: Tx) -> bool:
    """Whether there ever was a bind user."""
    return tx.row(_IS_ANY) is not None


def of_accounts(tx: Tx, accounts: Collection[int]) -> list[tuple[int, int, BindOptions]]:
    """(bind user, account, options), the oldest first."""
    rows = tx.rows(_OF_ACCOUNTS, accounts=msgspec.json.encode(list(accounts)).decode())
    return [(row[0], row[1], _options(row[2])) for row in rows]


def insert(tx: Tx, account: int, system_id: str, password_hash: str, options: BindOptions, at: int) -> bool:
    """False, with nothing written, when somebody has this system_id."""
    return bool(
        tx.run(
            _INSERT, account=account, system_id=system_id, password_hash=password_hash, options=_text(options), at=at
        )
    )


def update(tx: Tx, user: int, options: BindOptions, password_hash: str) -> None:
    tx.run(_UPDATE, id=user, options=_text(options), password_hash=password_hash)


def kick(tx: Tx, user: int, at: int) -> None:
    """Say that binds made before are to end."""
    tx.run(_KICK, id=user, at=at)


def remove(tx: Tx, user: int, at: int) -> None:
    tx.run(_REMOVE, id=user, at=at)


def count_expired(tx: Tx, counts: dict[int, int]) -> None:
    """Count deliveries that were given up, by bind user."""
    tx.many(_COUNT_EXPIRED, [(n, user) for user, n in counts.items()])


def _user(row: Row) -> BindUser:
    id_, system_id, options, password_hash, created_at, kicked_at, expired = row[:7]
    return BindUser(
        id_, system_id, account_of(row[7:]), _options(options), password_hash, created_at, kicked_at, expired
    )


def _options(text: str) -> BindOptions:
    return msgspec.json.decode(text, type=BindOptions)


def _text(options: BindOptions) -> str:
    return msgspec.json.encode(options).decode()
