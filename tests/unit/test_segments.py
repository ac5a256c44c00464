"""Cutting texts into parts: the vectors, which three independent libraries confirmed, and the edges."""

from pathlib import Path
from typing import Literal, cast

import msgspec
import pytest

from chappe.telecom import gsm7, ucs2
from chappe.telecom.segments import (
    Encoding,
    TooManyParts,
    capacity,
    count_parts,
    header_octets,
    normalise_text,
    segments,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "encoding.json"


class Text(msgspec.Struct):
    id: str
    text: str | None
    encoding: Literal["GSM7", "UCS2"]
    units: int
    parts: int
    part_units: list[int] | str
    parts_16bit_ref: int
    text_repeat: tuple[str, int] = ("", 0)

    @property
    def whole(self) -> str:
        piece, times = self.text_repeat
        return piece * times if self.text is None else self.text


class National(msgspec.Struct):
    language: str
    language_id: int
    mode: Literal["single", "locking", "both"]
    text: str
    septets: int
    parts: int


class Capacity(msgspec.Struct):
    encoding: Literal["GSM7", "UCS2", "BIN8"]
    ref_bits: Literal[8, 16]
    single: int
    multi: int
    udh_octets: int


class NationalCapacity(msgspec.Struct):
    tables: str
    ref_bits: Literal[8, 16]
    single_capacity: int
    multi_capacity: int
    udh_octets_single: int
    udh_octets_multi: int


class File(msgspec.Struct):
    vectors: list[Text]
    national_vectors: list[National]
    capacities: list[Capacity]
    national_capacities: list[NationalCapacity]


FILE = msgspec.json.decode(VECTORS.read_bytes(), type=File)


def units_of(part: str, encoding: Encoding) -> int:
    return gsm7.septets(part) if encoding is Encoding.GSM7 else ucs2.units(part)


def alphabet_of(language: str, mode: str) -> gsm7.Alphabet:
    name = cast(gsm7.Language, language.lower())
    return gsm7.national(single=None if mode == "locking" else name, locking=None if mode == "single" else name)


@pytest.mark.parametrize("vector", FILE.vectors, ids=lambda vector: vector.id)
def test_a_text_is_cut_as_in_its_vector(vector: Text) -> None:
    cut = segments(vector.whole, limit=255)
    assert cut.encoding is Encoding[vector.encoding]
    assert cut.units == vector.units
    assert len(cut.parts) == count_parts(vector.whole) == vector.parts
    assert "".join(cut.parts) == vector.whole
    expected = [153] * vector.parts if vector.part_units == "all 153" else vector.part_units
    assert [units_of(part, cut.encoding) for part in cut.parts] == expected


@pytest.mark.parametrize("vector", FILE.vectors, ids=lambda vector: vector.id)
def test_a_sixteen_bit_reference_leaves_a_little_less_room(vector: Text) -> None:
    assert count_parts(vector.whole, reference_bits=16) == vector.parts_16bit_ref
    if vector.parts_16bit_ref <= 255:
        cut = segments(vector.whole, limit=255, reference_bits=16)
        assert len(cut.parts) == vector.parts_16bit_ref
        assert "".join(cut.parts) == vector.whole


@pytest.mark.parametrize("vector", FILE.national_vectors, ids=lambda v: f"{v.language}-{v.mode}-{v.septets}")
def test_a_national_table_saves_septets_as_in_its_vector(vector: National) -> None:
    alphabet = alphabet_of(vector.language, vector.mode)
    cut = segments(vector.text, alphabet=alphabet)
    assert cut.encoding is Encoding.GSM7
    assert (cut.units, len(cut.parts)) == (vector.septets, vector.parts)
    assert alphabet.decode(alphabet.encode(vector.text)) == vector.text


@pytest.mark.parametrize("vector", FILE.capacities, ids=lambda vector: f"{vector.encoding}-{vector.ref_bits}")
def test_a_part_holds_what_the_standard_says(vector: Capacity) -> None:
    encoding: Encoding | Literal["binary"] = "binary" if vector.encoding == "BIN8" else Encoding[vector.encoding]
    assert header_octets(gsm7.DEFAULT, reference_bits=vector.ref_bits) == vector.udh_octets
    assert capacity(encoding) == vector.single
    assert capacity(encoding, vector.udh_octets) == vector.multi


@pytest.mark.parametrize("vector", FILE.national_capacities, ids=lambda v: f"{v.tables}-{v.ref_bits}")
def test_announcing_a_language_takes_room_in_every_part(vector: NationalCapacity) -> None:
    modes = {"single shift only": "single", "locking only": "locking", "both": "both"}
    alphabet = alphabet_of("turkish", modes[vector.tables])
    assert header_octets(alphabet) == vector.udh_octets_single
    assert header_octets(alphabet, reference_bits=vector.ref_bits) == vector.udh_octets_multi
    for size, parts in ((vector.single_capacity, 1), (vector.single_capacity + 1, 2)):
        assert count_parts("a" * size, alphabet=alphabet, reference_bits=vector.ref_bits) == parts
    first, _ = segments("a" * (vector.single_capacity + 1), alphabet=alphabet, reference_bits=vector.ref_bits).parts
    assert len(first) == vector.multi_capacity


def test_unicode_mode_takes_sixteen_bit_units_even_for_plain_letters() -> None:
    assert segments("hello", unicode=True).encoding is Encoding.UCS2
    assert count_parts("a" * 71, unicode=True) == 2
    assert count_parts("a" * 71) == 1


def test_without_unicode_a_character_outside_the_alphabet_is_refused() -> None:
    assert segments("50€", unicode=False).encoding is Encoding.GSM7
    for cut in (segments, count_parts):
        with pytest.raises(gsm7.NotInAlphabet):
            cut("fête", unicode=False)


def test_a_language_without_the_character_falls_back_to_full_sixteen_bit_parts() -> None:
    cut = segments("ж" * 70, alphabet=gsm7.national(single="turkish"))
    assert (cut.encoding, len(cut.parts)) == (Encoding.UCS2, 1)


def test_too_many_parts_says_how_many_and_how_many_are_allowed() -> None:
    with pytest.raises(TooManyParts) as caught:
        segments("a" * 1531)
    assert (caught.value.parts, caught.value.limit) == (11, 10)
    assert len(segments("a" * 1530).parts) == 10
    with pytest.raises(TooManyParts):
        segments("a" * 161, limit=1)


def test_no_limit_goes_beyond_what_the_header_can_say() -> None:
    assert len(segments("a" * 39_015, limit=1000).parts) == 255
    with pytest.raises(TooManyParts) as caught:
        segments("a" * 39_016, limit=1000)
    assert (caught.value.parts, caught.value.limit) == (256, 255)


def test_the_normal_form_composes_accents_and_unifies_line_ends() -> None:
    assert normalise_text("e\u0301te\u0301\r\nfin\n") == "été\nfin\n"
    assert normalise_text("plain\r\n") == "plain\n"
    assert normalise_text("a\rb") == "a\rb"
