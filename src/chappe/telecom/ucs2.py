"""Texts in sixteen-bit units: what a message is written in when the GSM alphabet lacks a character.

The standard says UCS-2; phones read UTF-16, so an emoji is a pair of units that must stay together.
"""


def units(text: str) -> int:
    """Count the sixteen-bit units of a text; a character beyond U+FFFF takes two."""
    return len(text) if text.isascii() else len(encode(text)) // 2


def encode(text: str) -> bytes:
    """Write a text as UTF-16, high octet first. A lone surrogate is written as it is."""
    return text.encode("utf-16-be", "surrogatepass")


def decode(octets: bytes) -> str:
    """Read UTF-16, high octet first, whatever it is: what cannot be read becomes U+FFFD."""
    return octets.decode("utf-16-be", "replace")
