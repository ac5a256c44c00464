"""Laws of replies: what comes twice counts once."""

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.replies import REPEAT_MS, StoredReply, number_of, repeats

AT = 1_937_000_000_000


def whole(row: int, text: str, at: int) -> StoredReply:
    return StoredReply(row, 5, "33612345678", "36180", text, at, None, None)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2 * REPEAT_MS)), max_size=10), st.integers(0, 10))
def test_looking_at_a_batch_or_at_its_pieces_finds_the_same_repeats(came: list[tuple[str, int]], cut: int) -> None:
    at, replies = AT, []
    for row, (text, later) in enumerate(came):
        at += later
        replies.append(whole(row, text, at))
    at_once = repeats(replies, [])
    first = repeats(replies[:cut], [])
    kept = [reply for reply in replies[:cut] if reply.id not in first]
    assert at_once == first | repeats(replies[cut:], kept)
    assert all(replies[row].text in {reply.text for reply in replies[:row]} for row in at_once)


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
