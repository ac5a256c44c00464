"""The text as it leaves, its encoding and its parts."""

from collections.abc import Callable
from typing import Final

from chappe.domain.errors import BadData
from chappe.telecom.gsm7 import DEFAULT
from chappe.telecom.segments import Encoding, TooManyParts, capacity, segments
from chappe.telecom.transliterate import to_gsm7

Measured = tuple[str, int, int]
"""The final text, its encoding as messages have it (0 GSM-7, 1 UCS-2), its parts."""

_ONE_PART: Final = capacity(Encoding.GSM7)


def finisher(is_unicode: bool) -> Callable[[str], str]:
    """What brings a text into its final letters: as they are, or into GSM-7."""
    return str if is_unicode else _to_gsm7


def measurer(is_unicode: bool, max_parts: int) -> Callable[[str], Measured]:
    """What measures texts of one kind. It raises BadData for a text that takes more parts.

    Cost: below a microsecond for a short text in plain letters.
    """
    finish = finisher(is_unicode)

    def measure(text: str) -> Measured:
        if not is_unicode and len(text) <= _ONE_PART and DEFAULT.is_plain(text) and "\r\n" not in text:
            return text, 0, 1  # as most are: nothing to replace, nothing to cut
        final = finish(text)
        try:
            cut = segments(final, unicode=is_unicode, limit=max_parts)
        except TooManyParts as error:
            raise BadData(f"takes {error.parts} parts, at most {max_parts} are allowed", field="text") from None
        return final, 1 if cut.encoding is Encoding.UCS2 else 0, len(cut.parts)

    return measure


def _to_gsm7(text: str) -> str:
    return to_gsm7(text).text
