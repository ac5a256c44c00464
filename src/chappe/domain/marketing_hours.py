"""When a message may leave: at once, or for marketing at the next opening of the recipient's legal hours."""

from collections.abc import Sequence
from typing import Final

from chappe.domain.errors import BadData
from chappe.domain.legal_hours import LegalHours, Opening
from chappe.domain.rulebook import AccountRules, CountryRules
from chappe.domain.zones import zones_of, zones_of_each

FOREVER: Final = 1 << 62
_DAY_MS: Final = 24 * 3600 * 1000
# A country whose file has no zone is no country: a satellite network, say.
_NO_ZONE: Final = ("UTC",)


class MarketingHours:
    """The legal hours of the people an account writes to."""

    def __init__(self, rules: AccountRules, hours: LegalHours) -> None:
        self._rules = rules
        self._hours = hours

    def opening(self, number: int, country: str, at: int) -> Opening:
        """When marketing for a number may leave, from `at` on, and until when. Units: milliseconds UTC."""
        place = self._rules.country(country)
        return self._opening(place, zones_of(number, place.country.zones or _NO_ZONE), at)

    def ready(self, numbers: Sequence[int], countries: Sequence[str], at: int) -> list[int]:
        """When marketing for each number may leave; nothing when all of it may at `at`.

        Cost: a look-up for a number whose country has one zone, about a microsecond for others.
        """
        by_country: dict[str, int] = {}
        by_number: dict[int, int] = {}
        for country in set(countries):
            place = self._rules.country(country)
            zones = place.country.zones or _NO_ZONE
            if place.window is None:
                by_country[country] = at
            elif len(zones) == 1:
                by_country[country] = self._opening(place, zones, at).opens_at
            else:
                its = [number for number, of in zip(numbers, countries, strict=True) if of == country]
                for number, own in zip(its, zones_of_each(its, zones), strict=True):
                    by_number[number] = self._opening(place, own, at).opens_at
        if all(ready == at for ready in by_country.values()) and all(ready == at for ready in by_number.values()):
            return []
        if not by_number:
            return [by_country[country] for country in countries]
        return [
            by_number[number] if number in by_number else by_country[country]
            for number, country in zip(numbers, countries, strict=True)
        ]

    def _opening(self, place: CountryRules, zones: tuple[str, ...], at: int) -> Opening:
        if place.window is None:
            return Opening(at, FOREVER)
        try:
            return self._hours.opening(place.window, zones, place.holidays, at)
        except BadData:  # holidays leave nothing open for a year: it waits until somebody changes the rule
            return Opening(at + _DAY_MS, at + 2 * _DAY_MS)
