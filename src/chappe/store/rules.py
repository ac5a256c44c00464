"""The rules that were set, the names that were registered, and a number that changes with any of them."""

from collections.abc import Iterable

from chappe.domain.rulebook import Defaults, Override, Rulebook
from chappe.store import routes
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_ALL = Statement("SELECT account_id, country, name, value, note, set_at FROM rule ORDER BY account_id, name, country")
_ONE = Statement(
    "SELECT account_id, country, name, value, note, set_at FROM rule"
    " WHERE account_id = :account AND country = :country AND name = :name"
)
_SET = Statement(
    "INSERT INTO rule (account_id, country, name, value, note, set_at)"
    " VALUES (:account_id, :country, :name, :value, :note, :set_at)"
    " ON CONFLICT (account_id, country, name) DO UPDATE SET value = :value, note = :note, set_at = :set_at"
)
_UNSET = Statement("DELETE FROM rule WHERE account_id = :account AND country = :country AND name = :name")
_VERSION = Statement("SELECT value FROM meta WHERE key = 'rules_version'")
_CHANGED = Statement(
    "INSERT INTO meta (key, value) VALUES ('rules_version', '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)"
)
_APPROVED = Statement("SELECT account_id, text, country FROM sender WHERE state = 1")


def rulebook(tx: Tx, defaults: Defaults) -> Rulebook:
    """Everything that was set, over the settings and the countries' files."""
    return Rulebook(defaults, overrides(tx), approved_senders(tx), routes.own_senders(tx))


def version(tx: Tx) -> int:
    """A number that is another one after every change of a rule, an approved name, a carrier or a route."""
    row = tx.row(_VERSION)
    return int(row[0]) if row else 0


def changed(tx: Tx) -> None:
    """Let every process read the rules again; in the unit of work of the change."""
    tx.run(_CHANGED)


def overrides(tx: Tx) -> list[Override]:
    return [Override._make(row) for row in tx.rows(_ALL)]


def one(tx: Tx, account: int, country: str, name: str) -> Override | None:
    row = tx.row(_ONE, account=account, country=country, name=name)
    return Override._make(row) if row else None


def put(tx: Tx, rows: Iterable[Override]) -> None:
    for row in rows:
        tx.run(_SET, **row._asdict())
    changed(tx)


def remove(tx: Tx, account: int, country: str, name: str) -> bool:
    """Whether it had been set."""
    if not tx.run(_UNSET, account=account, country=country, name=name):
        return False
    changed(tx)
    return True


def approved_senders(tx: Tx) -> dict[int, list[tuple[str, str]]]:
    """Of each account the names that were approved, with the country of each."""
    found: dict[int, list[tuple[str, str]]] = {}
    for account, text, country in tx.rows(_APPROVED):
        found.setdefault(account, []).append((text, country))
    return found
