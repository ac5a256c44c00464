"""The envelope of answers and their two syntaxes."""

from typing import ClassVar

import pytest

from chappe.domain import errors
from chappe.surfaces.http.smsfactor.answers import Answer, Done, Fields, failure, success, to_json, to_xml
from chappe.surfaces.http.smsfactor.statuses import MESSAGES, status_of


class Balance(Answer, frozen=True):
    credits: str


class Simulated(Answer, frozen=True):
    only_json: ClassVar[frozenset[str]] = frozenset({"ticket"})

    ticket: None
    cost: int


DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def test_success_is_status_1_and_exactly_ok() -> None:
    assert success(Balance("812"), "json") == b'{"status":1,"message":"OK","credits":"812"}'
    assert success(Balance("812"), "xml").decode() == (
        DECLARATION + "<response><status>1</status><message>OK</message><credits>812</credits></response>"
    )


def test_an_answer_without_fields_is_the_envelope_alone() -> None:
    assert success(Done(), "json") == b'{"status":1,"message":"OK"}'
    assert (
        success(Done(), "xml").decode() == DECLARATION + "<response><status>1</status><message>OK</message></response>"
    )


def test_half_a_surrogate_pair_is_left_out_of_an_answer() -> None:
    assert success(Balance("8\ud83d12"), "json") == b'{"status":1,"message":"OK","credits":"812"}'


def test_a_field_that_is_only_for_json_is_not_in_xml() -> None:
    answer = Simulated(None, 2)
    assert success(answer, "json") == b'{"status":1,"message":"OK","ticket":null,"cost":2}'
    assert success(answer, "xml").decode() == (
        DECLARATION + "<response><status>1</status><message>OK</message><cost>2</cost></response>"
    )


def test_a_failure_has_its_fixed_message_and_its_details() -> None:
    assert failure(-7, "text: is missing", "json") == (
        b'{"status":-7,"message":"Data error","details":"text: is missing"}'
    )


def test_words_arrays_and_objects_in_xml() -> None:
    fields: Fields = {"a": None, "b": True, "c": False, "d": [], "e": [1, "2"], "f": {"g": [{"h": ""}]}}
    assert to_xml(fields).decode() == (
        DECLARATION + "<response><a>null</a><b>true</b><c>false</c><d></d><e>1</e><e>2</e>"
        "<f><g><h></h></g></f></response>"
    )


def test_what_xml_cannot_carry_is_left_out_and_the_rest_is_escaped() -> None:
    text = 'a\x00b\x0bc\x1bd\ud800e\ufffef <&> "\r\n\t\x85'
    assert to_xml({"t": text}).decode() == (
        DECLARATION + '<response><t>abcdef &lt;&amp;&gt; "&#13;\n\t\x85</t></response>'
    )


def test_half_a_surrogate_pair_does_not_break_json() -> None:
    assert to_json({"t": ["a\ud800b", None, 3], "u": {"v": "\udfff"}}) == b'{"t":["ab",null,3],"u":{"v":""}}'


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (errors.NotAuthenticated("x"), -1),
        (errors.BadFormat("x", syntax="xml"), -2),
        (errors.InsufficientCredits("x"), -3),
        (errors.BadDate("x"), -4),
        (errors.NotFound("x"), -5),
        (errors.BadFormat("x", syntax="json"), -6),
        (errors.BadData("x"), -7),
    ],
)
def test_every_refusal_has_a_status(refusal: errors.Refusal, status: int) -> None:
    assert status_of(refusal) == status


def test_no_refusal_is_without_a_status_and_no_status_without_a_message() -> None:
    for kind in errors.Refusal.__subclasses__():
        refusal = errors.BadFormat("x", syntax="xml") if kind is errors.BadFormat else kind("x")
        assert MESSAGES[status_of(refusal)]


def test_a_text_with_attributes_is_one_element_with_nothing_escaping_from_it() -> None:
    gsm: Fields = {"gsm": {"@gsmsmsid": 'a"b<c\x00', "#text": "336<&"}}
    element = to_xml(gsm).decode().removeprefix(DECLARATION)
    assert element == "<response><gsm gsmsmsid='a\"b&lt;c'>336&lt;&amp;</gsm></response>"
