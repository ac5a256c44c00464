"""The text as it leaves, its encoding and its parts."""

from collections.abc import Callable
from typing import Final

from chappe.domain.encodings import GSM7, UCS2, alphabet_of, encoding_of
from chappe.domain.errors import BadData
from chappe.telecom.alphabets import choose
from chappe.telecom.gsm7 import DEFAULT, Language
from chappe.telecom.segments import Encoding, TooManyParts, capacity, segments
from chappe.telecom.transliterate import into, to_gsm7

Measured = tuple[str, int, int]
"""The final text, its encoding as messages have it (`domain/encodings.py`), its parts."""

_ONE_PART: Final = capacity(Encoding.GSM7)


def finisher(is_unicode: bool, languages: tuple[Language, ...] = ()) -> Callable[[str], str]:
    """What brings a text into its final letters: as they are, or into GSM-7 with the tables of some languages."""
    if is_unicode:
        return str
    return (lambda text: choose(text, languages).text) if languages else _to_gsm7


def finish_in(text: str, encoding: int) -> str:
    """A text in the letters of the encoding that was chosen for it."""
    return text if encoding == UCS2 else into(text, alphabet_of(encoding)).text


def measurer(is_unicode: bool, max_parts: int, languages: tuple[Language, ...] = ()) -> Callable[[str], Measured]:
    """What measures texts of one kind. It raises BadData for a text that takes more parts.

    Cost: below a microsecond for a short text in plain letters.
    """
    finish = finisher(is_unicode)

    def measure(text: str) -> Measured:
        if not is_unicode and len(text) <= _ONE_PART and DEFAULT.is_plain(text) and "\r\n" not in text:
            return text, GSM7, 1  # as most are: nothing to replace, nothing to cut
        alphabet = DEFAULT
        if languages and not is_unicode:
            alphabet, final, _ = choose(text, languages)
        else:
            final = finish(text)
        try:
            cut = segments(final, unicode=is_unicode, limit=max_parts, alphabet=alphabet)
        except TooManyParts as error:
            raise BadData(f"takes {error.parts} parts, at most {max_parts} are allowed", field="text") from None
        return final, UCS2 if cut.encoding is Encoding.UCS2 else encoding_of(alphabet), len(cut.parts)

    return measure


def _to_gsm7(text: str) -> str:
    return to_gsm7(text).text
