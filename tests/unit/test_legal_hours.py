"""When marketing may leave: nights, weekends, holidays, the two nights a year when clocks jump, and zones."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chappe.domain import legal_hours
from chappe.domain.errors import BadData
from chappe.domain.legal_hours import FAR_MS, Holidays, LegalHours, Opening, read_window
from chappe.domain.public_holidays import EPOCH, holidays_of

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "holidays_fr.json").read_text())
FRANCE = Holidays("FR", None)
ALSACE_MOSELLE = Holidays("FR", "Alsace-Moselle")
SEED = "mon-sat 08:00-20:00 no-holidays"
US = "mon-sun 08:00-21:00"


def ms(wall: str, zone: str = "Europe/Paris", *, fold: int = 0) -> int:
    return round(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def opening(window: str, at: int, *zones: str, holidays: Holidays | None = FRANCE) -> Opening:
    return LegalHours().opening(read_window(window), zones or ("Europe/Paris",), holidays, at)


def walls(found: Opening, zone: str = "Europe/Paris") -> tuple[str, str]:
    opens, closes = (datetime.fromtimestamp(each / 1000, ZoneInfo(zone)).strftime("%a %d %b %H:%M") for each in found)
    return opens, closes


@pytest.mark.parametrize(
    ("at", "opens", "closes"),
    [
        ("2026-11-24 07:59:59.999", "Tue 24 Nov 08:00", "Tue 24 Nov 20:00"),
        ("2026-11-24 08:00:00", "Tue 24 Nov 08:00", "Tue 24 Nov 20:00"),
        ("2026-11-24 12:34:00", "Tue 24 Nov 12:34", "Tue 24 Nov 20:00"),
        ("2026-11-24 20:00:00", "Wed 25 Nov 08:00", "Wed 25 Nov 20:00"),
        ("2026-11-28 20:00:00", "Mon 30 Nov 08:00", "Mon 30 Nov 20:00"),
        ("2026-11-29 12:00:00", "Mon 30 Nov 08:00", "Mon 30 Nov 20:00"),
        # Easter: Saturday evening to Tuesday.
        ("2027-03-27 20:00:00", "Tue 30 Mar 08:00", "Tue 30 Mar 20:00"),
        # A holiday on a Thursday and one on a Saturday.
        ("2027-05-06 09:00:00", "Fri 07 May 08:00", "Fri 07 May 20:00"),
        ("2027-05-07 20:00:00", "Mon 10 May 08:00", "Mon 10 May 20:00"),
        # The year's end: 25 December and 1 January are Fridays.
        ("2026-12-24 19:59:59.999", "Thu 24 Dec 19:59", "Thu 24 Dec 20:00"),
        ("2026-12-24 20:00:00", "Sat 26 Dec 08:00", "Sat 26 Dec 20:00"),
        ("2026-12-31 20:00:00", "Sat 02 Jan 08:00", "Sat 02 Jan 20:00"),
        # A leap day that is a Tuesday.
        ("2028-02-28 20:00:00", "Tue 29 Feb 08:00", "Tue 29 Feb 20:00"),
    ],
)
def test_marketing_waits_for_the_next_hour_it_may_leave_in(at: str, opens: str, closes: str) -> None:
    assert walls(opening(SEED, ms(at))) == (opens, closes)


def test_the_last_millisecond_is_open_and_eight_in_the_evening_is_not() -> None:
    last = ms("2026-11-24 19:59:59.999")
    assert opening(SEED, last) == (last, last + 1)
    assert opening(SEED, last + 1).opens_at == ms("2026-11-25 08:00")


@pytest.mark.parametrize(
    ("at", "in_france", "in_alsace_and_moselle"),
    [
        ("2025-12-24 20:00", "Fri 26 Dec 08:00", "Sat 27 Dec 08:00"),
        ("2026-12-24 20:00", "Sat 26 Dec 08:00", "Mon 28 Dec 08:00"),
        ("2026-12-25 10:00", "Sat 26 Dec 08:00", "Mon 28 Dec 08:00"),
        ("2026-12-26 10:00", "Sat 26 Dec 10:00", "Mon 28 Dec 08:00"),
        ("2026-04-03 09:00", "Fri 03 Apr 09:00", "Sat 04 Apr 08:00"),  # Good Friday
    ],
)
def test_alsace_and_moselle_have_two_holidays_more(at: str, in_france: str, in_alsace_and_moselle: str) -> None:
    assert walls(opening(SEED, ms(at)))[0] == in_france
    assert walls(opening(SEED, ms(at), holidays=ALSACE_MOSELLE))[0] == in_alsace_and_moselle


def test_holidays_are_ordinary_days_to_a_window_that_does_not_name_them() -> None:
    christmas = ms("2026-12-25 10:00")
    assert opening("mon-sat 08:00-20:00", christmas).opens_at == christmas
    assert opening(SEED, christmas, holidays=None).opens_at == christmas


SPRING, AUTUMN = "2027-03-28", "2027-10-31"  # Sundays: 02:00 becomes 03:00; 03:00 becomes 02:00


@pytest.mark.parametrize(
    ("hours", "day", "spans"),
    [
        # UTC: Paris is an hour ahead before spring and after autumn, two between.
        ("00:00-06:00", SPRING, [("27T23:00", "28T04:00")]),
        ("02:30-03:30", SPRING, [("28T01:00", "28T01:30")]),
        ("01:30-02:30", SPRING, [("28T00:30", "28T01:00")]),
        ("02:00-03:00", SPRING, []),
        ("03:00-04:00", SPRING, [("28T01:00", "28T02:00")]),
        ("00:00-06:00", AUTUMN, [("30T22:00", "31T05:00")]),
        ("02:30-03:30", AUTUMN, [("31T00:30", "31T01:00"), ("31T01:30", "31T02:30")]),
        ("01:30-02:30", AUTUMN, [("30T23:30", "31T00:30"), ("31T01:00", "31T01:30")]),
        ("02:00-03:00", AUTUMN, [("31T00:00", "31T02:00")]),
        ("08:00-20:00", AUTUMN, [("31T07:00", "31T19:00")]),
    ],
)
def test_hours_that_clocks_skip_are_closed_and_hours_they_repeat_are_open_twice(
    hours: str, day: str, spans: list[tuple[str, str]]
) -> None:
    found, at = [], ms(f"{day} 00:00")
    while (each := opening(f"sun {hours}", at)).opens_at < ms(f"{day} 23:59"):
        assert not any(edge % 60_000 for edge in each)
        found.append(tuple(datetime.fromtimestamp(edge / 1000, UTC).strftime("%dT%H:%M") for edge in each))
        at = each.closes_at
    assert found == spans


@pytest.mark.parametrize(
    ("zone", "at", "opens"),
    [
        ("Pacific/Noumea", "2026-11-24T20:59:59", "2026-11-24T21:00"),  # 08:00 on the 25th
        ("Pacific/Marquesas", "2026-11-24T12:00", "2026-11-24T17:30"),
        ("America/St_Johns", "2026-11-24T05:00", "2026-11-24T11:30"),
        ("Asia/Kathmandu", "2026-11-24T00:00", "2026-11-24T02:15"),
        ("Pacific/Kiritimati", "2026-11-24T17:00", "2026-11-24T18:00"),
        ("Pacific/Apia", "2011-12-30T08:00", "2011-12-30T18:00"),  # Friday the 30th never was: Saturday at 08:00
        ("Indian/Reunion", "2026-11-24T00:00", "2026-11-24T04:00"),
        ("America/Martinique", "2026-11-24T00:30", "2026-11-24T12:00"),
    ],
)
def test_the_hours_are_those_of_the_recipients_wall(zone: str, at: str, opens: str) -> None:
    assert opening("mon-sat 08:00-20:00", ms(at, "UTC"), zone).opens_at == ms(opens, "UTC")


def test_a_number_that_may_be_anywhere_waits_until_all_its_zones_are_open() -> None:
    zones = ("America/New_York", "America/Chicago", "America/Los_Angeles", "Pacific/Honolulu")
    found = opening(US, ms("2026-11-24 06:00", "America/New_York"), *zones, holidays=None)
    assert found.opens_at == ms("2026-11-24 08:00", "Pacific/Honolulu")
    assert found.closes_at == ms("2026-11-24 21:00", "America/New_York")


def test_where_it_is_sunday_in_one_zone_it_is_closed_in_all() -> None:
    zones = ("Pacific/Auckland", "Pacific/Honolulu")  # 23 hours apart in November
    saturday_noon = ms("2026-11-28 12:00", "Pacific/Honolulu")  # Sunday in Auckland, and Monday there is Sunday here
    found = opening("mon-sat 08:00-20:00", saturday_noon, *zones, holidays=None)
    assert found.opens_at == ms("2026-12-01 08:00", "Pacific/Auckland")
    assert found.closes_at == ms("2026-11-30 20:00", "Pacific/Honolulu")


def test_zones_that_are_never_open_together_are_as_the_first_of_them() -> None:
    at = ms("2026-11-24 00:00", "UTC")
    for zones in (("Europe/Paris", "Pacific/Auckland"), ("Pacific/Auckland", "Europe/Paris")):
        found = opening("mon-fri 09:00-17:00", at, *zones, holidays=None)
        assert found == opening("mon-fri 09:00-17:00", at, zones[0], holidays=None)


def test_always_is_open_now_and_for_a_year() -> None:
    at = ms("2026-12-25 03:00")
    assert opening("always", at) == (at, at + FAR_MS)


def test_days_that_follow_each_other_are_one_opening() -> None:
    found = opening("mon-sun 00:00-24:00 no-holidays", ms("2026-11-12 10:00"))
    assert found.closes_at == ms("2026-12-25 00:00")
    assert opening("mon-sat 00:00-24:00", ms("2026-11-24 10:00")).closes_at == ms("2026-11-29 00:00")


def test_what_no_holiday_ends_is_open_for_about_a_year() -> None:
    at = ms("2026-11-24 10:00")
    found = opening("mon-sun 00:00-24:00 no-holidays", at, holidays=None)
    assert found.opens_at == at
    assert found.closes_at >= at + FAR_MS - 15 * 86_400_000


def test_the_far_ends_of_the_calendar_have_openings_too() -> None:
    for at in (ms("9999-12-31 23:59:59"), 0, -(10**12), ms("2300-01-01 00:00")):
        found = opening(SEED, at)
        assert at <= found.opens_at < found.closes_at


def test_a_window_of_holidays_only_is_refused_when_it_is_closed_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # Calendars in which every Sunday is a holiday come and go in the package.
    sundays = frozenset(range(3, 40_000, 7))
    monkeypatch.setattr(legal_hours, "holidays_of", lambda calendar, year: sundays)
    with pytest.raises(BadData, match="holidays only"):
        opening("sun 08:00-20:00 no-holidays", ms("2026-11-24 10:00"))
    assert walls(opening("sat-sun 08:00-20:00 no-holidays", ms("2026-11-28 20:00")))[0] == "Sat 05 Dec 08:00"


def test_what_is_remembered_is_bounded_and_forgetting_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legal_hours, "MAX_FORTNIGHTS", 3)
    monkeypatch.setattr(legal_hours, "MAX_STRETCHES", 2)
    hours, window = LegalHours(), read_window(SEED)
    zones = ("Europe/Paris", "Pacific/Noumea", "America/Martinique", "Indian/Reunion")
    for week in range(12):
        for zone in zones * 2:
            at = ms("2026-11-24 21:00") + week * 7 * 86_400_000
            assert hours.opening(window, (zone,), FRANCE, at) == opening(SEED, at, zone)
    assert len(hours._fortnights) == 3
    assert len(hours._stretches) == 2


TERRITORIES = {
    "metropole": None,
    "alsace_moselle": "Alsace-Moselle",
    "GP": "971",
    "MQ": "972",
    "GF": "973",
    "RE": "974",
    "YT": "976",
    **{code: code for code in ("BL", "MF", "PM", "NC", "PF", "WF")},
}


def noted_differences(year: str, territory: str) -> set[str]:
    """Where the rules note that the package says otherwise: one past day of Polynesia."""
    noted = VECTORS["differences_with_library"]
    return {day for at, where, days in noted if (str(at), where) == (year, territory) for day in days}


@pytest.mark.parametrize("territory", TERRITORIES)
def test_french_holidays_are_those_of_the_rules_from_2024_to_2040(territory: str) -> None:
    for year, days in VECTORS["extra_days"].items():
        expected = set(days["metropole"]) | set(days[territory])
        found = {
            date.fromordinal(day + EPOCH).isoformat()
            for day in holidays_of(Holidays("FR", TERRITORIES[territory]), int(year))
        }
        assert found ^ expected == noted_differences(year, territory)


def test_alsace_and_moselle_have_the_same_holidays() -> None:
    for year in range(2024, 2041):
        assert holidays_of(Holidays("FR", "57"), year) == holidays_of(Holidays("FR", "6AE"), year)
