"""The answers' envelope, and the one way each to write it in JSON and in XML."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape

import msgspec

from chappe.surfaces.http.smsfactor.statuses import MESSAGES, Status

Syntax = Literal["json", "xml"]
Value: TypeAlias = "str | int | bool | Mapping[str, Value] | Sequence[Value] | None"
Fields: TypeAlias = Mapping[str, Value]

# Characters that XML 1.0 cannot carry, not even as a reference.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# A bare carriage return would be read back as a line feed.
_REFERENCES = {"\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler has to say beyond status and message.

    Shape: `only_json` names the fields that the XML form leaves out.
    """

    fields: Fields
    only_json: frozenset[str] = frozenset()


def success(answer: Answer, syntax: Syntax) -> bytes:
    """The whole body of an answer to a request that was carried out."""
    fields = answer.fields
    if answer.only_json and syntax == "xml":
        fields = {name: value for name, value in fields.items() if name not in answer.only_json}
    return render({"status": 1, "message": MESSAGES[1], **fields}, syntax)


def failure(status: Status, details: str, syntax: Syntax) -> bytes:
    """The whole body of an answer to a request that was not carried out."""
    return render({"status": status, "message": MESSAGES[status], "details": details}, syntax)


def render(fields: Fields, syntax: Syntax) -> bytes:
    """The same tree in either syntax."""
    return to_json(fields) if syntax == "json" else to_xml(fields)


def to_json(fields: Fields) -> bytes:
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:  # half a surrogate pair, which no text may hold
        return msgspec.json.encode(_without_surrogates(fields))


def to_xml(fields: Fields) -> bytes:
    """The XML form: one element per key, arrays as repeated elements, null and booleans as words.

    Source: the vendor's examples, see the contract's envelope.
    """
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n<response>']
    for name, value in fields.items():
        _element(out, name, value)
    out.append("</response>")
    return "".join(out).encode()


def _element(out: list[str], name: str, value: Value) -> None:
    match value:
        case str():
            out.append(f"<{name}>{escape(_NOT_XML.sub('', value), _REFERENCES)}</{name}>")
        case None:
            out.append(f"<{name}>null</{name}>")
        case bool():
            out.append(f"<{name}>{'true' if value else 'false'}</{name}>")
        case int():
            out.append(f"<{name}>{value}</{name}>")
        case Mapping():
            out.append(f"<{name}>")
            for inner, inner_value in value.items():
                _element(out, inner, inner_value)
            out.append(f"</{name}>")
        case _:
            if not value:
                out.append(f"<{name}></{name}>")
            for item in value:
                _element(out, name, item)


def _without_surrogates(value: Value) -> Value:
    match value:
        case str():
            return _SURROGATES.sub("", value)
        case Mapping():
            return {name: _without_surrogates(inner) for name, inner in value.items()}
        case None | int():
            return value
        case _:
            return [_without_surrogates(item) for item in value]
