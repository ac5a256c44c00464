"""Why something is as it is: the rule, where its value comes from, and who says so."""

from typing import Literal

import msgspec

from chappe.domain.countries import Source, country, source
from chappe.domain.rulebook import AccountRules

Origin = Literal["account", "parent", "installation", "country", "default", "standard"]


class Reason(msgspec.Struct, frozen=True):
    """What decides about one thing.

    Shape: `rule` is a name of `domain/rule_table.py`, or says what a standard or the installation decides; `value` is
           as somebody wrote it. `origin` is who set it, the country's file, the default (the settings among it) or a
           standard. `confidence` and `sources` are those of the file; `note` is the operator's or the file's.
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
    """The same for some rules, each once."""
    return tuple([reason(rules, name, code) for name in dict.fromkeys(names)])


def standard(rule: str, value: str, *names: str) -> Reason:
    """What a standard or the data of its makers decides."""
    return Reason(rule, value, "standard", sources=tuple([source(name) for name in names]))
