"""Carriers, and what the gateway reports about their binds."""

from collections.abc import Iterable
from typing import NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_COLUMNS = "id, name, host, port, system_id, password, tls, binds, window, rate, options, kind, profile, paused_at"
_INSERT = Statement(
    f"INSERT INTO carrier ({_COLUMNS}, created_at) VALUES (:id, :name, :host, :port, :system_id, :password, :tls,"
    " :binds, :window, :rate, :options, :kind, :profile, :paused_at, :at)"
)
_ALL = Statement(f"SELECT {_COLUMNS} FROM carrier WHERE removed_at IS NULL ORDER BY id")
_BY_NAME = Statement(f"SELECT {_COLUMNS} FROM carrier WHERE name = :name AND removed_at IS NULL")
_REMOVE = Statement("UPDATE carrier SET removed_at = :at WHERE id = :id")
_SET_OPTIONS = Statement("UPDATE carrier SET options = :options WHERE id = :id")
_BINDS = Statement(
    "SELECT carrier_id, bind, state, detail, in_flight, submitted, since_at, seen_at FROM bind_state"
    " ORDER BY carrier_id, bind"
)
_REPORT = Statement(
    "INSERT INTO bind_state (carrier_id, bind, state, detail, in_flight, submitted, since_at, seen_at)"
    " VALUES (:carrier, :bind, :state, :detail, :in_flight, :submitted, :since_at, :seen_at)"
    " ON CONFLICT (carrier_id, bind) DO UPDATE SET state = :state, detail = :detail, in_flight = :in_flight,"
    " submitted = :submitted, since_at = :since_at, seen_at = :seen_at"
)
_FORGET_BINDS = Statement("DELETE FROM bind_state WHERE carrier_id = :carrier AND bind >= :binds")
_RULE_HIT = Statement(
    "INSERT INTO receipt_rule (carrier_id, rule, hits) VALUES (:carrier, :rule, :hits)"
    " ON CONFLICT (carrier_id, rule) DO UPDATE SET hits = hits + :hits"
)
_RULES = Statement("SELECT carrier_id, rule, hits FROM receipt_rule ORDER BY hits DESC")


class CarrierRow(NamedTuple):
    """A carrier as configured.

    Shape: `options` is JSON of its kind's options; `rate` in submits per second, 0 for no limit; `profile` is where
           its options began.
    Units: milliseconds UTC.
    """

    id: int
    name: str
    host: str
    port: int
    system_id: str
    password: str
    tls: bool
    binds: int
    window: int
    rate: int
    options: str
    kind: str = "smpp"
    profile: str | None = None
    paused_at: int | None = None


class BindRow(NamedTuple):
    """One connection to a carrier as the gateway last saw it. Units: milliseconds UTC."""

    carrier_id: int
    bind: int
    state: str
    detail: str
    in_flight: int
    submitted: int
    since_at: int
    seen_at: int


def insert(tx: Tx, carrier: CarrierRow, at: int) -> None:
    tx.run(_INSERT, **carrier._asdict(), at=at)


def all_carriers(tx: Tx) -> list[CarrierRow]:
    return [CarrierRow._make(row) for row in tx.rows(_ALL)]


def by_name(tx: Tx, name: str) -> CarrierRow | None:
    row = tx.row(_BY_NAME, name=name)
    return CarrierRow._make(row) if row else None


def remove(tx: Tx, carrier: int, at: int) -> None:
    tx.run(_REMOVE, id=carrier, at=at)


def set_options(tx: Tx, carrier: int, options: str) -> None:
    tx.run(_SET_OPTIONS, id=carrier, options=options)


def report_binds(tx: Tx, carrier: int, binds: Iterable[BindRow]) -> None:
    rows = list(binds)
    for row in rows:
        tx.run(
            _REPORT,
            carrier=row.carrier_id,
            bind=row.bind,
            state=row.state,
            detail=row.detail,
            in_flight=row.in_flight,
            submitted=row.submitted,
            since_at=row.since_at,
            seen_at=row.seen_at,
        )
    tx.run(_FORGET_BINDS, carrier=carrier, binds=len(rows))


def binds(tx: Tx) -> list[BindRow]:
    return [BindRow._make(row) for row in tx.rows(_BINDS)]


def count_rules(tx: Tx, carrier: int, hits: dict[str, int]) -> None:
    """Remember how a carrier's receipts find their messages."""
    tx.many(_RULE_HIT, [(carrier, rule, count, count) for rule, count in hits.items()])


def receipt_rules(tx: Tx) -> dict[int, str]:
    """carrier -> the rule that matched most of its receipts."""
    best: dict[int, str] = {}
    for carrier, rule, _ in tx.rows(_RULES):
        best.setdefault(carrier, rule)
    return best
