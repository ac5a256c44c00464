"""The rulebook: what each country asks of a message, from `rules/countries`."""

import datetime
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import msgspec

from chappe.domain.country_facts import (
    AlphaSender,
    DefaultSender,
    Fact,
    ForbiddenNames,
    LengthFact,
    NumericSender,
    Registration,
    ShapeFact,
    StopRule,
    WindowFact,
)
from chappe.domain.public_holidays import Holidays

_SOURCES: Final = "sources"
_FOLDER: Final = resources.files("chappe.rules").joinpath("countries")


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a source speaks of one country."""

    url: str
    date: datetime.date | None = None


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who says something. Shape: `date` as far as it is known, "2024" or "2025-2026"; `where` if there is no URL."""

    title: str
    kind: str
    url: str = ""
    where: str = ""
    date: str = ""


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the rules make of one message: the examples are the tests of a country's file.

    Shape: `to` are digits with the calling code; `sender` and `sent_as` are empty for the carrier's own number;
           `at` and `planned` are times of the country's first zone, "2026-11-23 10:00"; `mention` tells whether the
           mention of STOP is appended. The installation's default sender is "Chappe".
    """

    what: str
    kind: Literal["marketing", "alert"]
    to: str
    sender: str
    at: str
    sent_as: str
    planned: str
    mention: bool
    text: str = "Hello"


class Country(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a country. A fact that is None is not known.

    Shape: `numbers_read_as` is the country that this one's numbers cannot be told from: they are sent by its rules.
           `alpha_charset` is what stands between the brackets of a regular expression. `quiet_hours_states` are
           narrower windows of parts of the country. `profiles` are other readings of `marketing_window`.
    """

    code: str
    name: str
    calling_code: int | None = None
    zones: tuple[str, ...] = ()
    holidays: Holidays | None = None
    mobile_example: str = ""
    numbers_read_as: str = ""
    read: datetime.date | None = None
    notes: tuple[str, ...] = ()
    pages: dict[str, Page] = {}

    alpha_sender: Fact[AlphaSender] | None = None
    alpha_registration: Fact[Registration] | None = None
    alpha_charset: ShapeFact[str] | None = None
    alpha_min_len: ShapeFact[int] | None = None
    alpha_max_len: LengthFact | None = None
    alpha_forbidden: ShapeFact[ForbiddenNames] | None = None
    alpha_prefix: Fact[str] | None = None
    numeric_sender: Fact[NumericSender] | None = None
    short_code: Fact[bool] | None = None
    long_code: Fact[bool] | None = None
    default_sender: Fact[DefaultSender] | None = None
    two_way: Fact[bool] | None = None
    stop: Fact[StopRule] | None = None
    marketing_window: WindowFact | None = None
    quiet_hours_states: Fact[dict[str, str]] | None = None
    consent: Fact[str] | None = None
    max_parts: Fact[int] | None = None
    unicode: Fact[bool] | None = None
    national_shift: Fact[str] | None = None

    profiles: dict[str, WindowFact] = {}
    examples: tuple[Example, ...] = ()

    def facts(self) -> dict[str, Fact[Any]]:
        """Give all that is known, by its name, in the order of the files."""
        named = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return {name: fact for name, fact in named if isinstance(fact, Fact)}

    def cited(self, name: str) -> Source:
        """Give a source that facts name, at the page where it speaks of this country if that is known."""
        told, page = source(name), self.pages.get(name)
        if page is None:
            return told
        return msgspec.structs.replace(told, url=page.url, date=str(page.date) if page.date else told.date)


@cache
def country(code: str) -> Country:
    """Give a country by its ISO alpha-2 code; one that the rulebook does not have has no facts.

    Cost: a file is read when its country is first asked for, a millisecond or two.
    """
    if code not in _codes():
        return Country(code=code, name=code)
    raw = _read(code)
    facts = {name: _taken_over(name, fact) for name, fact in raw.pop("facts", {}).items()}
    followed = facts.get("marketing_window", {}).get("as_in")
    if followed:
        raw["profiles"] = _read(followed)["profiles"]
    return msgspec.convert({"code": code, **raw, **facts}, Country)


def countries() -> tuple[str, ...]:
    """Give the codes of all countries in the rulebook, in alphabetical order."""
    return tuple(sorted(_codes()))


def source(name: str) -> Source:
    """Give a source that facts name.

    Raises: LookupError when there is none.
    """
    return sources()[name]


@cache
def sources() -> dict[str, Source]:
    """Give all sources by the names that facts have for them."""
    return msgspec.convert(_read(_SOURCES), dict[str, Source])


@cache
def _codes() -> frozenset[str]:
    names = [file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")]
    return frozenset(names) - {_SOURCES}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(_FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))


def _taken_over(name: str, fact: dict[str, Any]) -> dict[str, Any]:
    """Fill a fact that says only which country it is as in; its confidence is that of the other's fact."""
    if "as_in" not in fact:
        return fact
    other: dict[str, Any] = _read(fact["as_in"])["facts"][name]
    return {**other, **fact}
