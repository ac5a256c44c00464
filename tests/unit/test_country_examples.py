"""The examples of every country's file, played through the decision that a send gets."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from chappe.domain.accounts import Account
from chappe.domain.countries import Country, Example, countries, country
from chappe.domain.delay import FORMAT
from chappe.domain.explain import explain
from chappe.domain.explanation import Explanation
from chappe.domain.plans import Limits
from chappe.domain.requests import SubmitRequest
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

SHOP = rules_of(Account(1, 1, None, "shop@example.org", "FR", None))
EXAMPLES = [(country(code), example) for code in countries() for example in country(code).examples]


def instant(wall: str, zone: str) -> int:
    return int(datetime.strptime(wall, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def played(example: Example, zone: str) -> Explanation:
    request = SubmitRequest(example.text, ["+" + example.to], example.kind, example.sender)
    return explain(request, SHOP, routes_to({}), Limits(), instant(example.at, zone), hours=HOURS)


def test_there_are_examples_of_all_kinds() -> None:
    assert len(EXAMPLES) > 400
    assert {example.kind for _, example in EXAMPLES} == {"alert", "marketing"}
    assert sum(example.mention for _, example in EXAMPLES) > 20
    assert sum(example.planned != example.at for _, example in EXAMPLES) > 50


@pytest.mark.parametrize(
    ("place", "example"), EXAMPLES, ids=[f"{place.code}: {example.what}" for place, example in EXAMPLES]
)
def test_an_example_of_a_country_comes_true(place: Country, example: Example) -> None:
    told = played(example, place.zones[0])
    assert told.is_sent, told.to.why
    assert told.to.country == (place.numbers_read_as or place.code)
    assert (told.sender.sent_as or "") == example.sent_as
    planned = datetime.fromtimestamp(told.timing.planned_at / 1000, ZoneInfo(place.zones[0]))
    assert planned.strftime("%Y-%m-%d %H:%M") == example.planned
    assert (told.mention.place == "end") == example.mention
    assert told.timing.is_held == (example.planned != example.at)
    for clock in told.timing.clocks:
        datetime.strptime(clock.time, FORMAT)


def test_every_reason_of_an_enforced_fact_names_its_source() -> None:
    for place, example in EXAMPLES:
        told = played(example, place.zones[0])
        because = [*told.mention.because, *told.sender.because, *told.timing.because, *told.wording.because]
        for reason in because:
            if reason.origin in ("country", "standard"):
                assert reason.sources, (place.code, reason.rule)
                assert all(source.title for source in reason.sources)


@pytest.mark.parametrize("code", countries())
def test_the_rules_of_every_country_can_be_applied(code: str) -> None:
    assert SHOP.country(code).country.code == code
