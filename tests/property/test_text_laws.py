"""Laws that hold for every text: nothing is lost in cutting, writing, packing or personalising it."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.personalize import personalize, tags
from chappe.telecom import gsm7, ucs2
from chappe.telecom.segments import Encoding, ReferenceBits, capacity, count_parts, normalise_text, segments
from chappe.telecom.transliterate import smart, to_gsm7
from chappe.telecom.udh import Element, MalformedHeader, build, find_concatenation, split_udh

EXTENSION = "\f^{}\\[~]|€"
ALPHABET = gsm7.decode(bytes(range(128)).replace(b"\x1b", b"")) + EXTENSION

gsm_texts = st.text(st.sampled_from(ALPHABET), max_size=700)
# Long runs of what takes two units, at odd places: where greedy cutting can go wrong.
boundary_texts = st.lists(
    st.tuples(st.sampled_from(["a", "€", "ж", "😀", "é", "{"]), st.integers(1, 160)), max_size=6
).map(lambda runs: "".join([character * times for character, times in runs]))
texts = st.one_of(gsm_texts, boundary_texts, st.text(max_size=300))
references: st.SearchStrategy[ReferenceBits] = st.sampled_from([8, 16])


@given(texts, st.sampled_from([None, True]), references)
def test_the_parts_joined_give_the_text_and_each_fits(text: str, unicode: bool | None, bits: ReferenceBits) -> None:
    cut = segments(text, unicode=unicode, limit=255, reference_bits=bits)
    assert "".join(cut.parts) == text
    measure = gsm7.septets if cut.encoding is Encoding.GSM7 else ucs2.units
    sizes = [measure(part) for part in cut.parts]
    assert sum(sizes) == cut.units
    header = {8: 6, 16: 7}[bits] if len(sizes) > 1 else 0
    room = capacity(cut.encoding, header)
    assert all(size <= room for size in sizes)
    # Greedy: a part is closed only because the next character would not fit.
    following = cut.parts[1:]
    assert all(size + measure(after[0]) > room for size, after in zip(sizes, following, strict=False))


@given(texts, st.sampled_from([None, True]), references)
def test_counting_parts_gives_what_cutting_would(text: str, unicode: bool | None, bits: ReferenceBits) -> None:
    cut = segments(text, unicode=unicode, limit=255, reference_bits=bits)
    assert count_parts(text, unicode=unicode, reference_bits=bits) == len(cut.parts)


@given(texts, st.integers(0, 700))
def test_a_longer_text_never_takes_fewer_parts(text: str, end: int) -> None:
    assert count_parts(text[:end]) <= count_parts(text)


@given(gsm_texts)
def test_writing_and_reading_septets_gives_the_text(text: str) -> None:
    octets = gsm7.encode(text)
    assert len(octets) == gsm7.septets(text)
    assert max(octets, default=0) < 128
    assert gsm7.decode(octets) == text


@given(st.text())
def test_a_text_is_in_the_alphabet_exactly_when_each_character_is(text: str) -> None:
    assert gsm7.is_gsm7(text) == all(character in ALPHABET for character in text)
    assert gsm7.DEFAULT.outside(text) == [character for character in text if character not in ALPHABET]


@given(st.binary())
def test_any_octets_can_be_read_as_septets(octets: bytes) -> None:
    text = gsm7.decode(octets)
    assert len(text) <= len(octets)
    assert gsm7.is_gsm7(text.replace("\ufffd", ""))


@given(st.binary())
def test_any_octets_can_be_read_as_sixteen_bit_units(octets: bytes) -> None:
    assert isinstance(ucs2.decode(octets), str)


@given(st.lists(st.integers(0, 127), max_size=200).map(bytes), st.integers(0, 6))
def test_packing_and_unpacking_gives_the_septets(septets: bytes, fill: int) -> None:
    packed = gsm7.pack(septets, fill_bits=fill)
    assert len(packed) == (len(septets) * 7 + fill + 7) // 8
    assert gsm7.unpack(packed, count=len(septets), fill_bits=fill) == septets


@given(st.text())
def test_at_any_price_every_text_comes_into_the_alphabet(text: str) -> None:
    result = to_gsm7(text)
    assert gsm7.is_gsm7(result.text)
    normal = normalise_text(text)
    assert sum(change.times for change in result.changes) == len(gsm7.DEFAULT.outside(normal))
    assert to_gsm7(result.text) == (result.text, ())


@given(st.text(st.one_of(st.sampled_from(ALPHABET + "çœ’…"), st.characters()), max_size=40))
def test_smart_replacement_is_all_or_nothing(text: str) -> None:
    result = smart(text)
    assert gsm7.is_gsm7(result.text) or result == (text, ())
    assert "?" not in [change.replacement for change in result.changes]


@given(st.text())
def test_the_normal_form_is_reached_at_once(text: str) -> None:
    normal = normalise_text(text)
    assert normalise_text(normal) == normal or "\r\n" in normal
    assert unicodedata.is_normalized("NFC", normal)


infos = st.lists(st.none() | st.lists(st.none() | st.text(max_size=5), max_size=5).map(tuple), max_size=5)


@given(st.lists(st.sampled_from(["[info1]", "[info4]", "%", "%s", "[info", "x", "{}"])).map("".join), infos)
def test_personalising_replaces_each_tag_once(text: str, contacts: list[tuple[str | None, ...] | None]) -> None:
    results = personalize(text, contacts)
    assert len(results) == len(contacts)
    for own, result in zip(contacts, results, strict=True):
        values = (*(own or ()), None, None, None, None)
        expected = len(text) + sum(len(values[tag - 1] or "") - len("[info1]") for tag in tags(text))
        assert len(result) == expected


elements = st.lists(st.builds(Element, st.integers(0, 255), st.binary(max_size=20)), max_size=5)


@given(elements, st.binary())
def test_a_header_comes_back_as_it_was_built(parts: list[Element], text: bytes) -> None:
    assert split_udh(build(parts) + text) == (tuple(parts), text)


@given(st.binary(max_size=200))
def test_reading_a_header_from_any_octets_succeeds_or_says_malformed(octets: bytes) -> None:
    try:
        found, rest = split_udh(octets)
    except MalformedHeader:
        return
    assert len(build(found) + rest) == len(octets) or len(octets) - len(rest) > 140
    place = find_concatenation(found)
    assert place is None or 1 <= place.number <= place.total
