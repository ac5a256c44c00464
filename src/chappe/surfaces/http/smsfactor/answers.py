"""The answers' envelope, and the one way each to write it in JSON and in XML."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Literal, NamedTuple, TypeAlias
from xml.sax.saxutils import escape, quoteattr

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
_OK_JSON: Final = msgspec.json.encode({"status": 1, "message": MESSAGES[1]})
_EMPTY: Final = len(b"{}")


class Answer(msgspec.Struct, frozen=True):
    """What a handler has to say beyond status and message: each answer of the API is a struct of its own.

    Shape: the fields are the wire's; `only_json` names those that the XML form leaves out, `xml_names` those that are
           called otherwise there. `status` is not 1 for what was accepted and is to be read with care.
    """

    status: ClassVar[Status] = 1
    only_json: ClassVar[frozenset[str]] = frozenset()
    xml_names: ClassVar[dict[str, str]] = {}


class Done(Answer, frozen=True):
    """Nothing but the envelope."""


class File(NamedTuple):
    """An answer that is a document of its own, without the envelope. Shape: one with a name is to be saved under it."""

    content: bytes
    media_type: str
    name: str = ""


def success(answer: Answer, syntax: Syntax) -> bytes:
    """The whole body of an answer to a request that was carried out."""
    if syntax == "json":
        try:
            fields = msgspec.json.encode(answer)
        except UnicodeEncodeError:  # half a surrogate pair, which no text may hold
            fields = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(answer)))
        envelope = _OK_JSON if answer.status == 1 else to_json(_envelope(answer))
        return envelope if len(fields) == _EMPTY else envelope[:-1] + b"," + fields[1:]
    tree: dict[str, Value] = msgspec.to_builtins(answer)
    for name in answer.only_json:
        del tree[name]
    for name, xml_name in answer.xml_names.items():
        tree[xml_name] = tree.pop(name)
    return to_xml({**_envelope(answer), **tree})


def _envelope(answer: Answer) -> dict[str, Value]:
    return {"status": answer.status, "message": MESSAGES[answer.status]}


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

    Shape:  an object with `#text` is an element with that text, whose attributes are the keys with `@`.
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
            if "#text" in value:
                _with_attributes(out, name, value)
                return
            out.append(f"<{name}>")
            for inner, inner_value in value.items():
                _element(out, inner, inner_value)
            out.append(f"</{name}>")
        case _:
            if not value:
                out.append(f"<{name}></{name}>")
            for item in value:
                _element(out, name, item)


def _with_attributes(out: list[str], name: str, value: Mapping[str, Value]) -> None:
    attributes = "".join(
        f" {key[1:]}={quoteattr(_NOT_XML.sub('', str(inner)), _REFERENCES)}"
        for key, inner in value.items()
        if key.startswith("@")
    )
    out.append(f"<{name}{attributes}>{escape(_NOT_XML.sub('', str(value['#text'])), _REFERENCES)}</{name}>")


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
