"""For how long data is kept: what may be asked for, and where the calendar draws the line."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import BadData
from chappe.domain.retention import DEFAULTS, FOR_EVER, MAXIMA, Period, What, kept_since, months_before, period

PARIS = ZoneInfo("Europe/Paris")


def ms(text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold).timestamp() * 1000)


def since(now: str, kept: str, what: What = "campaign") -> str:
    found = kept_since(period(kept, what, field=what), ms(now))
    assert found is not None
    return datetime.fromtimestamp(found / 1000, PARIS).isoformat(" ")[:-6]


@pytest.mark.parametrize(
    ("now", "kept", "begins"),
    [
        ("2031-08-31 12:00:00", "6m", "2031-02-28 12:00:00"),
        ("2032-08-31 12:00:00", "6m", "2032-02-29 12:00:00"),
        ("2032-02-29 00:00:00", "12m", "2031-02-28 00:00:00"),
        ("2031-03-31 23:59:59", "1m", "2031-02-28 23:59:59"),
        ("2031-01-15 08:00:00", "1m", "2030-12-15 08:00:00"),
        ("2031-05-31 08:00:00", "26m", "2029-03-31 08:00:00"),
        ("2031-05-16 18:02:11", "2d", "2031-05-14 18:02:11"),
        # the night in which clocks go forward, and the one in which they go back
        ("2031-03-31 12:00:00", "1d", "2031-03-30 12:00:00"),
        ("2031-10-27 12:00:00", "1d", "2031-10-26 12:00:00"),
        ("2031-03-31 02:30:00", "1d", "2031-03-30 03:00:00"),
    ],
)
def test_days_and_months_are_the_calendars_of_paris(now: str, kept: str, begins: str) -> None:
    assert since(now, kept) == begins


def test_what_is_kept_for_ever_is_never_old() -> None:
    assert kept_since(FOR_EVER, ms("2031-05-16 18:02:11")) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2090, 1, 1)), st.integers(1, 60), st.integers(0, 60))
def test_a_longer_period_never_deletes_more(wall: datetime, months: int, more: int) -> None:
    assert months_before(wall, months + more) <= months_before(wall, months) < wall


@pytest.mark.parametrize("text", ["1d", "2d", "6m", "182d", " 6M ", "05m"])
def test_a_number_of_days_or_months_is_a_period(text: str) -> None:
    assert str(period(text, "message", field="retention.message")) == text.strip().lower().lstrip("0")


@pytest.mark.parametrize(
    "text", ["", "d", "0d", "0m", "-1", "-2m", "6", "6y", "6 m", "1.5m", "７d", "6mm", "99999d", "6m\n1d", "1d1m"]
)
def test_what_is_no_period_is_refused_with_the_name_of_the_field(text: str) -> None:
    with pytest.raises(BadData) as refused:
        period(text, "message", field="retention.message")
    assert refused.value.field == "retention.message"


@pytest.mark.parametrize("what", list(MAXIMA))
def test_the_longest_period_is_allowed_and_nothing_longer(what: What) -> None:
    longest = MAXIMA[what]
    assert period(str(longest), what, field=what) == longest
    for longer in (f"{longest.count + 1}m", f"{longest.count * 31}d"):
        with pytest.raises(BadData, match=f"{longest} at most"):
            period(longer, what, field=what)
    assert not DEFAULTS[what].is_longer_than(longest)


def test_only_lists_may_be_kept_for_ever() -> None:
    assert period("-1", "list", field="list") is FOR_EVER
    assert str(FOR_EVER) == "-1"
    assert FOR_EVER.is_longer_than(Period(9999, "m"))
    for what in set(MAXIMA) - {"list"}:
        with pytest.raises(BadData):
            period("-1", what, field=what)
