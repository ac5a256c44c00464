"""Why something is as it is: the rule, where its value comes from, and who says so."""

from typing import Literal

import msgspec

from chappe.domain.countries import Country, Source, country, source
from chappe.domain.country_facts import StopRule
from chappe.domain.rule_table import rule_named
from chappe.domain.rulebook import AccountRules

Origin = Literal["account", "parent", "installation", "country", "default", "standard", "hint"]


class Reason(msgspec.Struct, frozen=True):
    """What decides about one thing.

    Shape: `rule` is a name of `domain/rule_table.py`, or says what a standard or the installation decides; `value` is
           as somebody wrote it. `origin` is who set it, the country's file, the default (the settings among it) or a
           standard; a hint is what the country's file knows too unsurely to decide anything. `confidence` and
           `sources` are those of the file; `note` is the operator's or the file's.
    """

    rule: str
    value: str
    origin: Origin
    confidence: str = ""
    note: str = ""
    sources: tuple[Source, ...] = ()


def reason(rules: AccountRules, name: str, code: str) -> Reason:
    """Say where the value of a rule in a country comes from.

    Shape: hours that were set to a profile of the country's file have the sources of that.
    """
    because = rules.because(name, code)
    place = country(code)
    profile = place.profiles.get(because.value) if name == "marketing_hours" else None
    named = profile.sources if profile else because.sources
    return Reason(
        name,
        because.value,
        because.origin,
        profile.confidence if profile else because.confidence,
        because.note or (profile.note if profile else ""),
        tuple([place.cited(each) for each in named]),
    )


def reasons(rules: AccountRules, code: str, *names: str) -> tuple[Reason, ...]:
    """The same for some rules, each once, with the hints about those that nobody has set."""
    found: list[Reason] = []
    for name in dict.fromkeys(names):
        found.append(reason(rules, name, code))
        if found[-1].origin == "default" and (hint := _hint(name, country(code))):
            found.append(hint)
    return tuple(found)


def _hint(name: str, place: Country) -> Reason | None:
    fact = place.facts().get(rule_named(name).fact)
    if fact is None or fact.is_enforced or fact.confidence == "unknown":
        return None
    value = fact.value.style if isinstance(fact.value, StopRule) else str(fact.value)
    sources = tuple([place.cited(each) for each in fact.sources])
    return Reason(name, value, "hint", fact.confidence, fact.note, sources)


def standard(rule: str, value: str, *names: str) -> Reason:
    """What a standard or the data of its makers decides."""
    return Reason(rule, value, "standard", sources=tuple([source(name) for name in names]))
