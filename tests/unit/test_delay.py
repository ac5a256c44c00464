"""The asked time of a send: wall-clock time in Paris, also on the two nights when it jumps."""

from datetime import UTC, datetime

import pytest

from chappe.domain.delay import paris_instant, send_time
from chappe.domain.errors import BadDate

NOW = datetime(2031, 5, 19, 10, 53, 20, tzinfo=UTC)  # 12:53:20 in Paris, two hours ahead
WINTER = datetime(2031, 1, 19, 10, 53, 20, tzinfo=UTC)  # 11:53:20 in Paris, one hour ahead


def ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("delay", [None, "", " ", "\t\n"])
def test_no_delay_means_now(delay: str | None) -> None:
    assert send_time(delay, ms(NOW) + 7) == ms(NOW) + 7


@pytest.mark.parametrize(
    ("delay", "instant"),
    [
        ("2031-05-19 13:00:00", utc(2031, 5, 19, 11)),
        ("  2031-05-19 13:00:00 ", utc(2031, 5, 19, 11)),
        ("2031-12-24 18:30:00", utc(2031, 12, 24, 17, 30)),
        ("2032-02-29 00:00:00", utc(2032, 2, 28, 23)),
        ("9998-12-31 23:59:59", utc(9998, 12, 31, 22, 59, 59)),
    ],
)
def test_a_delay_is_a_time_of_paris_in_summer_and_in_winter(delay: str, instant: datetime) -> None:
    assert send_time(delay, ms(NOW)) == ms(instant)


@pytest.mark.parametrize(
    "delay",
    [
        "tomorrow",
        "2031-05-19",
        "13:00:00",
        "2031-05-19 13:00",
        "2031-05-19T13:00:00",
        "2031-05-19 13:00:00Z",
        "2031-05-19 13:00:00+02:00",
        "2031-02-29 10:00:00",
        "2031-13-01 10:00:00",
        "2031-05-19 24:00:00",
        "2031-05-19 23:59:60",
        "2031-05-19 23:59:61",
        "19/05/2031 13:00:00",
        "31-05-19 13:00:00",
        "0000-01-01 00:00:00",
        "0001-01-01 00:00:00",
        "10000-01-01 00:00:00",
        "1937000000",
        "2031-05-19 13:00:00\x00",
        "2031-05-19 13:00:00 " + "0" * 10_000,
    ],
)
def test_what_is_no_such_time_is_refused(delay: str) -> None:
    with pytest.raises(BadDate):
        send_time(delay, ms(NOW))


def test_the_slack_for_past_times_is_two_hours_and_the_offset_of_paris() -> None:
    # In summer 4 hours back is 08:53:20, in winter 3 hours back is 08:53:20.
    assert send_time("2031-05-19 08:53:20", ms(NOW)) == ms(NOW)
    assert send_time("2031-01-19 08:53:20", ms(WINTER)) == ms(WINTER)
    with pytest.raises(BadDate):
        send_time("2031-05-19 08:53:19", ms(NOW))
    with pytest.raises(BadDate):
        send_time("2031-01-19 08:53:19", ms(WINTER))


def test_a_caller_who_writes_the_time_of_london_or_utc_is_understood_as_now() -> None:
    assert send_time("2031-05-19 10:53:20", ms(NOW)) == ms(NOW)


def test_a_time_is_never_before_now_even_by_a_millisecond() -> None:
    now = ms(NOW) + 1
    assert send_time("2031-05-19 12:53:20", now) == now
    assert send_time("2031-05-19 12:53:21", now) == ms(NOW) + 1000


@pytest.mark.parametrize("wall", [(2, 0, 0), (2, 0, 1), (2, 30, 0), (2, 59, 59)])
def test_a_time_that_spring_skips_is_the_first_instant_after_the_gap(wall: tuple[int, int, int]) -> None:
    assert paris_instant(datetime(2031, 3, 30, *wall)) == utc(2031, 3, 30, 1)


def test_the_times_around_the_gap_are_themselves() -> None:
    assert paris_instant(datetime(2031, 3, 30, 1, 59, 59)) == utc(2031, 3, 30, 0, 59, 59)
    assert paris_instant(datetime(2031, 3, 30, 3, 0, 0)) == utc(2031, 3, 30, 1)


@pytest.mark.parametrize("wall", [(2, 0, 0), (2, 30, 0), (2, 59, 59)])
def test_a_time_that_autumn_doubles_is_its_first_pass(wall: tuple[int, int, int]) -> None:
    hour, minute, second = wall
    assert paris_instant(datetime(2031, 10, 26, *wall)) == utc(2031, 10, 26, hour - 2, minute, second)


def test_the_times_around_the_doubled_hour_are_themselves() -> None:
    assert paris_instant(datetime(2031, 10, 26, 1, 59, 59)) == utc(2031, 10, 25, 23, 59, 59)
    assert paris_instant(datetime(2031, 10, 26, 3, 0, 0)) == utc(2031, 10, 26, 2)


def test_the_minutes_of_a_year_never_run_backwards() -> None:
    for day in ((3, 30), (10, 26)):
        instants = [paris_instant(datetime(2031, *day, minute // 60, minute % 60)) for minute in range(24 * 60)]
        assert instants == sorted(instants)


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_time_at_the_end_of_the_calendar_is_refused_because_what_is_reckoned_from_it_would_lie_beyond(
    year: str,
) -> None:
    with pytest.raises(BadDate, match="outside the calendar"):
        send_time(f"{year}-12-31 23:59:59", ms(NOW))


def test_a_time_thousands_of_years_ahead_is_a_time() -> None:
    assert send_time("9998-12-31 23:59:59", ms(NOW)) == ms(utc(9998, 12, 31, 22, 59, 59))
