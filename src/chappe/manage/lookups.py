"""Look-ups: ask a carrier about numbers, for a credit each that it tells something about."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import structlog

from chappe.carriers.kinds import decode_options
from chappe.carriers.lookups import LookupFailed, LookupService
from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, InsufficientCredits, Unavailable
from chappe.domain.lookups import LookupResult, malformed, unanswered
from chappe.domain.pricing import MC, balance_credits, cost_credits
from chappe.domain.route_places import NO_TERMS
from chappe.domain.routing import Traffic
from chappe.manage.pages import Page
from chappe.store import carriers, lookups, routes, wallets
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.lookups import LookupRow, NewLookup, OpenLookup
from chappe.store.sqlite import Store, Tx
from chappe.store.wallets import Settlement
from chappe.telecom.numbers import normalise

if TYPE_CHECKING:
    from chappe.carriers.lookup_client import LookupClient

_log = structlog.get_logger("chappe.lookups")

PRICE_MC: Final = MC
MAX_NUMBERS: Final = 1000
# Numbers in one request to a carrier; several go out side by side.
BATCH: Final = 100
TIMEOUT_S: Final = 20.0
AT_ONCE: Final = 8
MAX_WAITING: Final = 64
# An answer comes within seconds or not at all: after this its process has died.
ABANDONED_MS: Final = 5 * 60 * 1000
EVERY_S: Final = 30.0
CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The results of one request in its order. Units: whole credits; `credits` is the balance afterwards."""

    results: list[LookupResult]
    cost: int
    credits: int


@dataclass(frozen=True, slots=True)
class LookupFilter:
    """Which look-ups to list. Shape: `number` is a piece of one. Units: milliseconds UTC, both ends included."""

    from_at: int | None = None
    to_at: int | None = None
    number: str | None = None
    start: int = 0
    length: int = 100


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up as listed. Units: milliseconds UTC, whole credits."""

    asked_at: int
    cost: int
    result: LookupResult


class _Asked(NamedTuple):
    """One request: what is answered in its place, and who is asked about which numbers."""

    places: list[int | LookupResult]
    by_carrier: dict[int, list[int]]


class Lookups:
    """Look-ups of this installation's accounts.

    The price is reserved before a carrier is asked. What dies in between is given back by `settle_abandoned`.
    """

    def __init__(self, store: Store, ids: Ids, *, timeout_s: float = TIMEOUT_S) -> None:
        self._store = store
        self._ids = ids
        self._timeout_s = timeout_s
        self._client: LookupClient | None = None
        self._free = asyncio.Semaphore(AT_ONCE)
        self._loading = asyncio.Lock()
        self._waiting = 0

    async def look_up(self, account: Account, inputs: Sequence[str]) -> LookedUp:
        """Ask about some numbers; each is asked about, and costs, once.

        Shape:  what is no mobile number, and what the carrier does not answer for, has a result and costs nothing.
        Raises: BadData; InsufficientCredits; Unavailable when nothing was answered, and then nothing was spent.
        """
        if not inputs:
            raise BadData("give at least one number", field="lookup.to")
        if len(inputs) > MAX_NUMBERS:
            raise BadData(f"{len(inputs)} numbers; at most {MAX_NUMBERS} in one request", field="lookup.to")
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many look-ups are going on")
        self._waiting += 1
        try:
            return await self._look_up(account, inputs)
        finally:
            self._waiting -= 1

    async def _look_up(self, account: Account, inputs: Sequence[str]) -> LookedUp:
        services = self._store.glance(_services)
        asked = self._sorted_out(inputs, account, services)
        if not asked.by_carrier:
            results = [each for each in asked.places if isinstance(each, LookupResult)]
            wallet = self._store.glance(lambda tx: wallets.read(tx, account.wallet_id))
            return LookedUp(results, 0, balance_credits(wallet.available_mc))
        rows = await self._store.write(lambda tx: self._reserve(tx, account, asked.by_carrier))
        found = await self._ask_all(services, asked.by_carrier)
        captured_mc, left_mc = await self._store.write(lambda tx: _record(tx, rows, found))
        _log.info("looked up", account=account.id, numbers=len(rows), answered=captured_mc // PRICE_MC)
        if not found:
            raise Unavailable("no carrier answered a look-up; nothing was spent")
        results = [
            each if isinstance(each, LookupResult) else found.get(each) or unanswered(each) for each in asked.places
        ]
        return LookedUp(results, cost_credits(captured_mc), balance_credits(left_mc))

    def _sorted_out(self, inputs: Sequence[str], account: Account, services: dict[int, LookupService]) -> _Asked:
        """Read the numbers, and choose for each a carrier that can be asked."""
        read = normalise(inputs, account.country)
        table = self._store.glance(routes.table)
        router = table.router(Traffic(account.id, account.parent_id, "alert"))
        places: list[int | LookupResult] = []
        by_carrier: dict[int, list[int]] = defaultdict(list)
        seen: set[str] = set()
        for written, number, country, problem in zip(inputs, read.e164, read.country, read.problem, strict=True):
            is_number = number is not None and country is not None and problem is None
            key = number if is_number and number else written
            if key in seen:
                continue
            seen.add(key)
            if not is_number or number is None or country is None:
                places.append(malformed(written, problem or "bad_format"))
                continue
            places.append(int(number))
            [carrier] = router.lanes([int(number)], [country], {country: NO_TERMS}, now_ms())
            if carrier not in services:
                carrier = next(iter(services), 0)
            by_carrier[carrier].append(int(number))
        if by_carrier and not services:
            raise BadData("no carrier of this server offers look-ups", field="lookup")
        return _Asked(places, by_carrier)

    def _reserve(self, tx: Tx, account: Account, by_carrier: dict[int, list[int]]) -> list[NewLookup]:
        now = now_ms()
        count = sum(map(len, by_carrier.values()))
        if wallets.reserve(tx, account.wallet_id, account.id, None, count * PRICE_MC, now) is None:
            have = balance_credits(wallets.read(tx, account.wallet_id).available_mc)
            raise InsufficientCredits(f"this costs {cost_credits(count * PRICE_MC)} credits and the account has {have}")
        first = self._ids.take(tx, "lookup", count)
        pairs = [(carrier, number) for carrier, numbers in by_carrier.items() for number in numbers]
        rows = [
            NewLookup(first + i, account.id, account.wallet_id, carrier, number, PRICE_MC, now)
            for i, (carrier, number) in enumerate(pairs)
        ]
        lookups.add(tx, rows)
        return rows

    async def _ask_all(
        self, services: dict[int, LookupService], by_carrier: dict[int, list[int]]
    ) -> dict[int, LookupResult]:
        """What the carriers tell in the time there is; a batch that fails leaves out its numbers."""
        tasks = [
            asyncio.create_task(self._ask(services[carrier], numbers[at : at + BATCH]))
            for carrier, numbers in by_carrier.items()
            for at in range(0, len(numbers), BATCH)
        ]
        try:
            done, _ = await asyncio.wait(tasks, timeout=self._timeout_s)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        found: dict[int, LookupResult] = {}
        for task in done:
            found.update(task.result())
        return found

    async def _ask(self, service: LookupService, numbers: list[int]) -> dict[int, LookupResult]:
        client = await self._loaded()
        async with self._free:
            try:
                return await client.ask(service, numbers)
            except LookupFailed as failed:
                _log.warning("look-up failed", reason=str(failed), numbers=len(numbers))
                return {}

    async def _loaded(self) -> "LookupClient":
        """The client, with the HTTP library that it needs: loaded with the first look-up, beside the loop."""
        async with self._loading:
            if self._client is None:
                module = await asyncio.to_thread(import_module, "chappe.carriers.lookup_client")
                self._client = module.LookupClient(timeout_s=self._timeout_s)
            return self._client

    async def find(self, account: Account, wanted: LookupFilter) -> Page[Lookup]:
        """A page of the account's look-ups that were answered, the newest first."""
        rows, total, matching = await self._store.read(
            lambda tx: lookups.page(
                tx, account.id, wanted.from_at, wanted.to_at, wanted.number, wanted.start, wanted.length
            )
        )
        return Page([_listed(row) for row in rows], total, matching)

    async def settle_abandoned(self) -> None:
        """Give back what is reserved for look-ups whose process died before the answer: a round of the worker."""

        def unit(tx: Tx) -> int:
            rows = lookups.open_before(tx, now_ms() - ABANDONED_MS, CHUNK)
            _record(tx, rows, {})
            return len(rows)

        if not self._store.glance(lambda tx: lookups.open_before(tx, now_ms() - ABANDONED_MS, 1)):
            return
        while count := await self._store.write(unit):
            _log.warning("look-ups were never answered", numbers=count)

    async def close(self) -> None:
        """Close the connections to carriers."""
        if self._client is not None:
            await self._client.close()


