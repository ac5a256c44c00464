"""Cutting a text into the parts of one message, which is also what a message costs."""

import unicodedata
from enum import Enum
from functools import cache
from typing import Final, Literal, NamedTuple, assert_never

from chappe.telecom import ucs2
from chappe.telecom.gsm7 import DEFAULT, ESCAPE, Alphabet

MAX_PARTS: Final = 10
"""What one message may take unless the installation says otherwise; operators rarely accept more."""

PROTOCOL_MAX_PARTS: Final = 255
"""The total travels in one octet."""

_USER_DATA_OCTETS: Final = 140
_ALONE: Final = 160
_UNSEEN: Final = frozenset({"Cc", "Cf"})

ReferenceBits = Literal[8, 16]


class Encoding(Enum):
    """How the characters of a message are written."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


class Segmented(NamedTuple):
    """A text cut into parts.

    Units: septets or UTF-16 code units of the whole text, by its encoding; headers are not counted.
    """

    encoding: Encoding
    units: int
    parts: tuple[str, ...]


class TooManyParts(ValueError):
    """A text needs more parts than are allowed."""

    def __init__(self, parts: int, limit: int) -> None:
        super().__init__(f"the text needs {parts} parts, at most {limit} are allowed")
        self.parts = parts
        self.limit = limit


def normalise_text(text: str) -> str:
    """Give the form of a text that is counted and sent: letters composed, line ends a single LF.

    Source: Unicode NFC (UAX 15); an accent sent apart from its letter would be a unit of its own.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_blank(text: str) -> bool:
    """Whether nothing of a text is to be seen: blanks, and characters that only control or join others."""
    if not text.strip():
        return True
    return not text.isprintable() and all(each.isspace() or unicodedata.category(each) in _UNSEEN for each in text)


def capacity(encoding: Encoding | Literal["binary"], header_octets: int = 0) -> int:
    """Say how many units fit into one part beside a user data header of so many octets.

    Units:  septets, UTF-16 code units or octets, by the encoding.
    Source: 3GPP TS 23.040 9.2.3.24: 140 octets; septets start at the next septet boundary after the header.
    """
    octets = _USER_DATA_OCTETS - header_octets
    match encoding:
        case Encoding.GSM7:
            return octets * 8 // 7
        case Encoding.UCS2:
            return octets // 2
        case "binary":
            return octets
    assert_never(encoding)


def header_octets(alphabet: Alphabet, *, reference_bits: ReferenceBits | None = None) -> int:
    """Give the size of the user data header a part needs: its languages and, with a reference, its place.

    Units:  octets, with the length octet; 0 when no header is needed.
    Source: 3GPP TS 23.040 9.2.3.24.1, .8, .15, .16.
    """
    languages = 3 * bool(alphabet.single_id) + 3 * bool(alphabet.locking_id)
    place = {None: 0, 8: 5, 16: 6}[reference_bits]
    return 1 + languages + place if languages + place else 0


def segments(
    text: str,
    *,
    unicode: bool | None = None,
    limit: int = MAX_PARTS,
    reference_bits: ReferenceBits = 8,
    alphabet: Alphabet = DEFAULT,
) -> Segmented:
    """Cut a text into the parts a handset will show as one message.

    Shape:  `unicode` True forces UCS-2, False forbids it, None takes it when a character needs it. Parts are
            filled greedily; an escape and its code, or the two halves of an emoji, are never torn apart.
            Nothing is normalised here; the empty text is one empty part.
    Units:  160 septets alone, 153 as one of several; 70 or 67 code units (152 and 66 with 16-bit references).
    Raises: TooManyParts above `limit`, which is at most 255;
            NotInAlphabet when `unicode` is False and a character needs it.
    Source: 3GPP TS 23.038 6.2.1, 23.040 9.2.3.24.1.
    Cost:   below a microsecond for a short text in the default alphabet.
    """
    if unicode is not True and len(text) <= _ALONE and alphabet is DEFAULT and DEFAULT.is_plain(text):
        return Segmented(Encoding.GSM7, len(text), (text,))
    cut = _cut(text, unicode, reference_bits, alphabet)
    limit = min(limit, PROTOCOL_MAX_PARTS)
    if len(cut.ends) > limit:
        raise TooManyParts(len(cut.ends), limit)
    if len(cut.ends) == 1:
        return Segmented(cut.encoding, cut.units, (text,))
    starts = [0, *cut.ends[:-1]]
    parts = tuple([cut.read(start, end) for start, end in zip(starts, cut.ends, strict=True)])
    return Segmented(cut.encoding, cut.units, parts)


