"""Texts with a field of each contact in them."""

import pytest

from chappe.domain.personalize import has_tags, personalize, tags


def test_each_contact_gets_its_own_text() -> None:
    infos = [("Ana", "Li"), ("Bo", "Ek")]
    assert personalize("Hello [info1] [info2]!", infos) == ["Hello Ana Li!", "Hello Bo Ek!"]


def test_a_missing_field_is_left_out() -> None:
    infos = [(), ("Ana",), ("", None, None, None), None, ("Ana", "Li", "1990", "Nantes")]
    assert personalize("<[info1]|[info4]>", infos) == ["<|>", "<Ana|>", "<|>", "<|>", "<Ana|Nantes>"]


def test_a_field_may_stand_several_times_and_in_any_order() -> None:
    assert personalize("[info2][info1][info2]", [("a", "b")]) == ["bab"]


def test_a_value_cannot_reach_another_field() -> None:
    infos = [("[info2]", "secret", "%s", "{0}")]
    assert personalize("[info1] [info3] [info4]", infos) == ["[info2] %s {0}"]


def test_percent_signs_and_braces_in_the_text_stay() -> None:
    assert personalize("-50% {x} %s [info1]", [("Ana",)]) == ["-50% {x} %s Ana"]


@pytest.mark.parametrize("text", ["[info5]", "[info0]", "[info]", "[INFO1]", "[ info1 ]", "info1", ""])
def test_what_is_no_tag_stays(text: str) -> None:
    assert not has_tags(text)
    assert tags(text) == ()
    assert personalize(text, [("Ana",), None]) == [text, text]


def test_the_tags_of_a_text_are_listed_as_they_stand() -> None:
    assert has_tags("[info4] and [info1]")
    assert tags("[info4] and [info1] and [info4]") == (4, 1, 4)


def test_no_contacts_give_no_texts() -> None:
    assert personalize("[info1]", []) == []
