"""Single fields of a request: numbers as texts, flags, words, pages, dates."""

import pytest

from chappe.domain.errors import BadData
from chappe.surfaces.http.smsfactor.fields import (
    Scalar,
    date_of,
    date_text,
    flag,
    optional_int,
    optional_text,
    page_of,
    required_text,
    sort_of,
    text_of,
    word,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (33600112233, "33600112233"), (33600112233.0, "33600112233"), (1.5, "1.5"), (None, ""), (True, "1")],
)
def test_a_scalar_is_read_as_text(value: Scalar, text: str) -> None:
    assert text_of(value) == text


def test_a_text_loses_the_blanks_around_it_and_an_empty_one_is_none() -> None:
    assert optional_text("  MyClub ", "sender", max_characters=10) == "MyClub"
    assert optional_text("   ", "sender", max_characters=10) is None


def test_a_text_that_is_too_long_or_missing_is_refused_by_name() -> None:
    with pytest.raises(BadData, match="sender: is longer than 3"):
        optional_text("abcd", "sender", max_characters=3)
    with pytest.raises(BadData, match=r"token\.name: is missing"):
        required_text(" ", "token.name", max_characters=3)


@pytest.mark.parametrize(("value", "number"), [("12", 12), (12, 12), (" 12 ", 12), ("", None), (None, None), ("0", 0)])
def test_a_whole_number_may_be_a_text(value: Scalar, number: int | None) -> None:
    assert optional_int(value, "ttl", low=0, high=100) == number


@pytest.mark.parametrize("value", ["-1", "101", "1.5", "a", "1e2", "٣", "9" * 10_000, True and "x", 1.5])
def test_what_is_no_whole_number_within_the_limits_is_refused(value: Scalar) -> None:
    with pytest.raises(BadData, match="ttl: must be a whole number from 0 to 100"):
        optional_int(value, "ttl", low=0, high=100)


@pytest.mark.parametrize("value", [1, "1", True, "true", " 1 "])
def test_a_flag_is_set_in_many_ways(value: Scalar) -> None:
    assert flag(value, "unicode") is True


@pytest.mark.parametrize("value", [0, "0", False, "false", "", None])
def test_a_flag_is_unset_in_many_ways(value: Scalar) -> None:
    assert flag(value, "unicode") is False


def test_any_other_flag_is_refused() -> None:
    with pytest.raises(BadData, match="unicode: must be 0 or 1"):
        flag("2", "unicode")


def test_a_word_is_one_of_a_closed_set_in_any_case() -> None:
    assert word("Marketing", "pushtype", ("alert", "marketing")) == "marketing"
    assert word("", "pushtype", ("alert", "marketing")) is None
    with pytest.raises(BadData, match="pushtype: must be one of alert, marketing"):
        word("promo", "pushtype", ("alert", "marketing"))


def test_a_leading_minus_sorts_the_other_way() -> None:
    assert sort_of({"sort": "-cost"}, ("id", "cost")) == ("cost", True)
    assert sort_of({"sort": "id"}, ("id", "cost")) == ("id", False)
    assert sort_of({}, ("id", "cost")) == (None, False)
    with pytest.raises(BadData, match="sort"):
        sort_of({"sort": "-name"}, ("id", "cost"))


def test_a_page_has_100_rows_unless_asked_and_1000_at_most() -> None:
    assert page_of({}) == (0, 100)
    assert page_of({"start": "20", "length": "5"}) == (20, 5)
    assert page_of({"length": "5000"}) == (0, 1000)
    assert page_of({"length": "0"}) == (0, 0)
    with pytest.raises(BadData, match="start"):
        page_of({"start": "-1"})


def test_a_date_is_a_time_of_paris_in_summer_and_in_winter() -> None:
    summer = date_of({"date_start": "2031-07-01 12:00:00"}, "date_start", end="first")
    winter = date_of({"date_start": "2031-01-01 12:00:00"}, "date_start", end="first")
    assert summer == 1940666400_000  # 10:00 UTC
    assert winter == 1925031600_000  # 11:00 UTC


def test_the_last_millisecond_of_its_second_ends_a_period() -> None:
    query = {"date_end": "2031-01-01 12:00:00"}
    assert date_of(query, "date_end", end="last") == 1925031600_999


def test_a_date_is_printed_as_it_is_read() -> None:
    for text in ("2031-07-01 12:00:00", "2031-01-01 00:00:00", "2031-12-31 23:59:59"):
        at = date_of({"d": text}, "d", end="last")
        assert at is not None
        assert date_text(at) == text


def test_no_date_is_none() -> None:
    assert date_of({}, "date_start", end="first") is None
    assert date_of({"date_start": " "}, "date_start", end="first") is None


@pytest.mark.parametrize(
    "text", ["2031-07-01", "01/07/2031 12:00:00", "soon", "2031-02-30 00:00:00", "0001-01-01 00:00:00"]
)
def test_what_is_no_date_is_refused_by_the_name_of_its_parameter(text: str) -> None:
    with pytest.raises(BadData, match="date_end: must be like"):
        date_of({"date_end": text}, "date_end", end="last")
