"""The audit log: what people did who run the installation. It is only appended to."""

from typing import NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_ADD = Statement(
    "INSERT INTO audit (at, actor, action, account_id, subject, detail, note)"
    " VALUES (:at, :actor, :action, :account_id, :subject, :detail, :note)"
)
_NEWEST = Statement(
    "SELECT at, actor, action, account_id, subject, detail, note, id FROM audit"
    " WHERE (:before IS NULL OR id < :before) AND (:account IS NULL OR account_id = :account)"
    " AND (:action IS NULL OR action = :action OR action LIKE :action || '.%') ORDER BY id DESC LIMIT :n"
)


class Entry(NamedTuple):
    """Something somebody did.

    Shape: `actor` is who, as `cli:alice`; `action` is two words, like `rule.set`; `subject` is what it was done to,
           `detail` how it was before and after, `note` why.
    Units: milliseconds UTC.
    """

    at: int
    actor: str
    action: str
    account_id: int | None
    subject: str
    detail: str = ""
    note: str = ""
    id: int | None = None


def add(tx: Tx, entry: Entry) -> None:
    """Write an entry in the unit of work of what it tells."""
    fields = entry._asdict()
    del fields["id"]
    tx.run(_ADD, **fields)


def newest(tx: Tx, n: int, *, before: int | None, account: int | None, action: str | None) -> list[Entry]:
    """The last `n` entries, the newest first; of one account, of one kind of action."""
    rows = tx.rows(_NEWEST, n=n, before=before, account=account, action=action)
    return [Entry._make(row) for row in rows]
