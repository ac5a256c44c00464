"""Contact lists: whose they are, what they are called and how many contacts they have.

A list that is being written by a large request, and one that is being removed, is nobody's: it has the account 0, so
that no customer sees it. One of nobody's that has not been written to for a while is swept (`nobodys`).
"""

from typing import Final, NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

NOBODY: Final = 0
# A writer puts a chunk into its list every few milliseconds; one that has not for so long is dead.
ABANDONED_MS: Final = 3_600_000

_INSERT = Statement(
    "INSERT INTO contact_list (id, account_id, name, created_at, used_at, contacts)"
    " VALUES (:list, :account, :name, :at, :at, :contacts)"
)
_ALL = Statement(
    "SELECT id, name, created_at, used_at, contacts FROM contact_list WHERE account_id = :account ORDER BY id DESC"
)
_ONE = Statement(
    "SELECT id, name, created_at, used_at, contacts FROM contact_list WHERE id = :list AND account_id = :account"
)
_OWNER = Statement("SELECT account_id FROM contact_list WHERE id = :list AND account_id <> 0")
_CHANGE = Statement(
    "UPDATE contact_list SET contacts = contacts + :more, used_at = :at WHERE id = :list AND account_id = :account"
)
_GIVE = Statement("UPDATE contact_list SET account_id = :account, used_at = :at WHERE id = :list AND account_id = 0")
_DISOWN = Statement("UPDATE contact_list SET account_id = 0, used_at = 0 WHERE id = :list AND account_id = :account")
_NOBODYS = Statement("SELECT id FROM contact_list WHERE account_id = 0 AND used_at < :before ORDER BY id LIMIT :n")
_REMOVE = Statement("DELETE FROM contact_list WHERE id = :list AND account_id = 0")


class ListRow(NamedTuple):
    """A list. Units: milliseconds UTC; `used_at` is when it was last changed or sent to."""

    id: int
    name: str
    created_at: int
    used_at: int
    contacts: int


def insert(tx: Tx, list_id: int, account: int, name: str, contacts: int, at: int) -> None:
    """Open a list, of an account or of nobody."""
    tx.run(_INSERT, list=list_id, account=account, name=name, contacts=contacts, at=at)


def all_of(tx: Tx, account: int) -> list[ListRow]:
    """The account's lists, the newest first."""
    return [ListRow._make(row) for row in tx.rows(_ALL, account=account)]


def one(tx: Tx, account: int, list_id: int) -> ListRow | None:
    """A list of the account."""
    row = tx.row(_ONE, list=list_id, account=account)
    return ListRow._make(row) if row else None


def owner(tx: Tx, list_id: int) -> int | None:
    """Whose a list is: for the operator."""
    row = tx.row(_OWNER, list=list_id)
    return int(row[0]) if row else None


def change(tx: Tx, account: int, list_id: int, more: int, at: int) -> bool:
    """Note that a list has been changed and has so many contacts more; False when the account has no such list."""
    return tx.run(_CHANGE, list=list_id, account=account, more=more, at=at) > 0


def give(tx: Tx, list_id: int, account: int, at: int) -> bool:
    """Let an account see the list that was written for it; False when it has been swept."""
    return tx.run(_GIVE, list=list_id, account=account, at=at) > 0


def disown(tx: Tx, account: int, list_id: int) -> bool:
    """Delete a list: it is gone for the account at once, its contacts go in chunks (`pipeline/sweep_lists.py`).

    Cost: one row, whatever the size of the list.
    """
    return tx.run(_DISOWN, list=list_id, account=account) > 0


def nobodys(tx: Tx, now: int, n: int) -> list[int]:
    """Lists whose contacts are to be removed."""
    return [row[0] for row in tx.rows(_NOBODYS, before=now - ABANDONED_MS, n=n)]


def remove(tx: Tx, list_id: int) -> None:
    """Take the last row of a list that has no contacts any more."""
    tx.run(_REMOVE, list=list_id)
