"""Limits as pure decisions: whose they are, the periods they count in, what they leave."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import BadData, InsufficientCredits
from chappe.domain.limits import (
    DAY_MS,
    MINUTE_MS,
    Recent,
    SendLimits,
    Used,
    both,
    bounds,
    check_cap,
    covers,
    digests_of,
    left_of,
    limits_of,
    periods_of,
)
from chappe.domain.quotas import UNLIMITED, Quota
from chappe.domain.rule_table import read_value
from tests.rulebooks import installed, rules_of
from tests.store.build import BRANCH, NOW, SHOP


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_an_account_without_limits_has_none() -> None:
    assert rules_of(SHOP).send_limits == ()
    assert rules_of(SHOP, price="2", messages_per_day="0", messages_per_month__CH="0").send_limits == ()


def test_what_is_set_for_the_installation_counts_on_the_main_account() -> None:
    rules = installed(messages_per_day="5", messages_per_month="7", messages_per_month__CH="0")
    limits = SendLimits(SHOP.id, messages_per_day=5, elsewhere=7, by_country={"CH": 0})
    assert rules.of(SHOP).send_limits == rules.of(BRANCH).send_limits == (limits,)
    assert limits.minds_countries
    assert not limits.minds_numbers


def test_a_main_accounts_own_rule_comes_before_the_installations_and_a_sub_accounts_beside_both() -> None:
    limits_set = {
        (0, "", "messages_per_day"): "5",
        (SHOP.id, "", "messages_per_day"): "50",
        (0, "CH", "messages_per_month"): "3",
        (SHOP.id, "", "messages_per_month"): "9",
        (BRANCH.id, "", "credits_per_day"): "2",
    }
    of_shop = SendLimits(SHOP.id, messages_per_day=50, elsewhere=9)
    assert limits_of(SHOP, limits_set) == (of_shop,)
    assert limits_of(BRANCH, limits_set) == (of_shop, SendLimits(BRANCH.id, credits_per_day_mc=2000))


def test_the_same_text_is_looked_for_in_a_day_at_most() -> None:
    assert read_value("same_text_minutes", "1440") == 1440
    with pytest.raises(BadData, match="must be 1440 at most, not 1441"):
        read_value("same_text_minutes", "1441")


@pytest.mark.parametrize(
    ("moment", "minute", "day", "month"),
    [
        ("2031-05-20 21:59:59", "2031-05-20T21:59Z", "2031-05-20", "2031-05"),
        ("2031-05-31 22:00:00", "2031-05-31T22:00Z", "2031-06-01", "2031-06"),
        ("2031-12-31 23:00:00", "2031-12-31T23:00Z", "2032-01-01", "2032-01"),
        ("2031-10-26 00:30:00", "2031-10-26T00:30Z", "2031-10-26", "2031-10"),  # 02:30 in Paris, twice that night
        ("2031-10-26 01:30:00", "2031-10-26T01:30Z", "2031-10-26", "2031-10"),
    ],
)
def test_days_and_months_are_those_of_paris(moment: str, minute: str, day: str, month: str) -> None:
    assert periods_of(at(moment)) == (minute, day, month)


def test_a_day_in_which_the_clock_changes_has_23_or_25_hours() -> None:
    lengths = [bounds(day)[1] - bounds(day)[0] for day in ("2031-03-30", "2031-10-26", "2031-10-27")]
    assert [length // 3_600_000 for length in lengths] == [23, 25, 24]
    assert bounds("2031-12") == (at("2031-11-30 23:00"), at("2031-12-31 23:00"))


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_is_within_its_periods_and_the_next_begin_where_they_end(moment: int) -> None:
    for place, period in enumerate(periods_of(moment)):
        begin, end = bounds(period)
        assert begin <= moment < end
        assert periods_of(end - 1)[place] == period != periods_of(end)[place]


def test_the_tighter_of_a_minute_and_a_day_is_left() -> None:
    limits = SendLimits(1, messages_per_minute=10, messages_per_day=100)
    assert left_of(limits, Used(in_minute=4, in_day=20), {}, [], NOW).messages == 6
    assert left_of(limits, Used(in_minute=4, in_day=97), {}, [], NOW).messages == 3
    assert left_of(limits, Used(in_minute=11, in_day=0), {}, [], NOW).messages == 0
    assert left_of(SendLimits(1, number_per_day=1), Used(), {}, [], NOW).messages is None


def test_numbers_that_had_their_share_are_flooded() -> None:
    limits = SendLimits(1, same_text_minutes=5, number_per_minute=2, number_per_day=3)
    recent = [
        *(Recent(10, 7, NOW - 5 * MINUTE_MS) for _ in range(2)),
        Recent(11, 7, NOW - 5 * MINUTE_MS + 1),
        *(Recent(12, 8, NOW - MINUTE_MS + 1) for _ in range(2)),
        *(Recent(13, 8, NOW - DAY_MS + 1) for _ in range(3)),
        *(Recent(14, 8, NOW - DAY_MS) for _ in range(3)),
    ]
    left = left_of(limits, Used(recent=recent), dict.fromkeys(range(10, 15), 7), [], NOW)
    assert left.flooded == {11, 12, 13}


def test_of_two_quotas_the_tighter_holds_for_each_thing() -> None:
    one = Quota(frozenset({1}), 5, {"FR": 2, "CH": 9}, 3000, 4000)
    other = Quota(frozenset({2}), None, {"CH": 1}, 2000, 8000)
    assert both(one, other) == both(other, one) == Quota(frozenset({1, 2}), 5, {"FR": 2, "CH": 1}, 2000, 8000)
    assert both(UNLIMITED, one) == one


def test_a_plan_is_covered_up_to_the_last_message_and_credit() -> None:
    quota = Quota(messages=3, by_country={"CH": 1}, credits_mc=3000, cap_mc=5000)
    assert covers(quota, 3000, {"FR": 2, "CH": 1})
    assert not covers(quota, 3000, {"FR": 4})
    assert not covers(quota, 3000, {"FR": 1, "CH": 2})
    assert not covers(quota, 3001, {"FR": 1})
    check_cap(quota, 3000)
    with pytest.raises(InsufficientCredits, match="the daily cap of 5 credits leaves 3 for today and this costs 4"):
        check_cap(quota, 3001)


def test_texts_are_the_same_when_their_author_fields_and_links_are() -> None:
    plain = digests_of("Hello", [], [1, 2, 0], [])
    assert plain.keys() == {1, 2}
    assert plain[1] == plain[2] != digests_of("Hello ", [], [1], [])[1]
    assert plain[1] != digests_of("Hello", ["https://example.org"], [1], [])[1]
    personal = digests_of("Hi [info1]", [], [1, 2, 3, 1], ["a", "b", "a", "b"])
    assert personal[1] == personal[3] != personal[2]
    assert all(0 <= digest < 2**63 for digest in personal.values())
