"""Keeping a text in the cheap GSM alphabet by writing what it lacks differently: ’ as ', œ as oe, á as a."""

from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.telecom.gsm7 import DEFAULT
from chappe.telecom.segments import normalise_text

REPLACEMENT: Final = "?"
"""What stands for a character that has neither a septet nor a replacement."""

_Class = Literal["safe", "expand", "remove", "fold", "fold_greek"]


class Change(NamedTuple):
    """A character of the text that was written differently, and how often it stood there."""

    character: str
    replacement: str
    times: int


class Replaced(NamedTuple):
    """A text after replacement, and what was changed for it in the order of first appearance."""

    text: str
    changes: tuple[Change, ...]


class _Group(msgspec.Struct, frozen=True):
    """Replacements of one kind: under each target the characters that become it."""

    kind: _Class = msgspec.field(name="class")
    why: str
    replace: dict[str, str]


class _File(msgspec.Struct, frozen=True):
    source: str
    default_classes: frozenset[_Class]
    groups: tuple[_Group, ...]


@cache
def _table() -> dict[str, str]:
    path = files("chappe.rules").joinpath("alphabets/gsm_replacements.json")
    file = msgspec.json.decode(path.read_bytes(), type=_File)
    return {
        character: target
        for group in file.groups
        if group.kind in file.default_classes
        for target, characters in group.replace.items()
        for character in characters
    }


def smart(text: str) -> Replaced:
    """Bring a text into GSM-7 if replacements can, or leave it exactly as it was.

    Shape: the result also has the form that is counted (NFC, LF line ends), which is no change in itself.
    """
    return _replace(text, at_any_price=False)


def to_gsm7(text: str) -> Replaced:
    """Bring a text into GSM-7 at any price: what has no replacement becomes a question mark.

    Shape: as `smart`, but the result is always in GSM-7.
    """
    return _replace(text, at_any_price=True)


def _replace(text: str, *, at_any_price: bool) -> Replaced:
    if DEFAULT.has(text) and "\r\n" not in text:
        return Replaced(text, ())
    table = _table()
    normal = normalise_text(text)
    times: dict[str, int] = {}
    for character in DEFAULT.outside(normal):  # few; a Counter would cost more to set up than it saves
        times[character] = times.get(character, 0) + 1
    if not at_any_price and not times.keys() <= table.keys():
        return Replaced(text, ())
    chosen = {character: table.get(character, REPLACEMENT) for character in times}
    changes = tuple([Change(character, chosen[character], count) for character, count in times.items()])
    return Replaced(DEFAULT.replace_outside(normal, chosen), changes)
