"""Carriers as their operator watches them: binds, queue, pace, and every setting with its origin."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from chappe.carriers.http.access import Place, place_of
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.kinds import KINDS, Setting, decode_options, settings_of
from chappe.carriers.options import SECRET, CarrierOptions
from chappe.carriers.profiles import profile
from chappe.domain.errors import BadData
from chappe.domain.routes import conditions_text
from chappe.domain.unknown import UnknownPolicies
from chappe.store import carriers, queue, routes, unknowns
from chappe.store.carriers import BindRow, CarrierRow, PaceRow
from chappe.store.clock import now_ms
from chappe.store.sqlite import Tx

# A bind that has not been reported for so long belongs to a gateway that is not running.
STALE_MS: Final = 5000
CONNECTION: Final = ("host", "port", "system_id", "password", "tls", "binds", "window", "rate")
"""Settings that are columns: every kind has them."""
CONNECTION_LIVE: Final = frozenset({"window", "rate"})
# States of a bind, or of a carrier without binds, that takes messages.
_SERVED: Final = ("bound", "ready", "trying")
HIDDEN: Final = "********"

Origin = Literal["own", "profile", "default"]


@dataclass(frozen=True, slots=True)
class BindStatus:
    """One connection as the gateway last reported it.

    Shape: `mode` is what it is bound as, `version` what SMPP the centre says it speaks; `oddities` are how often it
           bent which rule.
    Units: milliseconds UTC; `answer_ms` is how long the carrier takes to answer, None where nobody knows.
    """

    state: str
    detail: str
    in_flight: int
    submitted: int
    since_at: int
    mode: str = ""
    version: str = ""
    answer_ms: int | None = None
    oddities: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaceStatus:
    """How fast a carrier is fed, and what keeps it from being faster.

    Units: parts a second; `allowed_per_s` None without a limit; `drained_in_s` None when nothing moves or waits.
    """

    limited_by: str
    per_s: int
    allowed_per_s: int | None
    answer_ms: int | None
    congestion: int | None
    drained_in_s: int | None


@dataclass(frozen=True, slots=True)
class CarrierStatus:
    """A carrier and how it is doing. Units: `paused_at` in milliseconds UTC."""

    id: int
    name: str
    host: str
    port: int
    system_id: str
    tls: bool
    window: int
    rate: int
    routes: list[str]
    receipt_rule: str | None
    lookup_url: str
    receipt_errors: dict[str, int]
    national_alphabets: list[str]
    waiting: int
    unknown: int
    on_unknown: str
    is_idempotent: bool
    unknown_counts: dict[str, int]
    binds: list[BindStatus]
    kind: str = "smpp"
    profile: str | None = None
    paused_at: int | None = None
    pace: PaceStatus | None = None

    @property
    def is_bound(self) -> bool:
        """Whether messages can leave. Shape: a receiver brings receipts and replies only."""
        return any(bind.state in _SERVED and bind.mode != "receiver" for bind in self.binds)


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A setting as a carrier has it. Shape: `is_live` when a change needs no new connection."""

    name: str
    value: Any
    origin: Origin
    group: str
    is_live: bool


def statuses(tx: Tx) -> list[CarrierStatus]:
    """Every carrier with the state of its binds. Cost: counts the queue."""
    receipt_rules = carriers.receipt_rules(tx)
    depth = {(lane, state): count for lane, state, count in queue.depth(tx)}
    places: dict[int, list[str]] = {}
    for route in routes.table(tx).routes:
        places.setdefault(route.lane, []).append(conditions_text(route))
    binds, paces, counts = carriers.binds(tx), carriers.paces(tx), unknowns.counts(tx)
    now = now_ms()
    found = []
    for row in carriers.all_carriers(tx):
        options, place, unreadable = _read(row)
        waiting = sum(depth.get((row.id, state), 0) for state in (0, 1, 3))
        found.append(
            CarrierStatus(
                id=row.id,
                name=row.name,
                host=place.host,
                port=place.port,
                system_id=row.system_id,
                tls=place.tls,
                window=row.window,
                rate=row.rate,
                routes=places.get(row.id, []),
                receipt_rule=receipt_rules.get(row.id),
                lookup_url=options.lookup_url,
                receipt_errors=options.receipt_errors,
                national_alphabets=list(options.national_alphabets),
                waiting=waiting,
                unknown=depth.get((row.id, 2), 0),
                on_unknown=str(options.unknown),
                is_idempotent=options.is_idempotent,
                unknown_counts=counts.get(row.id, {}),
                binds=unreadable or [_bind(bind, now) for bind in binds if bind.carrier_id == row.id],
                kind=row.kind,
                profile=row.profile,
                paused_at=row.paused_at,
                pace=_pace(paces.get(row.id), waiting, now),
            )
        )
    return found


