"""A request's document as a typed value, whichever syntax it came in."""

import re
from typing import Any, NoReturn, TypeVar

import msgspec

from chappe.domain.errors import BadData, BadFormat
from chappe.surfaces.http.smsfactor import xml_in
from chappe.surfaces.http.smsfactor.negotiation import Content

T = TypeVar("T")

# A recipient in XML has up to seven elements (number, reference, four infos and itself), the rest few.
ELEMENTS_PER_RECIPIENT = 7
OTHER_ELEMENTS = 1_000

# A decoder is built once for each type that a handler reads.
_DECODERS: dict[type[Any], msgspec.json.Decoder[Any]] = {}

_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)


class RequestDocument:
    """The document of one request, to be read as the type that the handler expects."""

    __slots__ = ("_content", "_max_elements", "_xml")

    def __init__(self, content: Content, *, max_recipients: int) -> None:
        self._content = content
        self._max_elements = ELEMENTS_PER_RECIPIENT * max_recipients + OTHER_ELEMENTS
        self._xml: xml_in.Document | None = None

    def read(self, type_: type[T], *, root: str | None = None) -> T:
        """The document as `type_`, a struct whose fields are the top-level keys (in XML: the root's name).

        An empty document, and the `[]` that a known client sends for one, has none of the keys. With `root`,
        any root element stands for that key.
        Raises: BadFormat; BadData naming the field whose value has the wrong shape.
        """
        document = self._content.document
        if not document or (document[:1] == b"[" and document.rstrip() == b"[]"):
            return msgspec.convert({}, type_)
        try:
            if self._content.syntax == "json":
                return _from_json(document, type_)
            found = self._xml_document()
            return msgspec.convert({root or found.root: found.tree or {}}, type_)
        except msgspec.ValidationError as error:
            _refuse(error)

    def _xml_document(self) -> xml_in.Document:
        if self._xml is None:
            self._xml = xml_in.parse(self._content.document, max_elements=self._max_elements)
        return self._xml


def _from_json(document: bytes, type_: type[T]) -> T:
    decoder = _DECODERS.get(type_)
    if decoder is None:
        decoder = _DECODERS[type_] = msgspec.json.Decoder(type_)
    try:
        decoded: T = decoder.decode(document)
    except msgspec.ValidationError:
        # A wrong value may be met before a fault of the syntax, which is the greater one.
        _from_json(document, msgspec.Raw)
        raise
    except msgspec.DecodeError as error:
        raise BadFormat(str(error), syntax="json") from None
    except UnicodeDecodeError:
        raise BadFormat("is not UTF-8", syntax="json") from None
    except RecursionError:
        raise BadFormat("nested too deep", syntax="json") from None
    return decoded


def _refuse(error: msgspec.ValidationError) -> NoReturn:
    if placed := _PLACE.fullmatch(str(error)):
        reason, field = placed.groups()
    else:
        reason, field = str(error), "body"
    raise BadData(reason[:1].lower() + reason[1:], field=field or "body") from None
