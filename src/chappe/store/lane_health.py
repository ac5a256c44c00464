"""How lanes are doing, as their gateway judges."""

from collections.abc import Iterable

from chappe.domain.lane_health import Health
from chappe.store import carriers
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_READ = Statement("SELECT lane_id, country, state, reason, since_at FROM lane_health")
_PUT = Statement(
    "INSERT INTO lane_health (lane_id, country, state, reason, since_at)"
    " VALUES (:lane, :country, :state, :reason, :since_at)"
    " ON CONFLICT (lane_id, country) DO UPDATE SET state = :state, reason = :reason, since_at = :since_at"
)
_FORGET = Statement("DELETE FROM lane_health WHERE lane_id NOT IN (SELECT id FROM carrier WHERE removed_at IS NULL)")


def read(tx: Tx) -> dict[tuple[int, str], Health]:
    """(lane, country) -> how it is doing; "" for every country."""
    return {(lane, country): Health(state, reason, since) for lane, country, state, reason, since in tx.rows(_READ)}


def put(tx: Tx, rows: Iterable[tuple[int, str, Health]]) -> None:
    """Write what changed, for every process to see; what is known of removed carriers is forgotten."""
    for lane, country, health in rows:
        tx.run(_PUT, lane=lane, country=country, state=health.state, reason=health.reason, since_at=health.since_at)
    tx.run(_FORGET)
    carriers.changed(tx)
