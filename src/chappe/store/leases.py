"""Who owns what: a row per owned thing, with an epoch that grows with every new owner."""

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_TAKE = Statement(
    "INSERT INTO lease (name, owner, epoch, until_at) VALUES (:name, :owner, 1, :until)"
    " ON CONFLICT (name) DO UPDATE SET owner = :owner, epoch = lease.epoch + 1, until_at = :until RETURNING epoch"
)
_RENEW = Statement("UPDATE lease SET until_at = :until WHERE name = :name AND owner = :owner AND epoch = :epoch")


def take(tx: Tx, name: str, owner: str, now: int, for_ms: int) -> int:
    """Become the owner; the new epoch, higher than that of everyone before."""
    row = tx.one(_TAKE, name=name, owner=owner, until=now + for_ms)
    return int(row[0])


def renew(tx: Tx, name: str, owner: str, epoch: int, until: int) -> bool:
    """Stay the owner; False when somebody else has become it."""
    return tx.run(_RENEW, name=name, owner=owner, epoch=epoch, until=until) == 1
