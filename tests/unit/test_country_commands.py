"""`chappe country`: what is known of countries is told with its weight and its sources."""

import json

from click.testing import CliRunner, Result

from chappe.domain.countries import countries, country
from chappe.domain.country_words import hints, rules, window_words
from chappe.runtime.cli import cli


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["country", *words])


def test_show_tells_a_rule_how_sure_it_is_and_who_says_so() -> None:
    shown = run("show", "fr").output
    assert "France (FR), +33, Europe/Paris" in shown
    assert "mon-sat 08:00-20:00, not on public holidays" in shown
    assert "enforced (vendor doc, since 2025-03-10)" in shown
    assert "www.smsmode.com" in shown
    assert "hint (single)" in shown
    assert "profile strict" in shown


def test_show_names_the_page_where_a_source_speaks_of_the_country() -> None:
    assert "204017923-Spain-SMS-Features" in run("show", "ES").output


def test_show_says_which_countries_numbers_cannot_be_told_apart() -> None:
    assert "cannot be told from those of Finland" in run("show", "AX").output


def test_show_as_json_has_each_fact_with_its_sources() -> None:
    shown = json.loads(run("show", "BE", "--json").output)
    sender = shown["facts"]["alpha_sender"]
    assert (shown["code"], sender["value"], sender["is_enforced"]) == ("BE", "not_supported", True)
    assert sender["sources"][0]["id"] == "seed"
    assert shown["facts"]["marketing_window"]["is_enforced"] is False
    assert "examples" not in shown


def test_an_unknown_country_is_an_error_in_a_line() -> None:
    refused = run("show", "../FR")
    assert refused.exit_code == 1
    assert refused.output == "Error: the rulebook has no country '../FR': `chappe country list` shows those it has\n"


def test_every_country_can_be_shown_both_ways() -> None:
    for code in countries():
        assert run("show", code).exit_code == 0, code
        assert json.loads(run("show", code, "--json").output)["name"] == country(code).name


def test_list_has_every_country_with_what_is_enforced() -> None:
    lines = run("list").output.splitlines()
    assert len(lines) == len(countries())
    assert "BE  Belgium: names are not shown: the carrier's own number is" in lines
    assert "DE  Germany: -" in lines
    told = {row["code"]: [held["rule"] for held in row["enforced"]] for row in json.loads(run("list", "--json").output)}
    assert told["US"][-1] == "marketing only mon-sun 08:00-21:00"


def test_rules_are_enforced_and_hints_are_not_unless_nothing_can_be_held_to_them() -> None:
    for code in countries():
        place = country(code)
        assert all(rule.fact.is_enforced for rule in rules(place))
        for hint in hints(place):
            assert not hint.fact.is_enforced or hint.fact is place.alpha_sender


def test_holidays_are_part_of_a_window() -> None:
    assert window_words("mon-sat 08:00-20:00 no-holidays") == "mon-sat 08:00-20:00, not on public holidays"
    assert window_words("mon-sun 09:00-20:00") == "mon-sun 09:00-20:00"
