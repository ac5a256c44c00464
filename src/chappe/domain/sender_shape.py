"""What a sender is made of, in any network."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal
from zlib import crc32

SenderShape = Literal["alphanumeric", "short", "international"]
MAX_ALPHANUMERIC: Final = 11
"""How long a name may be. Source: 3GPP TS 23.040 9.1.2.5."""
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}")
# A number as people write it. Shorter ones with signs between are names: 24-7.
_WRITTEN_NUMBER: Final = re.compile(r"\+?[0-9](?:[ ./()-]*[0-9]){6,14}")
_SIGNS_BETWEEN: Final = re.compile(r"[ ./()+-]+")
_UNPRINTABLE: Final = re.compile(r"[^ -~]+")
# The longest number that is a short code and no subscriber's number.
_MAX_SHORT: Final = 6


def plain_sender(sender: str | None) -> str | None:
    """A sender as any network can carry it; None when nothing of it is left.

    Shape: 11 printable ASCII characters at most, accents dropped; or 3 to 15 digits. Digits only are never a name.
    """
    bare = _UNPRINTABLE.sub("", unicodedata.normalize("NFKD", sender or "")).strip()
    if _NUMBER.fullmatch(bare) or _WRITTEN_NUMBER.fullmatch(bare):
        return _SIGNS_BETWEEN.sub("", bare)
    name = bare[:MAX_ALPHANUMERIC].strip()
    is_cut_number = name.isdigit() or _WRITTEN_NUMBER.fullmatch(name)
    return name if name and not is_cut_number else None


def shape(sender: str) -> SenderShape:
    """Which kind of address a sender is, as SMPP's type of number distinguishes it."""
    if not sender.isdigit():
        return "alphanumeric"
    return "short" if len(sender) <= _MAX_SHORT else "international"


def pool_of(sender: str) -> tuple[str, ...]:
    """The senders of a carrier's own, as its settings name them: one, or several separated by commas."""
    return tuple([each for part in sender.split(",") if (each := part.strip())])


def one_of(pool: Sequence[str], number: int) -> str:
    """The sender of a pool that a person always sees; empty when the pool is.

    Shape: the highest of all hashes wins: a number that joins the pool takes its share, and nobody else sees a new one.
    """
    if len(pool) < 2:
        return pool[0] if pool else ""
    return max(pool, key=lambda own: crc32(f"{own}:{number}".encode()))
