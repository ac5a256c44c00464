"""What a carrier delivers: a receipt for one of our messages, or somebody's reply."""

import re
from contextlib import suppress
from datetime import UTC
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from chappe.carriers.smpp_options import CarrierAlphabet, SmppOptions
from chappe.carriers.texts import CODECS
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.telecom import receipts
from chappe.telecom.alphabets import announced
from chappe.telecom.data_coding import Coding, decode, is_octets
from chappe.telecom.gsm7 import unpack
from chappe.telecom.receipts import STANDARD, STATES, Dialect
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.ucs2 import decode_part, join_halves
from chappe.telecom.udh import Concatenation, Element, fill_bits, find_concatenation, split_udh

_UDHI = 0x40
_MAX_DIGITS = 15
_MAX_DETAIL = 200
_MAX_PARTS = 255
# What is called binary and can be read all the same: "STOP" must be heeded.
_PLAIN: Final = re.compile(rb"[\t\n\r -~]*")
_UCS2 = "utf-16-be"
# Source: SMPP 3.4, 5.2.19.
_CODECS: Final = {
    0x03: "latin-1", 0x05: "shift_jis", 0x06: "iso8859-5", 0x07: "iso8859-8", 0x08: _UCS2, 0x0A: "iso2022_jp",
    0x0E: "euc_kr",
}  # fmt: skip
_IA5: Final = 0x01
_ASCII: Final = Coding("ascii")


class Manner(NamedTuple):
    """How one carrier writes what it delivers."""

    dialect: Dialect = STANDARD
    alphabet: CarrierAlphabet = "gsm7"
    text_coding: int = 0
    ucs2_coding: int = 8


USUAL: Final = Manner()


def manner_of(options: SmppOptions) -> Manner:
    """How a carrier with these settings writes."""
    states = {word.upper(): STATES[meaning.upper()] for word, meaning in options.receipt_states.items()}
    zone = ZoneInfo(options.receipt_zone) if options.receipt_zone else None
    dialect = Dialect(options.receipt_errors, states, options.receipt_id == "text", options.trusts_text, zone)
    if dialect == STANDARD:
        dialect = STANDARD  # its receipts are read faster
    return Manner(dialect, options.alphabet, options.text_coding, options.ucs2_coding)


def read_delivery(body: ShortMessage, manner: Manner = USUAL) -> ReceiptIn | ReplyIn:
    """Read a deliver_sm; never fails, whatever the octets."""
    text, dialect = body.short_message, manner.dialect
    if not text and body.tlvs:
        text = tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    if not receipts.is_receipt(body.esm_class, text, body.tlvs, trusts_text=dialect.trusts_text):
        return _reply(body, text, manner)
    found = receipts.parse(text, body.tlvs, dialect)
    detail = f"{found.state or 'no state'} err:{found.error or '-'} id:{found.message_id or '-'}"
    done_at = None
    if dialect.zone is not None and (done := receipts.moment(found.done_at, dialect.zone)) is not None:
        detail += f" done {done.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        done_at = int(done.timestamp() * 1000)
    ref = found.message_id.strip().replace(" ", "_")  # as ids in answers are kept
    return ReceiptIn(ref, _number(body.source), found.dlr_status, found.is_final, detail[:_MAX_DETAIL], None, done_at)


def _number(address: str) -> int | None:
    digits = address.lstrip("+").lstrip("0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def _reply(body: ShortMessage, octets: bytes, manner: Manner) -> ReplyIn:
    place = None
    header = 0
    elements: tuple[Element, ...] = ()
    if body.esm_class & _UDHI:
        with suppress(ValueError):  # a header that makes no sense is shown as text rather than dropped
            whole = len(octets)
            elements, octets = split_udh(octets)
            header = whole - len(octets)
            place = find_concatenation(elements)
    if place is None and body.tlvs:
        place = _place_in_fields(body.tlvs)
    text = _text(body.data_coding, octets, elements, header, manner)
    if place is None or place.total == 1:
        return ReplyIn(body.source, body.destination, join_halves(text))
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


def _text(coding: int, octets: bytes, elements: tuple[Element, ...], header: int, manner: Manner) -> str:
    if coding == manner.ucs2_coding or _is_ucs2(coding):
        return decode_part(octets)
    is_own = coding == manner.text_coding
    codec = CODECS.get(manner.alphabet) if is_own else _CODECS.get(coding)
    if codec is not None:
        # A letter that ASCII lacks is more likely Latin-1 than nothing at all.
        return octets.decode("latin-1" if codec == "ascii" else codec, "replace")
    if coding == _IA5 and not is_own:
        return decode(_ASCII, octets)
    if is_binary(coding, manner):
        return octets.decode("ascii") if _PLAIN.fullmatch(octets) else octets.hex().upper()
    if is_own and manner.alphabet == "gsm7_packed":
        octets = unpack(octets, fill_bits=fill_bits(header))
    return announced(elements).decode(octets)


def is_binary(coding: int, manner: Manner = USUAL) -> bool:
    """Whether a carrier says that what it brings is no text."""
    return is_octets(coding) and coding not in (manner.text_coding, manner.ucs2_coding)


def _is_ucs2(coding: int) -> bool:
    """Whether a data coding of a radio network means UTF-16: 0x18 is a text that is shown at once.

    Source: 3GPP TS 23.038, 4; below 0x10 the codes are SMPP's own.
    """
    return (coding & 0xAC == 0x08 and coding >= 0x10) or coding & 0xF0 == 0xE0
