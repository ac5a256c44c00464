"""In which time zones a number's owner may live."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from phonenumbers.tzdata import TIMEZONE_DATA

# Calling codes whose mobile numbers belong to areas: North America, Mexico, Argentina, Brazil, China. Elsewhere
# libphonenumber names the capital's zone for all mobiles, but they are at home anywhere in the country.
_WITH_AREAS: Final = ("1", "52", "54", "55", "86")

# Zones whose clocks agree on all these days are one zone to us.
_SAMPLES: Final = tuple(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=20 * step) for step in range(275))

_Clock = tuple[timedelta | None, ...]


def zones_of(number: int, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones a number may be in, of its country's `zones`: one when it is known, else one per different clock.

    Shape:  in the country's order and under the country's names.
    Source: libphonenumber's time zones by prefix; tzdata for which zones have the same clocks.
    Cost:   nothing where the country has one zone, else under a microsecond from the country's second number on.
    """
    return zones if len(zones) == 1 else _Areas.of(zones).find(str(number))


def zones_of_each(numbers: Iterable[int], zones: tuple[str, ...]) -> list[tuple[str, ...]]:
    """`zones_of` for many numbers of one country."""
    if len(zones) == 1:
        return [zones for _ in numbers]
    find = _Areas.of(zones).find
    return [find(str(number)) for number in numbers]


class _Plan(NamedTuple):
    """The areas of a calling code: their zones by prefix, the prefixes' lengths, those that are not divided further."""

    zones: dict[str, tuple[str, ...]]
    lengths: list[int]
    whole: dict[str, tuple[str, ...]]


class _Areas:
    """The zones of a country's areas, by the digits their numbers begin with."""

    def __init__(self, zones: tuple[str, ...]) -> None:
        self._zones = zones
        self._by_clock: dict[_Clock, str] = {}
        for zone in zones:
            self._by_clock.setdefault(_clock(zone), zone)
        self._everywhere = tuple(self._by_clock.values())
        self._plans: dict[str, _Plan] = {}

    @staticmethod
    @lru_cache(maxsize=256)
    def of(zones: tuple[str, ...]) -> "_Areas":
        return _Areas(zones)

    def find(self, digits: str) -> tuple[str, ...]:
        if len(self._everywhere) == 1:
            return self._everywhere
        code = "1" if digits[0] == "1" else digits[:2]
        if code not in _WITH_AREAS:
            return self._everywhere
        plan = self._plans.get(code)
        if plan is None:
            plan = self._plans[code] = self._read(code)
        found = plan.whole.get(digits[: plan.lengths[-1]])
        if found:
            return found
        for length in plan.lengths:
            if found := plan.zones.get(digits[:length]):
                return found
        return self._everywhere

    def _read(self, code: str) -> "_Plan":
        areas = ((prefix, told) for prefix, told in TIMEZONE_DATA.items() if prefix.startswith(code) and prefix != code)
        zones = {prefix: self._among(tuple(told)) for prefix, told in areas}
        lengths = sorted({len(prefix) for prefix in zones}, reverse=True) or [len(code)]
        split = {prefix[: lengths[-1]] for prefix in zones if len(prefix) > lengths[-1]}
        whole = {prefix: each for prefix, each in zones.items() if len(prefix) == lengths[-1] and prefix not in split}
        return _Plan(zones, lengths, whole)

    def _among(self, told: tuple[str, ...]) -> tuple[str, ...]:
        """What libphonenumber tells, in the country's names and one per clock; everywhere when it fits nothing."""
        named: dict[_Clock, str] = {}
        for zone in told:
            clock = _clock(zone)
            if clock in self._by_clock:
                named.setdefault(clock, zone if zone in self._zones else self._by_clock[clock])
        return tuple(sorted(named.values(), key=self._zones.index)) or self._everywhere


@lru_cache(maxsize=1024)
def _clock(zone: str) -> _Clock:
    place = ZoneInfo(zone)
    return tuple(day.astimezone(place).utcoffset() for day in _SAMPLES)
