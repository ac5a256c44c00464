"""The rulebook as a page of the documentation."""

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from chappe.domain.countries import Country, Source, countries, country, source
from chappe.domain.country_facts import Fact, WindowFact
from chappe.domain.country_words import hints, rules

_INTRODUCTION: Final = """\
# Countries

What the rulebook knows of each country is in [`src/chappe/rules/countries`](../src/chappe/rules/countries), a file
for each, with sources. A fact is *enforced* when the copied service states it (`seed`), a law does (`law`) or several
sources agree (`several`); for the shape of a sender the documentation of one provider is enough (`vendor doc`), for its
length the standard of the networks (`standard`). What is less sure is a *hint*: it is told and changes no message.
This is not legal advice; hours that are not marked `law` are a habit of operators or providers.

Anywhere a name has at most 11 characters (3gpp). Overseas France has the hours of France; that they are meant in
the territory's own time is an assumption of this rulebook. `chappe country show FR` shows all that is known.

## Enforced

| country | rule | confidence | sources | since |
| --- | --- | --- | --- | --- |
"""
_ALIKE: Final = """\

## Numbers that cannot be told apart

These share their numbers with another country, so that messages to them follow the rules of that one:
"""
_HINTS: Final = """\

## Hints

Known less surely, or nothing that a message can be held to. What else the files know (short and long numbers, replies,
parts, consent, notes) is told by `chappe country show`.

| country | hint | confidence | sources |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Write docs/countries.md."""
    world = sorted(map(country, countries()), key=_in_order)
    alike = [place for place in world if place.numbers_read_as]
    own = [place for place in world if not place.numbers_read_as]
    lines = [_INTRODUCTION]
    lines += [_row(place, words, _grade(fact), _named(fact), fact.since or "") for place, words, fact in _enforced(own)]
    lines += [_ALIKE, "\n", ", ".join([f"{at.name} (as {country(at.numbers_read_as).name})" for at in alike]), ".\n"]
    lines += [_HINTS]
    lines += [_row(at, words, _grade(fact), _named(fact)) for at, words, fact in _hinted(own)]
    lines += ["\n## Sources\n\n", *_sources([fact for _, _, fact in (*_enforced(own), *_hinted(own))])]
    return "".join(lines)


def _enforced(world: list[Country]) -> Iterator[tuple[Country, str, Fact[Any]]]:
    return ((place, rule.words, rule.fact) for place in world for rule in rules(place))


def _hinted(world: list[Country]) -> Iterator[tuple[Country, str, Fact[Any]]]:
    return ((place, hint.words, hint.fact) for place in world for hint in hints(place))


def _row(place: Country, *cells: object) -> str:
    return f"| {place.name} ({place.code}) | {' | '.join(map(str, cells))} |\n"


def _in_order(place: Country) -> str:
    """A name as it is sorted: accents count for nothing."""
    return unicodedata.normalize("NFKD", place.name).encode("ascii", "ignore").decode()


def _grade(fact: Fact[Any]) -> str:
    """How sure it is, and what kind of rule says when marketing is open."""
    kind = fact.kind.replace("_", " ") if isinstance(fact, WindowFact) else ""
    return f"{fact.confidence}: {kind}" if kind and kind != fact.confidence else fact.confidence


def _named(fact: Fact[Any]) -> str:
    return ", ".join(fact.sources)


def _sources(facts: list[Fact[Any]]) -> Iterator[str]:
    for name in sorted({name for fact in facts for name in fact.sources} | {"3gpp"}):
        yield f"- {name}: {source_line(source(name))}\n"


def source_line(told: Source) -> str:
    """Say who says something and where, in a line."""
    return ", ".join(filter(None, [told.title, told.url or told.where, told.date]))
