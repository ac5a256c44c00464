"""When a message may leave: at once, or for marketing at the next opening of the recipient's legal hours."""

from collections.abc import Sequence
from typing import Final

from chappe.domain.legal_hours import LegalHours, Opening
from chappe.domain.rulebook import AccountRules
from chappe.domain.zones import zones_of

FOREVER: Final = 1 << 62


class MarketingHours:
    """The legal hours of the people an account writes to."""

    def __init__(self, rules: AccountRules, hours: LegalHours) -> None:
        self._rules = rules
        self._hours = hours

    def opening(self, number: int, country: str, at: int) -> Opening:
        """When marketing for a number may leave, from `at` on, and until when. Units: milliseconds UTC."""
        place = self._rules.country(country)
        if place.window is None:
            return Opening(at, FOREVER)
        zones = zones_of(number, place.country.zones)
        return self._hours.opening(place.window, zones, place.holidays, at)

    def ready(self, numbers: Sequence[int], countries: Sequence[str], at: int) -> list[int]:
        """When marketing for each number may leave; nothing when all of it may at `at`.

        Cost: a look-up for a number whose country has one zone.
        """
        by_country: dict[str, int | None] = {}
        for country in set(countries):
            place = self._rules.country(country)
            if place.window is None:
                by_country[country] = at
            elif len(place.country.zones) == 1:
                opening = self._hours.opening(place.window, place.country.zones, place.holidays, at)
                by_country[country] = opening.opens_at
            else:
                by_country[country] = None
        if all(ready == at for ready in by_country.values()):
            return []
        found = [by_country[country] for country in countries]
        return [
            ready if ready is not None else self.opening(number, country, at).opens_at
            for ready, number, country in zip(found, numbers, countries, strict=True)
        ]
