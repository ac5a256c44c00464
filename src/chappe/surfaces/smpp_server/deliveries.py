"""Receipts and replies as deliver_sm.

Source: SMPP 3.4, 4.6.1 (deliver_sm), 5.2.12 (esm_class) and appendix B (the text of receipts).
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from chappe.domain.bind_users import DefaultAlphabet
from chappe.domain.bound_deliveries import BoundDelivery, BoundReceipt, BoundReply, octets_in
from chappe.surfaces.smpp_server import addresses, statuses
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import concatenation_header

_RECEIPT: Final = 0x04
_INTERMEDIATE: Final = 0x20
_UDHI: Final = 0x40
_UCS2: Final = 8
_MAX_SHORT: Final = 254
_MAX_REFERENCE: Final = 0xFFFF
# The first version that knows TLVs.
_WITH_TLVS: Final = 0x34


class Wire(NamedTuple):
    """What a bind can be given."""

    version: int
    alphabet: DefaultAlphabet

    @property
    def has_tlvs(self) -> bool:
        return self.version >= _WITH_TLVS


def deliver_sm(delivery: BoundDelivery, wire: Wire) -> ShortMessage:
    """The PDU that tells something."""
    if isinstance(delivery, BoundReceipt):
        return _receipt(delivery, wire)
    return _reply(delivery, wire)


def _receipt(receipt: BoundReceipt, wire: Wire) -> ShortMessage:
    word = receipt.word
    text = (
        f"id:{receipt.ref} sub:001 dlvrd:{word == 'DELIVRD':03} submit date:{_date(receipt.accepted_at)}"
        f" done date:{_date(receipt.done_at)} stat:{word} err:{statuses.error_of(receipt.dlr, word):03} text:"
    )
    tlvs = b""
    if wire.has_tlvs:
        pairs = [
            tlv.value_of("receipted_message_id", str(receipt.ref)),
            tlv.value_of("message_state", statuses.STATES[word]),
        ]
        if receipt.client_ref and receipt.client_ref.isdigit() and int(receipt.client_ref) <= _MAX_REFERENCE:
            pairs.append(tlv.value_of("user_message_reference", int(receipt.client_ref)))
        tlvs = tlv.encode(pairs)
    esm_class = _RECEIPT if receipt.is_final else _INTERMEDIATE
    return ShortMessage(
        *addresses.parted(receipt.destination), *addresses.parted(receipt.source), esm_class, 0, text.encode("ascii"),
        tlvs=tlvs,
    )  # fmt: skip


def _reply(reply: BoundReply, wire: Wire) -> ShortMessage:
    coding, octets = _written(reply, wire.alphabet)
    header = b""
    if reply.total > 1:
        header = concatenation_header(reply.reference, reply.total, reply.part)
    octets, tlvs = header + octets, b""
    if len(octets) > _MAX_SHORT and wire.has_tlvs:
        octets, tlvs = b"", tlv.encode([(tlv.MESSAGE_PAYLOAD, octets)])
    return ShortMessage(
        *addresses.of_reply(reply.source), *addresses.of_reply(reply.destination), _UDHI if header else 0, coding,
        octets[:_MAX_SHORT], tlvs=tlvs,
    )  # fmt: skip


def _written(reply: BoundReply, alphabet: DefaultAlphabet) -> tuple[int, bytes]:
    """A text in what data_coding 0 means to the customer, if it has the letters, else in UCS-2."""
    octets = octets_in(reply.text, alphabet) if reply.is_gsm7 or alphabet != "gsm7" else None
    if octets is not None:
        return 0, octets
    return _UCS2, reply.text.encode("utf-16-be", "surrogatepass")


def _date(at_ms: int) -> str:
    """A date in UTC, to the minute."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%y%m%d%H%M}"
