"""Places in what a vendor says: a path in a tree, or a regular expression in a text."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import msgspec

from chappe.carriers.http.reading import pairs

Look = Callable[[str], Any]
"""What stands at a place of something that was told."""

# A pattern that backtracks would hold up every carrier: what it is matched against is kept short.
MAX_TEXT: Final = 10_000
MAX_ITEMS: Final = 10_000
# Repetitions from which on one in another takes too long.
_MANY: Final = 10


def check(place: str, *, is_regex: bool) -> None:
    """Raises: ValueError when it is no place at all."""
    if is_regex and place:
        try:
            _pattern(place)
            is_nested = _is_nested(re._parser.parse(place))
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{place!r} is no regular expression: {error}") from None
        if is_nested:
            raise ValueError(f"{place!r} repeats what repeats itself: some texts would take it for ever")


def find(tree: Any, path: str) -> Any:
    """What stands at a path like `messages.0.id`; None when nothing does. A `*` is every item of a list."""
    if not path:
        return None
    found = tree
    for step, name in enumerate(names := path.split(".")):
        if name == "*":
            rest = ".".join(names[step + 1 :])
            items = found[:MAX_ITEMS] if isinstance(found, list) else []
            return [find(each, rest) if rest else each for each in items]
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def match(text: str, pattern: str) -> str | None:
    """The first group of a pattern in a text, or all that it matched."""
    if not pattern:
        return None
    found = _pattern(pattern).search(text[:MAX_TEXT])
    if found is None:
        return None
    return found.group(1) if found.re.groups else found.group()


def look_into(body: bytes, format_: str) -> Look:
    """How places in a body are found; in one that cannot be read there are none."""
    text = body.decode("utf-8", "replace")
    if format_ == "text":
        return partial(match, text)
    try:
        tree: Any = dict(pairs(text)) if format_ == "form" else msgspec.json.decode(body)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        tree = None
    return partial(find, tree)


def is_there(found: Any, among: Sequence[str]) -> bool:
    """Whether a place has one of some values; or, when none are named, anything at all."""
    text = words(found)
    return text in among if among else bool(text) or isinstance(found, dict | list)


def words(value: Any) -> str:
    """A value of a tree as text: true and false as JSON has them, nothing for a table or a list."""
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _is_nested(node: Any, *, is_inside: bool = False) -> bool:
    """Whether something that may repeat many times has in it what may, too: `(a+)+` tries every way to divide a text.

    Shape: `node` is a part of what the parser of `re` makes: operations as (code, what it is about).
    """
    if isinstance(node, tuple) and len(node) == 2 and str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, repeated = node[1]
        is_many = most >= _MANY and least != most
        return (is_many and is_inside) or _is_nested(repeated, is_inside=is_inside or most >= _MANY)
    if isinstance(node, tuple | list) or hasattr(node, "data"):
        return any(_is_nested(each, is_inside=is_inside) for each in node)
    return False


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
