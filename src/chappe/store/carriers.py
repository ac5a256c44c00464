"""Carriers, and what the gateway reports about their binds."""

from collections.abc import Iterable
from typing import NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_COLUMNS = (
    "id, name, host, port, system_id, password, tls, binds, window, rate, options, kind, profile, paused_at, rebind_at"
)
_INSERT = Statement(
    f"INSERT INTO carrier ({_COLUMNS}, created_at) VALUES (:id, :name, :host, :port, :system_id, :password, :tls,"
    " :binds, :window, :rate, :options, :kind, :profile, :paused_at, :rebind_at, :at)"
)
_ALL = Statement(f"SELECT {_COLUMNS} FROM carrier WHERE removed_at IS NULL ORDER BY id")
_NAMES = Statement("SELECT id, name, removed_at IS NOT NULL FROM carrier")
_BY_NAME = Statement(f"SELECT {_COLUMNS} FROM carrier WHERE name = :name AND removed_at IS NULL")
_SANDBOXES = Statement("SELECT id FROM carrier WHERE kind = 'sandbox'")
_REMOVE = Statement("UPDATE carrier SET removed_at = :at WHERE id = :id")
_VERSION = Statement("SELECT value FROM meta WHERE key = 'carriers_version'")
_CHANGED = Statement(
    "INSERT INTO meta (key, value) VALUES ('carriers_version', '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)"
)
_UPDATE = Statement(
    "UPDATE carrier SET host = :host, port = :port, system_id = :system_id, password = :password, tls = :tls,"
    " binds = :binds, window = :window, rate = :rate, options = :options, profile = :profile, paused_at = :paused_at,"
    " rebind_at = :rebind_at WHERE id = :id"
)
_BIND_COLUMNS = (
    "carrier_id, bind, state, detail, in_flight, submitted, since_at, seen_at, oddities, mode, version, answer_ms"
)
_BINDS = Statement(f"SELECT {_BIND_COLUMNS} FROM bind_state ORDER BY carrier_id, bind")
_REPORT = Statement(
    f"INSERT INTO bind_state ({_BIND_COLUMNS})"
    " VALUES (:carrier_id, :bind, :state, :detail, :in_flight, :submitted, :since_at, :seen_at, :oddities, :mode,"
    " :version, :answer_ms)"
    " ON CONFLICT (carrier_id, bind) DO UPDATE SET state = :state, detail = :detail, in_flight = :in_flight,"
    " submitted = :submitted, since_at = :since_at, seen_at = :seen_at, oddities = :oddities, mode = :mode,"
    " version = :version, answer_ms = :answer_ms"
)
_FORGET_BINDS = Statement("DELETE FROM bind_state WHERE carrier_id = :carrier AND bind >= :binds")
_REPORT_PACE = Statement(
    "INSERT INTO lane_pace (carrier_id, limited_by, per_s, allowed_per_s, answer_ms, congestion, seen_at)"
    " VALUES (:carrier_id, :limited_by, :per_s, :allowed_per_s, :answer_ms, :congestion, :seen_at)"
    " ON CONFLICT (carrier_id) DO UPDATE SET limited_by = :limited_by, per_s = :per_s, allowed_per_s = :allowed_per_s,"
    " answer_ms = :answer_ms, congestion = :congestion, seen_at = :seen_at"
)
_PACES = Statement("SELECT carrier_id, limited_by, per_s, allowed_per_s, answer_ms, congestion, seen_at FROM lane_pace")
_RULE_HIT = Statement(
    "INSERT INTO receipt_rule (carrier_id, rule, hits) VALUES (:carrier, :rule, :hits)"
    " ON CONFLICT (carrier_id, rule) DO UPDATE SET hits = hits + :hits"
)
_RULES = Statement("SELECT carrier_id, rule, hits FROM receipt_rule ORDER BY hits DESC")