def _read(row: CarrierRow) -> tuple[CarrierOptions, Place, list[BindStatus]]:
    """The options of a carrier and where it is; what stands for its binds when its settings cannot be read."""
    place = Place(row.host, row.port, bool(row.tls))
    try:
        options = decode_options(row.kind, row.options)
        return options, place_of(options) if isinstance(options, HttpOptions) else place, []
    except (msgspec.DecodeError, BadData) as error:
        why = f"its settings cannot be read: {error}"
        return CarrierOptions(), place, [BindStatus("not running", why, 0, 0, now_ms())]


def _bind(row: BindRow, now: int) -> BindStatus:
    oddities = msgspec.json.decode(row.oddities, type=dict[str, int]) if row.oddities else {}
    if now - row.seen_at > STALE_MS:
        why = "no gateway has reported for a while"
        return BindStatus("not running", why, 0, row.submitted, row.seen_at, row.mode or "", oddities=oddities)
    return BindStatus(
        row.state, row.detail, row.in_flight, row.submitted, row.since_at, row.mode or "", row.version or "",
        row.answer_ms, oddities,
    )  # fmt: skip


def _pace(row: PaceRow | None, waiting: int, now: int) -> PaceStatus | None:
    if row is None or now - row.seen_at > STALE_MS:
        return None
    drained = -(-waiting // row.per_s) if waiting and row.per_s else None
    return PaceStatus(row.limited_by, row.per_s, row.allowed_per_s, row.answer_ms, row.congestion, drained)


def values_of(row: CarrierRow) -> list[SettingValue]:
    """Every setting of a carrier with its origin, secrets hidden; what belongs to its connection first."""
    options = decode_options(row.kind, row.options)
    found = [_column(row, name) for name in CONNECTION]
    given = profile_values(row)
    for setting in settings_of(row.kind).values():
        value = getattr(options, setting.name)
        shown = HIDDEN if setting.name in SECRET and value else msgspec.to_builtins(value)
        if isinstance(value, UnknownPolicies):
            shown = str(value)
        found.append(
            SettingValue(
                setting.name,
                shown,
                origin_of(setting, value, given),
                setting.group,
                setting.is_live,
            )
        )
    return found


def profile_values(row: CarrierRow) -> CarrierOptions | None:
    """What the carrier's profile says; None without one, and when its file is not there any more."""
    try:
        return profile(row.profile).read_options() if row.profile and row.kind == "smpp" else None
    except BadData:
        return None


def origin_of(setting: Setting, value: Any, given: CarrierOptions | None) -> Origin:
    """Who says what a setting is."""
    default = given is None or getattr(given, setting.name) == setting.default
    if default:
        return "default" if value == setting.default else "own"
    return "profile" if value == getattr(given, setting.name) else "own"


def own_options(row: CarrierRow) -> dict[str, Any]:
    """The options that the operator set, without those of the profile."""
    options, given = decode_options(row.kind, row.options), profile_values(row)
    known = settings_of(row.kind)
    every = {name: getattr(options, name) for name in KINDS[row.kind].__struct_fields__}
    return {
        name: msgspec.to_builtins(value)
        for name, value in every.items()
        if origin_of(known[name], value, given) == "own"
    }


def _column(row: CarrierRow, name: str) -> SettingValue:
    value = getattr(row, name)
    shown = HIDDEN if name in SECRET and value else value
    return SettingValue(name, bool(shown) if name == "tls" else shown, "own", "connection", name in CONNECTION_LIVE)
