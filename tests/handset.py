"""A handset that shows what it gets over SMPP: written anew from the standards, so that it shares no fault with Chappe.

Source: 3GPP TS 23.040 9.2.3.24 (headers), 23.038 6.2.1 and annex A (alphabets).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chappe.telecom.smpp.bodies import ShortMessage

_TABLES: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "src/chappe/rules/alphabets/gsm0338.json").read_text()
)
_BY_ID: dict[int, Any] = {each["language_id"]: each for each in _TABLES["national"].values()}
_PART_BITS = 140 * 8


def shown(bodies: Iterable[ShortMessage]) -> str:
    """The text of one message, its parts put together."""
    return "".join(text for _, text in sorted(_part(body) for body in bodies))


def _part(body: ShortMessage) -> tuple[int, str]:
    octets, number, single, locking = body.short_message, 1, 0, 0
    header_octets = 0
    if body.esm_class & 0x40:
        header_octets = 1 + octets[0]
        header, octets = octets[1:header_octets], octets[header_octets:]
        while header:
            identifier, length = header[0], header[1]
            data, header = header[2 : 2 + length], header[2 + length :]
            if identifier in (0x00, 0x08):
                number = data[-1]
            elif identifier == 0x24:
                [single] = data
            elif identifier == 0x25:
                [locking] = data
    if body.data_coding == 8:
        assert header_octets + len(octets) <= 140
        return number, octets.decode("utf-16-be")
    assert body.data_coding == 0
    # The header takes whole septets on the radio.
    assert -(-header_octets * 8 // 7) * 7 + len(octets) * 7 <= _PART_BITS
    return number, _septets(octets, single, locking)


def _septets(octets: bytes, single: int, locking: int) -> str:
    letters = _BY_ID[locking]["locking"] if locking else _TABLES["default"]["locking"]
    shift = _BY_ID[single]["shift"] if single else _TABLES["default"]["shift"]
    found, at = "", 0
    while at < len(octets):
        if octets[at] == 0x1B:
            at += 1
            found += shift[f"{octets[at]:02X}"]
        else:
            found += letters[octets[at]]
        at += 1
    return found
