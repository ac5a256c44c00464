"""A message as the PDUs that carry it: parts, headers, addresses, and the fields that its carrier wants."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from chappe.carriers.addresses import Addresses
from chappe.carriers.connection import Cut, Outgoing
from chappe.carriers.own_fields import OwnFields
from chappe.carriers.smpp_options import LongMessages, SmppOptions
from chappe.carriers.texts import Octets, cut, packed, written_for
from chappe.domain.encodings import UCS2, alphabet_of
from chappe.telecom.gsm7 import Alphabet
from chappe.telecom.smpp import times, tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.smpp.fields import MAX_SHORT_MESSAGE
from chappe.telecom.udh import Concatenation, build, concatenation, languages

UDHI: Final = 0x40  # esm_class: the text begins with a user data header
_MIN_VALIDITY_S = 60


class Writer:
    """What one carrier's messages look like on the wire.

    Shape: `has_fields` is whether the centre takes TLVs; without them long texts go in parts with headers.
    """

    def __init__(self, options: SmppOptions, *, has_fields: bool = True) -> None:
        self._options = options
        self.addresses = Addresses(options)
        self._own_fields = OwnFields(options.fields if has_fields else ())
        self._long: LongMessages = options.long_messages if has_fields or options.long_messages == "whole" else "udh"
        self._has_fields = has_fields
        self._is_idempotent = options.is_idempotent and has_fields
        self._priorities = (
            options.priority,
            options.priority if options.alert_priority < 0 else options.alert_priority,
        )

    def write(self, message: Outgoing) -> Cut:
        """The submits of a message, in the order of its parts.

        Shape:  the reference that joins the parts is made from the message's id, so a part that is submitted again
                later still belongs to the same message on the handset.
        Raises: ValueError when it cannot be written.
        """
        options = self._options
        text, encoding, note = written_for(options, message.text, message.encoding, message.parts)
        octets = cut(text, encoding, options.reference_bits, options.alphabet)
        # Languages are announced for septets only.
        alphabet = alphabet_of(UCS2 if octets.is_ucs2 else encoding)
        way = self._way(octets, alphabet)
        if way in ("payload", "whole"):
            octets = octets._replace(parts=(b"".join(octets.parts),))
        headers = _headers(options.reference_bits, message.message_id, len(octets.parts), alphabet, way)
        return Cut(self._bodies(message, octets, headers, way), note)

    def _way(self, octets: Octets, alphabet: Alphabet) -> LongMessages:
        """How a text of several parts travels; a short one always in one submit."""
        if len(octets.parts) == 1:
            return "udh"
        if self._long == "whole":
            tables = languages(alphabet.single_id, alphabet.locking_id)
            if sum(map(len, octets.parts)) + len(build(tables) if tables else b"") > MAX_SHORT_MESSAGE:
                return "payload" if self._has_fields else "udh"
        return self._long

    def _bodies(self, message: Outgoing, octets: Octets, headers: list[bytes], way: LongMessages) -> list[ShortMessage]:
        options, total = self._options, len(octets.parts)
        ton, npi, source = self.addresses.source(message.sender, message.number)
        dest_ton, dest_npi, destination = self.addresses.destination(message.number)
        coding = options.ucs2_coding if octets.is_ucs2 else options.text_coding
        validity = self._validity(message.validity_s)
        priority = self._priorities[message.is_alert]
        is_packed = options.alphabet == "gsm7_packed" and not octets.is_ucs2
        found = []
        for number, (header, part) in enumerate(zip(headers, octets.parts, strict=True), 1):
            text = header + (packed(part, len(header)) if is_packed else part)
            esm_class = options.esm_mode | (UDHI if header else 0)
            fields = self._own_fields.of(message, number) if self._own_fields else b""
            if self._is_idempotent:
                fields += _again(message.message_id, number)
            if way == "sar" and total > 1:
                fields += _place(message.message_id, total, number)
            elif way == "payload":
                fields += tlv.encode([(tlv.MESSAGE_PAYLOAD, text)])
                text = b""
            found.append(
                ShortMessage(
                    ton, npi, source, dest_ton, dest_npi, destination, esm_class, coding, text,
                    options.registered_delivery, validity, priority, options.protocol_id, options.service_type,
                    fields, "", options.replace_if_present,
                )
            )  # fmt: skip
        return found

    def _validity(self, seconds: float) -> str:
        """What is left of the message's validity, as the carrier reads it. Source: SMPP 3.4, 7.1.1."""
        if self._options.validity == "none":
            return ""
        left = int(max(_MIN_VALIDITY_S, min(seconds, self._options.max_validity_s)))
        if self._options.validity == "relative":
            return times.relative(left)
        return times.absolute(datetime.now(UTC) + timedelta(seconds=left))


def reference(message_id: int, bits: Literal[8, 16]) -> int:
    """The number that joins the parts of one message.

    Shape: made of all of the message's id. Its last bits alone would be the same for the same person in two campaigns
           whose sizes are multiples of 256; this one differs there, and between messages that follow each other.
    """
    folded = message_id
    while folded >> bits:
        folded = (folded >> bits) ^ (folded & ((1 << bits) - 1))
    return folded


def _headers(
    reference_bits: Literal[8, 16], message_id: int, total: int, alphabet: Alphabet, way: LongMessages
) -> list[bytes]:
    """The header of each part, its length octet first; empty where none is needed."""
    tables = languages(alphabet.single_id, alphabet.locking_id)
    if total == 1 or way != "udh":
        return [build(tables) if tables else b""] * total
    number_of = reference(message_id, reference_bits)
    places = [Concatenation(number_of, total, number, reference_bits) for number in range(1, total + 1)]
    return [build((concatenation(place), *tables)) for place in places]


def _again(message_id: int, number: int) -> bytes:
    """The user_message_reference of a part: the same whenever the part is submitted. Source: SMPP 3.4, 5.3.2.17."""
    return tlv.encode([tlv.value_of("user_message_reference", (message_id * 255 + number - 1) & 0xFFFF)])


def _place(message_id: int, total: int, number: int) -> bytes:
    """The place of a part as fields beside the text. Source: SMPP 3.4, 5.3.2.22 to 5.3.2.24."""
    return tlv.encode(
        [
            (tlv.SAR_MSG_REF_NUM, reference(message_id, 16).to_bytes(2, "big")),
            (tlv.SAR_TOTAL_SEGMENTS, bytes((total,))),
            (tlv.SAR_SEGMENT_SEQNUM, bytes((number,))),
        ]
    )
