"""The laws of legal hours, against a reference that looks at the clocks on the wall quarter by quarter."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chappe.domain.errors import BadData
from chappe.domain.legal_hours import (
    DAY_MS,
    FAR_MS,
    FORTNIGHT_MS,
    MINUTE_MS,
    Holidays,
    LegalHours,
    Span,
    Window,
    read_window,
    window_text,
)
from chappe.domain.public_holidays import EPOCH, holidays_of

QUARTER_MS = 15 * MINUTE_MS
FROM, TO = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000 for year in (2024, 2034))
# When clocks jump in Paris, New York, on Lord Howe (by half an hour) and in Casablanca (for Ramadan).
JUMPS = [
    *(1792890000000, 1806195600000, 1824944400000),
    *(1793512800000, 1805007600000, 1825567200000),
    *(1791041400000, 1806764400000, 1822491000000),
    *(1801965600000, 1804989600000),
]
PLACES = [
    ("Europe/Paris",),
    ("America/New_York",),
    ("Australia/Lord_Howe",),
    ("Antarctica/Troll",),
    ("Africa/Casablanca",),
    ("Asia/Kathmandu",),
    ("Pacific/Marquesas",),
    ("Pacific/Kiritimati",),
    ("Pacific/Noumea",),
    ("Pacific/Apia",),
    ("America/St_Johns", "America/Vancouver"),
    ("America/New_York", "America/Chicago", "Pacific/Honolulu"),
    ("Europe/Kaliningrad", "Asia/Kamchatka"),
    ("Pacific/Auckland", "Pacific/Chatham"),
    ("Europe/Paris", "Pacific/Auckland"),
    ("Pacific/Kiritimati", "Pacific/Honolulu"),
]
CALENDARS = [
    None,
    Holidays("FR"),
    Holidays("FR", "Alsace-Moselle"),
    Holidays("FR", "NC"),
    Holidays("US"),
    Holidays("CN"),
]

weekday = st.integers(0, 6)


def spans(step: int) -> st.SearchStrategy[Span]:
    steps = 24 * 60 // step
    hours = st.lists(st.integers(0, steps), min_size=2, max_size=2, unique=True).map(sorted)
    return st.builds(lambda a, b, h: Span(a, b, h[0] * step, h[1] * step), weekday, weekday, hours)


def windows(step: int) -> st.SearchStrategy[Window]:
    return st.builds(Window, st.lists(spans(step), min_size=1, max_size=3).map(tuple), st.booleans())


instants = st.integers(FROM, TO) | st.builds(int.__add__, st.sampled_from(JUMPS), st.integers(-2 * DAY_MS, 2 * DAY_MS))
places = st.sampled_from(PLACES)
calendars = st.sampled_from(CALENDARS)


class Wall:
    """The slow reference: what the clocks show at an instant."""

    def __init__(self, window: Window, zones: tuple[str, ...], holidays: Holidays | None) -> None:
        self._window = window
        self._zones = zones
        self._holidays = holidays
        self._together = cache(self._are_ever_open_together)

    def is_open(self, at_ms: int) -> bool:
        zones = self._zones
        if len(zones) > 1 and not self._together(at_ms // FORTNIGHT_MS):
            zones = zones[:1]
        return all(self._is_open_in(zone, at_ms) for zone in zones)

    def _are_ever_open_together(self, fortnight: int) -> bool:
        start = fortnight * FORTNIGHT_MS
        quarters = range(start, start + FORTNIGHT_MS, QUARTER_MS)
        return any(all(self._is_open_in(zone, at) for zone in self._zones) for at in quarters)

    def _is_open_in(self, zone: str, at_ms: int) -> bool:
        wall = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(zone))
        heeded = None if self._window.on_holidays else self._holidays
        if heeded and wall.toordinal() - EPOCH in holidays_of(heeded, wall.year):
            return False
        minute = wall.hour * 60 + wall.minute
        return any(
            wall.weekday() in span.weekdays() and span.from_min <= minute < span.to_min for span in self._window.spans
        )


def sampled(start: int, end: int) -> list[int]:
    """Quarters of hours from `start` up to `end`, a few hundred at most, and the instants at both ends."""
    first = -(-start // QUARTER_MS) * QUARTER_MS
    quarters = range(first, end, QUARTER_MS)
    return [start, *quarters[:: max(1, len(quarters) // 300)], end - 1]


@settings(max_examples=300, deadline=None)
@given(windows(15), places, calendars, instants)
def test_an_opening_is_the_first_time_all_walls_show_hours_of_the_window_and_ends_when_one_does_not(
    window: Window, zones: tuple[str, ...], holidays: Holidays | None, at: int
) -> None:
    wall = Wall(window, zones, holidays)
    opens, closes = LegalHours().opening(window, zones, holidays, at)
    assert at <= opens < closes
    if at < opens:
        assert not any(wall.is_open(each) for each in sampled(at, opens))
    assert all(wall.is_open(each) for each in sampled(opens, closes))
    assert closes - at > FAR_MS - FORTNIGHT_MS or not wall.is_open(closes)


@settings(max_examples=200, deadline=None)
@given(windows(1), places.filter(lambda zones: len(zones) == 1), calendars, instants)
def test_hours_may_begin_at_any_minute(
    window: Window, zones: tuple[str, ...], holidays: Holidays | None, at: int
) -> None:
    wall = Wall(window, zones, holidays)
    opens, closes = LegalHours().opening(window, zones, holidays, at)
    assert wall.is_open(opens)
    assert wall.is_open(closes - 1)
    assert opens == at or not wall.is_open(opens - 1)
    assert closes - at > FAR_MS - FORTNIGHT_MS or not wall.is_open(closes)


@settings(max_examples=200, deadline=None)
@given(windows(15), places, calendars, st.lists(instants, min_size=2, max_size=8))
def test_what_was_asked_before_changes_no_answer_and_who_asks_later_opens_later(
    window: Window, zones: tuple[str, ...], holidays: Holidays | None, asked: list[int]
) -> None:
    hours = LegalHours()
    answers = [hours.opening(window, zones, holidays, at) for at in asked]
    assume(all(closes - at < FAR_MS - FORTNIGHT_MS for at, (_, closes) in zip(asked, answers, strict=True)))
    for at, answer in zip(asked, answers, strict=True):
        fresh = LegalHours().opening(window, zones, holidays, at)
        assert answer == fresh
        assert hours.opening(window, zones, holidays, answer.opens_at) == answer
        assert hours.opening(window, zones, holidays, answer.closes_at).opens_at > answer.closes_at - 1
    in_order = sorted(zip(asked, answers, strict=True))
    assert [opens for _, (opens, _) in in_order] == sorted(opens for opens, _ in answers)
    assert [closes for _, (_, closes) in in_order] == sorted(closes for _, closes in answers)


@given(windows(1))
def test_a_window_is_read_back_as_it_was_written(window: Window) -> None:
    again = read_window(window_text(window))
    assert (again, again.hours, again.is_always) == (window, window.hours, window.is_always)
    assert hash(again) == hash(window)


@given(st.text(st.sampled_from("montuesawdhrfi0123456789:-, "), max_size=40))
def test_any_text_is_a_window_or_is_refused(text: str) -> None:
    try:
        window = read_window(text)
    except BadData:
        return
    assert read_window(window_text(window)) == window
