"""Laws of replies: the order of parts does not matter, and what comes twice counts once."""

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.replies import PART_WAIT_MS, REPEAT_MS, StoredReply, assemble, number_of, repeats

AT = 1_937_000_000_000


def part(row: int, text: str, place: int, total: int, ref: int = 7) -> StoredReply:
    return StoredReply(row, 5, "33612345678", "36180", text, AT + row, f"8.{ref}/{total}", place)


def whole(row: int, text: str, at: int) -> StoredReply:
    return StoredReply(row, 5, "33612345678", "36180", text, at, None, None)


@given(st.lists(st.text("abc", min_size=1), min_size=2, max_size=8), st.data())
def test_parts_in_any_order_with_repeats_give_the_text_once(texts: list[str], data: st.DataObject) -> None:
    places = list(range(1, len(texts) + 1))
    came = data.draw(st.permutations(places)) + data.draw(st.lists(st.sampled_from(places), max_size=4))
    parts = [part(row, texts[place - 1], place, len(texts)) for row, place in enumerate(came)]
    done = assemble(parts, [], AT)
    assert done.whole == [("".join(texts), 0)]
    assert sorted(done.merged) == list(range(1, len(parts)))


@given(st.lists(st.text("abc", min_size=1), min_size=2, max_size=8), st.data())
def test_an_incomplete_text_waits_and_then_is_what_there_is(texts: list[str], data: st.DataObject) -> None:
    missing = data.draw(st.integers(1, len(texts)))
    parts = [part(i, text, i, len(texts)) for i, text in enumerate(texts, 1) if i != missing]
    assert assemble(parts, [], AT + PART_WAIT_MS) == assemble([], [], AT)
    late = assemble(parts, [], AT + PART_WAIT_MS + 100)
    assert [text for text, _ in late.whole] == ["".join(p.text for p in parts)]


def test_a_reference_that_is_used_again_begins_another_text() -> None:
    parts = [part(1, "a", 1, 2), part(2, "c", 1, 2), part(3, "b", 2, 2), part(4, "d", 2, 2)]
    assert [text for text, _ in assemble(parts, [], AT).whole] == ["ab", "cd"]


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
