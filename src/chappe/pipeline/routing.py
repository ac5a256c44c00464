"""The routes as a process has them in memory, read again soon after something about them or a carrier changed."""

import structlog

from chappe.domain.routing import RouteTable
from chappe.store import carriers, routes
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.routes")

# For how long the routes are taken from memory: how late a change of them is seen.
FRESH_MS = 500


class Routing:
    """Which carrier gets which message, as of a moment ago."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = RouteTable()
        self._version = -1
        self._until = 0

    def table(self) -> RouteTable:
        """The routes, as they were committed, also for whoever is in a unit of work.

        Cost: twice a second a read of the version.
        """
        if now_ms() >= self._until:
            self._store.glance(self._refresh)
        return self._table

    def _refresh(self, tx: Tx) -> None:
        self._until = now_ms() + FRESH_MS
        version = carriers.version(tx)
        if version != self._version:
            self._table = routes.table(tx)
            self._version = version
            if unreadable := routes.read(tx).unreadable:
                _log.error("routes ignored: this release cannot read their conditions", routes=unreadable)
