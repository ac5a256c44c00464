"""What makes a text as long as it is: characters that take two units, the one that needs UCS-2, what is too much."""

from collections import Counter
from typing import NamedTuple

from chappe.telecom import ucs2
from chappe.telecom.gsm7 import DEFAULT, Alphabet
from chappe.telecom.segments import Encoding, capacity, count_parts, header_octets


class Costly(NamedTuple):
    """A character that takes two units, and how often it stands in the text."""

    character: str
    times: int


class Outside(NamedTuple):
    """The first character that an alphabet does not have. Shape: `at` counts from 1."""

    character: str
    at: int


def costly(text: str, encoding: Encoding, alphabet: Alphabet = DEFAULT) -> tuple[Costly, ...]:
    """The characters that take two units, in the order of their first appearance.

    Source: 3GPP TS 23.038 6.2.1.1 (the extension table) and 6.2.3 (UTF-16 surrogates).
    """
    if encoding is Encoding.GSM7:
        found = Counter([character for character in text if not alphabet.is_plain(character)])
    else:
        found = Counter([character for character in text if ucs2.units(character) > 1])
    return tuple([Costly(character, times) for character, times in found.items()])


def first_outside(text: str, alphabet: Alphabet = DEFAULT) -> Outside | None:
    """The character for which a text would have to leave in UCS-2; None when the alphabet has them all."""
    outside = alphabet.outside(text)
    return Outside(outside[0], text.index(outside[0]) + 1) if outside else None


def units(text: str, encoding: Encoding, alphabet: Alphabet = DEFAULT) -> int:
    """How much of its parts a text takes, headers aside. Units: septets or UTF-16 code units."""
    return alphabet.septets(text) if encoding is Encoding.GSM7 else ucs2.units(text)


def room(encoding: Encoding, parts: int, alphabet: Alphabet = DEFAULT) -> int:
    """How much fits into so many parts. Units: septets or UTF-16 code units."""
    if parts == 1:
        return capacity(encoding, header_octets(alphabet))
    return parts * capacity(encoding, header_octets(alphabet, reference_bits=8))


def to_drop(text: str, end: str, encoding: Encoding, parts: int, alphabet: Alphabet = DEFAULT) -> int:
    """How many characters less, before the text's `end` that stays, make one part less; 0 when none do."""

    def has_less(dropped: int) -> bool:
        left = text[: len(text) - len(end) - dropped] + end
        return count_parts(left, unicode=encoding is Encoding.UCS2, alphabet=alphabet) < parts

    low, high = 1, len(text) - len(end)
    if high < 1 or not has_less(high):
        return 0
    while low < high:
        middle = (low + high) // 2
        if has_less(middle):
            high = middle
        else:
            low = middle + 1
    return low
