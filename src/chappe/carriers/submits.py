"""A message as the PDUs that carry it: alphabet, parts, addresses."""

from functools import lru_cache
from typing import Final, Literal

from chappe.carriers.options import SmppOptions
from chappe.domain.sender_shape import shape
from chappe.telecom import gsm7
from chappe.telecom.segments import Encoding, segments
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import concatenation_header

UDHI: Final = 0x40  # esm_class: the text begins with a user data header
FINAL_RECEIPT: Final = 1  # registered_delivery: tell success or failure
_GSM7_CODING, _UCS2_CODING = 0, 8
_MAX_VALIDITY_S = 72 * 3600  # what carriers commonly take
_PROTOCOL_MAX_PARTS = 255


@lru_cache(maxsize=1024)
def _cut(text: str, is_unicode: bool, reference_bits: Literal[8, 16]) -> tuple[int, tuple[bytes, ...]]:
    """The data coding and the octets of each part, without headers. The messages of a campaign share their text, so
    the cache hits.
    """
    cut = segments(text, unicode=is_unicode or None, limit=_PROTOCOL_MAX_PARTS, reference_bits=reference_bits)
    if cut.encoding is Encoding.UCS2:
        return _UCS2_CODING, tuple(part.encode("utf-16-be", "surrogatepass") for part in cut.parts)
    return _GSM7_CODING, tuple(gsm7.encode(part) for part in cut.parts)


def submits(
    options: SmppOptions, *, message_id: int, number: int, text: str, sender: str | None, is_unicode: bool,
    validity_s: float,
) -> list[ShortMessage]:  # fmt: skip
    """The submit_sm bodies of one message, in the order of its parts.

    Shape: the reference that joins the parts is made from the message's id, so a part that is submitted again later
           still belongs to the same message on the handset.
    """
    ton, npi, source = _source(options, sender)
    coding, octets = _cut(text, is_unicode, options.reference_bits)
    validity = _validity(validity_s) if options.sends_validity else ""
    if len(octets) == 1:
        headers: tuple[bytes, ...] = (b"",)
    else:
        reference = message_id & (0xFFFF if options.reference_bits == 16 else 0xFF)
        headers = tuple(
            concatenation_header(reference, len(octets), i + 1, reference_bits=options.reference_bits)
            for i in range(len(octets))
        )
    return [
        ShortMessage(
            ton, npi, source, options.dest_ton, options.dest_npi, str(number), UDHI if header else 0, coding,
            header + part, FINAL_RECEIPT, validity,
        )
        for header, part in zip(headers, octets, strict=True)
    ]  # fmt: skip


def _source(options: SmppOptions, sender: str | None) -> tuple[int, int, str]:
    text = sender or options.sender
    if not text:
        return 0, 0, ""
    kind = shape(text)
    if kind == "alphanumeric":
        return options.alphanumeric_ton, options.alphanumeric_npi, text
    if kind == "short":
        return options.short_ton, options.short_npi, text
    return options.international_ton, options.international_npi, text


def _validity(seconds: float) -> str:
    """A relative time as SMPP writes it. Source: SMPP 3.4, 7.1.1.2."""
    left = int(max(60, min(seconds, _MAX_VALIDITY_S)))
    days, rest = divmod(left, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    return f"0000{days:02d}{hours:02d}{minutes:02d}{secs:02d}000R"
