"""Laws of how fast a carrier is fed: whatever happened before, it is never fed nothing for long."""

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.throttle import MAX_PAUSE_S, Throttle

WINDOW = 100

_waits = st.floats(0.0, 5.0)
_events = st.one_of(
    st.tuples(st.just("feed"), st.integers(1, WINDOW)),
    st.tuples(st.just("take"), st.integers(0, WINDOW)),
    st.tuples(st.just("complain"), st.integers(1, 20)),
    st.tuples(st.just("load"), st.integers(0, 100)),
    st.tuples(st.just("rate"), st.sampled_from([0, 1, 50, 5000])),
)


@given(st.sampled_from([0, 1, 50, 5000]), st.lists(st.tuples(_waits, _events), max_size=200))
def test_after_any_history_a_lane_waits_no_longer_than_a_pause_and_a_window(
    rate: int, history: list[tuple[float, tuple[str, int]]]
) -> None:
    throttle, now = Throttle(rate), 1000.0
    for wait, (what, count) in history:
        now += wait
        if what == "feed":
            throttle.used(throttle.allowance(now, count))
        elif what == "take":
            throttle.accepted(now, count)
        elif what == "complain":
            for _ in range(count):
                throttle.hit(now)
        elif what == "load":
            throttle.congested(now, count)
        else:
            throttle.change(count)
        pace = throttle.allowed_per_s
        pause = MAX_PAUSE_S if throttle.pauses(now) else 0.0
        assert throttle.wait_s(now) <= pause + (WINDOW / pace if pace else 0.0)


@given(st.integers(1, 200), st.sampled_from(["rate", "load", "complaints"]))
def test_what_left_before_there_was_a_limit_is_not_owed_under_it(turns: int, first: str) -> None:
    throttle, now = Throttle(0), 1000.0
    for _ in range(turns):
        now += 0.1
        left = throttle.allowance(now, WINDOW)
        throttle.used(left)
        throttle.accepted(now, left)
    if first == "rate":
        throttle.change(50)
    elif first == "load":
        throttle.congested(now, 95)
    else:
        for _ in range(WINDOW // 2):
            throttle.hit(now)
    now += 1.0
    assert throttle.allowance(now, WINDOW) > 0
    assert throttle.wait_s(now) == 0.0
