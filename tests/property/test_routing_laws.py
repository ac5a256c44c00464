"""Laws of shares and orders, for any routes."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.lane_health import Health
from chappe.domain.route_order import Costs
from chappe.domain.route_places import Terms
from chappe.domain.routes import Conditions, Lane, Route
from chappe.domain.routing import RouteTable, Traffic

LANES = [Lane(lane, f"carrier {lane}") for lane in range(1, 6)]
WHO = Traffic(10, None, "alert")
AT = 1_795_000_000_000
PRICES = Terms("Acme", 50)
NUMBERS = [33_600_000_000 + i * 7919 for i in range(8_000)]

weights = st.dictionaries(st.integers(1, 5), st.integers(1, 100), min_size=1)
lanes_of = st.integers(1, 5)
numbers = st.one_of(st.integers(33_600_000_000, 33_799_999_999), st.integers(32_470_000_000, 32_479_999_999))


@st.composite
def routes(draw: st.DrawFn) -> Route:
    asked = Conditions(
        prefixes=draw(st.sampled_from([(), ("336",), ("33612", "3247"), ("3",)])),
        networks=draw(st.sampled_from([(), (), ("SFR",)])),
        accounts=draw(st.sampled_from([(), (), (10,), (11,)])),
        senders=draw(st.sampled_from([(), (), ("acme",), ("Shop",)])),
        kind=draw(st.sampled_from(["", "", "alert", "marketing"])),
        max_cost_mc=draw(st.sampled_from([None, None, 40])),
        within_price=draw(st.booleans()),
        hours=draw(st.sampled_from(["", "", "mon-fri 08:00-20:00"])),
    )
    rank = draw(st.sampled_from([50, 100, 100, 200]))
    weight = draw(st.sampled_from([None, None, 0, 1, 5]))
    return Route(0, draw(lanes_of), draw(st.sampled_from([None, "FR", "BE"])), asked, rank, weight)


costs = st.dictionaries(lanes_of, st.dictionaries(st.sampled_from(["", "FR", "336", "3247"]), st.integers(30, 60)))
health = st.dictionaries(
    st.tuples(lanes_of, st.sampled_from(["", "FR"])),
    st.sampled_from([Health("ok"), Health("down"), Health("throttled"), Health("bad")]),
)


def shared(given_weights: dict[int, int]) -> RouteTable:
    return RouteTable(LANES, [Route(lane, lane, weight=weight) for lane, weight in given_weights.items()])


def firsts(table: RouteTable) -> list[int]:
    return table.router(WHO).lanes(NUMBERS, ["FR"] * len(NUMBERS), {"FR": PRICES}, AT)


@settings(max_examples=12, deadline=None)
@given(weights)
def test_each_carrier_gets_its_share(given_weights: dict[int, int]) -> None:
    found, total = Counter(firsts(shared(given_weights))), sum(given_weights.values())
    for lane, weight in given_weights.items():
        assert abs(found[lane] / len(NUMBERS) - weight / total) < 0.035


@settings(max_examples=12, deadline=None)
@given(weights, st.integers(1, 100))
def test_a_carrier_that_comes_takes_its_share_and_nobody_else_changes_carriers(
    given_weights: dict[int, int], weight: int
) -> None:
    fresh = 6
    table = RouteTable(
        [*LANES, Lane(fresh, "new")],
        [Route(lane, lane, weight=each) for lane, each in {**given_weights, fresh: weight}.items()],
    )
    before, after = firsts(shared(given_weights)), firsts(table)
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {new for _, new in moved} <= {fresh}
    assert abs(len(moved) / len(NUMBERS) - weight / (weight + sum(given_weights.values()))) < 0.035


@settings(max_examples=60, deadline=None)
@given(st.lists(routes(), max_size=8), costs, health, numbers, st.integers(AT, AT + 7 * 86_400_000))
def test_the_order_names_each_candidate_once_and_many_are_routed_as_each_alone(
    some: list[Route], known: dict[int, dict[str, int]], ill: dict[tuple[int, str], Health], number: int, at: int
) -> None:
    table = RouteTable(LANES, [route._replace(id=i) for i, route in enumerate(some, 1)], Costs(known), ill)
    country = "FR" if str(number).startswith("33") else "BE"
    router = table.router(WHO)
    order = router.order(number, country, PRICES, at)
    assert len(set(order)) == len(order)
    assert order, "the first carrier takes what no route does"
    assert router.lanes([number, number], [country] * 2, {country: PRICES}, [at, at]) == [order[0]] * 2
    assert router.lanes([number], [country], {"FR": PRICES, "BE": PRICES}, at) == [order[0]]
    candidates = router.candidates(number, country, PRICES, at)
    assert tuple(each.lane.id for each in candidates) == order
    assert {each.route.id for each in candidates} <= {
        each.route.id for each in router.considered(number, country, PRICES, at) if not each.why_not
    }
    taking = {each.route.lane for each in router.considered(number, country, PRICES, at) if not each.why_not}
    assert taking == set(order)


@settings(max_examples=60, deadline=None)
@given(st.lists(routes(), max_size=8), costs, health, numbers)
def test_nobody_who_is_down_goes_before_somebody_who_is_well(
    some: list[Route], known: dict[int, dict[str, int]], ill: dict[tuple[int, str], Health], number: int
) -> None:
    table = RouteTable(LANES, [route._replace(id=i) for i, route in enumerate(some, 1)], Costs(known), ill)
    well = RouteTable(LANES, [route._replace(id=i) for i, route in enumerate(some, 1)], Costs(known))
    order = table.router(WHO).order(number, "FR", PRICES, AT)
    states = [table.health(lane, "FR").state for lane in order]
    assert "down" not in states[: len(states) - states.count("down")]
    # Health changes the order and nothing else, and those who are equally well keep theirs.
    before = well.router(WHO).order(number, "FR", PRICES, AT)
    assert set(before) == set(order)
    assert [lane for lane in before if lane in order and table.health(lane, "FR").state == "down"] == [
        lane for lane in order if table.health(lane, "FR").state == "down"
    ]
