"""Which days are public holidays, by the calendars of the package `holidays`."""

import warnings
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

# Day 0 is 1970-01-01.
EPOCH: Final = date(1970, 1, 1).toordinal()

# What the law of Alsace and Moselle adds is one thing; the package has it twice, under each of the two.
_SUBDIVISIONS: Final = {("FR", "Alsace-Moselle"): "57"}


class Holidays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar of public holidays. Shape: names of the PyPI package `holidays`, or "FR" and "Alsace-Moselle"."""

    calendar: str
    subdiv: str | None = None


@lru_cache(maxsize=2048)
def holidays_of(calendar: Holidays, year: int) -> frozenset[int]:
    """The public holidays of a year, as days since 1970-01-01. It has none for years its makers did not foresee.

    Source: PyPI `holidays`, category "public".
    Cost:   milliseconds the first time; the first of all loads the package, 0.3 s.
    """
    # Loading it takes longer than loading all the rest, and most commands need no holidays.
    import holidays

    subdiv = _SUBDIVISIONS.get((calendar.calendar, calendar.subdiv or ""), calendar.subdiv)
    with warnings.catch_warnings():
        # It warns when asked for years a calendar does not reach: a delay may be that far off.
        warnings.simplefilter("ignore")
        days = holidays.country_holidays(calendar.calendar, subdiv=subdiv, years=year)
    return frozenset(day.toordinal() - EPOCH for day in days)
