"""The hours that the files of countries name can be read, and their zones and calendars exist."""

from zoneinfo import ZoneInfo

import pytest

from chappe.domain.countries import countries, country
from chappe.domain.legal_hours import LegalHours, read_window
from chappe.domain.public_holidays import holidays_of
from chappe.domain.zones import zones_of

AT = 1_795_500_000_000  # 24 November 2026
A_WEEK_MS = 7 * 86_400_000


def test_every_window_of_a_country_can_be_read() -> None:
    read = [
        read_window(fact.value)
        for code in countries()
        for fact in (country(code).marketing_window, *country(code).profiles.values())
        if fact and fact.value
    ]
    assert len(read) > 40


@pytest.mark.parametrize("code", countries())
def test_marketing_may_leave_to_every_country_within_a_week(code: str) -> None:
    facts = country(code)
    for zone in facts.zones:
        ZoneInfo(zone)
    if not facts.zones:
        return
    number = int(facts.mobile_example or facts.calling_code or 0)
    zones = zones_of(number, facts.zones)
    assert zones
    assert set(zones) <= set(facts.zones)
    if facts.holidays:
        holidays_of(facts.holidays, 2026)
    found = LegalHours().opening(read_window("mon-sat 08:00-20:00 no-holidays"), zones, facts.holidays, AT)
    assert AT <= found.opens_at < AT + A_WEEK_MS
