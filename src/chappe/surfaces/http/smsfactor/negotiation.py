"""Which syntax a request is in and which one its answer gets, by what real clients send.

Source: the contract's table of clients; many label their bodies wrongly, so the first character decides.
"""

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from chappe.domain.errors import BadFormat
from chappe.surfaces.http.smsfactor.answers import Syntax

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_FORM_FIELDS: dict[bytes, Syntax] = {b"data=": "json", b"xml=": "xml"}
_MAX_FIELDS = 32
# What the encoding of a form never leaves as it is: a field with it was sent as it stands.
_UNENCODED: dict[Syntax, bytes] = {"json": b'"', "xml": b"<"}


class Content(NamedTuple):
    """The document of a request; empty when there is none."""

    syntax: Syntax
    document: bytes


def answer_syntax(accept: bytes) -> Syntax:
    """JSON for who asks for it, XML for everybody else. Source: SMSFactor's getting started."""
    return "json" if b"application/json" in accept.lower() else "xml"


def content_of(body: bytes, content_type: bytes, answer: Syntax) -> Content:
    """The document in a body: the body itself, or the field `data` or `XML` of a form.

    Raises: BadFormat when there is neither.
    """
    if not body:
        return Content(answer, b"")
    document = body.removeprefix(_BYTE_ORDER_MARK).lstrip()
    match document[:1]:
        case b"{" | b"[":
            return Content("json", document)
        case b"<":
            return Content("xml", document)
        case b"":
            return Content(answer, b"")
    if body[:2] in _UTF16_MARKS:
        return Content("xml", body)
    if (field := _form_field(body)) is not None:
        return field
    kind = content_type.lower()
    syntax: Syntax = "json" if b"json" in kind else "xml" if b"xml" in kind else answer
    raise BadFormat("the body is neither JSON, nor XML, nor a form with a field data or XML", syntax=syntax)


def _form_field(body: bytes) -> Content | None:
    at = 0
    for _ in range(_MAX_FIELDS):
        for name, syntax in _FORM_FIELDS.items():
            if body[at : at + len(name)].lower() == name:
                return _decoded(syntax, body[at + len(name) :])
        at = body.find(b"&", at) + 1
        if not at:
            break
    return None


def _decoded(syntax: Syntax, value: bytes) -> Content:
    if _UNENCODED[syntax] in value:
        # Sent as it stands, perhaps with more fields behind the document.
        end = value.rfind(b">" if syntax == "xml" else b"}") + 1
        return Content(syntax, value[: end or None].lstrip())
    value = value.partition(b"&")[0].replace(b"+", b" ")
    return Content(syntax, unquote_to_bytes(value).removeprefix(_BYTE_ORDER_MARK).strip())
