"""Which carrier gets which message: the candidates in order, for one message or for many at once.

Of the routes that match a message, the lowest rank goes first, then the most specific one. Equals share by their
weights; without weights the cheapest goes first, and what costs the same is shared evenly. Carriers that are not well
stand behind all others, in the same order. What follows the first is who gets the message when that one cannot.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from chappe.domain.lane_health import WELL, Health
from chappe.domain.plans import UNROUTED
from chappe.domain.requests import Kind
from chappe.domain.route_order import Costs
from chappe.domain.route_places import NO_TERMS, Asked, Place, Terms, options
from chappe.domain.routes import NO_CONDITIONS, Lane, Route
from chappe.telecom.gsm7 import LANGUAGES, Language

# Places remembered: accounts, senders and prices multiply them where routes ask for those.
_MAX_PLACES: Final = 5_000
# The route that nobody wrote: to the first carrier, after all others.
IMPLIED: Final = 0
_LAST: Final = 1 << 40


class Traffic(NamedTuple):
    """Whose messages they are, and of which kind. Shape: those that are a `is_sandbox` account's go to nobody."""

    account: int
    parent: int | None
    kind: Kind
    is_sandbox: bool = False

    @property
    def accounts(self) -> frozenset[int]:
        """The account, and the one it belongs to."""
        return frozenset({self.account} if self.parent is None else {self.account, self.parent})


class Candidate(NamedTuple):
    """A carrier that may take a message, and by which route. Units: thousandths of a credit; `share` is 0 to 1."""

    route: Route
    lane: Lane
    cost_mc: int | None
    health: Health
    share: float


class Considered(NamedTuple):
    """A route and why it takes a message or not. Shape: `why_not` is empty for one that does."""

    route: Route
    lane: Lane
    why_not: str


class RouteTable:
    """All routes, and what is known of the carriers they lead to."""

    def __init__(
        self,
        lanes: Iterable[Lane] = (),
        routes: Iterable[Route] = (),
        costs: Costs | None = None,
        health: Mapping[tuple[int, str], Health] | None = None,
    ) -> None:
        self.lanes_by_id = {lane.id: lane for lane in lanes}
        self.costs = costs or Costs()
        self._health = health or {}
        self.tests = [route for route in routes if route.is_test]
        self.routes = [route for route in routes if self._is_open(route)]
        self.routes += self._implied()
        self._asks_account = any(route.conditions.accounts for route in self.routes)
        self._asks_kind = any(route.conditions.kind for route in self.routes)
        self._asks_sender = any(route.conditions.senders for route in self.routes)
        self._asks_price = any(route.conditions.within_price for route in self.routes)
        self.asks_terms = self._asks_sender or self._asks_price
        self.is_national = any(lane.languages for lane in self.lanes_by_id.values())
        """Whether any carrier passes the tables of languages on."""
        # country -> the lane of every message to it, whoever sends it and whatever it is: the usual case.
        self.plain: dict[str, int] = {}
        self._is_plain = not (self._asks_account or self._asks_kind or self.asks_terms)
        self._places: dict[tuple[object, ...], Place] = {}

    @classmethod
    def only(cls, lane: Lane) -> "RouteTable":
        """A table in which everything goes to one carrier."""
        return cls([lane._replace(is_sandbox=False)], [Route(IMPLIED, lane.id)])

    @property
    def sandbox_lane(self) -> int:
        """Where the messages of accounts go that send to nobody."""
        return next((lane.id for lane in self.lanes_by_id.values() if lane.is_sandbox), UNROUTED)

    def router(self, traffic: Traffic) -> "Router":
        """What holds for the messages of one request."""
        return Router(self, traffic)

    def place(self, traffic: Traffic, country: str, terms: Terms) -> "Place":
        """What holds for messages to a country. Cost: a look-up from the second time on."""
        key = (
            country,
            traffic.accounts if self._asks_account else None,
            traffic.kind if self._asks_kind else None,
            terms.sender.casefold() if self._asks_sender else None,
            terms.price_mc if self._asks_price else None,
        )
        found = self._places.get(key)
        if found is None:
            if len(self._places) >= _MAX_PLACES:
                self._places.clear()
            asked = Asked(country, traffic.kind, traffic.accounts, terms)
            found = self._places[key] = self._place(asked)
            if self._is_plain and found.fixed is not None:
                self.plain[country] = found.fixed
        return found

    def _place(self, asked: Asked) -> Place:
        health = {lane: self.health(lane, asked.country) for lane in self.lanes_by_id}
        return Place(self.routes, self.costs, health, asked)

    def health(self, lane: int, country: str = "") -> Health:
        """How a lane is doing for messages to a country: the worse of what holds there and everywhere."""
        known = self.lanes_by_id.get(lane)
        if known is not None and known.is_paused:
            return Health("paused", "the operator paused it")
        everywhere = self._health.get((lane, ""), WELL)
        here = self._health.get((lane, country), WELL) if country else everywhere
        return max(everywhere, here, key=lambda health: health.rank)

    def senders(self) -> dict[str, tuple[str, ...]]:
        """The own senders of the carriers that may be the first to take messages, by country; "" for all others.

        Shape: empty texts are carriers whose own sender nobody knows.
        """
        places = {"", *(route.country for route in self.routes if route.country)}
        return {place: self._senders(place) for place in places}

    def _senders(self, country: str) -> tuple[str, ...]:
        kinds: tuple[Kind, ...] = ("alert", "marketing")
        firsts = [
            lane for kind in kinds for lane in self._place(Asked(country, kind, None, None)).firsts(is_healthy=False)
        ]
        return tuple(dict.fromkeys(self.lanes_by_id[lane].sender for lane in firsts))

    def _is_open(self, route: Route) -> bool:
        lane = self.lanes_by_id.get(route.lane)
        return not route.is_test and lane is not None and not lane.is_sandbox

    def _implied(self) -> Iterator[Route]:
        """Without a route for everything the first carrier takes what no route does; one with test routes does not."""
        if any(route.country is None and route.conditions == NO_CONDITIONS for route in self.routes):
            return
        kept = {route.lane for route in self.tests}
        for lane in self.lanes_by_id.values():
            if lane.id not in kept and not lane.is_sandbox:
                yield Route(IMPLIED, lane.id, rank=_LAST)
                return


