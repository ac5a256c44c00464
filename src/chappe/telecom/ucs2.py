"""Texts in sixteen-bit units: what a message is written in when the GSM alphabet lacks a character.

The standard says UCS-2; phones read UTF-16, so an emoji is a pair of units that must stay together.
"""

import codecs
import re
from typing import Final


def units(text: str) -> int:
    """Count the sixteen-bit units of a text; a character beyond U+FFFF takes two."""
    return len(text) if text.isascii() else len(encode(text)) // 2


def encode(text: str) -> bytes:
    """Write a text as UTF-16, high octet first. A lone surrogate is written as it is."""
    return text.encode("utf-16-be", "surrogatepass")


def decode(octets: bytes) -> str:
    """Read UTF-16, high octet first, whatever it is: what cannot be read becomes U+FFFD."""
    return octets.decode("utf-16-be", "replace")


# A half of a sign that a phone cut in two between parts, as it is kept until the other half is there: U+D800 to U+DFFF
# themselves cannot be stored. Nobody has agreed on signs at these private places of the last plane.
_KEPT: Final = 0x100000
_HALF: Final = re.compile("[\U0010d800-\U0010dfff]+")


def _keep(error: UnicodeError) -> tuple[str, int]:
    """Keep what is half a sign, replace what is none."""
    if not isinstance(error, UnicodeDecodeError):  # nobody writes with this
        raise error
    unit = int.from_bytes(error.object[error.start : error.start + 2], "big")
    is_half = 0xD800 <= unit <= 0xDFFF and error.start + 2 <= len(error.object)
    return (chr(unit + _KEPT) if is_half else "\ufffd"), min(error.start + 2, len(error.object))


codecs.register_error("chappe.halves", _keep)


def decode_part(octets: bytes) -> str:
    """Read a part of a text. Shape: halves of signs at its ends are kept for `join_halves`."""
    return octets.decode("utf-16-be", "chappe.halves")


def join_halves(text: str) -> str:
    """Put signs together whose halves came in two parts; a half that is alone is shown as U+FFFD."""
    return _HALF.sub(_joined, text)


def _joined(halves: re.Match[str]) -> str:
    units = [ord(half) - _KEPT for half in halves.group()]
    return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be", "replace")
