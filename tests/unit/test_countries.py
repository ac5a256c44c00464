"""The rulebook: every country's file can be trusted to be whole, and says how sure it is."""

import re
from datetime import datetime
from zoneinfo import available_timezones

import pytest

from chappe.domain.countries import Country, countries, country, source, sources
from chappe.domain.country_facts import Fact, WindowFact
from chappe.domain.windows import read_window
from chappe.telecom.numbers import normalise

WITHOUT_MOBILES = {"TA"}
OVERSEAS_FRANCE = ("GP", "MQ", "GF", "RE", "YT", "BL", "MF", "PM", "NC", "PF", "WF")


@pytest.fixture(params=countries())
def each(request: pytest.FixtureRequest) -> Country:
    return country(request.param)


def test_the_rulebook_has_the_whole_world() -> None:
    assert len(countries()) == 245


def test_a_code_of_no_country_has_no_facts_and_no_fault() -> None:
    for code in ("001", "QQ", "../FR", "sources", ""):
        assert country(code) == Country(code=code, name=code)


def test_a_country_has_a_name_a_calling_code_and_zones_that_exist(each: Country) -> None:
    assert each.name != each.code
    assert each.calling_code
    assert each.zones
    assert set(each.zones) <= available_timezones()
    assert each.read


def test_every_fact_names_sources_that_exist(each: Country) -> None:
    for name, fact in {**each.facts(), **each.profiles}.items():
        assert fact.sources, name
        for named in fact.sources:
            assert source(named).title, named
    assert set(each.pages) <= set(sources())


def test_nothing_is_written_down_as_unknown_and_no_assumption_is_enforced(each: Country) -> None:
    for name, fact in each.facts().items():
        assert fact.confidence != "unknown", name
        assert not (fact.confidence == "assumption" and fact.is_enforced), name


def test_windows_can_be_read(each: Country) -> None:
    windows = [fact.value for fact in (each.marketing_window, *each.profiles.values()) if fact]
    states = each.quiet_hours_states.value.values() if each.quiet_hours_states else ()
    for text in (*windows, *states):
        assert read_window(text).spans, text


def test_the_signs_of_names_are_a_class_of_a_regular_expression(each: Country) -> None:
    if each.alpha_charset:
        assert re.fullmatch(f"[{each.alpha_charset.value}]+", "ACME")


def test_every_country_with_mobiles_has_examples_to_numbers_of_its_own(each: Country) -> None:
    assert bool(each.examples) == (each.code not in WITHOUT_MOBILES)
    for example in each.examples:
        read = normalise([f"+{example.to}"], "FR")
        assert (read.e164, read.problem) == ([example.to], [None]), example
        assert read.country == [each.numbers_read_as or each.code], example


def test_examples_can_be_read_and_differ(each: Country) -> None:
    asked = [(e.kind, e.to, e.sender, e.at, e.text) for e in each.examples]
    assert len(set(asked)) == len(asked)
    for example in each.examples:
        assert datetime.fromisoformat(example.planned) >= datetime.fromisoformat(example.at)
        assert example.what


def test_confidence_decides_what_is_enforced() -> None:
    def enforced(code: str, name: str) -> bool:
        fact: Fact[object] = getattr(country(code), name)
        return fact.is_enforced

    assert enforced("FR", "alpha_sender")  # several
    assert enforced("CH", "alpha_sender")  # seed
    assert enforced("US", "marketing_window")  # law
    assert enforced("FR", "alpha_forbidden")  # a provider's documentation, of the shape of a sender
    assert enforced("DE", "alpha_max_len")  # the standard of the networks
    assert not enforced("CO", "marketing_window")  # a provider's documentation, of hours
    assert not enforced("DE", "marketing_window")  # a single source
    assert not enforced("BE", "marketing_window")  # sources that disagree
    assert not enforced("GB", "alpha_charset")
    assert not enforced("GP", "stop")  # an assumption
    assert not enforced("TR", "national_shift")  # the standard, but not of a length


def test_france_belgium_and_switzerland_are_as_the_copied_service_says() -> None:
    def value(code: str, name: str) -> object:
        fact: Fact[object] = getattr(country(code), name)
        assert fact.is_enforced
        return fact.value

    assert value("FR", "alpha_sender") == "allowed"
    assert value("FR", "alpha_max_len") == 11
    assert value("FR", "marketing_window") == "mon-sat 08:00-20:00 no-holidays"
    assert value("FR", "default_sender") == "short_code"
    assert value("BE", "alpha_sender") == "not_supported"
    assert value("BE", "two_way") is True
    assert value("CH", "alpha_sender") == "mandatory"
    assert value("CH", "default_sender") == "alpha_platform_default"
    assert value("CH", "two_way") is False
    stop = country("FR").stop
    assert stop
    assert (stop.is_enforced, stop.value.added_by) == (True, "platform")


def test_overseas_france_has_the_hours_and_the_profiles_of_france() -> None:
    france = country("FR")
    assert set(france.profiles) == {"seed", "af2m_2024", "af2m_2026", "strict"}
    for code in OVERSEAS_FRANCE:
        window = country(code).marketing_window
        assert isinstance(window, WindowFact)
        assert france.marketing_window
        assert (window.value, window.is_enforced, window.as_in) == (france.marketing_window.value, True, "FR")
        assert country(code).profiles == france.profiles
        assert "Europe/Paris" not in country(code).zones


def test_hours_are_enforced_where_a_law_or_several_say_so() -> None:
    enforced = {c for c in countries() if (window := country(c).marketing_window) and window.is_enforced}
    assert enforced == {"FR", "JP", "US", "ZA", *OVERSEAS_FRANCE}
