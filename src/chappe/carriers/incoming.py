"""What a carrier delivers: a receipt for one of our messages, or somebody's reply."""

from contextlib import suppress

from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.telecom import receipts
from chappe.telecom.alphabets import announced
from chappe.telecom.receipts import STANDARD, Dialect
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import Concatenation, Element, find_concatenation, split_udh

_UDHI = 0x40
_LATIN_1, _UCS2 = 3, 8
_MAX_DIGITS = 15
_MAX_DETAIL = 200
_MAX_PARTS = 255


def read_delivery(body: ShortMessage, dialect: Dialect = STANDARD) -> ReceiptIn | ReplyIn:
    """Read a deliver_sm; never fails, whatever the octets."""
    text = body.short_message
    if not text and body.tlvs:
        text = tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    if not receipts.is_receipt(body.esm_class, text, body.tlvs):
        return _reply(body, text)
    found = receipts.parse(text, body.tlvs, dialect)
    detail = f"{found.state or 'no state'} err:{found.error or '-'} id:{found.message_id or '-'}"
    ref = found.message_id.strip().replace(" ", "_")  # as ids in answers are kept
    return ReceiptIn(ref, _number(body.source), found.dlr_status, found.is_final, detail[:_MAX_DETAIL])


def _number(address: str) -> int | None:
    digits = address.lstrip("+").lstrip("0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def _reply(body: ShortMessage, octets: bytes) -> ReplyIn:
    place = None
    elements: tuple[Element, ...] = ()
    if body.esm_class & _UDHI:
        with suppress(ValueError):  # a header that makes no sense is shown as text rather than dropped
            elements, octets = split_udh(octets)
            place = find_concatenation(elements)
    if place is None and body.tlvs:
        place = _place_in_fields(body.tlvs)
    text = _text(body.data_coding, octets, elements)
    if place is None or place.total == 1:
        return ReplyIn(body.source, body.destination, text)
    # The bits tell a reference of one form from the same number in the other.
    part_of = f"{place.reference_bits}.{place.reference}/{place.total}"
    return ReplyIn(body.source, body.destination, text, part_of, place.number)


def _place_in_fields(tlvs: bytes) -> Concatenation | None:
    """The place of a part where fields beside the text name it. Source: SMPP 3.4, 5.3.2.22 to 5.3.2.24."""
    reference = tlv.find_int(tlvs, tlv.SAR_MSG_REF_NUM)
    total = tlv.find_int(tlvs, tlv.SAR_TOTAL_SEGMENTS)
    number = tlv.find_int(tlvs, tlv.SAR_SEGMENT_SEQNUM)
    if reference is None or total is None or number is None or not 1 <= number <= total <= _MAX_PARTS:
        return None
    return Concatenation(reference, total, number, 16)


def _text(data_coding: int, octets: bytes, elements: tuple[Element, ...]) -> str:
    if data_coding == _UCS2:
        return octets.decode("utf-16-be", "replace")
    if data_coding == _LATIN_1:
        return octets.decode("latin-1")
    return announced(elements).decode(octets)
