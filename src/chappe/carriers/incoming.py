"""What a carrier delivers: a receipt for one of our messages, or somebody's reply."""

from contextlib import suppress

from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.telecom import gsm7, receipts
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import split_udh

_UDHI = 0x40
_LATIN_1, _UCS2 = 3, 8
_MAX_DIGITS = 15
_MAX_DETAIL = 200


def read_delivery(body: ShortMessage) -> ReceiptIn | ReplyIn:
    """Read a deliver_sm; never fails, whatever the octets."""
    text = body.short_message
    if not text and body.tlvs:
        text = tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    if not receipts.is_receipt(body.esm_class, text, body.tlvs):
        return ReplyIn(body.source, body.destination, _text(body, text))
    found = receipts.parse(text, body.tlvs)
    detail = f"{found.state or 'no state'} err:{found.error or '-'} id:{found.message_id or '-'}"
    ref = found.message_id.strip().replace(" ", "_")  # as ids in answers are kept
    return ReceiptIn(ref, _number(body.source), found.dlr_status, found.is_final, detail[:_MAX_DETAIL])


def _number(address: str) -> int | None:
    digits = address.lstrip("+").lstrip("0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def _text(body: ShortMessage, octets: bytes) -> str:
    if body.esm_class & _UDHI:
        with suppress(ValueError):  # a header that makes no sense is shown as text rather than dropped
            _, octets = split_udh(octets)
    if body.data_coding == _UCS2:
        return octets.decode("utf-16-be", "replace")
    if body.data_coding == _LATIN_1:
        return octets.decode("latin-1")
    return gsm7.decode(octets)
