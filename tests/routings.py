"""Routes for tests that are about something else: countries and their lanes."""

from collections.abc import Mapping

from chappe.domain.routes import Lane, Route
from chappe.domain.routing import RouteTable
from chappe.telecom.gsm7 import Language


def routes_to(
    by_country: Mapping[str, int],
    default: int = 0,
    national: Mapping[int, tuple[Language, ...]] | None = None,
    names: Mapping[int, str] | None = None,
) -> RouteTable:
    """A lane for each country and one for all others, none when it is 0."""
    used = dict.fromkeys([*([default] if default else []), *by_country.values()])
    lanes = [
        Lane(lane, (names or {}).get(lane, f"carrier {lane}"), languages=(national or {}).get(lane, ()))
        for lane in used
    ]
    routes = [Route(i, lane, country) for i, (country, lane) in enumerate(by_country.items(), 1)]
    # A carrier with a route for tests is not the one that takes everything because no route says otherwise.
    others = [Route(100, default)] if default else [Route(100 + lane, lane, is_test=True) for lane in used]
    return RouteTable(lanes, [*routes, *others])
