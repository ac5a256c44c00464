"""Accounts as rows."""

from typing import Final, NamedTuple

from chappe.domain.accounts import Account
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

# Of the table `account`, in the order that `account_of` reads.
COLUMNS: Final = "account.id, account.wallet_id, account.parent_id, account.email, account.country, account.sender"

_INSERT = Statement(
    "INSERT INTO account (id, parent_id, wallet_id, email, password_hash, country, sender, is_active,"
    " created_at) VALUES (:id, :parent, :wallet, :email, :password_hash, :country, :sender, TRUE,"
    " :created_at)"
    " ON CONFLICT (email) DO NOTHING"
)
_WALLET = Statement("INSERT INTO wallet (id, available_mc, reserved_mc, postpaid_limit_mc) VALUES (:id, 0, 0, 0)")
_BY_ID = Statement(f"SELECT {COLUMNS} FROM account WHERE id = :id")
_BY_EMAIL = Statement(f"SELECT {COLUMNS} FROM account WHERE email = :email")
_CHILD = Statement("SELECT 1 FROM account WHERE id = :child AND parent_id = :parent")
_PASSWORD = Statement(f"SELECT password_hash, {COLUMNS} FROM account WHERE email = :email AND is_active")


class Login(NamedTuple):
    """An account and the hash that its password must match."""

    password_hash: str
    account: Account


def insert(tx: Tx, account: Account, password_hash: str, created_at: int) -> bool:
    """Write a new account, with an empty wallet when it has one of its own.

    False, with nothing written, when the e-mail address is taken.
    """
    added = tx.run(
        _INSERT,
        id=account.id,
        parent=account.parent_id,
        wallet=account.wallet_id,
        email=account.email,
        password_hash=password_hash,
        country=account.country,
        sender=account.sender,
        created_at=created_at,
    )
    if added and not account.draws_on_parent:
        tx.run(_WALLET, id=account.id)
    return added > 0


def by_id(tx: Tx, account: int) -> Account | None:
    row = tx.row(_BY_ID, id=account)
    return account_of(row) if row else None


def by_email(tx: Tx, email: str) -> Account | None:
    row = tx.row(_BY_EMAIL, email=email)
    return account_of(row) if row else None


def is_child(tx: Tx, parent: int, child: int) -> bool:
    return tx.row(_CHILD, parent=parent, child=child) is not None


def login(tx: Tx, email: str) -> Login | None:
    """What is needed to check a password; None for an unknown address and for a closed account."""
    row = tx.row(_PASSWORD, email=email)
    return Login(row[0], account_of(row[1:])) if row else None


def account_of(row: Row) -> Account:
    """The account in a row of `COLUMNS`."""
    return Account(*row)
