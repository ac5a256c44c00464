"""Laws of the wire: JSON and XML say the same, in both directions, and no body is worse than refused."""

import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import Refusal
from chappe.domain.requests import SubmitRequest
from chappe.surfaces.http.smsfactor.answers import to_json, to_xml
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.negotiation import content_of
from chappe.surfaces.http.smsfactor.send_request import from_document
from tests.wire import words, xml_tree

# What XML 1.0 can carry.
XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff")
)
SCALAR = st.one_of(XML_TEXT, st.integers(), st.booleans(), st.none())


@dataclass
class Recipient:
    """A recipient as a caller means it, and whether his XML has it in attributes."""

    number: str
    extra: dict[str, str]
    in_attributes: bool


@dataclass
class Asked:
    """A request as a caller means it. Shape: a field that is None is left out."""

    message: dict[str, Any]
    recipients: list[Recipient]


NUMBERS = st.from_regex(r"(\+|00)?[0-9][0-9 .-]{0,20}", fullmatch=True)
EXTRA = st.dictionaries(st.sampled_from(["gsmsmsid", "info1", "info2", "info3", "info4"]), XML_TEXT)
MESSAGES = st.fixed_dictionaries(
    {"text": st.one_of(XML_TEXT.filter(bool), st.just("Dear [info1], [info4]"), st.integers())},
    optional={
        "pushtype": st.sampled_from(["alert", "marketing", "Alert", ""]),
        "sender": st.one_of(XML_TEXT.filter(lambda text: len(text) <= 64), st.integers(0, 10**12)),
        "delay": st.sampled_from(["2031-05-17 09:30:00", "soon", ""]),
        "unicode": st.sampled_from([0, 1, "0", "1", True, False]),
    },
)
ASKED = st.builds(
    Asked,
    MESSAGES,
    st.lists(st.builds(Recipient, NUMBERS, EXTRA, st.booleans()), min_size=1, max_size=5),
)


def as_json(asked: Asked) -> bytes:
    recipients = [{"value": each.number, **each.extra} for each in asked.recipients]
    return msgspec.json.encode({"sms": {"message": asked.message, "recipients": {"gsm": recipients}}})


def as_strings(asked: Asked) -> bytes:
    """JSON as the client that knows only texts sends it."""
    message = {name: wire_word(value) for name, value in asked.message.items()}
    return as_json(Asked(message, asked.recipients))


def as_xml(asked: Asked) -> bytes:
    message = "".join(element(name, wire_word(value)) for name, value in asked.message.items())
    recipients = "".join(map(recipient, asked.recipients))
    return f"<sms>\n <message>{message}</message> <recipients>{recipients}\n</recipients>\n</sms>".encode()


def recipient(each: Recipient) -> str:
    if each.in_attributes:
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in each.extra.items())
        return f"\n  <gsm{attributes}>{each.number}</gsm>"
    children = "".join(element(name, value) for name, value in each.extra.items())
    return f"\n  <gsm>{children}<value>{each.number}</value></gsm>"


def element(name: str, text: str) -> str:
    if "<" in text and "]]>" not in text and "\r" not in text:
        return f"<{name}><![CDATA[{text}]]></{name}>"
    return f"<{name}>{escape(text, {chr(13): '&#13;'})}</{name}>"


def wire_word(value: str | int | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def read(body: bytes) -> SubmitRequest | tuple[type[Refusal], str]:
    try:
        document = RequestDocument(content_of(body, b"", "xml"), max_recipients=10)
        return from_document(document, RequestLimits())
    except Refusal as refusal:
        return type(refusal), str(refusal)


@given(ASKED)
def test_a_request_is_read_the_same_in_json_and_in_xml(asked: Asked) -> None:
    from_json = read(as_json(asked))
    assert read(as_xml(asked)) == from_json
    assert read(as_strings(asked)) == from_json


@given(ASKED)
def test_every_recipient_of_a_request_is_read_in_its_order(asked: Asked) -> None:
    request = read(as_xml(asked))
    if isinstance(request, SubmitRequest):
        assert request.numbers == [each.number for each in asked.recipients]
        references = [each.extra.get("gsmsmsid") or None for each in asked.recipients]
        assert request.client_refs == (references if any(references) else [])


NAMES = st.from_regex(r"[a-z][a-z_-]{0,8}", fullmatch=True)
TREES = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=4),
        st.lists(st.one_of(SCALAR, st.dictionaries(NAMES, inner, max_size=4)), max_size=4),
    ),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, TREES, max_size=5))
def test_an_answer_carries_the_same_values_in_json_and_in_xml(fields: dict[str, Any]) -> None:
    assert words(msgspec.json.decode(to_json(fields))) == xml_tree(to_xml(fields))


@given(st.text())
def test_any_text_at_all_makes_an_answer_that_can_be_read(text: str) -> None:
    sayable = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)
    assert xml_tree(to_xml({"details": text})) == {"details": sayable}
    assert msgspec.json.decode(to_json({"details": text})) == {"details": text}


SPLICES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30), st.binary(max_size=8)), max_size=4)


@given(ASKED, st.booleans(), SPLICES)
def test_a_damaged_body_is_read_or_refused(asked: Asked, is_xml: bool, splices: list[tuple[int, int, bytes]]) -> None:
    body = as_xml(asked) if is_xml else as_json(asked)
    for at, length, piece in splices:
        body = body[:at] + piece + body[at + length :]
    read(body)


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_or_refused(body: bytes) -> None:
    read(body)
