"""Templates of texts: `{name}`, and `{name|yes|no}` for one that is true or false."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Value = str | int | bool
_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*(?::[A-Za-z0-9-]+)?)(?:\|([^|{}]*)\|([^|{}]*))?\}")


class Empty(Exception):
    """A placeholder of the text has nothing to say."""


def names_in(text: str) -> list[str]:
    """The placeholders of a text."""
    return [found.group(1) for found in _PLACEHOLDER.finditer(text)]


def filled(text: str, values: Mapping[str, Value], escape: Callable[[str], str] = str) -> str:
    """A text with its placeholders filled in. Raises: Empty when one of them is."""

    def one(found: re.Match[str]) -> str:
        value = values.get(found.group(1).lower(), "")
        if found.group(2) is not None:
            return found.group(2) if value else found.group(3)
        if value == "":
            raise Empty
        return escape(_word(value))

    found_text = _PLACEHOLDER.sub(one, text)
    if text and not found_text:
        raise Empty
    return found_text


def filled_or_empty(text: str, values: Mapping[str, Value]) -> str:
    """A text with its placeholders filled in; nothing when one of them is empty."""
    try:
        return filled(text, values)
    except Empty:
        return ""


def filled_table(table: Mapping[str, str], values: Mapping[str, Value]) -> dict[str, str]:
    """A table with its values filled in, without those that are empty."""
    found = {}
    for name, text in table.items():
        try:
            found[name] = filled(text, values)
        except Empty:
            continue
    return found


def filled_tree(tree: Any, values: Mapping[str, Value]) -> Any:
    """A tree for JSON: a value that is one placeholder keeps its kind; what is empty is left out. Raises: Empty."""
    if isinstance(tree, str):
        alone = _PLACEHOLDER.fullmatch(tree)
        if alone and alone.group(2) is None and not isinstance(value := values.get(alone.group(1), ""), str):
            return value
        return filled(tree, values)
    if isinstance(tree, dict):
        return _kept({name: _or_none(value, values) for name, value in tree.items()})
    if isinstance(tree, list | tuple):
        return [found for value in tree if (found := _or_none(value, values)) is not None]
    return tree


def _or_none(tree: Any, values: Mapping[str, Value]) -> Any:
    try:
        return filled_tree(tree, values)
    except Empty:
        return None


def _kept(table: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in table.items() if value is not None}
    if table and not kept:
        raise Empty
    return kept


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
