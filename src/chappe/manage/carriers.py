"""Carriers as the operator sets them up and watches them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import structlog

from chappe.carriers.connection import Address
from chappe.carriers.kinds import decode_options, encode_options, options_from
from chappe.carriers.profiles import GENERIC, Profile, profile
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.trial import Tried, try_binds
from chappe.domain.errors import BadData, NotFound
from chappe.domain.unknown import read_policies
from chappe.manage.carrier_checks import NewCarrier, check, read_languages
from chappe.manage.carrier_status import CONNECTION, CarrierStatus, SettingValue, own_options, statuses, values_of
from chappe.store import arrived_receipts, carriers, rules
from chappe.store.carriers import CarrierRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.carriers")


@dataclass(frozen=True, slots=True)
class Changes:
    """What an operator changes about a carrier.

    Shape: `set` are settings by name, of the connection or options; `unset` go back to the profile's value or the
           default; `profile` is another one to begin with, which keeps what the operator has set himself. The policies
           of `unknown` may be a list in words, which leaves the others as they are.
    """

    set: Mapping[str, Any] = field(default_factory=dict)
    unset: frozenset[str] = frozenset()
    profile: str | None = None


class Shown(NamedTuple):
    """One carrier as its operator looks at it."""

    status: CarrierStatus
    settings: list[SettingValue]


class Carriers:
    """The carriers of this installation."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def add(self, new: NewCarrier) -> int:
        """Set up a carrier; a running gateway binds within a second or two. The first one is the default route.

        Raises: BadData.
        """
        check(new)

        def unit(tx: Tx) -> int:
            if carriers.by_name(tx, new.name) is not None:
                raise BadData(f"{new.name} is already in use", field="name")
            carrier = self._ids.take(tx, "carrier")
            row = CarrierRow(
                carrier, new.name, new.host, new.port, new.system_id, new.password, new.tls, new.binds, new.window,
                new.rate, encode_options(new.options), new.kind, new.profile,
            )  # fmt: skip
            carriers.insert(tx, row, now_ms())
            rules.changed(tx)
            return carrier

        carrier = await self._store.write(unit)
        _log.info("carrier added", carrier=new.name, id=carrier)
        return carrier

    async def remove(self, name: str) -> None:
        """Take a carrier away. What waits for it goes to the carrier that serves its country then, or waits for one.

        Raises: NotFound; BadData for the built-in one.
        """

        def unit(tx: Tx) -> None:
            row = _row(tx, name)
            if row.kind == "sandbox":
                raise BadData("is built in: what demo accounts send may go nowhere else", field="name")
            carriers.remove(tx, row.id, now_ms())
            arrived_receipts.forget(tx, row.id)  # nobody will own its lane again
            rules.changed(tx)

        await self._store.write(unit)
        _log.info("carrier removed", carrier=name)

    async def change(self, name: str, changes: Changes) -> list[str]:
        """Change settings of a carrier; the names of those that differ now, secrets included.

        A running gateway takes them within a second or two, and binds anew only where the change needs it.
        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> list[str]:
            row = _row(tx, name)
            changed = _changed(row, changes)
            carriers.update(tx, changed)
            rules.changed(tx)
            return _differences(row, changed)

        found = await self._store.write(unit)
        _log.info("carrier changed", carrier=name, settings=found)
        return found

    async def offer_lookups(self, name: str, url: str, token: str = "") -> None:
        """Say where a carrier answers look-ups, or that it does not (an empty `url`). Raises: NotFound, BadData."""
        await self.change(name, Changes({"lookup_url": url, "lookup_token": token}))

    async def declare_national(self, name: str, languages: Iterable[str]) -> None:
        """Say the tables of which languages a carrier passes on, none perhaps. Raises: NotFound, BadData."""
        await self.change(name, Changes({"national_alphabets": read_languages(list(languages))}))

    async def read_receipts(self, name: str, errors: dict[str, int]) -> None:
        """Say what a carrier's error codes mean, instead of what was said before.

        Shape: `errors` are delivery statuses by code.
        Raises: NotFound, BadData.
        """
        await self.change(name, Changes({"receipt_errors": errors}))

    async def pause(self, name: str) -> None:
        """Hand nothing to a carrier any more; it stays bound for receipts and replies. Raises: NotFound."""
        await self._mark(name, paused_at=now_ms())

    async def resume(self, name: str) -> None:
        """Hand messages to a carrier again. Raises: NotFound."""
        await self._mark(name, paused_at=None)

    async def rebind(self, name: str) -> None:
        """Make all connections of a carrier anew; what is in flight is waited for. Raises: NotFound."""
        await self._mark(name, rebind_at=now_ms())

    async def _mark(self, name: str, **marks: int | None) -> None:
        await self._store.write(lambda tx: carriers.update(tx, _row(tx, name)._replace(**marks)))  # type: ignore[arg-type]
        _log.info("carrier marked", carrier=name, **marks)

    async def list(self) -> list[CarrierStatus]:
        """Every carrier with the state of its binds. Cost: counts the queue."""
        return await self._store.read(statuses)

    async def show(self, name: str) -> Shown:
        """One carrier with all its settings, secrets hidden. Raises: NotFound."""

        def unit(tx: Tx) -> Shown:
            row = _row(tx, name)
            return Shown(next(status for status in statuses(tx) if status.id == row.id), values_of(row))

        return await self._store.read(unit)

    async def kind_of(self, name: str) -> str:
        """What a carrier speaks. Raises: NotFound."""
        return (await self._store.read(lambda tx: _row(tx, name))).kind

    async def test(self, name: str) -> tuple[Tried, ...]:
        """Connect to an SMPP carrier, bind and unbind, beside the binds that it has. Raises: NotFound, BadData."""
        row = await self._store.read(lambda tx: _row(tx, name))
        options = decode_options(row.kind, row.options)
        if not isinstance(options, SmppOptions):
            raise BadData(f"{name} has no binds to try", field="name")
        address = Address(row.name, row.host, row.port, row.system_id, row.password, bool(row.tls), row.binds)
        return await try_binds(address, options)


def made_from(
    name: str, known: Profile, profile_name: str, connection: Mapping[str, Any], options: Mapping[str, Any]
) -> NewCarrier:
    """A carrier as its profile has it, with what the operator says besides, which wins.

    Raises: BadData, for what neither says.
    """
    usual = {key: value for key, value in msgspec.structs.asdict(known.connection).items() if value is not None}
    merged = {**usual, **connection}
    for needed in ("host", "port", "system_id", "password"):
        if needed not in merged:
            how = "; the address must be HOST:PORT, like smpp.example.net:2775" if needed == "port" else ""
            raise BadData(f"is needed, the profile {profile_name} does not say it{how}", field=needed)
    made = options_from(known.kind, {**known.options, **options})
    return NewCarrier(name, **merged, options=made, profile=None if profile_name == GENERIC else profile_name)


def _row(tx: Tx, name: str) -> CarrierRow:
    row = carriers.by_name(tx, name)
    if row is None:
        raise NotFound(f"there is no carrier {name}", field="name")
    return row


def _changed(row: CarrierRow, changes: Changes) -> CarrierRow:
    """The carrier after a change. Raises: BadData."""
    columns = {key: value for key, value in changes.set.items() if key in CONNECTION}
    if fixed := sorted(changes.unset & set(CONNECTION)):
        raise BadData("cannot be unset: give it another value", field=fixed[0])
    base, profile_name = _base(row, changes)
    given = {key: msgspec.to_builtins(value) for key, value in changes.set.items() if key not in CONNECTION}
    if isinstance(policies := changes.set.get("unknown"), (list, tuple)):
        given["unknown"] = msgspec.to_builtins(read_policies(policies, options_from(row.kind, dict(base)).unknown))
    options = options_from(row.kind, {**base, **given})
    connection = {key: columns.get(key, getattr(row, key)) for key in CONNECTION}
    check(NewCarrier(row.name, **connection, options=options, profile=profile_name))
    return row._replace(**columns, options=encode_options(options), profile=profile_name)


def _base(row: CarrierRow, changes: Changes) -> tuple[Mapping[str, Any], str | None]:
    """The options that a change begins with, and the profile they come from then. Raises: BadData."""
    known: dict[str, Any] = msgspec.json.decode(row.options)
    if changes.profile is None and not changes.unset:
        return known, row.profile  # what is there stays, even where the file of a profile is gone
    if row.kind != "smpp":
        if changes.profile is not None:
            raise BadData("goes with carriers over SMPP", field="profile")
        return {key: value for key, value in known.items() if key not in changes.unset}, row.profile
    named = changes.profile or row.profile or GENERIC
    own = {key: value for key, value in own_options(row).items() if key not in changes.unset}
    return {**profile(named).options, **own}, None if named == GENERIC else named


def _differences(before: CarrierRow, after: CarrierRow) -> list[str]:
    columns = [name for name in CONNECTION if getattr(before, name) != getattr(after, name)]
    old, new = msgspec.json.decode(before.options), msgspec.json.decode(after.options)
    return columns + sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