class CarrierRow(NamedTuple):
    """A carrier as configured.

    Shape: `options` is JSON of its kind's options; `rate` in submits per second, 0 for no limit; `profile` is where
           its options began; `rebind_at` is when its operator last asked for new connections.
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
    rebind_at: int | None = None


class PaceRow(NamedTuple):
    """How fast a lane is as its gateway last saw it.

    Shape: `limited_by` is in words; `allowed_per_s` is None without a limit, `congestion` where the carrier does not
           say.
    Units: parts a second, milliseconds, percent; `seen_at` in milliseconds UTC.
    """

    carrier_id: int
    limited_by: str
    per_s: int
    allowed_per_s: int | None
    answer_ms: int | None
    congestion: int | None
    seen_at: int


class BindRow(NamedTuple):
    """One connection to a carrier as the gateway last saw it.

    Shape: `oddities` is JSON, how often the carrier bent which rule; `mode` what it is bound as, `version` what SMPP
           the centre says it speaks.
    Units: milliseconds; `since_at` and `seen_at` in milliseconds UTC.
    """

    carrier_id: int
    bind: int
    state: str
    detail: str
    in_flight: int
    submitted: int
    since_at: int
    seen_at: int
    oddities: str | None = None
    mode: str | None = None
    version: str | None = None
    answer_ms: int | None = None


def version(tx: Tx) -> int:
    """A number that is another one after every change of a carrier, a route, a cost or a lane's health."""
    row = tx.row(_VERSION)
    return int(row[0]) if row else 0


def changed(tx: Tx) -> None:
    """Let every process route by what is known now; in the unit of work of the change."""
    tx.run(_CHANGED)


def insert(tx: Tx, carrier: CarrierRow, at: int) -> None:
    tx.run(_INSERT, **carrier._asdict(), at=at)
    changed(tx)


def all_carriers(tx: Tx) -> list[CarrierRow]:
    return [CarrierRow._make(row) for row in tx.rows(_ALL)]


def names(tx: Tx) -> dict[int, str]:
    """id -> name, removed ones too: their names say so, for another carrier may have them now."""
    return {row[0]: f"{row[1]} (removed)" if row[2] else row[1] for row in tx.rows(_NAMES)}


def sandboxes(tx: Tx) -> frozenset[int]:
    """Those at which nothing reaches anybody, removed ones too."""
    return frozenset(row[0] for row in tx.rows(_SANDBOXES))


def by_name(tx: Tx, name: str) -> CarrierRow | None:
    row = tx.row(_BY_NAME, name=name)
    return CarrierRow._make(row) if row else None


def remove(tx: Tx, carrier: int, at: int) -> None:
    tx.run(_REMOVE, id=carrier, at=at)
    changed(tx)


def update(tx: Tx, carrier: CarrierRow) -> None:
    """Write down changed settings; name and kind stay."""
    settings = carrier._asdict()
    del settings["name"], settings["kind"]
    tx.run(_UPDATE, **settings)
    changed(tx)


def report_binds(tx: Tx, carrier: int, binds: Iterable[BindRow]) -> None:
    rows = list(binds)
    for row in rows:
        tx.run(_REPORT, **row._asdict())
    tx.run(_FORGET_BINDS, carrier=carrier, binds=len(rows))


def binds(tx: Tx) -> list[BindRow]:
    return [BindRow._make(row) for row in tx.rows(_BINDS)]


def report_pace(tx: Tx, pace: PaceRow) -> None:
    tx.run(_REPORT_PACE, **pace._asdict())


def paces(tx: Tx) -> dict[int, PaceRow]:
    """carrier -> how fast its lane is."""
    return {row[0]: PaceRow._make(row) for row in tx.rows(_PACES)}


def count_rules(tx: Tx, carrier: int, hits: dict[str, int]) -> None:
    """Remember how a carrier's receipts find their messages."""
    tx.many(_RULE_HIT, [(carrier, rule, count, count) for rule, count in hits.items()])


def receipt_rules(tx: Tx) -> dict[int, str]:
    """carrier -> the rule that matched most of its receipts."""
    best: dict[int, str] = {}
    for carrier, rule, _ in tx.rows(_RULES):
        best.setdefault(carrier, rule)
    return best
