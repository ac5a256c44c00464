"""Which syntax a body is in and which one its answer gets."""

from urllib.parse import quote, quote_plus

import pytest

from chappe.domain.errors import BadFormat
from chappe.surfaces.http.smsfactor.answers import Syntax
from chappe.surfaces.http.smsfactor.negotiation import Content, answer_syntax, content_of

FORM = b"application/x-www-form-urlencoded"
JSON = b'{"sms":{"message":{"text":"50% & more + <b>"}}}'
XML = b"<sms><message><text>50% &amp; more + \xc3\xa9</text></message></sms>"


@pytest.mark.parametrize(
    ("accept", "syntax"),
    [
        (b"", "xml"),
        (b"*/*", "xml"),
        (b"application/xml", "xml"),
        (b"text/xml", "xml"),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "xml"),
        (b"application/json", "json"),
        (b"Application/JSON; charset=utf-8", "json"),
        (b"application/json, text/plain, */*", "json"),
    ],
)
def test_the_answer_is_json_for_who_asks_for_it_and_xml_for_the_others(accept: bytes, syntax: Syntax) -> None:
    assert answer_syntax(accept) == syntax


@pytest.mark.parametrize("content_type", [b"application/json", b"", b"text/plain", FORM, b"application/xml"])
def test_a_json_document_is_known_by_its_first_character(content_type: bytes) -> None:
    assert content_of(JSON, content_type, "xml") == Content("json", JSON)


@pytest.mark.parametrize("content_type", [b"application/json", b"", b"text/xml", FORM])
def test_an_xml_document_is_known_by_its_first_character(content_type: bytes) -> None:
    assert content_of(XML, content_type, "json") == Content("xml", XML)


def test_blanks_and_a_byte_order_mark_before_the_document_do_not_matter() -> None:
    assert content_of(b"\xef\xbb\xbf\r\n  " + JSON, b"", "xml") == Content("json", JSON)


def test_a_document_in_utf_16_is_xml() -> None:
    document = "<sms/>".encode("utf-16")
    assert content_of(document, b"", "json") == Content("xml", document)


@pytest.mark.parametrize("encode", [quote, quote_plus, lambda text: quote(text, safe="{}:,/")])
def test_the_form_field_data_is_json(encode: object) -> None:
    assert callable(encode)
    body = b"data=" + encode(JSON.decode()).encode()
    assert content_of(body, FORM, "xml") == Content("json", JSON)


def test_the_form_field_xml_is_xml() -> None:
    assert content_of(b"XML=" + quote_plus(XML).encode(), FORM, "json") == Content("xml", XML)


def test_the_field_is_found_among_others() -> None:
    body = b"api=2&XML=" + quote_plus(XML).encode() + b"&submit=Send"
    assert content_of(body, FORM, "xml") == Content("xml", XML)


def test_a_field_that_was_not_encoded_is_taken_as_it_stands() -> None:
    assert content_of(b"XML=" + XML, FORM, "xml") == Content("xml", XML)
    assert content_of(b"XML= " + XML + b"&submit=Send", FORM, "xml") == Content("xml", XML)
    assert content_of(b"data=" + JSON, FORM, "xml") == Content("json", JSON)


def test_a_raw_document_is_not_searched_for_form_fields() -> None:
    document = b'{"sms":{"message":{"text":"a&data=b"}}}'
    assert content_of(document, FORM, "xml") == Content("json", document)


@pytest.mark.parametrize("body", [b"", b"  \r\n "])
def test_no_body_is_an_empty_document(body: bytes) -> None:
    assert content_of(body, b"application/json", "xml").document == b""


@pytest.mark.parametrize(
    ("content_type", "answer", "syntax"),
    [
        (b"application/json", "xml", "json"),
        (b"text/xml", "json", "xml"),
        (b"", "json", "json"),
        (b"", "xml", "xml"),
        (FORM, "xml", "xml"),
    ],
)
def test_a_body_that_is_nothing_of_all_is_an_error_of_its_label(
    content_type: bytes, answer: Syntax, syntax: Syntax
) -> None:
    with pytest.raises(BadFormat) as caught:
        content_of(b"hello=world", content_type, answer)
    assert caught.value.syntax == syntax


def test_a_body_of_only_separators_ends_soon() -> None:
    with pytest.raises(BadFormat):
        content_of(b"&" * 1_000_000, FORM, "xml")
