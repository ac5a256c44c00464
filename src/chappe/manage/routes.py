"""Routes as the operator sets them up, and why they lead a message where they do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import structlog

from chappe.carriers.kinds import decode_options
from chappe.domain.errors import BadData, NotFound
from chappe.domain.lane_health import Figures, Health
from chappe.domain.requests import Kind
from chappe.domain.route_places import Terms, options
from chappe.domain.routes import NO_CONDITIONS, Conditions, Lane, Route, checked, conditions_text
from chappe.domain.routing import IMPLIED, Candidate, Considered, RouteTable, Traffic
from chappe.domain.rulebook import AccountRules
from chappe.domain.senders import choose_sender
from chappe.store import accounts, audit, carrier_figures, carriers, routes, rules
from chappe.store.audit import Entry
from chappe.store.carriers import CarrierRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx
from chappe.telecom.networks import networks_of
from chappe.telecom.numbers import normalise

_log = structlog.get_logger("chappe.routes")

MAX_ROUTES = 5_000


@dataclass(frozen=True, slots=True)
class NewRoute:
    """What an operator says about a route, as of `domain/routes.Route`."""

    country: str | None = None
    conditions: Conditions = NO_CONDITIONS
    rank: int = 100
    weight: int | None = None
    is_test: bool = False
    note: str = ""

    def to(self, lane: int) -> Route:
        country = self.country.strip().upper() if self.country is not None else None
        return Route(0, lane, country, self.conditions, self.rank, self.weight, self.is_test, self.note)


class RouteStatus(NamedTuple):
    """A route as it is listed. Shape: id 0 is the one that nobody wrote. Units: thousandths of a credit for a part."""

    id: int
    carrier: str
    takes: str
    rank: int
    weight: int | None
    is_test: bool
    cost_mc: int | None
    health: Health
    note: str


class RouteExplanation(NamedTuple):
    """Where the routes lead a message.

    Shape: `sender` is what people would see, empty for the carrier's own.
    Units: thousandths of a credit for a part; milliseconds UTC.
    """

    number: int
    country: str
    network: str
    sender: str
    price_mc: int
    at: int
    candidates: list[Candidate]
    considered: list[Considered]


class Routes:
    """Which carrier takes which messages."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def add(self, carrier: str, *wanted: NewRoute, actor: str = "cli") -> list[int]:
        """Add routes to a carrier, all or none; messages take them half a second later.

        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> list[int]:
            row = _carrier(tx, carrier)
            known = routes.read(tx).routes
            found = []
            for each in wanted:
                route = self._checked(tx, each.to(row.id))
                _refuse_repeat(known, route)
                route = route._replace(id=self._ids.take(tx, "route"))
                known.append(route)
                routes.insert(tx, route, now_ms())
                _audit(tx, actor, "route.add", route, f"{row.name}: {_told(route)}")
                found.append(route.id)
            if len(known) > MAX_ROUTES:
                raise BadData(f"there are {MAX_ROUTES} routes already", field="route")
            rules.changed(tx)
            return found

        return await self._store.write(unit)

    async def change(self, route: int, carrier: str | None, actor: str, **changed: object) -> None:
        """Change some fields of a route; `conditions` are those of its conditions that change.

        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> None:
            before = _route(tx, route)
            fields = dict(changed)
            asked = fields.pop("conditions", {})
            conditions = msgspec.structs.replace(before.conditions, **asked)  # type: ignore[arg-type]
            after = before._replace(conditions=conditions, **fields)  # type: ignore[arg-type]
            if carrier is not None:
                after = after._replace(lane=_carrier(tx, carrier).id)
            after = self._checked(tx, after)
            _refuse_repeat([each for each in routes.read(tx).routes if each.id != route], after)
            routes.update(tx, after)
            rules.changed(tx)
            _audit(tx, actor, "route.set", after, f"{_told(before)} -> {_told(after)}")

        await self._store.write(unit)

    async def remove(self, route: int, actor: str) -> None:
        """Take a route away; what waits stays where it is. Raises: NotFound."""

        def unit(tx: Tx) -> None:
            before = _route(tx, route)
            routes.remove(tx, route, now_ms())
            rules.changed(tx)
            _audit(tx, actor, "route.remove", before, _told(before))

        await self._store.write(unit)

    async def load_costs(self, carrier: str, costs: dict[str, int], actor: str) -> None:
        """Say what a carrier takes for a part, instead of what was said before.

        Shape:  by place: alpha-2 of a country, the first digits of numbers, or empty for the rest.
        Units:  thousandths of a credit.
        Raises: NotFound.
        """

        def unit(tx: Tx) -> None:
            row = _carrier(tx, carrier)
            before = len(routes.costs_of(tx, row.id))
            routes.put_costs(tx, row.id, sorted(costs.items()))
            detail = f"{before} costs -> {len(costs)}"
            audit.add(tx, Entry(now_ms(), actor, "carrier.cost", None, f"carrier {row.name}", detail))

        await self._store.write(unit)
        _log.info("costs loaded", carrier=carrier, places=len(costs))

    def costs(self, carrier: str) -> dict[str, int]:
        """What a carrier takes for a part, by place. Raises: NotFound. Units: thousandths of a credit."""
        return self._store.glance(lambda tx: routes.costs_of(tx, _carrier(tx, carrier).id))

    async def figures(self, carrier: str, since: int, until: int) -> tuple[dict[str, Figures], bool]:
        """What became of the messages that a carrier got in a period, by country, and whether it is asked for receipts.

        Raises: NotFound. Units: milliseconds UTC.
        """

        def read(tx: Tx) -> tuple[dict[str, Figures], bool]:
            row = _carrier(tx, carrier)
            return carrier_figures.by_country(tx, row.id, since, until), decode_options(row.kind, row.options).is_told

        return await self._store.read(read)

    def all(self) -> list[RouteStatus]:
        """Every route, in the order in which they are tried; tests last."""
        return self._store.glance(_statuses)

    def explain(
        self, rules: AccountRules, to: str, *, sender: str | None = None, kind: Kind = "alert", at: int | None = None
    ) -> RouteExplanation:
        """Where the routes lead a message of an account to a number, now or at another time.

        Raises: BadData for what is no number.
        """
        account = rules.account
        read = normalise([to], account.country or "FR")
        number, country = read.e164[0], read.country[0]
        if number is None or country is None or read.problem[0]:
            raise BadData(f"{to} is no mobile number: {read.problem[0] or 'bad_format'}", field="to")
        place = rules.country(country)
        shown = choose_sender(sender, place).text or ""
        terms = Terms(shown, place.price_mc)
        traffic = Traffic(account.id, account.parent_id, kind, account.is_sandbox)
        router = self._store.glance(routes.table).router(traffic)
        now = now_ms() if at is None else at
        key = int(number)
        return RouteExplanation(
            key, country, networks_of([key])[0], shown, place.price_mc, now,
            router.candidates(key, country, terms, now), router.considered(key, country, terms, now),
        )  # fmt: skip

    def _checked(self, tx: Tx, route: Route) -> Route:
        lane = next(lane for lane in routes.lanes(tx) if lane.id == route.lane)
        if lane.is_sandbox:
            raise BadData(f"{lane.name} takes what demo accounts send, and needs no route", field="carrier")
        for account in route.conditions.accounts:
            if accounts.by_id(tx, account) is None:
                raise NotFound(f"there is no account {account}", field="account")
        return checked(route)


