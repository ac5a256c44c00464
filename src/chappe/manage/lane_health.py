"""How carriers are doing, for who watches the installation."""

from typing import NamedTuple

from chappe.domain.lane_health import Figures, Health
from chappe.store import carrier_figures, routes
from chappe.store.sqlite import Store, Tx


class Vitals(NamedTuple):
    """How a carrier is doing, and what became of its messages lately."""

    carrier: str
    health: Health
    figures: Figures


async def vitals(store: Store, since: int) -> list[Vitals]:
    """Of every carrier; the figures are those since a time. Units: milliseconds UTC."""

    def read(tx: Tx) -> list[Vitals]:
        table, totals = routes.table(tx), carrier_figures.totals(tx, since)
        return [
            Vitals(lane.name, table.health(lane.id), totals.get(lane.id, Figures()))
            for lane in table.lanes_by_id.values()
        ]

    return await store.read(read)