def _services(tx: Tx) -> dict[int, LookupService]:
    """The carriers that offer look-ups, the oldest first."""
    found = {}
    for row in carriers.all_carriers(tx):
        options = decode_options(row.kind, row.options)
        if options.lookup_url:
            found[row.id] = LookupService(options.lookup_url, options.lookup_token)
    return found


def _record(
    tx: Tx, rows: Iterable[NewLookup] | Iterable[OpenLookup], found: dict[int, LookupResult]
) -> tuple[int, int]:
    """Settle look-ups: captured where something is known, given back elsewhere.

    Shape: (what was captured, what the wallet has now); those that were settled before are left as they are.
    Units: thousandths of a credit.
    """
    captured: dict[tuple[int, int], int] = defaultdict(int)
    released: dict[tuple[int, int], int] = defaultdict(int)
    wallet = 0
    for row in rows:
        result = found.get(row.number) if isinstance(row, NewLookup) else None
        encoded = msgspec.json.encode(result).decode() if result else None
        is_answer = result is not None and result.is_looked_up
        wallet = row.wallet_id
        if lookups.settle(tx, row.id, lookups.ANSWERED if is_answer else lookups.FAILED, encoded):
            (captured if is_answer else released)[row.wallet_id, row.account_id] += row.price_mc
    owners = captured.keys() | released.keys()
    wallets.settle(
        tx,
        [Settlement(*owner, None, captured.get(owner, 0), released.get(owner, 0)) for owner in sorted(owners)],
        now_ms(),
    )
    return sum(captured.values()), wallets.read(tx, wallet).available_mc


def _listed(row: LookupRow) -> Lookup:
    return Lookup(row.asked_at, cost_credits(row.price_mc), msgspec.json.decode(row.result, type=LookupResult))
