"""Who wants to be told when credits run out, and whether he was."""

from typing import NamedTuple

from chappe.domain.accounts import Account
from chappe.store.accounts import COLUMNS, account_of
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_READ = Statement(
    "SELECT trigger_mc, by_email, by_sms, email, phone_number, is_armed FROM balance_alert WHERE account_id = :account"
)
_PHONE = Statement("SELECT phone FROM account WHERE id = :account")
_WRITE = Statement(
    "INSERT INTO balance_alert (account_id, trigger_mc, by_email, by_sms, email, phone_number, is_armed)"
    " VALUES (:account, :trigger, :by_email, :by_sms, :email, :phone_number, :is_armed)"
    " ON CONFLICT (account_id) DO UPDATE SET trigger_mc = :trigger, by_email = :by_email, by_sms = :by_sms,"
    " email = :email, phone_number = :phone_number, is_armed = :is_armed"
)
# Cost: a look-up of the wallet for each account that has an alert.
_CROSSED = Statement(
    f"SELECT a.trigger_mc, a.by_email, a.by_sms, a.email, a.phone_number, w.available_mc, account.lang, {COLUMNS}"
    " FROM balance_alert a JOIN account ON account.id = a.account_id JOIN wallet w ON w.id = account.wallet_id"
    " WHERE a.is_armed AND w.available_mc <= a.trigger_mc ORDER BY a.account_id LIMIT :n"
)
_RECOVERED = Statement(
    "SELECT a.account_id FROM balance_alert a JOIN account ON account.id = a.account_id"
    " JOIN wallet w ON w.id = account.wallet_id WHERE NOT a.is_armed AND w.available_mc > a.trigger_mc LIMIT :n"
)
_ABOVE = "(SELECT w.available_mc FROM wallet w JOIN account ON account.wallet_id = w.id WHERE account.id = :account)"
_ARM = Statement(
    f"UPDATE balance_alert SET is_armed = TRUE WHERE account_id = :account AND NOT is_armed AND {_ABOVE} > trigger_mc"
)
_FIRE = Statement(
    "UPDATE balance_alert SET is_armed = FALSE, alerted_at = :now"
    f" WHERE account_id = :account AND is_armed AND trigger_mc = :trigger AND {_ABOVE} <= trigger_mc"
)


class BalanceAlert(NamedTuple):
    """When and how an account's owner is told. Units: thousandths of a credit."""

    trigger_mc: int
    by_email: bool
    by_sms: bool
    email: str
    phone_number: str
    is_armed: bool


class Crossed(NamedTuple):
    """An alert whose time has come. Units: thousandths of a credit."""

    trigger_mc: int
    by_email: bool
    by_sms: bool
    email: str
    phone_number: str
    available_mc: int
    lang: str
    account: Account


def read(tx: Tx, account: int) -> BalanceAlert | None:
    row = tx.row(_READ, account=account)
    return BalanceAlert(row[0], bool(row[1]), bool(row[2]), row[3], row[4], bool(row[5])) if row else None


def phone_of(tx: Tx, account: int) -> str | None:
    """The telephone number of the account's profile."""
    row = tx.row(_PHONE, account=account)
    return row[0] if row else None


def write(tx: Tx, account: int, alert: BalanceAlert) -> None:
    tx.run(
        _WRITE,
        account=account,
        trigger=alert.trigger_mc,
        by_email=alert.by_email,
        by_sms=alert.by_sms,
        email=alert.email,
        phone_number=alert.phone_number,
        is_armed=alert.is_armed,
    )


def crossed(tx: Tx, n: int) -> list[Crossed]:
    """Alerts to be given: armed, and the balance has come down to the trigger."""
    rows = tx.rows(_CROSSED, n=n)
    return [Crossed(r[0], bool(r[1]), bool(r[2]), r[3], r[4], r[5], r[6], account_of(r[7:])) for r in rows]


def recovered(tx: Tx, n: int) -> list[int]:
    """The accounts whose balance is above the trigger again, and whose alert is to be armed for the next time."""
    return [row[0] for row in tx.rows(_RECOVERED, n=n)]


def arm(tx: Tx, accounts: list[int]) -> None:
    """Arm the alerts of those of the accounts whose balance is above the trigger still."""
    for account in accounts:
        tx.run(_ARM, account=account)


def fire(tx: Tx, alert: Crossed, now: int) -> bool:
    """Mark an alert as given; False when there is no occasion for it any more."""
    return tx.run(_FIRE, account=alert.account.id, trigger=alert.trigger_mc, now=now) > 0
