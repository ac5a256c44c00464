"""The query of a URL as texts."""

from urllib.parse import unquote_to_bytes

from chappe.domain.errors import BadData

MAX_FIELDS = 100


def query_of(query_string: bytes) -> dict[str, str]:
    """The fields of a query; of several with one name the last counts, one without a value is empty.

    Raises: BadData when it is not UTF-8 or has too many fields.
    """
    if not query_string:
        return {}
    fields = query_string.split(b"&")
    if len(fields) > MAX_FIELDS:
        raise BadData(f"has more than {MAX_FIELDS} fields", field="query")
    query: dict[str, str] = {}
    try:
        for field in filter(None, fields):
            name, _, value = field.partition(b"=")
            query[_text(name)] = _text(value)
    except UnicodeDecodeError:
        raise BadData("must be UTF-8, percent-encoded", field="query") from None
    return query


def _text(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    return raw.decode()
