"""When a centre that stays bound and answers no submits is fed no longer, and when it is left."""

import pytest

from chappe.carriers.silence import TRIES, UNANSWERED_LIMIT, Silence


@pytest.mark.parametrize(("window", "limit"), [(1, 1), (4, 4), (100, UNANSWERED_LIMIT)])
def test_so_many_in_a_row_without_an_answer_and_one_at_a_time_tries_it(window: int, limit: int) -> None:
    silence = Silence(was_silent=False)
    silence.sent()
    assert [silence.timed_out(1, window) for _ in range(limit)] == [None] * (limit - 1) + ["try"]
    assert silence.is_trying


def test_one_answer_among_many_timeouts_is_enough_to_go_on() -> None:
    silence = Silence(was_silent=False)
    for _ in range(50):
        assert silence.timed_out(UNANSWERED_LIMIT - 1, 100) is None
        assert silence.answered() is False


def test_what_was_written_before_the_trying_is_no_try() -> None:
    silence = Silence(was_silent=False)
    silence.sent()
    assert silence.timed_out(UNANSWERED_LIMIT, 100) == "try"
    assert [silence.timed_out(30, 100) for _ in range(3)] == [None] * 3
    verdicts = []
    for _ in range(TRIES):
        silence.sent()
        verdicts.append(silence.timed_out(1, 100))
    assert verdicts == [None] * (TRIES - 1) + ["leave"]


def test_an_answer_ends_the_trying_and_forgets_what_was_before() -> None:
    silence = Silence(was_silent=False)
    silence.timed_out(UNANSWERED_LIMIT, 100)
    silence.sent()
    silence.timed_out(1, 100)
    assert silence.answered() is True
    assert not silence.is_trying
    assert silence.timed_out(UNANSWERED_LIMIT - 1, 100) is None
    assert silence.timed_out(1, 100) == "try"


def test_one_submit_decides_about_a_link_that_follows_one_to_a_silent_centre() -> None:
    silence = Silence(was_silent=True)
    assert silence.is_trying
    silence.sent()
    assert silence.timed_out(1, 100) == "leave"
