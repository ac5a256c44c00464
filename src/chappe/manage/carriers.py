"""Carriers as the operator sets them up and watches them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec
import structlog

from chappe.carriers.kinds import decode_options, encode_options
from chappe.carriers.options import CarrierOptions, SmppOptions
from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import Dlr
from chappe.domain.sender_shape import plain_sender
from chappe.domain.unknown import KINDS, UnknownPolicies, check_policy, read_policies
from chappe.store import arrived_receipts, carriers, queue, routes, rules, unknowns
from chappe.store.carriers import BindRow, CarrierRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx
from chappe.telecom.gsm7 import LANGUAGES, Language

_log = structlog.get_logger("chappe.carriers")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# A carrier's error code of a failed message, without leading zeros.
_CODE = re.compile(r"[A-Za-z0-9]{1,8}")
MAX_ERRORS = 200
# What such a code may mean.
FAILURES = {
    dlr.name: int(dlr)
    for dlr in (
        Dlr.NOT_DELIVERED, Dlr.NOT_ALLOWED, Dlr.INVALID_DESTINATION, Dlr.INVALID_SENDER, Dlr.ROUTE_NOT_AVAILABLE,
        Dlr.REJECTED, Dlr.NETWORK_ERROR, Dlr.EXPIRED,
    )
}  # fmt: skip
MAX_BINDS, MAX_WINDOW, MAX_RATE = 32, 10_000, 100_000
# The lengths that SMPP allows, without the final zero octet. Source: SMPP 3.4, 4.1.1.
MAX_SYSTEM_ID, MAX_PASSWORD, MAX_SYSTEM_TYPE = 15, 8, 12
MAX_LOOKUP_URL, MAX_LOOKUP_TOKEN = 2000, 4000
_OCTETS = tuple(name for name in SmppOptions.__struct_fields__ if name.endswith(("_ton", "_npi")))
# A bind that has not been reported for so long belongs to a gateway that is not running.
STALE_MS = 5000
# States of a bind, or of a carrier without binds, that takes messages.
_SERVED = ("bound", "ready", "trying")


@dataclass(frozen=True, slots=True)
class NewCarrier:
    """What an operator says about an SMPP carrier. Shape: `rate` in submits per second, 0 for no limit."""

    name: str
    host: str
    port: int
    system_id: str
    password: str
    tls: bool = False
    binds: int = 1
    window: int = 100
    rate: int = 0
    options: SmppOptions = field(default_factory=SmppOptions)


@dataclass(frozen=True, slots=True)
class BindStatus:
    """One connection as the gateway last reported it. Units: milliseconds UTC."""

    state: str
    detail: str
    in_flight: int
    submitted: int
    since_at: int


@dataclass(frozen=True, slots=True)
class CarrierStatus:
    """A carrier and how it is doing."""

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

    @property
    def is_bound(self) -> bool:
        return any(bind.state in _SERVED for bind in self.binds)


class Carriers:
    """The carriers of this installation."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def add(self, new: NewCarrier) -> int:
        """Set up a carrier; a running gateway binds within a second or two. The first one is the default route.

        Raises: BadData.
        """
        _check(new)

        def unit(tx: Tx) -> int:
            if carriers.by_name(tx, new.name) is not None:
                raise BadData(f"{new.name} is already in use", field="name")
            carrier = self._ids.take(tx, "carrier")
            row = CarrierRow(
                carrier,
                new.name,
                new.host,
                new.port,
                new.system_id,
                new.password,
                new.tls,
                new.binds,
                new.window,
                new.rate,
                encode_options(new.options),
            )
            carriers.insert(tx, row, now_ms())
            rules.changed(tx)
            return carrier

        carrier = await self._store.write(unit)
        _log.info("carrier added", carrier=new.name, id=carrier)
        return carrier

    async def remove(self, name: str) -> None:
        """Take a carrier away. What waits for it goes to the carrier that serves its country then, or waits for one.

        Raises: NotFound.
        """

        def unit(tx: Tx) -> None:
            row = carriers.by_name(tx, name)
            if row is None:
                raise NotFound(f"there is no carrier {name}", field="name")
            carriers.remove(tx, row.id, now_ms())
            arrived_receipts.forget(tx, row.id)  # nobody will own its lane again
            rules.changed(tx)

        await self._store.write(unit)
        _log.info("carrier removed", carrier=name)

    async def offer_lookups(self, name: str, url: str, token: str = "") -> None:
        """Say where a carrier answers look-ups, or that it does not (an empty `url`); its binds start anew.

        Raises: NotFound, BadData.
        """
        await self._set(name, lookup_url=url, lookup_token=token)
        _log.info("look-ups set up" if url else "look-ups taken away", carrier=name)

    async def declare_national(self, name: str, languages: Iterable[str]) -> None:
        """Say the tables of which languages a carrier passes on, none perhaps; its binds start anew.

        Raises: NotFound, BadData.
        """
        declared = read_languages(languages)
        await self._set(name, national_alphabets=declared)
        _log.info("national alphabets declared", carrier=name, languages=declared)

    async def decide_unknown(
        self, name: str, policies: Iterable[str], *, is_idempotent: bool | None = None
    ) -> UnknownPolicies:
        """Say what is done about messages whose end nobody told, as `read_policies` reads it; its binds start anew.

        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> UnknownPolicies:
            row = carriers.by_name(tx, name)
            if row is None:
                raise NotFound(f"there is no carrier {name}", field="name")
            options = decode_options(row.kind, row.options)
            found = read_policies(policies, options.unknown)
            safe = options.is_idempotent if is_idempotent is None else is_idempotent
            changed = msgspec.structs.replace(options, unknown=found, is_idempotent=safe)
            _check_unknown(changed)
            carriers.set_options(tx, row.id, encode_options(changed))
            return found

        found = await self._store.write(unit)
        _log.info("unknown outcomes decided", carrier=name, policies=str(found))
        return found

    async def _set(self, name: str, **options: object) -> None:
        def unit(tx: Tx) -> None:
            row = carriers.by_name(tx, name)
            if row is None:
                raise NotFound(f"there is no carrier {name}", field="name")
            changed = msgspec.structs.replace(decode_options(row.kind, row.options), **options)
            _check_lookups(changed)
            _check_receipts(changed)
            _check_unknown(changed)
            carriers.set_options(tx, row.id, encode_options(changed))

        await self._store.write(unit)

    async def read_receipts(self, name: str, errors: dict[str, int]) -> None:
        """Say what a carrier's error codes mean, instead of what was said before; its binds start anew.

        Shape: `errors` are delivery statuses by code.
        Raises: NotFound, BadData.
        """
        await self._set(name, receipt_errors={code.lstrip("0") or "0": dlr for code, dlr in errors.items()})
        _log.info("receipts are read anew", carrier=name, errors=len(errors))

    async def list(self) -> list[CarrierStatus]:
        """Every carrier with the state of its binds. Cost: counts the queue."""
        return await self._store.read(_statuses)


def read_languages(names: Iterable[str]) -> tuple[Language, ...]:
    """Languages by their names, in one order. Raises: BadData for one whose tables are not known."""
    wanted = {name.strip().lower() for name in names} - {""}
    if unknown := sorted(wanted.difference(LANGUAGES)):
        raise BadData(f"must be some of {', '.join(LANGUAGES)}, not {unknown[0]!r}", field="national")
    return tuple([language for language in LANGUAGES if language in wanted])


def _statuses(tx: Tx) -> list[CarrierStatus]:
    receipt_rules = carriers.receipt_rules(tx)
    depth = {(lane, state): count for lane, state, count in queue.depth(tx)}
    places: dict[str, list[str]] = {}
    for _, name, country in routes.listed(tx):
        places.setdefault(name, []).append(country or "default")
    default = routes.table(tx).default
    binds = carriers.binds(tx)
    counts = unknowns.counts(tx)
    now = now_ms()
    found = []
    for row in carriers.all_carriers(tx):
        options = decode_options(row.kind, row.options)
        served = places.get(row.name, [])
        if row.id == default and "default" not in served:
            served = [*served, "default"]
        own = [_bind(bind, now) for bind in binds if bind.carrier_id == row.id]
        found.append(
            CarrierStatus(
                id=row.id,
                name=row.name,
                host=row.host,
                port=row.port,
                system_id=row.system_id,
                tls=bool(row.tls),
                window=row.window,
                rate=row.rate,
                routes=served,
                receipt_rule=receipt_rules.get(row.id),
                lookup_url=options.lookup_url,
                receipt_errors=options.receipt_errors,
                national_alphabets=list(options.national_alphabets),
                waiting=sum(depth.get((row.id, state), 0) for state in (0, 1, 3)),
                unknown=depth.get((row.id, 2), 0),
                on_unknown=str(options.unknown),
                is_idempotent=options.is_idempotent,
                unknown_counts=counts.get(row.id, {}),
                binds=own,
                kind=row.kind,
                profile=row.profile,
            )
        )
    return found


def _bind(row: BindRow, now: int) -> BindStatus:
    if now - row.seen_at > STALE_MS:
        return BindStatus("not running", "no gateway has reported for a while", 0, row.submitted, row.seen_at)
    return BindStatus(row.state, row.detail, row.in_flight, row.submitted, row.since_at)


def _check(new: NewCarrier) -> None:
    if not _NAME.fullmatch(new.name):
        raise BadData("must have 1 to 64 letters, digits, dots, dashes or underscores", field="name")
    if not new.host or len(new.host) > 255 or any(character.isspace() for character in new.host):
        raise BadData("must be a host name or an address", field="smpp")
    if not 1 <= new.port <= 65535:
        raise BadData("must have a port between 1 and 65535", field="smpp")
    for name, text, longest in (
        ("system_id", new.system_id, MAX_SYSTEM_ID),
        ("password", new.password, MAX_PASSWORD),
        ("system_type", new.options.system_type, MAX_SYSTEM_TYPE),
    ):
        if len(text) > longest or not text.isascii() or not text.isprintable():
            raise BadData(f"must have at most {longest} ASCII characters, as SMPP allows", field=name)
    for name, value, low, high in (
        ("binds", new.binds, 1, MAX_BINDS),
        ("window", new.window, 1, MAX_WINDOW),
        ("rate", new.rate, 0, MAX_RATE),
        *((name, getattr(new.options, name), 0, 255) for name in _OCTETS),
    ):
        if not low <= value <= high:
            raise BadData(f"must be between {low} and {high}", field=name)
    _check_lookups(new.options)
    _check_receipts(new.options)
    _check_unknown(new.options)
    sender = new.options.sender
    if sender and plain_sender(sender) != sender:
        raise BadData("must have at most 11 printable ASCII characters, or 3 to 15 digits", field="sender")


def _check_lookups(options: CarrierOptions) -> None:
    url, token = options.lookup_url, options.lookup_token
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_url = False
    if url and (not is_url or len(url) > MAX_LOOKUP_URL or not url.isascii() or not url.isprintable() or " " in url):
        raise BadData("must be like https://hlr.example.net/lookup", field="lookup_url")
    if len(token) > MAX_LOOKUP_TOKEN or not token.isascii() or not (token.isprintable() or not token):
        raise BadData(f"must have at most {MAX_LOOKUP_TOKEN} printable ASCII characters", field="lookup_token")
    if token and not url:
        raise BadData("is for a carrier with an address for look-ups", field="lookup_token")


def _check_unknown(options: CarrierOptions) -> None:
    for kind in KINDS:
        check_policy(options.unknown.of(kind))
    if options.unknown.ask and not options.can_query:
        raise BadData("this carrier cannot be asked what became of a message", field="on_unknown")


def _check_receipts(options: CarrierOptions) -> None:
    if len(options.receipt_errors) > MAX_ERRORS:
        raise BadData(f"at most {MAX_ERRORS} codes", field="receipt_error")
    for code, dlr in options.receipt_errors.items():
        if not _CODE.fullmatch(code):
            raise BadData(f"a code has 1 to 8 letters and digits, unlike {code!r}", field="receipt_error")
        if dlr not in FAILURES.values():
            raise BadData(f"a failure is one of {', '.join(FAILURES)}", field="receipt_error")
