"""Which carrier gets which message: conditions, order, costs, shares, health."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chappe.domain.errors import BadData
from chappe.domain.lane_health import Health
from chappe.domain.requests import Kind
from chappe.domain.route_order import Costs
from chappe.domain.route_places import NO_TERMS, Terms
from chappe.domain.routes import Conditions, Lane, Route, checked, conditions_text
from chappe.domain.routing import Router, RouteTable, Traffic
from chappe.telecom.networks import known, network_of, networks_in, networks_of

A, B, C = 1, 2, 3
LANES = [Lane(A, "alpha"), Lane(B, "beta"), Lane(C, "gamma")]
SFR, ORANGE, BELGIAN = 33612345678, 33608123456, 32470123456
MONDAY_10 = int(datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/Paris")).timestamp() * 1000)
HOUR = 3_600_000
DOWN, BAD, THROTTLED = Health("down", "not bound"), Health("bad", "few arrive"), Health("throttled", "too fast")
UNPROVEN = Health("unproven", "it has not answered since it was down")


def table(*routes: Route, lanes: list[Lane] | None = None, **more: object) -> RouteTable:
    """A table of some routes, each with an id by its place."""
    numbered = [route._replace(id=place) for place, route in enumerate(routes, 1)]
    return RouteTable(lanes or LANES, numbered, **more)  # type: ignore[arg-type]


def route(lane: int, country: str | None = None, rank: int = 100, weight: int | None = None, **asked: Any) -> Route:
    return Route(0, lane, country, Conditions(**asked), rank, weight)


def router(made: RouteTable, account: int = 10, parent: int | None = None, kind: Kind = "alert") -> Router:
    return made.router(Traffic(account, parent, kind))


def order(
    made: RouteTable,
    number: int = SFR,
    country: str = "FR",
    terms: Terms = NO_TERMS,
    at: int = MONDAY_10,
    **who: Any,
) -> tuple[int, ...]:
    return router(made, **who).order(number, country, terms, at)


# -- conditions


@pytest.mark.parametrize(
    ("asked", "fitting", "other"),
    [
        ({"prefixes": ("33612",)}, {"number": SFR}, {"number": ORANGE}),
        ({"prefixes": ("32", "336")}, {"number": BELGIAN, "country": "BE"}, {"number": 41791234567, "country": "CH"}),
        ({"networks": ("SFR",)}, {"number": SFR}, {"number": ORANGE}),
        ({"accounts": (10,)}, {"account": 10}, {"account": 11}),
        ({"accounts": (10,)}, {"account": 11, "parent": 10}, {"account": 12, "parent": 11}),
        ({"senders": ("Acme",)}, {"terms": Terms("ACME")}, {"terms": Terms("Acmee")}),
        ({"kind": "marketing"}, {"kind": "marketing"}, {"kind": "alert"}),
        ({"hours": "mon-fri 08:00-20:00"}, {"at": MONDAY_10}, {"at": MONDAY_10 + 10 * HOUR}),
        ({"hours": "mon 00:00-10:00"}, {"at": MONDAY_10 - 1}, {"at": MONDAY_10}),
        ({"hours": "mon 09:00-10:00", "zone": "Europe/London"}, {"at": MONDAY_10}, {"at": MONDAY_10 + HOUR}),
    ],
)
def test_a_route_takes_what_all_its_conditions_hold_of(
    asked: dict[str, Any], fitting: dict[str, Any], other: dict[str, Any]
) -> None:
    made = table(route(B, **asked), route(A))
    assert order(made, **fitting) == (B, A)
    assert order(made, **other) == (A,)


def test_all_conditions_must_hold_at_once() -> None:
    made = table(route(B, "FR", prefixes=("33612",), kind="marketing"), route(A))
    assert order(made, kind="marketing") == (B, A)
    assert order(made) == order(made, ORANGE, kind="marketing") == order(made, BELGIAN, "BE", kind="marketing") == (A,)


@pytest.mark.parametrize(
    ("asked", "cost", "price", "is_taken"),
    [
        ({"max_cost_mc": 50}, 50, 0, True),
        ({"max_cost_mc": 50}, 51, 0, False),
        ({"max_cost_mc": 50}, None, 0, False),
        ({"within_price": True}, 800, 800, True),
        ({"within_price": True}, 801, 800, False),
        ({"within_price": True}, None, 800, False),
    ],
)
def test_a_route_may_ask_what_its_carrier_takes(
    asked: dict[str, Any], cost: int | None, price: int, is_taken: bool
) -> None:
    costs = Costs({B: {"FR": cost}} if cost is not None else {})
    made = table(route(B, **asked), route(A, rank=200), costs=costs)
    assert order(made, terms=Terms("", price)) == ((B, A) if is_taken else (A,))


# -- order


def test_the_rank_goes_before_what_a_route_asks_for() -> None:
    made = table(route(A, "FR", prefixes=("33612",)), route(B, rank=50))
    assert order(made) == (B, A)


def test_of_one_rank_the_most_specific_route_goes_first() -> None:
    specific = [
        route(1, accounts=(10,)),
        route(2, senders=("Acme",)),
        route(3, prefixes=("33612",)),
        route(4, prefixes=("336",)),
        route(5, networks=("SFR",)),
        route(6, "FR", kind="alert"),
        route(7, "FR"),
        route(8, kind="alert"),
        route(9),
    ]
    made = table(*reversed(specific), lanes=[Lane(lane, f"c{lane}") for lane in range(1, 10)])
    assert order(made, terms=Terms("Acme")) == tuple(range(1, 10))


def test_the_longest_prefix_of_a_route_that_fits_is_the_one_that_counts() -> None:
    made = table(route(A, prefixes=("3", "336123")), route(B, prefixes=("33612",)))
    assert order(made) == (A, B)
    assert order(made, 33612999999) == (B, A)


def test_no_carrier_is_a_candidate_twice() -> None:
    made = table(route(A, "FR"), route(A), route(B, "FR", rank=200), route(B, rank=300))
    assert order(made) == (A, B)


def test_without_a_route_for_everything_the_first_carrier_comes_last() -> None:
    assert order(table(route(B, "FR"), route(C, rank=100_000, kind="alert"))) == (B, C, A)
    assert order(table(route(B))) == (B,)
    assert order(table()) == (A,)
    assert order(RouteTable()) == ()


def test_a_route_for_tests_takes_nothing_and_its_carrier_takes_nothing_by_being_the_first() -> None:
    made = table(Route(0, A, is_test=True))
    assert order(made) == (B,)
    assert order(table(Route(0, A, is_test=True), route(A, "FR"))) == (A, B)


# -- costs


def test_of_equals_the_cheapest_goes_first_and_who_does_not_say_last() -> None:
    costs = Costs({A: {"FR": 50}, C: {"FR": 40}})
    made = table(route(A, "FR"), route(B, "FR"), route(C, "FR"), costs=costs)
    assert order(made) == (C, A, B)


def test_the_longest_digits_of_a_cost_count_before_the_country_and_the_country_before_the_rest() -> None:
    costs = Costs({A: {"": 90, "FR": 50, "336": 45, "33612": 40}})
    assert [costs.of(A, "FR", str(number)) for number in (SFR, ORANGE, 33712345678)] == [40, 45, 50]
    assert (costs.of(A, "BE", str(BELGIAN)), costs.of(B, "FR", str(SFR))) == (90, None)
    made = table(route(A, "FR"), route(B, "FR"), costs=Costs({A: {"33612": 40, "FR": 60}, B: {"FR": 50}}))
    assert (order(made), order(made, ORANGE)) == ((A, B), (B, A))
    assert router(made).lanes([SFR, ORANGE], ["FR", "FR"], {"FR": NO_TERMS}, MONDAY_10) == [A, B]


def test_weights_go_before_costs() -> None:
    costs = Costs({A: {"FR": 1}, B: {"FR": 2}})
    made = table(route(A, "FR", weight=0), route(B, "FR", weight=1), costs=costs)
    assert order(made) == (B, A)


# -- health


def test_who_is_not_well_comes_after_all_others() -> None:
    routes = (route(A), route(B, rank=200), route(C, rank=300))
    assert order(table(*routes, health={(A, ""): DOWN})) == (B, C, A)
    assert order(table(*routes, health={(A, ""): DOWN, (B, ""): THROTTLED})) == (C, B, A)
    assert order(table(*routes, health={(A, ""): DOWN, (B, ""): DOWN, (C, ""): DOWN})) == (A, B, C)
    paused = [Lane(A, "alpha", is_paused=True), *LANES[1:]]
    assert order(table(*routes, lanes=paused)) == (B, C, A)


def test_who_delivers_badly_in_a_country_is_well_elsewhere_and_keeps_a_small_share() -> None:
    made = table(route(A), route(B, rank=200), health={(A, "FR"): BAD})
    assert order(made, BELGIAN, "BE") == (A, B)
    numbers = list(range(SFR, SFR + 20_000))
    lanes = router(made).lanes(numbers, ["FR"] * len(numbers), {"FR": NO_TERMS}, MONDAY_10)
    assert 0.015 < lanes.count(A) / len(lanes) < 0.025
    later = router(made).lanes(numbers, ["FR"] * len(numbers), {"FR": NO_TERMS}, MONDAY_10 + 60_000)
    assert [i for i, lane in enumerate(lanes) if lane == A] != [i for i, lane in enumerate(later) if lane == A]


def test_who_has_not_answered_since_it_was_down_gets_a_small_share_and_all_when_nobody_else_is_there() -> None:
    made = table(route(A), route(B, rank=200), health={(A, ""): UNPROVEN})
    numbers = list(range(SFR, SFR + 20_000))
    lanes = router(made).lanes(numbers, ["FR"] * len(numbers), {"FR": NO_TERMS}, MONDAY_10)
    assert 0.015 < lanes.count(A) / len(lanes) < 0.025
    nobody = table(route(B), route(A, rank=200), health={(A, ""): UNPROVEN, (B, ""): DOWN})
    assert order(nobody) == (A, B)


# -- accounts that send to nobody


def test_what_is_for_nobody_goes_to_the_carrier_that_sends_nothing_and_nothing_else_does() -> None:
    lanes = [Lane(9, "sandbox", is_sandbox=True), *LANES]
    made = table(route(B, "FR"), Route(0, 9, "FR"), lanes=lanes)
    assert order(made) == (B, A)
    sandbox = made.router(Traffic(10, None, "alert", is_sandbox=True))
    assert sandbox.lanes([SFR], ["FR"], {"FR": NO_TERMS}, MONDAY_10) == [9]
    assert sandbox.order(SFR, "FR", NO_TERMS, MONDAY_10) == (9,)
    assert [each.lane.name for each in sandbox.candidates(SFR, "FR", NO_TERMS, MONDAY_10)] == ["sandbox"]
    nowhere = table().router(Traffic(10, None, "alert", is_sandbox=True))
    assert (nowhere.order(SFR, "FR", NO_TERMS, MONDAY_10), nowhere.lanes([SFR], ["FR"], {}, MONDAY_10)) == ((), [0])


# -- what follows from who may be the first


def test_tables_of_languages_are_used_where_every_carrier_that_may_be_the_first_has_them() -> None:
    lanes = [Lane(A, "a", languages=("turkish", "spanish")), Lane(B, "b", languages=("spanish",)), Lane(C, "c")]
    both = table(route(A, "FR", weight=1), route(B, "FR", weight=1), route(C), lanes=lanes)
    assert router(both).languages("FR") == ("spanish",)
    assert router(both).languages("CH") == ()
    reserve = table(route(A, "FR", weight=1), route(B, "FR", weight=0), lanes=lanes)
    assert set(router(reserve).languages("FR")) == {"turkish", "spanish"}
    some = table(route(A), route(C, "FR", prefixes=("33612",)), lanes=lanes)
    assert router(some).languages("FR") == ()
    down = table(route(C, "FR"), route(B), lanes=lanes, health={(C, ""): DOWN})
    assert router(down).languages("FR") == ("spanish",)


def test_own_senders_are_those_of_all_carriers_that_may_be_the_first_in_a_country() -> None:
    lanes = [Lane(A, "a", "36180"), Lane(B, "b", "Acme"), Lane(C, "c")]
    made = table(route(A, "FR", weight=1), route(B, "FR", weight=1), route(C, "CH"), lanes=lanes)
    assert made.senders() == {"": ("36180",), "FR": ("36180", "Acme"), "CH": ("",)}


# -- why


def test_each_route_says_why_it_does_not_take_a_message() -> None:
    made = table(
        route(B, "BE"), route(B, accounts=(99,)), route(B, kind="marketing"), route(B, senders=("Acme",)),
        route(B, prefixes=("337",)), route(B, networks=("Orange France",)), route(B, within_price=True),
        route(B, hours="sun 08:00-20:00"), Route(0, C, is_test=True), route(A),
    )  # fmt: skip
    found = {each.route.id: each.why_not for each in router(made).considered(SFR, "FR", Terms("Shop", 1), MONDAY_10)}
    assert found == {
        1: "is for BE, the number is in FR",
        2: "is for other accounts",
        3: "is for marketing",
        4: "is for other senders than 'Shop'",
        5: "no prefix of it fits 33612345678",
        6: "the number is of SFR",
        7: "what it takes is not known",
        8: "is open sun 08:00-20:00 Europe/Paris only",
        9: "takes tests only",
        10: "",
    }


def test_the_candidates_are_told_with_their_route_cost_share_and_health() -> None:
    costs = Costs({A: {"FR": 45}})
    made = table(
        route(A, "FR", weight=3), route(B, "FR", weight=1), route(C), costs=costs, health={(C, ""): DOWN}
    )  # fmt: skip
    found = router(made).candidates(SFR, "FR", NO_TERMS, MONDAY_10)
    assert {(each.lane.name, each.route.id, each.cost_mc, each.share, each.health.state) for each in found} == {
        ("alpha", 1, 45, 0.75, "ok"), ("beta", 2, None, 0.25, "ok"), ("gamma", 3, None, 1.0, "down"),
    }  # fmt: skip
    assert found[-1].lane.name == "gamma"


# -- what an operator may say


@pytest.mark.parametrize(
    "wrong",
    [
        route(A, "XX"), route(A, ""), route(A, rank=-1), route(A, rank=1_000_001), route(A, weight=-1),
        route(A, prefixes=("",)), route(A, prefixes=("0612",)), route(A, prefixes=("33a",)), route(A, prefixes=("٣٣",)),
        route(A, prefixes=("1" * 16,)), route(A, networks=("No such network",)), route(A, senders=(" ",)),
        route(A, max_cost_mc=-1), route(A, hours="sometimes"), route(A, hours="mon 08:00-20:00 no-holidays"),
        route(A, zone="Europe/Atlantis"), route(A, accounts=tuple(range(201))), route(A)._replace(note="two\nlines"),
    ],
)  # fmt: skip
def test_what_no_route_can_mean_is_refused(wrong: Route) -> None:
    with pytest.raises(BadData):
        checked(wrong)


def test_conditions_are_kept_in_one_spelling_and_read_on_one_line() -> None:
    found = checked(
        route(A, "FR", prefixes=("+3361", "3361", "3360"), networks=("sfr",), senders=(" Acme ",), kind="marketing",
              hours="Mon-Fri 8:00-20:00", max_cost_mc=45, within_price=True, accounts=(7,))
    )  # fmt: skip
    assert conditions_text(found, ["shop@example.org"]) == (
        "FR, prefix 3360 or 3361, network SFR, account shop@example.org, sender Acme, marketing, cost at most 0.045,"
        " not dearer than the price, mon-fri 08:00-20:00 Europe/Paris"
    )
    assert conditions_text(route(A)) == "everything"


# -- networks


def test_a_number_is_of_the_network_it_was_given_to() -> None:
    assert networks_of([SFR, BELGIAN, 999]) == ["SFR", "Proximus", ""]
    assert network_of(ORANGE) == "Orange France"
    assert "Proximus" in networks_in("BE")
    assert networks_in("XX") == []
    assert (known("sfr"), known("nobody's")) == ("SFR", None)
