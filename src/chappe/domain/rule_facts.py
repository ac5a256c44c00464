"""What a country's file says, as the value of a rule: only what is sure enough to be enforced."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from chappe.domain.countries import Country
from chappe.domain.country_facts import Fact, ForbiddenNames, StopRule


class RuleFact(NamedTuple):
    """The value a rule has by a country's file, and how the file knows it."""

    value: str
    confidence: str
    sources: tuple[str, ...]
    note: str


def fact_for(name: str, place: Country) -> RuleFact | None:
    """What the country's file says for a rule; None when it says nothing that is enforced."""
    if name not in _READERS:
        return None
    fact: Fact[Any] | None = getattr(place, name)
    if fact is None or not fact.is_enforced:
        return None
    value = _READERS[name](fact.value)
    return RuleFact(value, fact.confidence, fact.sources, fact.note) if value is not None else None


def _sender(style: str) -> str:
    # What a network may replace, or some of them do, is accepted all the same.
    return style if style in ("mandatory", "registration", "not_supported") else "allowed"


def _numeric(style: str) -> str:
    return "not_supported" if style in ("not_supported", "only_numbers_bought_from_the_provider") else "allowed"


def _forbidden(names: ForbiddenNames) -> str:
    return ", ".join(sorted(names.generic_words))


def _mention(stop: StopRule) -> str:
    return "yes" if stop.added_by == "platform" else "no"


_READERS: Final[dict[str, Callable[[Any], str | None]]] = {
    "alpha_sender": _sender,
    "alpha_charset": str,
    "alpha_min_len": str,
    "alpha_max_len": str,
    "alpha_forbidden": _forbidden,
    "numeric_sender": _numeric,
    "stop": _mention,
    "marketing_window": str,
    "max_parts": str,
}
