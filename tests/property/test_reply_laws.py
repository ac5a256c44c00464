"""Laws of replies: what comes twice counts once, what is written twice counts twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.carriers.acknowledgements import Acknowledgements
from chappe.domain.replies import AGAIN_MS, SAME_ID_MS, Doubt, StoredReply, number_of, repeats

AT = 1_937_000_000_000
SECOND, MINUTE = 1000, 60_000


def whole(row: int, text: str, at: int, *, ref: str | None = None, doubt: Doubt | None = None) -> StoredReply:
    since, until = doubt or (None, None)
    return StoredReply(
        row, 5, "33612345678", "36180", text, at, None, None, ref=ref, doubt_since=since, doubt_until=until
    )


Came = tuple[str, int, str | None, int]
SOME = st.tuples(
    st.sampled_from("ab"), st.integers(0, 3 * MINUTE), st.sampled_from([None, "x", "y"]), st.integers(0, 5 * MINUTE)
)


def stored(came: list[Came]) -> list[StoredReply]:
    """Replies one after the other, those without an id with a doubt that ended so long before."""
    at, replies = AT, []
    for row, (text, later, ref, ago) in enumerate(came):
        at += later
        doubt = None if ref else Doubt(at - ago - AGAIN_MS, at - ago)
        replies.append(whole(row, text, at, ref=ref, doubt=doubt))
    return replies


@given(st.lists(SOME, max_size=12), st.integers(0, 12))
def test_looking_at_a_batch_or_at_its_pieces_finds_the_same_repeats(came: list[Came], cut: int) -> None:
    replies = stored(came)
    first = repeats(replies[:cut], [])
    judged = [reply._replace(is_repeat=reply.id in first) for reply in replies[:cut]]
    assert repeats(replies, []) == first | repeats(replies[cut:], judged)


@given(st.lists(SOME, max_size=12))
def test_a_repeat_has_the_words_and_the_id_of_one_that_counted(came: list[Came]) -> None:
    replies = stored(came)
    found = repeats(replies, [])
    for row in found:
        one = replies[row]
        assert any(
            (one.text, one.ref) == (other.text, other.ref) and other.id not in found for other in replies[: one.id]
        )


@given(st.lists(SOME, max_size=12))
def test_without_a_doubt_and_an_id_everything_counts(came: list[Came]) -> None:
    replies = [each._replace(ref=None, doubt_since=None, doubt_until=None) for each in stored(came)]
    assert repeats(replies, []) == set()


@given(st.integers(1, 5), st.integers(0, 5))
def test_each_text_of_before_a_loss_comes_again_once(written: int, more: int) -> None:
    lost = AT + MINUTE
    again = Doubt(lost - AGAIN_MS, lost)
    before = [whole(row, "1", AT + row) for row in range(written)]
    after = [whole(row, "1", lost + row, doubt=again) for row in range(written, 2 * written + more)]
    assert repeats(after, before) == set(range(written, 2 * written))


@pytest.mark.parametrize(
    ("ref", "text", "after_ms", "is_repeat"),
    [
        ("SM1", "1", 3 * SECOND, True),
        ("SM1", "1", 20 * 3600 * SECOND, True),
        ("SM1", "1", SAME_ID_MS + 1, False),
        ("SM2", "1", 3 * SECOND, False),
        ("SM1", "2", 3 * SECOND, False),
    ],
)
def test_what_has_an_id_is_known_by_it(ref: str, text: str, after_ms: int, is_repeat: bool) -> None:
    first, second = whole(1, "1", AT, ref="SM1"), whole(2, text, AT + after_ms, ref=ref)
    assert repeats([second], [first]) == ({2} if is_repeat else set())
    assert repeats([second], [first._replace(carrier_id=6)]) == set()


def test_what_is_repeated_after_each_of_two_losses_counts_once() -> None:
    links = Acknowledgements(AT)
    links.bound(AT, None)
    first = whole(1, "1", AT + MINUTE, doubt=links.doubt(AT + MINUTE))
    came, at = [first], AT + MINUTE
    for row in (2, 3, 4):  # the last one nine minutes later, the person's own
        if row < 4:
            links.lost(at + SECOND)
            links.bound(at + 9 * MINUTE, at + SECOND)
        at += 9 * MINUTE + SECOND
        came.append(whole(row, "1", at, doubt=links.doubt(at)))
    assert repeats(came, []) == {2, 3}


@pytest.mark.parametrize(
    ("came", "comes", "is_repeat"),
    [
        (-SECOND, 1, True),  # acknowledged into a link that was breaking
        (-SECOND, 9 * MINUTE, True),
        (-SECOND, 11 * MINUTE, False),
        (-9 * MINUTE, MINUTE, True),
        (-11 * MINUTE, MINUTE, False),
        (MINUTE, 2 * MINUTE, False),  # both over the new link
    ],
)
@pytest.mark.parametrize("away", [2 * SECOND, 5 * 3600 * SECOND])
def test_what_may_be_repeated_lies_around_the_loss_of_a_link(came: int, comes: int, is_repeat: bool, away: int) -> None:
    """Times are before the loss, or after the bind that follows it, however long that takes."""
    lost, bound = AT, AT + away
    links = Acknowledgements(AT - 3600 * SECOND)
    links.bound(AT - 3600 * SECOND, None)
    links.lost(lost)
    links.bound(bound, lost)
    first = whole(1, "1", (lost if came < 0 else bound) + came)
    second = whole(2, "1", bound + comes, doubt=links.doubt(bound + comes))
    assert repeats([second], [first]) == ({2} if is_repeat else set())


@given(st.lists(st.integers(0, 20 * MINUTE), min_size=1, max_size=8), st.integers(0, 20 * MINUTE))
def test_a_doubt_reaches_over_every_loss_of_the_last_minutes(spans: list[int], later: int) -> None:
    links, at, lost = Acknowledgements(AT), AT, []
    for span in spans:
        at += span
        links.lost(at)
        lost.append(at)
    found = links.doubt(at + later)
    assert (found is None) == (later > AGAIN_MS)
    if found is not None:
        recent = [each for each in lost if at - each <= AGAIN_MS]
        assert found.until == at
        assert lost[0] - AGAIN_MS <= found.since <= recent[0] - AGAIN_MS


def test_a_bind_more_puts_nothing_in_doubt_that_came_over_the_others() -> None:
    links = Acknowledgements(AT)
    links.bound(AT + SECOND, None)
    links.bound(AT + MINUTE, None)
    assert links.doubt(AT + MINUTE) == Doubt(AT - 1 - AGAIN_MS, AT - 1)


@given(st.text())
def test_a_number_is_read_from_any_source(source: str) -> None:
    number = number_of(source)
    assert number is None or 0 < number < 10**15


def test_a_number_may_have_a_plus_or_zeros_before_it() -> None:
    assert [number_of(source) for source in ("+336", "00336", "336", "Bank", "", "33६")] == [
        336,
        336,
        336,
        None,
        None,
        None,
    ]