def _carrier(tx: Tx, name: str) -> CarrierRow:
    row = carriers.by_name(tx, name)
    if row is None:
        raise NotFound(f"there is no carrier {name}; `chappe carrier list` shows them", field="carrier")
    return row


def _route(tx: Tx, route: int) -> Route:
    found = next((each for each in routes.read(tx).routes if each.id == route), None)
    if found is None:
        raise NotFound(f"there is no route {route}; `chappe route list` shows them", field="route")
    return found


def _refuse_repeat(known: Iterable[Route], wanted: Route) -> None:
    """Raises: BadData when a carrier has such a route already."""
    for each in known:
        if each._replace(id=0, note="", weight=None) == wanted._replace(id=0, note="", weight=None):
            raise BadData(f"route {each.id} is the same; change it with `chappe route set {each.id}`", field="route")


def _told(route: Route) -> str:
    weight = f", weight {route.weight}" if route.weight is not None else ""
    return f"{conditions_text(route)}; rank {route.rank}{weight}{', for tests' if route.is_test else ''}"


def _audit(tx: Tx, actor: str, action: str, route: Route, detail: str) -> None:
    audit.add(tx, Entry(now_ms(), actor, action, None, f"route {route.id}", detail, route.note))


def _statuses(tx: Tx) -> list[RouteStatus]:
    table = routes.table(tx)
    ordered = [option.route for option in options(table.routes, 0)]
    tests = [route for route in table.tests if route.lane in table.lanes_by_id]
    return [_status(tx, table, table.lanes_by_id[route.lane], route) for route in (*ordered, *tests)]


def _status(tx: Tx, table: RouteTable, lane: Lane, route: Route) -> RouteStatus:
    found = [accounts.by_id(tx, account) for account in route.conditions.accounts]
    takes = conditions_text(route, [account.email for account in found if account])
    return RouteStatus(
        id=route.id,
        carrier=lane.name,
        takes="everything else" if route.id == IMPLIED else takes,
        rank=route.rank,
        weight=route.weight,
        is_test=route.is_test,
        cost_mc=table.costs.of(lane.id, route.country or "", (route.conditions.prefixes or ("",))[0]),
        health=table.health(lane.id, route.country or ""),
        note=route.note,
    )
