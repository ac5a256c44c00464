"""Who was told lately whom an account's messages are from."""

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_AT = Statement("SELECT at FROM contact_answer WHERE account_id = :account AND number = :number")
_HAS = Statement(
    "SELECT 1 FROM contact_answer WHERE account_id = :account AND number = :number AND message_id = :message"
)
_WRITE = Statement(
    "INSERT INTO contact_answer (account_id, number, at, message_id) VALUES (:account, :number, :at, :message)"
    " ON CONFLICT (account_id, number) DO UPDATE SET at = :at, message_id = :message"
)
_FORGET = Statement("DELETE FROM contact_answer WHERE at < :before")
_HAS_OLD = Statement("SELECT 1 FROM contact_answer WHERE at < :before LIMIT 1")


def is_answered(tx: Tx, account: int, number: int, since: int) -> bool:
    """Whether this person was told at that time or later. Units: milliseconds UTC."""
    row = tx.row(_AT, account=account, number=number)
    return row is not None and row[0] >= since


def has(tx: Tx, account: int, number: int, message: int) -> bool:
    """Whether this message is the latest answer to somebody who asked."""
    return tx.row(_HAS, account=account, number=number, message=message) is not None


def write(tx: Tx, account: int, number: int, at: int, message: int) -> None:
    """Remember that this message tells somebody."""
    tx.run(_WRITE, account=account, number=number, at=at, message=message)


def has_old(tx: Tx, before: int) -> bool:
    return tx.row(_HAS_OLD, before=before) is not None


def forget(tx: Tx, before: int) -> int:
    """Forget who was told before a time; how many."""
    return tx.run(_FORGET, before=before)
