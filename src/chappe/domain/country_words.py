"""What the rulebook makes messages to a country respect, in words."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from chappe.domain.countries import Country
from chappe.domain.country_facts import AlphaSender, Fact, ForbiddenNames

USUAL_MAX_LEN: Final = 11
"""How long a name may be anywhere. Source: 3GPP TS 23.040 9.1.2.5."""

_NAMES: Final[dict[AlphaSender, str]] = {
    "not_supported": "names are not shown: the carrier's own number is",
    "registration": "only registered names are shown: the carrier's own number for others",
    "mandatory": "a name must be shown: the default one if none is given",
}
_NAMES_HINTED: Final[dict[AlphaSender, str]] = {
    **_NAMES,
    "may_be_overwritten": "networks may replace names",
    "registration_some_networks": "some networks replace names that are not registered",
}


class Rule(NamedTuple):
    """One thing that messages are held to, and the fact it comes from."""

    words: str
    fact: Fact[Any]


def rules(place: Country) -> list[Rule]:
    """Say what messages to a country are held to, beyond what holds anywhere."""
    return [rule for rule in _said(place) if rule.fact.is_enforced]


def hints(place: Country) -> list[Rule]:
    """Say what messages might be held to, were it known better, and what networks may do with a sender."""
    sender = place.alpha_sender
    replaced = sender and sender.is_enforced and sender.value not in _NAMES and _NAMES_HINTED.get(sender.value)
    known = [Rule(replaced, sender)] if sender and replaced else []
    return known + [rule for rule in _said(place) if not rule.fact.is_enforced]


def name_hint(place: Country) -> str:
    """Say what networks may do to a name although it is accepted; empty where nothing is known."""
    sender = place.alpha_sender
    is_held_to = sender is None or (sender.is_enforced and sender.value in _NAMES)
    return "" if sender is None or is_held_to else _NAMES_HINTED.get(sender.value, "")


def window_words(value: str) -> str:
    """Say when marketing is open, for people. Shape: `value` as in `WindowFact`."""
    hours, closes_holidays, _ = value.partition(" no-holidays")
    return f"{hours}, not on public holidays" if closes_holidays else hours


def _said(place: Country) -> Iterator[Rule]:
    yield from _said_of_names(place)
    if (number := place.numeric_sender) and number.value == "not_supported":
        yield Rule("senders of digits only are not shown: the carrier's own number is", number)
    if (stop := place.stop) and stop.value.added_by == "platform":
        yield Rule("marketing under a name ends with how to say STOP", stop)
    if (window := place.marketing_window) and window.kind != "none_known":
        as_in = f", as in {window.as_in}, in its own time" if window.as_in else ""
        yield Rule(f"marketing only {window_words(window.value)}{as_in}", window)


def _said_of_names(place: Country) -> Iterator[Rule]:
    if sender := place.alpha_sender:
        names = _NAMES if sender.is_enforced else _NAMES_HINTED
        if words := names.get(sender.value):
            yield Rule(words, sender)
    if signs := place.alpha_charset:
        yield Rule(f"names have only signs of `{signs.value}`", signs)
    if least := place.alpha_min_len:
        yield Rule(f"names have at least {least.value} characters", least)
    if (most := place.alpha_max_len) and most.value != USUAL_MAX_LEN:
        yield Rule(f"names have at most {most.value} characters", most)
    if forbidden := place.alpha_forbidden:
        yield Rule(f"names may not be {_forbidden_words(forbidden.value)}", forbidden)


def _forbidden_words(names: ForbiddenNames) -> str:
    kinds = ["digits only"] if names.purely_numeric else []
    return ", ".join([*kinds, *sorted(names.generic_words)])
