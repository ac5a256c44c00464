"""Which carrier takes which messages."""

import msgspec

from chappe.domain.plans import UNROUTED, Routes
from chappe.domain.sender_shape import pool_of
from chappe.store.carriers import CarrierRow, all_carriers
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement
from chappe.telecom.gsm7 import Language

_INSERT = Statement("INSERT INTO route (id, carrier_id, country, created_at) VALUES (:id, :carrier, :country, :at)")
_ALL = Statement(
    "SELECT r.country, r.carrier_id FROM route r JOIN carrier c ON c.id = r.carrier_id"
    " WHERE c.removed_at IS NULL ORDER BY r.id"
)
_LIST = Statement(
    "SELECT r.id, c.name, r.country FROM route r JOIN carrier c ON c.id = r.carrier_id"
    " WHERE c.removed_at IS NULL ORDER BY r.id"
)


class _Options(msgspec.Struct, frozen=True):
    """What is read here of a carrier's options."""

    sender: str = ""
    national_alphabets: tuple[Language, ...] = ()


def insert(tx: Tx, route: int, carrier: int, country: str | None, at: int) -> None:
    tx.run(_INSERT, id=route, carrier=carrier, country=country, at=at)


def table(tx: Tx) -> Routes:
    """Which lane serves which country, and which tables of languages its carrier supports.

    Shape: the newest route of a country wins, the oldest carrier is the default.
    """
    by_country: dict[str, int] = {}
    default: int | None = None
    for country, carrier in tx.rows(_ALL):
        if country is None:
            default = carrier
        else:
            by_country[country] = carrier
    everybody = all_carriers(tx)
    if default is None:
        default = everybody[0].id if everybody else UNROUTED
    declared = {row.id: msgspec.json.decode(row.options, type=_Options).national_alphabets for row in everybody}
    return Routes(by_country, default, {carrier: languages for carrier, languages in declared.items() if languages})


def own_senders(tx: Tx) -> dict[str, str]:
    """The carrier's own sender by the country it serves; that of the default carrier under "", where it has one."""
    senders = {row.id: _own_sender(row) for row in all_carriers(tx)}
    found = table(tx)
    lanes = {**found.by_country, "": found.default}
    # A country whose carrier has no sender of its own must not get that of the default carrier.
    return {place: senders.get(lane, "") for place, lane in lanes.items()}


def _own_sender(row: CarrierRow) -> str:
    """The carrier's sender; of a pool, whose numbers are alike to customers, the first."""
    pool = pool_of(msgspec.json.decode(row.options, type=_Options).sender)
    return pool[0] if pool else ""


def listed(tx: Tx) -> list[tuple[int, str, str | None]]:
    """(route, carrier's name, country)."""
    return [(row[0], row[1], row[2]) for row in tx.rows(_LIST)]
