"""The senders that were registered."""

from typing import Final

from chappe.domain.registrations import Registration, RegistrationState
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_COLUMNS: Final = "id, account_id, text, country, state, purpose, note, created_at, decided_at"
_INSERT = Statement(
    f"INSERT INTO sender ({_COLUMNS}) VALUES (:id, :account_id, :text, :country, :state, :purpose, :note, :created_at,"
    " :decided_at)"
)
_UPDATE = Statement(
    "UPDATE sender SET state = :state, purpose = :purpose, note = :note, created_at = :created_at,"
    " decided_at = :decided_at WHERE id = :id"
)
_DELETE = Statement("DELETE FROM sender WHERE id = :id")
_ONE = Statement(f"SELECT {_COLUMNS} FROM sender WHERE id = :id")
_SAME = Statement(f"SELECT {_COLUMNS} FROM sender WHERE account_id = :account AND text = :text AND country = :country")
_OF_ACCOUNT = Statement(f"SELECT {_COLUMNS} FROM sender WHERE account_id = :account ORDER BY id DESC")
_WAITING = Statement(f"SELECT {_COLUMNS} FROM sender WHERE state = 0 ORDER BY id")
_ALL = Statement(f"SELECT {_COLUMNS} FROM sender ORDER BY id")


def insert(tx: Tx, row: Registration) -> None:
    tx.run(_INSERT, **row._asdict())


def update(tx: Tx, row: Registration) -> None:
    """Write all that can change of one."""
    fields = row._asdict()
    tx.run(_UPDATE, **{name: fields[name] for name in fields.keys() - {"account_id", "text", "country"}})


def delete(tx: Tx, registration: int) -> None:
    tx.run(_DELETE, id=registration)


def one(tx: Tx, registration: int) -> Registration | None:
    row = tx.row(_ONE, id=registration)
    return _of(row) if row else None


def same(tx: Tx, account: int, text: str, country: str) -> Registration | None:
    """What was registered before with the same words."""
    row = tx.row(_SAME, account=account, text=text, country=country)
    return _of(row) if row else None


def of_account(tx: Tx, account: int) -> list[Registration]:
    """An account's, the newest first."""
    return [_of(row) for row in tx.rows(_OF_ACCOUNT, account=account)]


def waiting(tx: Tx) -> list[Registration]:
    """Those that nobody has decided about, the oldest first."""
    return [_of(row) for row in tx.rows(_WAITING)]


def everything(tx: Tx) -> list[Registration]:
    """All of them, the oldest first."""
    return [_of(row) for row in tx.rows(_ALL)]


def _of(row: Row) -> Registration:
    found = Registration._make(row)
    return found._replace(state=RegistrationState(found.state))
