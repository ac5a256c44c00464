"""When an event is posted again, and when an endpoint is left alone."""

from chappe.domain.webhook_schedule import (
    FIRST_PAUSE_S,
    JITTER,
    MAX_PAUSE_S,
    OPENS_AFTER,
    RETRY_S,
    Breaker,
    EventState,
    after_attempt,
    next_attempt,
)

DAY_MS = 86_400_000


def opened(now: float) -> Breaker:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        breaker.failed(now, now)
    return breaker


def test_the_first_retry_comes_after_seconds_and_the_last_after_a_day() -> None:
    assert next_attempt(1, 0.0) == 5_000
    assert next_attempt(len(RETRY_S), 0.0) == DAY_MS
    assert next_attempt(len(RETRY_S) + 1, 0.0) is None


def test_all_retries_together_take_about_three_days() -> None:
    assert 2.8 * DAY_MS < sum(RETRY_S) * 1000 < 3.2 * DAY_MS
    assert sum(RETRY_S) * (1 + JITTER) < 3.5 * 86_400


def test_every_2xx_is_a_success_and_nothing_else_is() -> None:
    def state(code: int | None) -> EventState:
        return after_attempt(code, attempts=1, jitter=0.5)[0]

    assert [state(code) for code in (200, 201, 204, 299)] == [EventState.DONE] * 4
    assert [state(code) for code in (None, 199, 300, 302, 404, 410, 500)] == [EventState.DUE] * 7


def test_an_event_is_given_up_after_the_whole_schedule() -> None:
    last = len(RETRY_S) + 1
    assert after_attempt(500, attempts=last - 1, jitter=0)[0] is EventState.DUE
    assert after_attempt(500, attempts=last, jitter=0) == (EventState.GIVEN_UP, 0)
    assert after_attempt(200, attempts=last, jitter=0)[0] is EventState.DONE


def test_a_few_failures_in_a_row_open_the_breaker() -> None:
    breaker = Breaker()
    for _ in range(OPENS_AFTER - 1):
        breaker.failed(10.0, 10.0)
    assert breaker.allows(10.0, 3)
    breaker.failed(10.0, 10.0)
    assert not breaker.allows(10.0, 0)


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker()
    for _ in range(20):
        for _ in range(OPENS_AFTER - 1):
            breaker.failed(1.0, 1.0)
        breaker.succeeded()
    assert breaker.allows(1.0, 0)


def test_after_the_pause_one_post_at_a_time_may_try() -> None:
    breaker = opened(100.0)
    assert not breaker.allows(100.0 + FIRST_PAUSE_S - 0.1, 0)
    assert breaker.allows(100.0 + FIRST_PAUSE_S, 0)
    assert not breaker.allows(100.0 + FIRST_PAUSE_S, 1)


def test_a_try_that_succeeds_closes_the_breaker() -> None:
    breaker = opened(100.0)
    breaker.succeeded()
    assert breaker.allows(100.0, 15)


def test_the_pause_doubles_up_to_a_limit() -> None:
    breaker, now, pauses = opened(0.0), 0.0, []
    for _ in range(12):
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker.failed(now, now)
    assert pauses[:4] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S, 8 * FIRST_PAUSE_S]
    assert pauses[-1] == MAX_PAUSE_S


def test_posts_that_were_on_their_way_do_not_lengthen_the_pause() -> None:
    breaker = opened(100.0)
    for _ in range(11):
        breaker.failed(99.0, 100.2 + 2 * FIRST_PAUSE_S)
    assert breaker.until == 100.0 + FIRST_PAUSE_S
