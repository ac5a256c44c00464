"""Texts from handsets, as a centre delivers them."""

from chappe.telecom import gsm7
from chappe.telecom.segments import Encoding, segments
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import concatenation_header

_MOST_PARTS = 255
_UDHI = 0x40


def parts_of(source: str, destination: str, text: str, reference: int) -> list[ShortMessage]:
    """The deliver_sm bodies of one text from a handset, in order."""
    cut = segments(text, limit=_MOST_PARTS)
    is_wide = cut.encoding is Encoding.UCS2
    found = []
    for number, part in enumerate(cut.parts, 1):
        octets = part.encode("utf-16-be", "surrogatepass") if is_wide else gsm7.encode(part)
        header = concatenation_header(reference, len(cut.parts), number) if len(cut.parts) > 1 else b""
        found.append(
            ShortMessage(
                source_ton=1 if source.isdecimal() else 5,
                source_npi=1 if source.isdecimal() else 0,
                source=source,
                dest_ton=1,
                dest_npi=1,
                destination=destination,
                esm_class=_UDHI if header else 0,
                data_coding=8 if is_wide else 0,
                short_message=header + octets,
            )
        )
    return found
