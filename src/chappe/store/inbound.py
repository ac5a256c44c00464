"""Numbers and keywords at which people reach accounts."""

from chappe.domain.inbound import InboundNumber
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_ALL = Statement(
    "SELECT number, keyword, account_id FROM inbound_number"
    " WHERE :account IS NULL OR account_id = :account ORDER BY number, keyword"
)
_ONE = Statement("SELECT number, keyword, account_id FROM inbound_number WHERE number = :number AND keyword = :keyword")
_INSERT = Statement(
    "INSERT INTO inbound_number (number, keyword, account_id, created_at) VALUES (:number, :keyword, :account_id, :at)"
)
_DELETE = Statement("DELETE FROM inbound_number WHERE number = :number AND keyword = :keyword")


def numbers(tx: Tx, account: int | None = None) -> list[InboundNumber]:
    """Every number and keyword, or those of one account."""
    return [InboundNumber._make(row) for row in tx.rows(_ALL, account=account)]


def one(tx: Tx, number: str, keyword: str) -> InboundNumber | None:
    row = tx.row(_ONE, number=number, keyword=keyword)
    return InboundNumber._make(row) if row else None


def insert(tx: Tx, row: InboundNumber, at: int) -> None:
    tx.run(_INSERT, **row._asdict(), at=at)


def delete(tx: Tx, number: str, keyword: str) -> None:
    tx.run(_DELETE, number=number, keyword=keyword)
