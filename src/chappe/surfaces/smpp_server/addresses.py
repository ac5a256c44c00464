"""Addresses as customers write them: type of number, numbering plan and digits.

Source: SMPP 3.4, 5.2.5 (TON) and 5.2.6 (NPI).
"""

import unicodedata
from typing import Final

from chappe.domain.sender_shape import shape
from chappe.telecom.numbers import normalise

UNKNOWN: Final = 0
INTERNATIONAL: Final = 1
NATIONAL: Final = 2
SHORT: Final = 3
ALPHANUMERIC: Final = 5
_E164: Final = 1
_MAX: Final = 20
# The digits from which on 00 begins a number, and is no part of a short one.
_MIN_WITH_PREFIX: Final = 8


def written(ton: int, npi: int, address: str) -> str:
    """An address in one text, to be kept."""
    return f"{ton} {npi} {address}"


def parted(text: str) -> tuple[int, int, str]:
    """Read what `written` wrote, as a deliver_sm can carry it: data_sm has longer addresses."""
    ton, npi, address = text.split(" ", 2)
    return int(ton), int(npi), plain(address)


def number_of(ton: int, address: str) -> str | None:
    """A destination as our callers write numbers; None for what can be none.

    Shape: digits of an unknown type are read as in a form of the account's country, as over HTTP.
    """
    bare = address.strip()
    if not bare or ton == ALPHANUMERIC:
        return None
    if ton == INTERNATIONAL and not bare.startswith(("+", "00")):
        return f"+{bare}"
    return bare


def sender_of(ton: int, address: str, country: str) -> str | None:
    """A source as our callers write senders; None for the account's own."""
    bare = address.strip()
    if not bare or ton == ALPHANUMERIC:
        return bare or None
    if ton == NATIONAL:
        return normalise([bare], country).e164[0] or bare
    digits = bare.removeprefix("+")
    if digits.startswith("00") and len(digits) >= _MIN_WITH_PREFIX:
        digits = digits[2:]
    return digits if digits.isdigit() else bare


def of_reply(text: str) -> tuple[int, int, str]:
    """The address of somebody who replied, or of what he replied to, as a carrier reported it.

    Shape: digits of any script are read as what they are.
    """
    digits = "".join([_digit(each) for each in text.removeprefix("+")])
    match shape(digits):
        case "alphanumeric":
            return ALPHANUMERIC, UNKNOWN, plain(text)
        case "short":
            return SHORT, UNKNOWN, digits
        case _:
            return INTERNATIONAL, _E164, digits[:_MAX]


def plain(address: str) -> str:
    """An address as a PDU can carry it, whatever was written: its strings end at a NUL."""
    return address.encode("ascii", "replace").decode().replace("\0", "?")[:_MAX]


def _digit(character: str) -> str:
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)
