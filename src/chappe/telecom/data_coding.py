"""The data coding of a short message, and the text that its octets are.

Source: SMPP 3.4, 5.2.19; 3GPP TS 23.038, chapter 4 (the values from 0x10 on).
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from .gsm7 import DEFAULT, Alphabet, by_ids
from .udh import Element, find_languages

Charset = Literal["gsm7", "latin1", "ascii", "ucs2"]

_CHARSETS: Final[dict[int, Charset]] = {1: "ascii", 3: "latin1", 8: "ucs2"}
# What no text in IA5 has, but for the ends of lines and tabs; GSM-7 has letters there. Source: 3GPP TS 23.038 6.2.1.
_NO_IA5: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Classes of messages: 0 is shown at once and not kept (flash), 1 to 3 say where a message is stored.
_CLASSES: Final[dict[int, Charset]] = {
    **{coding: "gsm7" for first in (0x10, 0xF0) for coding in range(first, first + 4)},
    **dict.fromkeys(range(24, 28), "ucs2"),
}


class Coding(NamedTuple):
    """How the octets of a text are read. Shape: of GSM-7, the languages of its shift and its locking table, or 0."""

    charset: Charset
    single_id: int = 0
    locking_id: int = 0


class Unreadable(ValueError):
    """The octets are no text in their coding."""


def coding_of(
    data_coding: int, default: Charset, elements: Sequence[Element] = (), *, ia5: Charset = "ascii"
) -> Coding | None:
    """The coding that a data_coding means; None for what is no text, or in no alphabet that is known here.

    Shape: `default` is what 0 means to the centre, `ia5` what 1 does; a header may announce national tables for GSM-7.
    """
    charset = _CHARSETS.get(data_coding) or _CLASSES.get(data_coding)
    if data_coding in (0, 1):
        charset = ia5 if data_coding else default
    if charset is None:
        return None
    return Coding(charset, *find_languages(elements)) if charset == "gsm7" and elements else Coding(charset)


def is_octets(data_coding: int) -> bool:
    """Whether a data_coding means octets that are no letters, in the words of SMPP or of a radio network."""
    if data_coding < 0x10:
        return data_coding in (2, 4)
    general = data_coding < 0x80 and data_coding & 0x0C == 0x04
    return general or data_coding & 0xF4 == 0xF4


def decode(coding: Coding, octets: bytes) -> str:
    """The text of some octets. Raises: Unreadable.

    Shape: ASCII is read as Latin-1, which it is a part of: what is beyond it is what the sender meant more often than
           not. With octets that no text in ASCII has it is GSM-7 by a wrong name, as node-smpp writes it. Half an emoji
           is U+FFFD. Septets stand in an octet each.
    """
    match coding.charset:
        case "ucs2":
            if len(octets) % 2:
                raise Unreadable("UCS-2 has two octets a character")
            return octets.decode("utf-16-be", "replace")
        case "gsm7":
            if not octets.isascii():
                raise Unreadable("an octet above 127 is no septet")
            return _alphabet(coding).decode(octets)
        case "ascii" if octets.isascii() and _NO_IA5.search(octets):
            return DEFAULT.decode(octets)
        case _:
            return octets.decode("latin-1")


def _alphabet(coding: Coding) -> Alphabet:
    try:
        return by_ids(coding.single_id, coding.locking_id)
    except ValueError:  # a receiver without the table reads the default one: 3GPP TS 23.038 6.2.1.2.4
        return DEFAULT
