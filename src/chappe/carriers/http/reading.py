"""Bodies and numbers as vendors write them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from chappe.carriers.http.vendor import Posted

# More fields than any vendor posts.
MAX_FIELDS = 1000
MAX_DETAIL = 200
_MAX_ID = 200
_MAX_DIGITS = 15


def json_object(body: bytes) -> dict[str, Any] | None:
    """A body that is a JSON object; None for anything else."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def pairs(body: bytes | str) -> list[tuple[str, str]]:
    """The fields of a form or a query, in their order. Raises: ValueError."""
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")


def fields_of(posted: Posted) -> dict[str, Any]:
    """What was posted as JSON or as a form, and what stands in the query. Raises: ValueError."""
    found: dict[str, Any] = dict(pairs(urlsplit(posted.url).query))
    if posted.method == "GET" or not posted.body:
        return found
    if posted.body.lstrip()[:1] == b"{":
        decoded = json_object(posted.body)
        if decoded is None:
            raise ValueError("the body is no JSON object")
        return found | decoded
    return found | dict(pairs(posted.body))


def octets_of(posted: Posted) -> dict[str, bytes]:
    """The fields of a query as the octets they are, for texts in other charsets than UTF-8. Raises: ValueError."""
    query = urlsplit(posted.url).query
    found = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding="latin-1")
    return {name: value.encode("latin-1", "replace") for name, value in found}


def text_of(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that says something, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def number_of(text: str) -> int | None:
    """A number as vendors write it: digits with their country code, a plus perhaps."""
    digits = text.strip().lstrip("+").lstrip("0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def id_of(text: str) -> str | None:
    """The vendor's id of a reply; None when it has none that could be kept."""
    return text if 0 < len(text) <= _MAX_ID else None


def address_of(text: str) -> str:
    """Who a reply is from or to, without a plus."""
    return text.strip().removeprefix("+")
