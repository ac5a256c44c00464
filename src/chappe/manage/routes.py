"""Routes as the operator sets them up."""

import re

from chappe.domain.errors import BadData, NotFound
from chappe.store import carriers, routes, rules
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_COUNTRY = re.compile(r"[A-Z]{2}")


class Routes:
    """Which carrier takes which messages."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def add(self, carrier_name: str, country: str | None) -> int:
        """Send a country's messages, or those of every country without a route of its own, to a carrier.

        Raises: NotFound, BadData.
        """
        place = country.strip().upper() if country is not None else None
        if place is not None and not _COUNTRY.fullmatch(place):
            raise BadData("must be two letters of ISO 3166-1, like FR", field="country")

        def unit(tx: Tx) -> int:
            row = carriers.by_name(tx, carrier_name)
            if row is None:
                raise NotFound(f"there is no carrier {carrier_name}", field="carrier")
            route = self._ids.take(tx, "route")
            routes.insert(tx, route, row.id, place, now_ms())
            rules.changed(tx)
            return route

        return await self._store.write(unit)
