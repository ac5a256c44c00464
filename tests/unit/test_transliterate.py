"""Replacing what GSM-7 lacks: the vectors, all or nothing, and question marks at any price."""

from pathlib import Path
from typing import Literal

import msgspec
import pytest

from chappe.telecom.gsm7 import is_gsm7
from chappe.telecom.segments import Encoding, segments
from chappe.telecom.transliterate import Change, smart, to_gsm7

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors" / "encoding.json"
TABLE = ROOT / "src" / "chappe" / "rules" / "alphabets" / "gsm_replacements.json"


class Text(msgspec.Struct):
    id: str
    text: str | None
    smart_text: str | None
    smart_encoding: Literal["GSM7", "UCS2"]
    smart_units: int
    smart_parts: int


class File(msgspec.Struct):
    vectors: list[Text]


class Group(msgspec.Struct):
    kind: str = msgspec.field(name="class")
    replace: dict[str, str]
    why: str


class Table(msgspec.Struct):
    source: str
    groups: list[Group]


WITH_TEXT = [
    vector for vector in msgspec.json.decode(VECTORS.read_bytes(), type=File).vectors if vector.text is not None
]


@pytest.mark.parametrize("vector", WITH_TEXT, ids=lambda vector: vector.id)
def test_a_text_is_replaced_as_in_its_vector(vector: Text) -> None:
    text = vector.text or ""
    result = smart(text).text
    assert result == (vector.smart_text or text)
    cut = segments(result, limit=255)
    assert cut.encoding is Encoding[vector.smart_encoding]
    assert (cut.units, len(cut.parts)) == (vector.smart_units, vector.smart_parts)


def test_the_table_replaces_only_what_is_outside_and_only_by_what_is_inside() -> None:
    table = msgspec.json.decode(TABLE.read_bytes(), type=Table)
    characters = [character for group in table.groups for many in group.replace.values() for character in many]
    assert len(characters) == len(set(characters)) == 1051
    assert not [character for character in characters if is_gsm7(character)]
    assert all(is_gsm7(target) for group in table.groups for target in group.replace)


def test_a_replacement_says_what_it_changed_and_how_often() -> None:
    replaced = smart("L’été, c’est çà…")
    assert replaced.text == "L'été, c'est cà..."
    assert replaced.changes == (Change("’", "'", 2), Change("ç", "c", 1), Change("…", "...", 1))


def test_one_character_without_replacement_leaves_the_whole_text_as_it_was() -> None:
    text = "L’été 😀\r\nà"
    assert smart(text) == (text, ())


def test_at_any_price_the_rest_becomes_question_marks() -> None:
    replaced = to_gsm7("L’été 😀😀 你\r\nfin")
    assert replaced.text == "L'été ?? ?\nfin"
    assert replaced.changes == (Change("’", "'", 1), Change("😀", "?", 2), Change("你", "?", 1))


def test_a_text_in_the_alphabet_is_returned_as_it_is() -> None:
    text = "Prix: 10€ [ok] é"
    for replace in (smart, to_gsm7):
        assert replace(text).text is text
        assert replace(text).changes == ()


def test_accents_sent_apart_are_joined_before_anything_is_replaced() -> None:
    assert smart("e\u0301te\u0301") == ("été", ())
    assert to_gsm7("c\u0327a") == ("ca", (Change("ç", "c", 1),))


def test_invisible_characters_vanish() -> None:
    assert to_gsm7("promo\u200bcode\ufeff").text == "promocode"


def test_greek_words_are_not_written_in_capitals_behind_the_customers_back() -> None:
    assert smart("Καλή").text == "Καλή"
    assert to_gsm7("Καλή").text == "K???"


def test_half_a_surrogate_pair_is_no_reason_to_fail() -> None:
    assert to_gsm7("a\ud83d").text == "a?"
