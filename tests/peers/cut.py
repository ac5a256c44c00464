"""Texts as programs write them in submits, for libraries that leave it to their users."""

from itertools import count
from typing import Final, Literal, NamedTuple

from chappe.telecom import gsm7

Form = Literal["udh", "sar", "payload"]
_UDHI: Final = 0x40
_UCS2: Final = 8
_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER, _PAYLOAD = 0x020C, 0x020E, 0x020F, 0x0424
_references = count(1)


class Part(NamedTuple):
    """One submit: esm_class, data_coding, short_message, and TLVs as (tag, value)."""

    esm_class: int
    coding: int
    octets: bytes
    tlvs: list[tuple[int, bytes]]


def cut(text: str, form: str = "udh") -> list[Part]:
    """A text in one submit, or in parts with a header (`udh`) or fields (`sar`)."""
    is_gsm7 = gsm7.DEFAULT.has(text)
    octets, coding, width = (gsm7.encode(text), 0, 150) if is_gsm7 else (text.encode("utf-16-be"), _UCS2, 132)
    if form == "payload":
        return [Part(0, coding, b"", [(_PAYLOAD, octets)])]
    pieces = [octets[at : at + width] for at in range(0, len(octets), width)]
    if len(pieces) == 1:
        return [Part(0, coding, octets, [])]
    reference, total = next(_references) & 0xFF, len(pieces)
    if form == "udh":
        return [
            Part(_UDHI, coding, bytes((5, 0, 3, reference, total, number)) + piece, [])
            for number, piece in enumerate(pieces, 1)
        ]
    return [
        Part(0, coding, piece, [
            (_SAR_REFERENCE, reference.to_bytes(2)), (_SAR_TOTAL, bytes([total])), (_SAR_NUMBER, bytes([number])),
        ])
        for number, piece in enumerate(pieces, 1)
    ]  # fmt: skip
