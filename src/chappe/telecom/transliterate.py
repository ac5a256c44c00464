"""Keeping a text in the cheap GSM alphabet by writing what it lacks differently: ’ as ', œ as oe, á as a."""

import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.telecom.gsm7 import DEFAULT, Alphabet
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


# Their replacements look the same to a reader.
_SAME_LOOK: Final[frozenset[_Class]] = frozenset(("safe", "remove"))

# Letters of GSM-7 that other alphabets lack, spelt out.
_SPELLED: Final = {
    "€": "EUR", "£": "GBP", "¥": "JPY", "$": "USD", "ß": "ss", "Æ": "AE", "æ": "ae", "Ø": "O", "ø": "o", "§": "S",
    "¡": "!", "¿": "?", "¤": "*", "@": "(at)", "Δ": "D", "Φ": "F", "Γ": "G", "Λ": "L", "Ω": "O", "Π": "P", "Ψ": "PS",
    "Σ": "S", "Θ": "TH", "Ξ": "X",
}  # fmt: skip


@cache
def _groups() -> tuple[_Group, ...]:
    path = files("chappe.rules").joinpath("alphabets/gsm_replacements.json")
    file = msgspec.json.decode(path.read_bytes(), type=_File)
    return tuple([group for group in file.groups if group.kind in file.default_classes])


@cache
def _table() -> dict[str, str]:
    return {
        character: target
        for group in _groups()
        for target, characters in group.replace.items()
        for character in characters
    }


@cache
def _alike() -> frozenset[str]:
    kinds = [group for group in _groups() if group.kind in _SAME_LOOK]
    return frozenset("".join([characters for group in kinds for characters in group.replace.values()]))


def smart(text: str) -> Replaced:
    """Bring a text into GSM-7 if replacements can, or leave it exactly as it was.

    Shape: the result also has the form that is counted (NFC, LF line ends), which is no change in itself.
    """
    if DEFAULT.has(text) and "\r\n" not in text:
        return Replaced(text, ())
    normal = normalise_text(text)
    return _replace(normal, DEFAULT) if _table().keys() >= set(DEFAULT.outside(normal)) else Replaced(text, ())


def to_gsm7(text: str) -> Replaced:
    """Bring a text into GSM-7 at any price: what has no replacement becomes a question mark.

    Shape: as `smart`, but the result is always in GSM-7.
    """
    return into(text, DEFAULT)


def into(text: str, alphabet: Alphabet) -> Replaced:
    """Bring a text into an alphabet at any price, leaving what the alphabet has as it is. Shape: as `to_gsm7`."""
    if alphabet.has(text) and "\r\n" not in text:
        return Replaced(text, ())
    return _replace(normalise_text(text), alphabet)


def losses(text: str, alphabet: Alphabet) -> int:
    """Count the characters of a text that would look different in an alphabet: letters without their accents, ?."""
    alike = _alike()
    return sum([character not in alike for character in alphabet.outside(text)])


def _replace(normal: str, alphabet: Alphabet) -> Replaced:
    times: dict[str, int] = {}
    for character in alphabet.outside(normal):  # few; a Counter would cost more to set up than it saves
        times[character] = times.get(character, 0) + 1
    table = _table()
    chosen = {character: table.get(character, REPLACEMENT) for character in times}
    if alphabet is not DEFAULT:  # a locking table lacks letters that replacements are made of
        chosen = {character: to if alphabet.has(to) else REPLACEMENT for character, to in chosen.items()}
    changes = tuple([Change(character, chosen[character], count) for character, count in times.items()])
    return Replaced(alphabet.replace_outside(normal, chosen) if times else normal, changes)


def plainly(text: str, has: Callable[[str], bool]) -> str:
    """Bring a text at any price into letters that some alphabet has: é as e, € as EUR, what has no replacement as ?."""
    table = _table()
    return "".join([letter if has(letter) else _plain(letter, table, has) for letter in text])


def _plain(letter: str, table: dict[str, str], has: Callable[[str], bool]) -> str:
    bare = "".join([each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each)])
    for candidate in (table.get(letter), bare, _SPELLED.get(letter)):
        if candidate and has(candidate):
            return candidate
    return REPLACEMENT
