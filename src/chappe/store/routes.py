"""Which carrier takes which messages: the routes, and what there is to know for them."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from chappe.domain.route_order import Costs
from chappe.domain.routes import Conditions, Lane, Route
from chappe.domain.routing import RouteTable
from chappe.domain.sender_shape import pool_of
from chappe.store import carriers, lane_health
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement
from chappe.telecom.gsm7 import Language

_COLUMNS = "id, carrier_id, country, conditions, rank, weight, is_test, note"
_INSERT = Statement(
    f"INSERT INTO route ({_COLUMNS}, created_at)"
    " VALUES (:id, :lane, :country, :conditions, :rank, :weight, :is_test, :note, :at)"
)
_UPDATE = Statement(
    "UPDATE route SET carrier_id = :lane, country = :country, conditions = :conditions, rank = :rank, weight = :weight,"
    " is_test = :is_test, note = :note WHERE id = :id"
)
_REMOVE = Statement("UPDATE route SET removed_at = :at WHERE id = :id AND removed_at IS NULL")
_ALL = Statement(
    f"SELECT {', '.join(f'r.{name}' for name in _COLUMNS.split(', '))} FROM route r"
    " JOIN carrier c ON c.id = r.carrier_id WHERE c.removed_at IS NULL AND r.removed_at IS NULL ORDER BY r.id"
)
_COSTS = Statement("SELECT carrier_id, place, cost_mc FROM carrier_cost ORDER BY carrier_id, place")
_COSTS_OF = Statement("SELECT place, cost_mc FROM carrier_cost WHERE carrier_id = :carrier ORDER BY place")
_FORGET_COSTS = Statement("DELETE FROM carrier_cost WHERE carrier_id = :carrier")
_COST = Statement("INSERT INTO carrier_cost (carrier_id, place, cost_mc) VALUES (:carrier, :place, :cost)")


class _Options(msgspec.Struct, frozen=True):
    """What is read here of a carrier's options."""

    sender: str = ""
    national_alphabets: tuple[Language, ...] = ()
    is_idempotent: bool = False


class Found(NamedTuple):
    """The routes of carriers that are there, and the ids of those that this release cannot read."""

    routes: list[Route]
    unreadable: list[int]


def insert(tx: Tx, route: Route, at: int) -> None:
    tx.run(_INSERT, **_values(route), at=at)
    carriers.changed(tx)


def update(tx: Tx, route: Route) -> None:
    tx.run(_UPDATE, **_values(route))
    carriers.changed(tx)


def remove(tx: Tx, route: int, at: int) -> bool:
    """Whether it was there."""
    carriers.changed(tx)
    return bool(tx.run(_REMOVE, id=route, at=at))


def read(tx: Tx) -> Found:
    """All routes, the oldest first."""
    routes: list[Route] = []
    unreadable: list[int] = []
    for row in tx.rows(_ALL):
        try:
            routes.append(_route(row))
        except msgspec.ValidationError:
            unreadable.append(row[0])
    return Found(routes, unreadable)


def table(tx: Tx) -> RouteTable:
    """Everything that decides which carrier gets which message. Cost: reads it all; `pipeline/routing` remembers it."""
    return RouteTable(lanes(tx), read(tx).routes, Costs(costs(tx)), lane_health.read(tx))


def lanes(tx: Tx) -> list[Lane]:
    """What routes need to know of each carrier, the oldest first."""
    return [_lane(row) for row in carriers.all_carriers(tx)]


def own_senders(tx: Tx) -> dict[str, tuple[str, ...]]:
    """The own senders of the carriers that may take messages to a country; for all other countries under ""."""
    return RouteTable(lanes(tx), read(tx).routes).senders()


def costs(tx: Tx) -> dict[int, dict[str, int]]:
    """Of each carrier what a part costs, by place. Units: thousandths of a credit."""
    found: dict[int, dict[str, int]] = {}
    for carrier, place, cost in tx.rows(_COSTS):
        found.setdefault(carrier, {})[place] = cost
    return found


def costs_of(tx: Tx, carrier: int) -> dict[str, int]:
    """The same of one carrier."""
    return {row[0]: row[1] for row in tx.rows(_COSTS_OF, carrier=carrier)}


def put_costs(tx: Tx, carrier: int, rows: Iterable[tuple[str, int]]) -> None:
    """Rows: (place, thousandths of a credit); they are all that is known of the carrier from now on."""
    tx.run(_FORGET_COSTS, carrier=carrier)
    tx.many(_COST, [(carrier, place, cost) for place, cost in rows])
    carriers.changed(tx)


def _values(route: Route) -> dict[str, object]:
    fields: dict[str, object] = route._asdict()
    fields["conditions"] = msgspec.json.encode(route.conditions).decode()
    return fields


def _route(row: Row) -> Route:
    id_, lane, country, conditions, rank, weight, is_test, note = row
    read = msgspec.json.decode(conditions or "{}", type=Conditions)
    return Route(id_, lane, country, read, rank, weight, bool(is_test), note)


def _lane(row: carriers.CarrierRow) -> Lane:
    options = msgspec.json.decode(row.options, type=_Options)
    pool = pool_of(options.sender)  # its numbers are alike to customers
    return Lane(
        row.id, row.name, pool[0] if pool else "", options.national_alphabets,
        is_sandbox=row.kind == "sandbox", is_paused=row.paused_at is not None,
        is_idempotent=options.is_idempotent,
    )  # fmt: skip
