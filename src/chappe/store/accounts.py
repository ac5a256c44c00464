"""Accounts as rows."""

from dataclasses import astuple, fields
from typing import Final, NamedTuple

from chappe.domain.accounts import Account, LockRule, Profile
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

# Of the table `account`, in the order that `account_of` reads.
COLUMNS: Final = (
    "account.id, account.wallet_id, account.parent_id, account.email, account.country, account.sender,"
    " account.is_sandbox"
)
# With its parent a sub-account is closed too: it may spend the parent's credits.
IS_OPEN: Final = (
    "account.is_active AND (account.parent_id IS NULL"
    " OR EXISTS (SELECT 1 FROM account AS parent WHERE parent.id = account.parent_id AND parent.is_active))"
)
_PROFILE: Final = tuple(field.name for field in fields(Profile))

_INSERT = Statement(
    "INSERT INTO account (id, parent_id, wallet_id, email, password_hash, country, sender, is_sandbox,"
    f" is_active, created_at, {', '.join(_PROFILE)}) VALUES (:id, :parent, :wallet, :email, :password_hash, :country,"
    f" :sender, :is_sandbox, TRUE, :created_at, {', '.join(f':{name}' for name in _PROFILE)})"
    " ON CONFLICT (email) DO NOTHING"
)
_WALLET = Statement("INSERT INTO wallet (id, available_mc, reserved_mc, postpaid_limit_mc) VALUES (:id, 0, 0, 0)")
_BY_ID = Statement(f"SELECT {COLUMNS} FROM account WHERE id = :id")
_BY_EMAIL = Statement(f"SELECT {COLUMNS} FROM account WHERE email = :email")
_CHILD = Statement(f"SELECT {COLUMNS} FROM account WHERE id = :child AND parent_id = :parent")
_LOGIN = Statement(
    f"SELECT password_hash, failed_logins, locked_at, {COLUMNS} FROM account WHERE email = :email AND {IS_OPEN}"
)
_DETAILS = (
    f"SELECT {COLUMNS}, {', '.join(_PROFILE)}, lang, time_zone, is_active, locked_at, created_at, available_mc"
    " FROM account JOIN wallet ON wallet.id = account.wallet_id"
)
_ONE = Statement(f"{_DETAILS} WHERE account.id = :id")
_CHILDREN = Statement(f"{_DETAILS} WHERE account.parent_id = :parent ORDER BY account.id")
_ALL = Statement(f"{_DETAILS} WHERE account.id > :after ORDER BY account.id LIMIT :n")
_UPDATE = Statement(
    f"UPDATE account SET {', '.join(f'{name} = :{name}' for name in ('sender', 'lang', *_PROFILE))} WHERE id = :id"
)
# One whose lock is over begins to count anew; a lock that still holds is not made longer.
_COUNTED = "(CASE WHEN locked_at <= :expired THEN 1 ELSE failed_logins + 1 END)"
_FAILED = Statement(
    f"UPDATE account SET failed_logins = {_COUNTED}, locked_at = CASE WHEN locked_at > :expired THEN locked_at"
    f" WHEN {_COUNTED} >= :most THEN :now END WHERE id = :id RETURNING locked_at"
)
_UNLOCK = Statement("UPDATE account SET failed_logins = 0, locked_at = NULL WHERE id = :id")
_SET_ACTIVE = Statement("UPDATE account SET is_active = :is_active WHERE id = :id")
_SET_PASSWORD = Statement(
    "UPDATE account SET password_hash = :password_hash, failed_logins = 0, locked_at = NULL WHERE id = :id"
)


class Login(NamedTuple):
    """An account and what is known of its password. Units: milliseconds UTC."""

    password_hash: str
    failed_logins: int
    locked_at: int | None
    account: Account


class AccountRow(NamedTuple):
    """Everything of an account but its password. Units: milliseconds UTC, thousandths of a credit."""

    account: Account
    profile: Profile
    lang: str
    time_zone: str
    is_active: bool
    locked_at: int | None
    created_at: int
    available_mc: int


def insert(tx: Tx, account: Account, password_hash: str, created_at: int, profile: Profile | None = None) -> bool:
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
        is_sandbox=account.is_sandbox,
        created_at=created_at,
        **_named(profile or Profile()),
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


def child(tx: Tx, parent: int, child_id: int) -> Account | None:
    """A sub-account of this parent."""
    row = tx.row(_CHILD, parent=parent, child=child_id)
    return account_of(row) if row else None


def login(tx: Tx, email: str) -> Login | None:
    """What is needed to check a password; None for an unknown address and for a closed account."""
    row = tx.row(_LOGIN, email=email)
    return Login(row[0], row[1], row[2], account_of(row[3:])) if row else None


def count_failure(tx: Tx, account: int, rule: LockRule, now: int) -> bool:
    """Count a wrong password; whether this one has locked the account."""
    if not rule.most_failures:
        return False
    row = tx.one(_FAILED, id=account, most=rule.most_failures, expired=now - rule.lock_ms, now=now)
    return bool(row[0] == now)


def unlock(tx: Tx, account: int) -> None:
    """Forget the wrong passwords."""
    tx.run(_UNLOCK, id=account)


def details(tx: Tx, account: int) -> AccountRow | None:
    row = tx.row(_ONE, id=account)
    return _details_of(row) if row else None


def children(tx: Tx, parent: int) -> list[AccountRow]:
    """The sub-accounts of a parent, the oldest first."""
    return [_details_of(row) for row in tx.rows(_CHILDREN, parent=parent)]


def after(tx: Tx, account: int, n: int) -> list[AccountRow]:
    """The next `n` accounts of the installation."""
    return [_details_of(row) for row in tx.rows(_ALL, after=account, n=n)]


def update(tx: Tx, account: int, sender: str | None, lang: str, profile: Profile) -> None:
    tx.run(_UPDATE, id=account, sender=sender, lang=lang, **_named(profile))


def set_active(tx: Tx, account: int, is_active: bool) -> None:
    """Open or close an account: a closed one can do nothing, nor can its sub-accounts."""
    tx.run(_SET_ACTIVE, id=account, is_active=is_active)


def set_password(tx: Tx, account: int, password_hash: str) -> None:
    """Change the password, which also unlocks."""
    tx.run(_SET_PASSWORD, id=account, password_hash=password_hash)


def account_of(row: Row) -> Account:
    """The account in a row of `COLUMNS`."""
    return Account(*(*row[:-1], bool(row[-1])))


def _details_of(row: Row) -> AccountRow:
    at = len(fields(Account))
    end = at + len(_PROFILE)
    lang, time_zone, is_active, locked_at, created_at, available_mc = row[end:]
    account, profile = account_of(row[:at]), Profile(*row[at:end])
    return AccountRow(account, profile, lang, time_zone, bool(is_active), locked_at, created_at, available_mc)


def _named(profile: Profile) -> dict[str, object]:
    return dict(zip(_PROFILE, astuple(profile), strict=True))
