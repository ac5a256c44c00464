"""`chappe country`."""

from typing import Any, Final

import click
import msgspec

from chappe.domain.countries import Country, countries
from chappe.domain.countries import country as rules_of
from chappe.domain.country_facts import Fact
from chappe.domain.country_words import rules, window_words
from chappe.runtime.cli.country_page import page, source_line
from chappe.runtime.cli.session import json_option, print_json

_WIDTH: Final = 20


@click.group(invoke_without_command=True)
@click.option("--reference", is_flag=True, help="Print docs/countries.md.")
@click.pass_context
def country(context: click.Context, reference: bool) -> None:
    """What is known of countries, and what of it is enforced."""
    if reference:
        click.echo(page(), nl=False)
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())


@country.command("list")
@json_option
def country_list(as_json: bool) -> None:
    """List all countries with what their messages are held to."""
    world = [(place, rules(place)) for place in map(rules_of, countries())]
    if as_json:
        print_json(
            [
                {
                    "code": at.code,
                    "name": at.name,
                    "enforced": [{"rule": rule.words, **_told(at, rule.fact)} for rule in held],
                }
                for at, held in world
            ]
        )
        return
    for place, held in world:
        told = "; ".join([rule.words for rule in held])
        if place.numbers_read_as:
            told = f"as {rules_of(place.numbers_read_as).name}: the numbers cannot be told apart"
        click.echo(f"{place.code}  {place.name}: {told or '-'}")


@country.command("show")
@click.argument("code", metavar="COUNTRY")
@json_option
def country_show(code: str, as_json: bool) -> None:
    """Show all that is known of a COUNTRY (FR), how surely, and who says so."""
    place = rules_of(code.upper())
    if place.code not in countries():
        raise click.ClickException(f"the rulebook has no country {code!r}: `chappe country list` shows those it has")
    if as_json:
        print_json(_as_json(place))
        return
    click.echo(f"{place.name} ({place.code}), +{place.calling_code}, {', '.join(place.zones)}; read {place.read}")
    if place.numbers_read_as:
        other = rules_of(place.numbers_read_as).name
        click.echo(f"Its numbers cannot be told from those of {other}: messages follow the rules of that.")
    for name, fact in place.facts().items():
        _print_fact(place, name, fact)
    for name, profile in place.profiles.items():
        _print_fact(place, f"profile {name}", profile)
    for note in place.notes:
        click.echo(f"Note: {note}")


def _print_fact(place: Country, name: str, fact: Fact[Any]) -> None:
    weight = "enforced" if fact.is_enforced else "hint"
    since = f", since {fact.since}" if fact.since else ""
    click.echo(f"\n{name:<{_WIDTH}} {_words(name, fact)}")
    click.echo(f"{'':<{_WIDTH}} {weight} ({fact.confidence}{since})")
    if fact.note:
        click.echo(f"{'':<{_WIDTH}} {fact.note}")
    for named in fact.sources:
        click.echo(f"{'':<{_WIDTH}}   {source_line(place.cited(named))}")


def _words(name: str, fact: Fact[Any]) -> str:
    """A fact's value as one line."""
    value = msgspec.to_builtins(fact.value)
    if name == "marketing_window" or name.startswith("profile"):
        return window_words(value)
    if isinstance(value, dict):
        return "; ".join([f"{key.replace('_', ' ')}: {_flat(part)}" for key, part in value.items() if part])
    return _flat(value)


def _flat(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(sorted(map(str, value))) if isinstance(value, (list, tuple, set, frozenset)) else str(value)


def _as_json(place: Country) -> dict[str, Any]:
    """A country with, of each fact, whether it is enforced and its sources in full."""
    known = {name: _told(place, fact) for name, fact in place.facts().items()}
    profiles = {name: _told(place, profile) for name, profile in place.profiles.items()}
    rest = msgspec.to_builtins(place)
    head = {
        name: rest[name]
        for name in rest
        if name not in (*place.facts(), "examples", "profiles") and rest[name] is not None
    }
    return {**head, "facts": known, "profiles": profiles}


def _told(place: Country, fact: Fact[Any]) -> dict[str, Any]:
    sources = [{"id": name, **msgspec.to_builtins(place.cited(name))} for name in fact.sources]
    return {**msgspec.to_builtins(fact), "is_enforced": fact.is_enforced, "sources": sources}
