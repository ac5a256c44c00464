"""The sender as a carrier will take it."""

import re
import unicodedata
from typing import Literal, NamedTuple

SenderShape = Literal["alphanumeric", "short", "international"]
MAX_ALPHANUMERIC = 11
_DIGITS = re.compile(r"\+?[0-9]{3,15}")
_UNPRINTABLE = re.compile(r"[^ -~]+")
# The longest number that is a short code and no subscriber's number.
_MAX_SHORT = 6


class Sender(NamedTuple):
    """A sender's text as it goes over the wire and what kind of address it is."""

    text: str
    shape: SenderShape


def sender_text(asked: str | None, default: str | None) -> str | None:
    """The sender a campaign gets: the asked one, the account's, or None for the carrier's own number.

    An impossible sender is mended, not refused: the copied service answers OK to any.
    Shape: 11 printable ASCII characters at most, accents dropped; or 3 to 15 digits.
    """
    for candidate in (asked, default):
        plain = _plain(candidate or "")
        if plain:
            return plain
    return None


def _plain(sender: str) -> str:
    sender = sender.strip()
    if _DIGITS.fullmatch(sender):
        return sender.lstrip("+")
    bare = unicodedata.normalize("NFKD", sender)
    return _UNPRINTABLE.sub("", bare)[:MAX_ALPHANUMERIC].strip()


def shape(sender: str) -> SenderShape:
    """Which kind of address a sender is, as SMPP's type of number distinguishes it."""
    if not sender.isdigit():
        return "alphanumeric"
    return "short" if len(sender) <= _MAX_SHORT else "international"
