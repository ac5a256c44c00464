"""What became of messages, by carrier, country and the five minutes in which it got them; by days after some time."""

from collections.abc import Iterable
from typing import Final

from chappe.domain.lane_health import DELAYS_S, SLOT_MS, Figures, Slot
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

DAY_MS: Final = 24 * 3600 * 1000
# For how long figures of five minutes, and those of days, are kept.
FINE_MS: Final = 3 * DAY_MS
KEEP_MS: Final = 400 * DAY_MS

_NAMES: Final = (*Figures._fields[:-1], *(f"within_{seconds}s" for seconds in DELAYS_S))
_SUMS: Final = ", ".join(f"SUM({name})" for name in _NAMES)
_ADDED: Final = ", ".join(f"{name} = carrier_figure.{name} + excluded.{name}" for name in _NAMES)
_ADD = Statement(
    f"INSERT INTO carrier_figure (carrier_id, slot_at, country, {', '.join(_NAMES)})"
    f" VALUES (:carrier, :slot, :country, {', '.join(f':{name}' for name in _NAMES)})"
    f" ON CONFLICT (carrier_id, slot_at, country) DO UPDATE SET {_ADDED}"
)
_SLOTS = Statement(
    f"SELECT country, slot_at, {', '.join(_NAMES)} FROM carrier_figure"
    " WHERE carrier_id = :carrier AND slot_at >= :since ORDER BY slot_at"
)
_BY_COUNTRY = Statement(
    f"SELECT country, {_SUMS} FROM carrier_figure"
    " WHERE carrier_id = :carrier AND slot_at BETWEEN :since AND :until GROUP BY country ORDER BY country"
)
_TOTAL = Statement(
    f"SELECT carrier_id, {_SUMS} FROM carrier_figure WHERE carrier_id IN (SELECT id FROM carrier"
    " WHERE removed_at IS NULL) AND slot_at >= :since GROUP BY carrier_id"
)
_FINE = Statement(
    f"SELECT slot_at / {DAY_MS} * {DAY_MS}, country, {_SUMS} FROM carrier_figure"
    f" WHERE carrier_id = :carrier AND slot_at < :before GROUP BY 1, 2 HAVING COUNT(*) > 1"
)
_CARRIERS = Statement("SELECT DISTINCT carrier_id FROM carrier_figure")
_FORGET_DAY = Statement(
    "DELETE FROM carrier_figure WHERE carrier_id = :carrier AND slot_at >= :day AND slot_at < :day + 86400000"
    " AND country = :country"
)
_FORGET = Statement("DELETE FROM carrier_figure WHERE carrier_id = :carrier AND slot_at < :before")


def add(tx: Tx, carrier: int, at: int, rows: Iterable[tuple[str, Figures]]) -> None:
    """Count what became of messages that a carrier got at a time.

    Rows: (country, figures). Units: milliseconds UTC. Cost: some microseconds a country.
    """
    slot = at // SLOT_MS * SLOT_MS
    tx.many(_ADD, [(carrier, slot, country, *figures[:-1], *figures.within) for country, figures in rows])


def slots(tx: Tx, carrier: int, since: int) -> dict[str, list[Slot]]:
    """country -> its slots that began since a time, the oldest first."""
    found: dict[str, list[Slot]] = {}
    for country, at, *sums in tx.rows(_SLOTS, carrier=carrier, since=since):
        found.setdefault(country, []).append(Slot(at, _figures(sums)))
    return found


def by_country(tx: Tx, carrier: int, since: int, until: int) -> dict[str, Figures]:
    """What became of a carrier's messages in a period, by country. Cost: reads the slots of the period."""
    rows = tx.rows(_BY_COUNTRY, carrier=carrier, since=since // SLOT_MS * SLOT_MS, until=until)
    return {country: _figures(sums) for country, *sums in rows}


def totals(tx: Tx, since: int) -> dict[int, Figures]:
    """carrier -> what became of its messages since a time."""
    return {carrier: _figures(sums) for carrier, *sums in tx.rows(_TOTAL, since=since)}


def compact(tx: Tx, now: int) -> None:
    """Sum figures that are some days old up to days, and forget those that are very old."""
    before = (now - FINE_MS) // DAY_MS * DAY_MS
    for (carrier,) in tx.rows(_CARRIERS):
        for day, country, *sums in tx.rows(_FINE, carrier=carrier, before=before):
            tx.run(_FORGET_DAY, carrier=carrier, day=day, country=country)
            tx.many(_ADD, [(carrier, day, country, *sums)])
        tx.run(_FORGET, carrier=carrier, before=now - KEEP_MS)


def _figures(sums: list[int] | Row) -> Figures:
    fixed = len(Figures._fields) - 1
    return Figures._make([*sums[:fixed], tuple(sums[fixed:])])
