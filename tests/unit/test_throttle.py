"""How fast a carrier is fed, before and after it says that it is too fast."""

import random
from collections.abc import Callable

import pytest

from chappe.domain.throttle import FIRST_PAUSE_S, FLOOR_PER_S, MAX_PAUSE_S, Throttle

STEP_S = 0.005  # how often a busy lane asks


def fed(throttle: Throttle, start: float, seconds: float, step_s: float = STEP_S) -> int:
    """How many submits leave when a lane takes all it is allowed to."""
    total = 0
    for turn in range(round(seconds / step_s) + 1):
        count = throttle.allowance(start + turn * step_s, 1_000_000)
        throttle.used(count)
        total += count
    return total


def test_without_a_rate_everything_may_leave_at_once() -> None:
    throttle = Throttle(0)
    assert throttle.allowance(0.0, 5000) == 5000
    throttle.used(5000)
    assert (throttle.allowance(0.0, 1), throttle.wait_s(0.0)) == (1, 0.0)


@pytest.mark.parametrize("rate", [1, 5, 20, 100, 5000])
def test_a_rate_is_kept_and_used(rate: int) -> None:
    burst = max(1, rate // 10)
    assert rate * 10 - burst <= fed(Throttle(rate), 1000.0, 10.0) <= rate * 10 + burst


@pytest.mark.parametrize("rate", [1, 5, 20, 100, 5000])
def test_after_a_long_rest_no_more_than_a_tenth_of_a_second_leaves_at_once(rate: int) -> None:
    throttle = Throttle(rate)
    fed(throttle, 0.0, 1.0)
    assert throttle.allowance(10_000.0, 1_000_000) == max(1, rate // 10)


def test_no_more_is_allowed_than_is_wanted() -> None:
    throttle = Throttle(1000)
    throttle.allowance(0.0, 1)
    assert [throttle.allowance(10.0, wanted) for wanted in (0, 3, 100, 101)] == [0, 3, 100, 100]


def test_the_wait_is_exactly_until_the_next_may_leave() -> None:
    throttle = Throttle(4)
    assert throttle.allowance(100.0, 9) == 1
    throttle.used(1)
    wait = throttle.wait_s(100.0)
    assert wait == pytest.approx(0.25)
    assert throttle.allowance(100.0 + wait - 0.01, 9) == 0
    assert throttle.allowance(100.0 + wait + 1e-9, 9) == 1
    assert throttle.wait_s(100.0 + wait) == 0.0


def test_a_complaint_stops_everything_for_a_second() -> None:
    for rate in (0, 100):
        throttle = Throttle(rate)
        throttle.allowance(0.0, 1)
        throttle.hit(10.0)
        assert throttle.allowance(10.999, 100) == 0
        assert throttle.wait_s(10.4) == pytest.approx(0.6)
        assert throttle.allowance(11.0, 100) > 0


def test_many_complaints_of_one_window_count_once() -> None:
    throttle = Throttle(100)
    throttle.allowance(0.0, 1)
    for i in range(50):
        throttle.hit(10.0 + i / 1000)
    assert throttle.wait_s(10.05) == pytest.approx(0.95)


def test_complaint_after_complaint_the_pauses_double_up_to_a_minute() -> None:
    throttle = Throttle(100)
    now, pauses = 0.0, []
    for _ in range(9):
        throttle.hit(now)
        pauses.append(throttle.wait_s(now))
        now += pauses[-1]
    assert pauses == [pytest.approx(pause) for pause in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
    assert pauses[0] == FIRST_PAUSE_S
    assert pauses[-1] == MAX_PAUSE_S


def test_after_a_quiet_time_the_next_pause_is_short_again() -> None:
    throttle = Throttle(100)
    throttle.hit(0.0)
    throttle.hit(1.0)  # a pause of two seconds
    throttle.accepted(3.5, 1)
    throttle.hit(4.0)
    assert throttle.wait_s(4.0) == pytest.approx(4.0)
    throttle.accepted(4.0 + 8.1, 1)
    throttle.hit(12.5)
    assert throttle.wait_s(12.5) == pytest.approx(1.0)


def trafficked(throttle: Throttle, seconds: float, refuses: Callable[[int, int], int], window: int = 600) -> int:
    """How many a carrier took that `refuses` so many of a step's submits, given the step and how many there are.

    A step is a tenth of a second; each is answered in it.
    """
    taken = 0
    for step in range(int(seconds * 10)):
        now = step / 10
        sent = throttle.allowance(now, window)
        throttle.used(sent)
        refused = refuses(step, sent)
        for _ in range(refused):
            throttle.hit(now)
        if sent:
            throttle.accepted(now, sent - refused)
        taken += sent - refused
    return taken


@pytest.mark.parametrize(("share", "least"), [(0.02, 2_000), (0.04, 500), (0.1, 50), (0.3, 10)])
def test_a_carrier_that_refuses_a_share_at_any_pace_is_still_fed(share: float, least: int) -> None:
    throttle, dice = Throttle(0), random.Random(1)
    taken = trafficked(throttle, 120, lambda _, sent: sum(dice.random() < share for _ in range(sent)))
    assert taken / 120 > least


@pytest.mark.parametrize("most", [10, 100, 1000])
def test_a_carrier_that_takes_so_many_a_second_gets_about_as_many_and_not_many_more(most: int) -> None:
    throttle, used, tries = Throttle(0), 0, 0

    def refuses(step: int, sent: int) -> int:
        nonlocal used, tries
        used = 0 if step % 10 == 0 else used
        tries += sent
        refused = max(0, used + sent - most)
        used = min(most, used + sent)
        return refused

    taken = trafficked(throttle, 600, refuses)
    assert taken / 600 > 0.8 * most
    assert tries / taken < (2.5 if most == 10 else 1.1), (
        "the first window tells what it takes, and now and then another"
    )


def test_a_carrier_that_recovers_is_soon_fed_as_before() -> None:
    throttle, dice = Throttle(0), random.Random(1)
    trafficked(throttle, 1, lambda _, sent: 0)
    bad = trafficked(throttle, 20, lambda step, sent: sum(dice.random() < 0.6 for _ in range(sent)))
    assert bad < 20 * 600
    began = 21.0
    later = []
    for second in range(150):
        sent = throttle.allowance(began + second, 600)
        throttle.used(sent)
        throttle.accepted(began + second, sent)
        later.append(sent)
    assert later[-1] == 600


def test_a_carrier_that_refuses_most_is_paused_for_longer_and_longer() -> None:
    throttle, now = Throttle(0), 0.0
    for pause in (1, 2, 4, 8):
        throttle.hit(now)
        assert throttle.wait_s(now) == pytest.approx(pause)
        throttle.accepted(now, 5)
        for _ in range(94):
            throttle.hit(now)
        now += pause


def test_a_complaint_long_after_the_last_one_pauses_shortly_even_without_answers_between() -> None:
    throttle = Throttle(100)
    for now in (0.0, 1.0, 3.0):
        throttle.hit(now)
    throttle.hit(3.0 + 2 * MAX_PAUSE_S + 0.1)
    assert throttle.wait_s(3.0 + 2 * MAX_PAUSE_S + 0.1) == pytest.approx(FIRST_PAUSE_S)


def test_a_complaint_cuts_the_rate_by_a_third_and_it_comes_back_by_two_percent_a_second() -> None:
    throttle = Throttle(1000)
    fed(throttle, 0.0, 1.0)
    throttle.hit(1.0)
    assert fed(throttle, 2.0, 1.0) == pytest.approx(730, abs=100 + 10)
    assert fed(throttle, 20.0, 1.0) == pytest.approx(1000, abs=110)


def test_the_rate_never_falls_below_one_a_second_or_the_configured_rate() -> None:
    throttle = Throttle(10)
    now = 0.0
    for _ in range(40):
        throttle.hit(now)
        now += throttle.wait_s(now)
    assert fed(throttle, now, 10.0) >= 10 * FLOOR_PER_S - 1


def test_a_clock_that_steps_back_stops_nothing_for_good() -> None:
    throttle = Throttle(10)
    fed(throttle, 100.0, 1.0)
    assert throttle.allowance(50.0, 10) == 0
    assert fed(throttle, 50.0, 1.0) >= 9


# -- a carrier that says how busy it is ------------------------------------------------------------------


def test_a_centre_that_is_too_busy_is_fed_less_without_a_pause() -> None:
    throttle = Throttle(1000)
    fed(throttle, 0.0, 1.0)
    throttle.congested(1.0, 95)
    assert throttle.allowed_per_s == pytest.approx(850)
    assert (throttle.wait_s(1.0) < 0.1, throttle.brake(1.0)) == (True, "congestion")
    throttle.congested(1.5, 99)  # with another answer of the same second
    assert throttle.allowed_per_s == pytest.approx(850)
    throttle.congested(2.0, 100)
    assert throttle.allowed_per_s == pytest.approx(850 * 0.81)


def test_the_load_that_suits_the_centre_is_held_and_below_it_the_rate_comes_back() -> None:
    throttle = Throttle(1000)
    throttle.congested(0.0, 90)
    for second in range(1, 20):
        throttle.congested(float(second), 85)
        fed(throttle, float(second), 1.0, 0.1)
    assert throttle.allowed_per_s == pytest.approx(900)
    for second in range(20, 30):
        throttle.congested(float(second), 40)
        fed(throttle, float(second), 1.0, 0.1)
    assert (throttle.allowed_per_s, throttle.brake(30.0)) == (1000, "rate")


def test_what_a_centre_said_of_its_load_is_told_for_a_while() -> None:
    throttle = Throttle(0)
    assert throttle.congestion(0.0) is None
    throttle.congested(1.0, 42)
    assert [throttle.congestion(now) for now in (2.0, 10.9, 11.1)] == [42, 42, None]


def taken(throttle: Throttle, start: float, seconds: int, per_s: int) -> None:
    """Let a carrier take so many a second for a while."""
    for second in range(seconds):
        throttle.allowance(start + second, per_s)
        throttle.accepted(start + second, per_s)


def test_without_a_rate_what_the_carrier_took_before_it_complained_becomes_the_rate_for_a_while() -> None:
    throttle = Throttle(0)
    taken(throttle, 0.0, 4, 200)
    assert throttle.allowed_per_s is None
    throttle.hit(4.0)
    assert throttle.allowed_per_s is None, "one of two hundred is no sign of a limit"
    for _ in range(500):
        throttle.hit(4.0)
    assert throttle.allowed_per_s == pytest.approx(140, rel=0.1)
    assert fed(throttle, 5.0, 10.0) == pytest.approx(160 * 10, rel=0.2)
    assert throttle.brake(15.0) == "throttling"
    assert fed(throttle, 16.0, 60.0, 0.1) > 0
    assert throttle.allowed_per_s is None  # twice as much went well


def test_without_a_rate_a_complaint_at_no_load_only_pauses() -> None:
    throttle = Throttle(0)
    throttle.hit(10.0)
    assert throttle.allowed_per_s is None
    assert throttle.allowance(11.0, 5000) == 5000


def test_another_rate_holds_at_once() -> None:
    throttle = Throttle(100)
    fed(throttle, 0.0, 1.0)
    throttle.change(10)
    assert fed(throttle, 1.0, 10.0) == pytest.approx(100, abs=12)
    throttle.change(0)
    assert throttle.allowance(12.0, 5000) == 5000
