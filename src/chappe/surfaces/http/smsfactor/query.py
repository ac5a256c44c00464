"""The query of a URL as texts."""

from typing import Final, Literal, NamedTuple
from urllib.parse import unquote_to_bytes

from chappe.domain.errors import BadData

MAX_FIELDS = 100


class QueryField(NamedTuple):
    """One field that a call reads from its query; fields that it does not read are ignored.

    Shape: `words` are the only values it may have, when it is of a closed set; `high` is the largest number, when it
           may be larger than a row's.
    """

    name: str
    meaning: str
    kind: Literal["text", "number", "date"] = "text"
    is_required: bool = False
    words: tuple[str, ...] = ()
    high: int | None = None


PAGE: Final = (
    QueryField("start", "Rows to skip.", "number"),
    QueryField("length", "Rows of the page: 100 by default, 1000 at most.", "number"),
)


def sort_field(words: tuple[str, ...]) -> QueryField:
    """The field that says how a list is sorted."""
    both = tuple(sign + word for word in words for sign in ("", "-"))
    return QueryField("sort", "What to sort by; a leading - sorts downwards.", words=both)


def period(meaning: str, *, is_required: bool) -> tuple[QueryField, QueryField]:
    """The two fields that limit a list to a period."""
    return (
        QueryField("date_start", f"{meaning} at this time or later, in the time of Paris.", "date", is_required),
        QueryField("date_end", f"{meaning} at this time or earlier, in the time of Paris.", "date", is_required),
    )


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