def count_parts(
    text: str,
    *,
    unicode: bool | None = None,
    reference_bits: ReferenceBits = 8,
    alphabet: Alphabet = DEFAULT,
) -> int:
    """Count the parts `segments` would cut, without a limit and without cutting.

    Raises: NotInAlphabet when `unicode` is False and a character needs it.
    """
    if unicode is not True and len(text) <= _ALONE and alphabet is DEFAULT and DEFAULT.is_plain(text):
        return 1
    return len(_cut(text, unicode, reference_bits, alphabet).ends)


class _Cut(NamedTuple):
    """Where a text is cut: `written` is the text itself when a character is a unit, else its octets."""

    encoding: Encoding
    units: int
    written: str | bytes
    ends: list[int]
    alphabet: Alphabet

    def read(self, start: int, end: int) -> str:
        piece = self.written[start:end]
        if isinstance(piece, str):
            return piece
        if self.encoding is Encoding.GSM7:
            return self.alphabet.decode(piece)
        return piece.decode("utf-16-be", "surrogatepass")


def _cut(text: str, unicode: bool | None, reference_bits: ReferenceBits, alphabet: Alphabet) -> _Cut:
    septets = None if unicode is True else alphabet.measure(text)
    if septets is None and unicode is not False:
        alone, each = _widths(alphabet, reference_bits, is_gsm7=False)
        units = ucs2.units(text)
        if units <= alone:
            return _Cut(Encoding.UCS2, units, text, [len(text)], alphabet)
        octets = ucs2.encode(text)
        return _Cut(Encoding.UCS2, units, octets, _ends(octets, 2, each), alphabet)
    alone, each = _widths(alphabet, reference_bits, is_gsm7=True)
    if septets is not None and septets <= alone:
        return _Cut(Encoding.GSM7, septets, text, [len(text)], alphabet)
    if septets == len(text):
        return _Cut(Encoding.GSM7, septets, text, [*range(each, septets, each), septets], alphabet)
    octets = alphabet.encode(text)
    return _Cut(Encoding.GSM7, len(octets), octets, _ends(octets, 1, each), alphabet)


@cache
def _widths(alphabet: Alphabet, reference_bits: ReferenceBits, *, is_gsm7: bool) -> tuple[int, int]:
    """Give the units a message holds alone, and in each part of several."""
    if not is_gsm7:
        alphabet = DEFAULT  # languages are announced for septets only
    encoding = Encoding.GSM7 if is_gsm7 else Encoding.UCS2
    several = header_octets(alphabet, reference_bits=reference_bits)
    return capacity(encoding, header_octets(alphabet)), capacity(encoding, several)


def _ends(octets: bytes, unit_octets: Literal[1, 2], each: int) -> list[int]:
    """Fill parts greedily and give where each ends; a character of two units is never torn apart."""
    total = len(octets)
    ends: list[int] = []
    at = each * unit_octets
    while at < total:
        if unit_octets == 1:
            at -= octets[at - 1] == ESCAPE
        elif octets[at - 2] & 0xFC == 0xD8:  # the first half of a surrogate pair
            at -= 2
        ends.append(at)
        at += each * unit_octets
    ends.append(total)
    return ends
