"""The routes for messages to one country, sorted, and tested as far as it goes without a number."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import Final, NamedTuple

from chappe.domain.lane_health import Health, HealthState
from chappe.domain.plans import UNROUTED
from chappe.domain.requests import Kind
from chappe.domain.route_order import BUCKETS, Costs, bucket, by_share, shares, weights_of, without_repeats
from chappe.domain.routes import Clock, Route
from chappe.telecom.networks import networks_of

# A carrier that delivers badly, or that has not answered since it was down, keeps this part of its messages, so that it
# is seen when it recovers.
PROBE: Final = 0.02
_PROBED: Final[frozenset[HealthState]] = frozenset({"bad", "unproven"})
_MINUTE_MS: Final = 60_000
# Orders remembered of one place: beyond, they are drawn anew.
_MAX_REMEMBERED: Final = 4 * BUCKETS


class Terms(NamedTuple):
    """What people of a country see as sender of a request, empty for the carrier's own, and what a part costs there.

    Units: thousandths of a credit.
    """

    sender: str = ""
    price_mc: int = 0


NO_TERMS: Final = Terms()


class Asked(NamedTuple):
    """What messages of one request to one country have in common. Shape: None for whatever it may be."""

    country: str
    kind: Kind
    accounts: frozenset[int] | None
    terms: Terms | None


class Option(NamedTuple):
    """A route under one of its prefixes, empty for one without."""

    route: Route
    prefix: str

    @property
    def order(self) -> tuple[int, ...]:
        """What sorts it: the rank, then what it asks for, the most telling first."""
        asked = self.route.conditions
        others = bool(asked.kind) + bool(asked.hours) + asked.is_about_cost
        return (
            self.route.rank, -bool(asked.accounts), -bool(asked.senders), -len(self.prefix), -bool(asked.networks),
            -bool(self.route.country), -others,
        )  # fmt: skip


def options(routes: Iterable[Route], number: int | None = None) -> list[Option]:
    """Every route under each of its prefixes, in the order in which they are tried; for a number, each route once."""
    found = []
    for route in routes:
        prefixes = route.conditions.prefixes or ("",)
        if number is not None:
            fitting = [prefix for prefix in prefixes if str(number).startswith(prefix)]
            prefixes = (max(fitting or prefixes, key=len),)
        found += [Option(route, prefix) for prefix in prefixes]
    return sorted(found, key=lambda option: (option.order, option.route.id))


_Test = Callable[[int, str, str, int], bool]
"""Whether something holds of a number, its digits, its network and the time."""


class Place:
    """The routes for messages of one request to one country, sorted and tested as far as it goes without a number."""

    def __init__(self, routes: Iterable[Route], costs: Costs, health: Mapping[int, Health], asked: Asked) -> None:
        """Shape: `health` has every lane of the routes."""
        self._costs = costs
        self._health = health
        self._asked = asked
        self._options = [option for option in options(routes) if not self._never(option.route)]
        self._tests = [self._tests_of(option) for option in self._options]
        self._groups = [
            [at for at, _ in group] for _, group in groupby(enumerate(self._options), key=lambda pair: pair[1].order)
        ]
        self._lanes = tuple(sorted({option.route.lane for option in self._options}))
        self._asks_network = any(option.route.conditions.networks for option in self._options)
        self._asks_cost = any(costs.depend_on_number(lane) for lane in self._lanes)
        self._is_shared = any(self._is_drawn(group) for group in self._groups)
        self._probes = len(self._lanes) > 1 and any(health[lane].state in _PROBED for lane in self._lanes)
        self._known: dict[tuple[object, ...], tuple[int, ...]] = {}

    @cached_property
    def fixed(self) -> int | None:
        """The lane of every message, None where its number or time decides."""
        if self._groups and self._leads(self._groups[0]):
            return self._lane(self._groups[0][0])
        depends = self._is_shared or self._asks_cost or self._probes or any(self._tests)
        return None if depends else self.first(0, 0)

    def first(self, number: int, at: int) -> int:
        order = self.order(number, at)
        return order[0] if order else UNROUTED

    def order(self, number: int, at: int) -> tuple[int, ...]:
        """The lanes, the best first, those that are not well last; none twice."""
        digits = str(number)
        mask = self._mask(number, digits, at)
        here = bucket(number) if self._is_shared else 0
        costs = self._each_cost(digits) if self._asks_cost else None
        is_probe = self._probes and bucket(number + at // _MINUTE_MS) < PROBE * BUCKETS
        key = (mask, here, costs, is_probe)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._drawn(mask, digits, here, is_probe)
        return found

    def firsts(self, *, is_healthy: bool = True) -> list[int]:
        """The lanes that may be the first of some message, well ones if there are any."""
        found: list[int] = []
        for group in self._groups:
            weights = self._weights(group)
            lanes = [at for at in group if not weights or weights[self._lane(at)] or not any(weights.values())]
            well = [at for at in lanes if not is_healthy or not self._health[self._lane(at)].rank]
            found += [self._lane(at) for at in well]
            if any(not self._tests[at] for at in well):
                break
        if not found and self._groups:
            found = [self._lane(at) for at in self._groups[0]]
        return list(dict.fromkeys(found))

    def matching(self, number: int, at: int) -> dict[int, tuple[Route, float]]:
        """lane -> the route that leads to it first, and its share among equals."""
        digits = str(number)
        mask = self._mask(number, digits, at)
        found: dict[int, tuple[Route, float]] = {}
        for group in self._groups:
            holding = [place for place in group if mask >> place & 1]
            if not holding:
                continue
            part = self._shares(holding, digits)
            for place in holding:
                found.setdefault(self._lane(place), (self._options[place].route, part[self._lane(place)]))
        return found

    def why_not(self, option: Option, number: int, at: int) -> str:
        """The first reason why a route does not take a message; empty when it does."""
        asked, route, terms = option.route.conditions, option.route, self._asked.terms
        network = networks_of([number])[0] if asked.networks else ""
        reasons: list[tuple[bool, str]] = [
            (
                self._is_elsewhere(route),
                f"is for {route.country}, the number is in {self._asked.country or 'no country'}",
            ),
            (self._is_others(route), "is for other accounts"),
            (self._is_other_kind(route), f"is for {asked.kind}"),
            (self._is_other_sender(route), f"is for other senders than {terms.sender if terms else ''!r}"),
            (not str(number).startswith(option.prefix), f"no prefix of it fits {number}"),
            (
                bool(asked.networks) and network not in asked.networks,
                f"the number is of {network or 'no known network'}",
            ),
            (not self._is_worth(route, str(number)), self._cost_said(route, number)),
            (bool(asked.hours) and not Clock(asked).is_open(at), f"is open {asked.hours} {asked.zone} only"),
        ]
        return next((said for is_reason, said in reasons if is_reason), "")

    def _leads(self, group: Sequence[int]) -> bool:
        """Whether a group is one well carrier that takes every message."""
        lane = self._lane(group[0])
        is_alone = all(self._lane(at) == lane for at in group)
        return is_alone and any(not self._tests[at] for at in group) and not self._health[lane].rank

    # -- what holds without a number
    def _never(self, route: Route) -> bool:
        return (
            self._is_elsewhere(route) or self._is_others(route) or self._is_other_kind(route)
            or self._is_other_sender(route) or not self._is_ever_worth(route)
        )  # fmt: skip

    def _is_elsewhere(self, route: Route) -> bool:
        return route.country is not None and route.country != self._asked.country

    def _is_others(self, route: Route) -> bool:
        accounts, asking = route.conditions.accounts, self._asked.accounts
        return bool(accounts) and asking is not None and asking.isdisjoint(accounts)

    def _is_other_kind(self, route: Route) -> bool:
        return bool(route.conditions.kind) and route.conditions.kind != self._asked.kind

    def _is_other_sender(self, route: Route) -> bool:
        senders = route.conditions.senders
        if not senders or self._asked.terms is None:
            return False
        return self._asked.terms.sender.casefold() not in [each.casefold() for each in senders]

    def _is_ever_worth(self, route: Route) -> bool:
        return self._costs.depend_on_number(route.lane) or self._is_worth(route, "")

    def _is_worth(self, route: Route, digits: str) -> bool:
        asked = route.conditions
        if not asked.is_about_cost:
            return True
        cost = self._costs.of(route.lane, self._asked.country, digits)
        if cost is None:
            return False
        if asked.max_cost_mc is not None and cost > asked.max_cost_mc:
            return False
        return not asked.within_price or self._asked.terms is None or cost <= self._asked.terms.price_mc

    def _cost_said(self, route: Route, number: int) -> str:
        cost = self._costs.of(route.lane, self._asked.country, str(number))
        return "what it takes is not known" if cost is None else "it takes too much"

    # -- what a number decides
    def _tests_of(self, option: Option) -> list[_Test]:
        asked, lane = option.route.conditions, option.route.lane
        tests: list[_Test] = []
        if option.prefix:
            tests.append(lambda number, digits, network, at: digits.startswith(option.prefix))
        if asked.networks:
            networks = frozenset(asked.networks)
            tests.append(lambda number, digits, network, at: network in networks)
        if asked.is_about_cost and self._costs.depend_on_number(lane):
            tests.append(lambda number, digits, network, at: self._is_worth(option.route, digits))
        if asked.hours:
            is_open = Clock(asked).is_open
            tests.append(lambda number, digits, network, at: is_open(at))
        return tests

    def _mask(self, number: int, digits: str, at: int) -> int:
        """A bit for every option that holds."""
        network = networks_of([number])[0] if self._asks_network else ""
        mask = 0
        for place, tests in enumerate(self._tests):
            if not tests or all(test(number, digits, network, at) for test in tests):
                mask |= 1 << place
        return mask

    def _drawn(self, mask: int, digits: str, here: int, is_probe: bool) -> tuple[int, ...]:
        lanes: list[int] = []
        for group in self._groups:
            holding = [place for place in group if mask >> place & 1]
            weights = self._weights(holding)
            if len(holding) < 2:
                lanes += [self._lane(place) for place in holding]
            elif weights is not None:
                lanes += by_share(weights, here)
            else:
                members = [self._lane(place) for place in holding]
                lanes += self._costs.cheapest_first(members, self._asked.country, digits, here)
        order = without_repeats(lanes)
        return tuple(sorted(order, key=lambda lane: self._illness(lane, is_probe)))

    def _illness(self, lane: int, is_probe: bool) -> int:
        health = self._health[lane]
        return 0 if is_probe and health.state in _PROBED else health.rank

    def _each_cost(self, digits: str) -> tuple[int | None, ...]:
        return tuple([self._costs.of(lane, self._asked.country, digits) for lane in self._lanes])

    def _weights(self, group: Sequence[int]) -> dict[int, int] | None:
        return weights_of([(self._lane(at), self._options[at].route.weight) for at in group])

    def _shares(self, group: Sequence[int], digits: str) -> dict[int, float]:
        weights = self._weights(group)
        if weights is not None:
            return shares(weights)
        lanes = list(dict.fromkeys(self._lane(at) for at in group))
        costs = {lane: self._costs.of(lane, self._asked.country, digits) for lane in lanes}
        known = [cost for cost in costs.values() if cost is not None]
        cheapest = min(known) if known else None
        return shares({lane: int(cost == cheapest) for lane, cost in costs.items()})

    def _is_drawn(self, group: Sequence[int]) -> bool:
        """Whether the order of equals differs from number to number."""
        lanes = {self._lane(at) for at in group}
        if len(lanes) < 2:
            return False
        if self._weights(group) is not None:
            return True
        costs = [self._costs.of(lane, self._asked.country, "") for lane in lanes]
        return len(set(costs)) < len(costs) or any(self._costs.depend_on_number(lane) for lane in lanes)

    def _lane(self, at: int) -> int:
        return self._options[at].route.lane
