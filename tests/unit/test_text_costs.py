"""What makes a text as long as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.text_costs import Costly, Outside, costly, first_outside, room, to_drop, units
from chappe.telecom.segments import Encoding, count_parts

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2


def test_characters_of_the_extension_table_take_two_septets() -> None:
    assert costly("5 € {a} 6 €", GSM7) == (Costly("€", 2), Costly("{", 1), Costly("}", 1))
    assert units("5 €", GSM7) == 4


def test_emoji_take_two_units() -> None:
    assert costly("5 € 🎉", UCS2) == (Costly("🎉", 1),)
    assert units("5 € 🎉", UCS2) == 6


def test_the_first_character_that_needs_unicode_is_named_with_its_place() -> None:
    assert first_outside("Soirée crêpes 🎉") == Outside("ê", 10)
    assert first_outside("Soirée à 5 €") is None


@pytest.mark.parametrize(("encoding", "parts", "fits"), [(GSM7, 1, 160), (GSM7, 2, 306), (UCS2, 1, 70), (UCS2, 3, 201)])
def test_room_is_what_the_parts_hold(encoding: Encoding, parts: int, fits: int) -> None:
    assert room(encoding, parts) == fits


def test_what_is_too_much_by_one_is_told() -> None:
    assert to_drop("a" * 161, "", GSM7, 2) == 1
    assert to_drop("a" * 160, "", GSM7, 1) == 0
    assert to_drop("€" * 81, "", GSM7, 2) == 1


def test_the_mention_stays_and_the_text_before_it_is_shortened() -> None:
    mention = "\nSTOP au 36173"
    assert to_drop("a" * 150 + mention, mention, GSM7, 2) == 4
    assert to_drop("a" + "b" * 200, "b" * 200, GSM7, 2) == 0


@given(st.text(alphabet="ab€{é", min_size=1, max_size=400), st.sampled_from(["", "\nSTOP au 36173"]))
def test_dropping_as_many_as_told_saves_a_part_and_one_less_does_not(text: str, end: str) -> None:
    parts = count_parts(text + end)
    dropped = to_drop(text + end, end, GSM7, parts)
    if dropped:
        assert count_parts(text[: len(text) - dropped] + end) < parts
    if dropped > 1:
        assert count_parts(text[: len(text) - dropped + 1] + end) == parts
