"""Laws of the judge: nobody flaps, whatever is seen."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.lane_health import (
    BOUND_S,
    CHANCE_MS,
    DELAYS_S,
    MIN_THROTTLED_MS,
    SLOT_MS,
    WELL,
    Figures,
    Signs,
    Slot,
    Thresholds,
    link_health,
    quality,
)

NOW = 1_795_000_000_000 // SLOT_MS * SLOT_MS
limits = st.builds(
    Thresholds, st.integers(1, 60), st.integers(1, 100), st.integers(0, 99),
    st.integers(0, 4000).map(lambda seconds: seconds // 300 * 300), st.integers(10, 200), st.booleans(),
)  # fmt: skip


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    within = tuple(draw(st.lists(st.integers(0, 100), min_size=5, max_size=5)))
    slow, faults = draw(st.integers(0, 100)), draw(st.integers(0, 300))
    silent = draw(st.sampled_from([0, 0, 1, 50, 1000]))
    ended = sum(within) + slow + faults
    return Figures(sent=ended + silent, delivered=sum(within) + slow, failed=faults, faults=faults, within=within)


@settings(max_examples=150, deadline=None)
@given(st.lists(figures(), min_size=1, max_size=60), limits)
def test_a_judgement_of_quality_holds_for_a_slot_at_least(seen: list[Figures], given_limits: Thresholds) -> None:
    health, changes, slots = WELL, [], list[Slot]()
    for place, each in enumerate(seen):
        slots.append(Slot(NOW + place * SLOT_MS, each))
        for look in (1, 2, 3, 4):  # several times in a slot, as the gateway does
            at = NOW + place * SLOT_MS + look * SLOT_MS // 5
            judged = quality(health, slots, given_limits, at)
            if judged is not health:
                changes.append(at)
                health = judged
    assert all(later - earlier >= SLOT_MS for earlier, later in pairwise(changes))


@settings(max_examples=150, deadline=None)
@given(figures(), limits, st.integers(1, 40))
def test_who_does_the_same_all_the_time_is_judged_once_unless_too_little_is_seen(
    same: Figures, given_limits: Thresholds, slots: int
) -> None:
    seen = [Slot(NOW + place * SLOT_MS, same) for place in range(slots)]
    health, changes = WELL, 0
    for place in range(slots):
        judged = quality(health, seen[: place + 1], given_limits, NOW + (place + 1) * SLOT_MS - 1)
        changes += judged is not health
        health = judged
    # With so few messages that a bad one cannot be judged, it gets a chance an hour.
    assert changes <= 1 + (2 * (slots * SLOT_MS // CHANCE_MS + 1) if same.delivered + same.faults < 20 else 0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 40), st.sampled_from([None, 0.0, 0.2, 0.4, 0.6, 1.0])), max_size=80
    ),
    limits,
)
def test_a_link_is_down_only_after_its_time_and_throttled_for_a_minute_at_least(
    spells: list[tuple[bool, int, float | None]], given_limits: Thresholds
) -> None:
    health, now = WELL, NOW
    for is_bound, seconds, held_back in spells:
        for second in range(seconds):
            now += 1000
            judged = link_health(health, Signs(is_bound, second, held_back), given_limits, now)
            if judged is health:
                continue
            if judged.state == "down":
                assert not is_bound
                assert second >= given_limits.down_s
            if health.state == "down":
                assert is_bound
                assert second >= BOUND_S
            if health.state == "throttled" and judged.state == "ok":
                assert now - health.since_at >= MIN_THROTTLED_MS
            health = judged


@given(st.lists(st.integers(0, 1000), min_size=len(DELAYS_S), max_size=len(DELAYS_S)), st.integers(0, 1000))
def test_half_of_the_deliveries_took_no_longer_than_the_median(within: list[int], slow: int) -> None:
    found = Figures(delivered=sum(within) + slow, within=tuple(within))
    median = found.median_delay_s
    bounds = (0, *DELAYS_S, 10**9)
    faster = sum(count for count, high in zip(within, DELAYS_S, strict=True) if high <= median)
    slower = sum(count for count, low in zip((*within, slow), bounds, strict=False) if low > median)
    assert faster <= found.delivered / 2 + 1 or not found.delivered or median in DELAYS_S
    assert slower <= found.delivered / 2
