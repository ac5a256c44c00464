"""Tokens as rows, and the secret they are signed with."""

from secrets import token_bytes
from typing import NamedTuple

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.tokens import Token
from chappe.store.accounts import COLUMNS, IS_OPEN, account_of
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_COLUMNS = "id, name, ttl_s, allowed_ips, created_at, expires_at"
_INSERT = Statement(
    "INSERT INTO token (id, account_id, name, digest, ttl_s, allowed_ips, created_at, expires_at)"
    " VALUES (:id, :account, :name, :digest, :ttl_s, :allowed_ips, :created_at, :expires_at)"
)
_ALL = Statement(f"SELECT {_COLUMNS} FROM token WHERE account_id = :account ORDER BY id DESC")
_ONE = Statement(f"SELECT {_COLUMNS} FROM token WHERE account_id = :account AND id = :id")
_DELETE = Statement("DELETE FROM token WHERE account_id = :account AND id = :id")
_HOLDER = Statement(
    f"SELECT token.allowed_ips, token.expires_at, {COLUMNS}"
    " FROM token JOIN account ON account.id = token.account_id"
    f" WHERE token.digest = :digest AND {IS_OPEN}"
)
_KEEP_SECRET = Statement("INSERT INTO meta (key, value) VALUES ('token_secret', :secret)")
_SECRET = Statement("SELECT value FROM meta WHERE key = 'token_secret'")

_SECRET_BYTES = 32


class Holder(NamedTuple):
    """Whose a token is, and its limits. Units: milliseconds UTC."""

    account: Account
    allowed_ips: tuple[str, ...]
    expires_at: int | None


def secret(tx: Tx) -> bytes:
    """The secret that this installation signs its tokens with, made at the first call.

    To be called within a write, which no other can overtake.
    """
    if row := tx.row(_SECRET):
        return bytes.fromhex(row[0])
    made = token_bytes(_SECRET_BYTES)
    tx.run(_KEEP_SECRET, secret=made.hex())
    return made


def insert(tx: Tx, account: int, token: Token, digest: str) -> None:
    tx.run(
        _INSERT,
        id=token.id,
        account=account,
        name=token.name,
        digest=digest,
        ttl_s=token.ttl_s,
        allowed_ips=msgspec.json.encode(token.allowed_ips).decode() if token.allowed_ips else None,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


def all_of(tx: Tx, account: int, now: int) -> list[Token]:
    """The account's tokens, the newest first."""
    return [_token(row, now) for row in tx.rows(_ALL, account=account)]


def one(tx: Tx, account: int, token: int, now: int) -> Token | None:
    row = tx.row(_ONE, account=account, id=token)
    return _token(row, now) if row else None


def delete(tx: Tx, account: int, token: int) -> bool:
    """Whether the account had such a token."""
    return tx.run(_DELETE, account=account, id=token) > 0


def holder(tx: Tx, digest: str) -> Holder | None:
    """Whose the token with this digest is; None for an unknown one and for a closed account."""
    row = tx.row(_HOLDER, digest=digest)
    return Holder(account_of(row[2:]), _ips(row[0]), row[1]) if row else None


def _token(row: Row, now: int) -> Token:
    id_, name, ttl_s, allowed_ips, created_at, expires_at = row
    return Token(
        id=id_,
        name=name,
        ttl_s=ttl_s,
        allowed_ips=_ips(allowed_ips),
        created_at=created_at,
        expires_at=expires_at,
        is_active=expires_at is None or now < expires_at,
    )


def _ips(stored: str | None) -> tuple[str, ...]:
    return msgspec.json.decode(stored, type=tuple[str, ...]) if stored else ()