class Router:
    """The routes as one request meets them."""

    def __init__(self, table: RouteTable, traffic: Traffic) -> None:
        self._table = table
        self._traffic = traffic

    def lanes(
        self, numbers: Sequence[int], countries: Sequence[str], terms: Mapping[str, Terms], ready: Sequence[int] | int
    ) -> list[int]:
        """The first candidate of each message, UNROUTED where there is none.

        Shape: columns of one length; `terms` has every country of `countries`; `ready` is when each may leave, or all.
        Cost:  a look-up a message where only countries matter; a microsecond or three where its number does.
        """
        if self._traffic.is_sandbox:
            return [self._table.sandbox_lane] * len(numbers)
        plain = self._table.plain
        try:
            return [plain[country] for country in countries]
        except KeyError:
            pass  # the first to a country, or its numbers matter
        places = {country: self._table.place(self._traffic, country, said) for country, said in terms.items()}
        fixed = {country: lane for country, place in places.items() if (lane := place.fixed) is not None}
        if len(fixed) == len(places):
            if len(fixed) == 1:
                return list(fixed.values()) * len(numbers)
            return [fixed[country] for country in countries]
        times = [ready] * len(numbers) if isinstance(ready, int) else ready
        rows = zip(numbers, countries, times, strict=True)
        return [fixed[c] if c in fixed else places[c].first(number, at) for number, c, at in rows]

    def order(self, number: int, country: str, terms: Terms, at: int) -> tuple[int, ...]:
        """The lanes that may take a message, the best first; those that are not well come last."""
        if self._traffic.is_sandbox:
            return (self._table.sandbox_lane,) if self._table.sandbox_lane else ()
        return self._table.place(self._traffic, country, terms).order(number, at)

    def languages(self, country: str, terms: Terms = NO_TERMS) -> tuple[Language, ...]:
        """The languages whose tables every carrier passes on that may be the first to take messages to a country."""
        if not self._table.is_national or self._traffic.is_sandbox:
            return ()
        firsts = self._table.place(self._traffic, country, terms).firsts()
        known = [self._table.lanes_by_id[lane].languages for lane in firsts]
        return tuple([each for each in LANGUAGES if known and all(each in some for some in known)])

    def candidates(self, number: int, country: str, terms: Terms, at: int) -> list[Candidate]:
        """The carriers that may take a message, the best first, each with the route that leads to it."""
        table = self._table
        if self._traffic.is_sandbox:
            sandbox = table.lanes_by_id.get(table.sandbox_lane)
            return [Candidate(Route(IMPLIED, sandbox.id), sandbox, 0, WELL, 1.0)] if sandbox else []
        place = table.place(self._traffic, country, terms)
        by_lane = place.matching(number, at)
        found = []
        for lane in place.order(number, at):
            route, share = by_lane[lane]
            cost = table.costs.of(lane, country, str(number))
            found.append(Candidate(route, table.lanes_by_id[lane], cost, table.health(lane, country), share))
        return found

    def considered(self, number: int, country: str, terms: Terms, at: int) -> list[Considered]:
        """Every route with the first reason why it does not take a message, in the order in which they are tried."""
        table = self._table
        place = table.place(self._traffic, country, terms)
        found = [
            Considered(option.route, table.lanes_by_id[option.route.lane], place.why_not(option, number, at))
            for option in options(table.routes, number)
        ]
        tests = [route for route in table.tests if route.lane in table.lanes_by_id]
        return found + [Considered(route, table.lanes_by_id[route.lane], "takes tests only") for route in tests]
