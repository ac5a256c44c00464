"""One field of a request as a value: clients send numbers as texts, and nothing in many ways."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias, TypeVar

from chappe.domain.delay import FORMAT, paris_instant, paris_text
from chappe.domain.errors import BadData, BadDate

# What a field may hold in JSON; in XML and in a query it is always a text.
Scalar: TypeAlias = str | int | float | bool | None

W = TypeVar("W", bound=str)

DEFAULT_LENGTH: Final = 100
MAX_LENGTH: Final = 1000
LONG_LENGTH: Final = 10_000
# More than this many rows into a list nobody reads, and an engine's integer ends.
MAX_START: Final = 10**9
_MS = 1000


def text_of(value: Scalar) -> str:
    """The field as a text; nothing is the empty text."""
    if isinstance(value, str):
        return value
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def optional_text(value: Scalar, field: str, *, max_characters: int) -> str | None:
    """The field without surrounding blanks, None when it is missing or empty."""
    text = text_of(value).strip()
    if len(text) > max_characters:
        raise BadData(f"is longer than {max_characters} characters", field=field)
    return text or None


def required_text(value: Scalar, field: str, *, max_characters: int) -> str:
    """The field without surrounding blanks. Raises: BadData when it is missing or too long."""
    text = optional_text(value, field, max_characters=max_characters)
    if text is None:
        raise BadData("is missing", field=field)
    return text


def optional_int(value: Scalar, field: str, *, low: int, high: int) -> int | None:
    """A whole number within its limits, None when it is missing or empty."""
    text = text_of(value).strip()
    if not text:
        return None
    try:
        number = int(text) if len(text) <= len(str(high)) + 1 and text.isascii() else None
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise BadData(f"must be a whole number from {low} to {high}", field=field)
    return number


def flag(value: Scalar, field: str) -> bool:
    """0 or 1 in any of the ways it is written; missing is 0."""
    match text_of(value).strip().lower():
        case "" | "0" | "false":
            return False
        case "1" | "true":
            return True
    raise BadData("must be 0 or 1", field=field)


def word(value: Scalar, field: str, words: tuple[W, ...]) -> W | None:
    """One of a closed set of words, in any case; None when it is missing or empty."""
    text = text_of(value).strip().lower()
    if not text:
        return None
    if text not in words:
        raise BadData(f"must be one of {', '.join(words)}", field=field)
    return text


def sort_of(query: Mapping[str, str], words: tuple[W, ...]) -> tuple[W | None, bool]:
    """The field to sort by, and whether the largest comes first (a leading `-`)."""
    text = query.get("sort", "").strip()
    return word(text.removeprefix("-"), "sort", words), text.startswith("-")


def page_of(query: Mapping[str, str]) -> tuple[int, int]:
    """Where the page starts and how many rows it has; a longer page is cut. Source: the contract, formats."""
    start = optional_int(query.get("start"), "start", low=0, high=MAX_START)
    length = optional_int(query.get("length"), "length", low=0, high=MAX_START)
    return start or 0, DEFAULT_LENGTH if length is None else min(length, MAX_LENGTH)


def long_page_of(query: Mapping[str, str]) -> tuple[int, int]:
    """The same for a list that the vendor prints whole: who asks for no page gets as much as one answer carries."""
    start = optional_int(query.get("start"), "start", low=0, high=MAX_START)
    length = optional_int(query.get("length"), "length", low=0, high=MAX_START)
    return start or 0, LONG_LENGTH if length is None else min(length, LONG_LENGTH)


def date_of(query: Mapping[str, str], name: str, *, end: Literal["first", "last"]) -> int | None:
    """A time of Paris as the first or the last millisecond of its second, None when it is missing or empty.

    Units: milliseconds UTC.
    """
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        instant = paris_instant(datetime.strptime(text, FORMAT))
    except (ValueError, BadDate):
        raise BadData("must be like 2031-05-17 09:30:00, in the time of Paris", field=name) from None
    return int(instant.timestamp()) * _MS + (_MS - 1 if end == "last" else 0)


def date_text(at: int) -> str:
    """A time as every answer prints it: wall-clock time in Europe/Paris. Units: milliseconds UTC."""
    return paris_text(at)


def optional_date_text(at: int | None) -> str | None:
    return None if at is None else date_text(at)
