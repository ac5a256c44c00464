"""Laws of long replies: in whatever order parts come, doubled, lost or late, every word is told once and none twice."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.carriers.incoming import read_delivery
from chappe.domain.long_replies import GAP, Assembly, assemble
from chappe.domain.outcomes import ReplyIn
from chappe.domain.replies import StoredReply
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import concatenation_header

AT = 1_937_000_000_000
WAIT_MS = 3_600_000
# Words that are different in each part, and never a gap.
texts = st.integers(2, 6).map(lambda total: [f"<{place}>" for place in range(1, total + 1)])
FORMS = ("8", "16")
unhurried = settings(deadline=None)


def part(row: int, text: str, place: int, total: int, ref: int = 7, form: str = "8", at: int = AT) -> StoredReply:
    return StoredReply(row, 5, "33612345678", "36180", text, at + row, f"{form}.{ref}/{total}", place)


class Table:
    """What the database does between two rounds: it keeps what waits and what was put together."""

    def __init__(self) -> None:
        self.waiting: list[StoredReply] = []
        self.told: list[StoredReply] = []
        self.dropped: list[int] = []

    def come(self, parts: Sequence[StoredReply]) -> None:
        self.waiting += parts

    def round(self, now: int) -> Assembly:
        done = assemble(self.waiting, self.told, now, WAIT_MS)
        rows = {one.id: one for one in self.waiting}
        self.told += [rows[one.id]._replace(text=one.text, joined=one.parts, part=None) for one in done.whole]
        gone = {one.id for one in done.whole} | set(done.merged)
        assert len(done.whole) + len(done.merged) == len(gone) <= len(self.waiting), "each row has one end"
        self.waiting = [one for one in self.waiting if one.id not in gone]
        self.dropped += done.merged
        return done

    def texts(self) -> list[str]:
        return [one.text for one in self.told]


@given(texts, st.data())
@unhurried
def test_parts_in_any_order_with_repeats_give_the_text_once(words: list[str], data: st.DataObject) -> None:
    places = list(range(1, len(words) + 1))
    came = [*data.draw(st.permutations(places)), *data.draw(st.lists(st.sampled_from(places), max_size=5))]
    came = data.draw(st.permutations(came))
    table = Table()
    for row, place in enumerate(came):
        table.come([part(row, words[place - 1], place, len(words))])
        if data.draw(st.booleans()):  # a round in between
            table.round(AT + row)
    table.round(AT + len(came))
    assert table.texts() == ["".join(words)]
    assert table.waiting == []


@given(texts, st.data())
@settings(deadline=None, max_examples=300)
def test_what_is_lost_leaves_a_gap_and_what_comes_late_is_told_once(words: list[str], data: st.DataObject) -> None:
    places = list(range(1, len(words) + 1))
    late = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=len(words) - 1))
    in_time = data.draw(st.permutations([place for place in places if place not in late]))
    table = Table()
    table.come([part(row, words[place - 1], place, len(words)) for row, place in enumerate(in_time)])
    table.round(AT + WAIT_MS - 1)
    assert bool(table.texts()) == (not late)
    table.round(AT + WAIT_MS + 10)
    (first,) = table.texts()
    assert (GAP in first) == bool(late)
    assert all((words[place - 1] in first) == (place in in_time) for place in places)
    again = data.draw(st.permutations([*late, *data.draw(st.lists(st.sampled_from(places), max_size=4))]))
    late_at = AT + 2 * WAIT_MS
    for row, place in enumerate(again, 100):
        table.come([part(row, words[place - 1], place, len(words), at=late_at)])
        if data.draw(st.booleans()):
            table.round(late_at + row)
    table.round(late_at + 2 * WAIT_MS)
    told = "".join(table.texts())
    assert all(told.count(word) == 1 for word in words), "never lost, never told twice"
    assert table.waiting == []


@given(texts, st.data())
@unhurried
def test_what_was_missing_is_told_as_soon_as_it_is_there(words: list[str], data: st.DataObject) -> None:
    missing = data.draw(st.integers(1, len(words)))
    table = Table()
    table.come([part(i, text, i, len(words)) for i, text in enumerate(words, 1) if i != missing])
    table.round(AT + WAIT_MS + 10)
    table.come([part(50, words[missing - 1], missing, len(words), at=AT + WAIT_MS + 20)])
    table.round(AT + WAIT_MS + 100)
    rest = table.texts()[-1]
    assert rest.replace(GAP, "") == words[missing - 1]


@given(texts, st.data())
@unhurried
def test_a_text_whose_parts_have_references_of_different_width_is_one_text(
    words: list[str], data: st.DataObject
) -> None:
    forms = [data.draw(st.sampled_from(FORMS)) for _ in words]
    parts = [
        part(i, text, i, len(words), form=form) for i, (text, form) in enumerate(zip(words, forms, strict=True), 1)
    ]
    assert [one.text for one in assemble(data.draw(st.permutations(parts)), [], AT, WAIT_MS).whole] == ["".join(words)]


@given(texts, texts, st.data())
@unhurried
def test_two_texts_at_a_time_do_not_mix(one: list[str], other: list[str], data: st.DataObject) -> None:
    other = [text.replace("<", "{") for text in other]
    parts = [part(i, text, i, len(one), ref=7, form="8") for i, text in enumerate(one, 1)]
    form, ref = data.draw(st.sampled_from([("8", 8), ("16", 7), ("16", 263)]))
    parts += [part(50 + i, text, i, len(other), ref=ref, form=form) for i, text in enumerate(other, 1)]
    mixed = data.draw(st.permutations(parts))
    done = assemble(mixed, [], AT, WAIT_MS)
    assert sorted(whole.text for whole in done.whole) == sorted(["".join(one), "".join(other)])


@given(
    st.text(st.characters(codec="utf-8", max_codepoint=0xFFFFF), min_size=4, max_size=12).filter(
        lambda text: GAP not in text
    ),
    st.data(),
)
@unhurried
def test_signs_that_a_phone_cut_in_two_are_whole_again(text: str, data: st.DataObject) -> None:
    octets = (text + "🎉").encode("utf-16-be")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(octets) // 2 - 1), min_size=1, max_size=4)))
    pieces = [octets[2 * low : 2 * high] for low, high in pairwise([0, *cuts, len(octets) // 2])]
    read = [
        read_delivery(
            ShortMessage(1, 1, "336", 1, 1, "36180", 0x40, 8, concatenation_header(7, len(pieces), n) + piece)
        )
        for n, piece in enumerate(pieces, 1)
    ]
    rows = [
        StoredReply(n, 5, *one[:3], AT, one.part_of, one.part) for n, one in enumerate(read) if isinstance(one, ReplyIn)
    ]
    for row in rows:
        row.text.encode()  # it can be stored
    assert [whole.text for whole in assemble(rows, [], AT, WAIT_MS).whole] == [text + "🎉"]


def test_a_reference_that_is_used_again_begins_another_text() -> None:
    parts = [part(1, "a", 1, 2), part(2, "c", 1, 2), part(3, "b", 2, 2), part(4, "d", 2, 2)]
    assert [whole.text for whole in assemble(parts, [], AT, WAIT_MS).whole] == ["ab", "cd"]
    table = Table()
    table.come(parts[::2])
    table.round(AT)
    table.come([part(8, "c", 1, 2), part(9, "d", 2, 2), part(10, "b", 2, 2)])
    table.round(AT)
    assert table.texts() == ["ab", "cd"]
    assert sorted(table.dropped) == [3, 9, 10]


def test_a_reference_may_be_of_any_form() -> None:
    dotted = [part(1, "a", 1, 2)._replace(part_of="h.x.7/2"), part(2, "b", 2, 2)._replace(part_of="h.y.7/2")]
    plain = [part(1, "a", 1, 2)._replace(part_of="7/2"), part(2, "b", 2, 2)._replace(part_of="8/2")]
    assert assemble(dotted, [], AT, WAIT_MS).whole == assemble(plain, [], AT, WAIT_MS).whole == []
    same = [one._replace(part_of="7/2") for one in plain]
    assert [whole.text for whole in assemble(same, [], AT, WAIT_MS).whole] == ["ab"]


def test_a_source_with_a_plus_is_the_same_person() -> None:
    parts = [part(1, "a", 1, 2), part(2, "b", 2, 2)._replace(source="+33612345678")]
    assert [whole.text for whole in assemble(parts, [], AT, WAIT_MS).whole] == ["ab"]


def test_the_next_look_is_when_the_oldest_has_been_waited_for() -> None:
    done = assemble([part(5, "a", 1, 2), part(9, "b", 1, 2, ref=8)], [], AT + 10, WAIT_MS)
    assert (done.whole, done.merged, done.next_at) == ([], [], AT + 5 + WAIT_MS)
