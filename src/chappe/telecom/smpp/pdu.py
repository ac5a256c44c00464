"""Whole PDUs to bytes and back, with fast paths for the three that make the traffic.

Reading never fails: what cannot be read is empty and named as an oddity. Writing is strict: a value
that does not fit raises `EncodingError` with the name of its field, and nothing is sent.
Source: SMPP 3.4, 3.2 (header) and chapter 4.
"""

import re
from struct import Struct
from typing import Final, NamedTuple

from . import commands, fields, layouts, tlv
from .bodies import Body, ShortMessage
from .fields import EncodingError
from .layouts import decode_body

__all__ = [
    "HEADER",
    "EncodingError",
    "Pdu",
    "SubmitTemplate",
    "decode",
    "decode_body",
    "decode_short_message",
    "encode",
    "encode_short_message",
]

HEADER: Final = Struct(">IIII")
"""command_length (header included), command_id, command_status, sequence_number."""

MIN_LENGTH: Final = HEADER.size
_pack = HEADER.pack
_new = tuple.__new__  # skips the argument handling of the named tuple


class Pdu(NamedTuple):
    """One PDU, decoded."""

    command: int
    status: int
    sequence: int
    body: Body


def encode(pdu: Pdu) -> bytes:
    """Write any PDU.

    Raises: EncodingError naming the field that does not fit; TypeError for a body of another command.
    """
    if not 0 <= pdu.sequence <= 0xFFFFFFFF:
        raise EncodingError("sequence_number", "does not fit 32 bits")
    if not 0 <= pdu.status <= 0xFFFFFFFF:
        raise EncodingError("command_status", "does not fit 32 bits")
    body = layouts.encode_body(pdu.command, pdu.body)
    return _pack(16 + len(body), pdu.command, pdu.status, pdu.sequence) + body


def decode(data: bytes) -> tuple[Pdu, tuple[str, ...]]:
    """Read one whole PDU; the second value names what was odd about it.

    Raises: ValueError when the bytes are not exactly one PDU.
    """
    if len(data) < HEADER.size:
        raise ValueError("shorter than a header")
    length, command, status, sequence = HEADER.unpack_from(data)
    if length != len(data):
        raise ValueError(f"command_length {length}, {len(data)} bytes given")
    body, odd = decode_body(command, data, HEADER.size, length)
    return Pdu(command, status, sequence, body), odd


def encode_short_message(command: int, sequence: int, message: ShortMessage) -> bytes:
    """Write submit_sm or deliver_sm.

    Raises: EncodingError naming the field that does not fit.
    Cost:   about 1 µs; `SubmitTemplate` takes a third of that.
    """
    ton, npi, source, dest_ton, dest_npi, dest, esm, coding, text, receipt = message[:10]
    validity, priority, protocol, service, tlvs, schedule, replace, default = message[10:]
    words = f"{service}\0{source}\0{dest}\0{schedule}\0{validity}"
    if (
        len(source) < 21
        and len(dest) < 21
        and len(text) < 255
        and (not tlvs or tlv.is_chain(tlvs))
        and (not validity or len(validity) == 16)
        and (not schedule or len(schedule) == 16)
        and len(service) < 6
        and words.isascii()
        and words.count("\0") == 4
    ):
        try:
            head = (
                f"{service}\0{chr(ton)}{chr(npi)}{source}\0{chr(dest_ton)}{chr(dest_npi)}{dest}\0"
                f"{chr(esm)}{chr(protocol)}{chr(priority)}{schedule}\0{validity}\0{chr(receipt)}"
                f"{chr(replace)}{chr(coding)}{chr(default)}{chr(len(text))}"
            ).encode("latin-1")
        except ValueError:
            pass
        else:
            return _pack(16 + len(head) + len(text) + len(tlvs), command, 0, sequence) + head + text + tlvs
    return encode(Pdu(command, 0, sequence, message))


# One match cuts all strings and the two groups of octets; it only takes what the standard allows.
_CUT: Final = re.compile(
    rb"([^\0]{0,5})\0(..)([^\0]{0,20})\0(..)([^\0]{0,20})\0(...[^\0]{0,16}\0[^\0]{0,16}\0....)", re.DOTALL
).match

# The octets between destination and text hardly ever change: they are read once.
_Fixed = tuple[int, int, int, str, str, int, int, int, int]
_fixed_seen: Final[dict[bytes, _Fixed]] = {}
_FIXED_KEPT: Final = 4096


def decode_short_message(data: bytes, start: int, end: int) -> ShortMessage | None:
    """Read the body of submit_sm or deliver_sm; None when it is unusual (`decode_body` reads it then).

    Cost: about 1.2 µs.
    """
    match = _CUT(data, start, end)
    if match is None:
        return None
    count_at = match.end()
    if count_at >= end:
        return None
    text_at = count_at + 1
    text_end = text_at + data[count_at]
    if text_end > end:
        return None
    tlvs = b""
    if text_end < end:
        tlvs = data[text_end:end]
        if not tlv.is_chain(tlvs):
            return None
    service, source_kind, source, dest_kind, dest, octets = match.groups()
    fixed = _fixed_seen.get(octets)
    if fixed is None:
        fixed = _read_fixed(octets)
    esm, protocol, priority, schedule, validity, receipt, replace, coding, default = fixed
    return _new(
        ShortMessage,
        (
            source_kind[0],
            source_kind[1],
            source.decode("latin-1"),
            dest_kind[0],
            dest_kind[1],
            dest.decode("latin-1"),
            esm,
            coding,
            data[text_at:text_end],
            receipt,
            validity,
            priority,
            protocol,
            service.decode("latin-1") if service else "",
            tlvs,
            schedule,
            replace,
            default,
        ),
    )


def _read_fixed(octets: bytes) -> _Fixed:
    esm, protocol, priority = octets[:3]
    schedule_end = octets.index(0, 3)
    validity_end = octets.index(0, schedule_end + 1)
    receipt, replace, coding, default = octets[validity_end + 1 :]
    schedule = octets[3:schedule_end].decode("latin-1")
    validity = octets[schedule_end + 1 : validity_end].decode("latin-1")
    fixed = (esm, protocol, priority, schedule, validity, receipt, replace, coding, default)
    if len(_fixed_seen) >= _FIXED_KEPT:
        _fixed_seen.clear()
    _fixed_seen[octets] = fixed
    return fixed


class SubmitTemplate:
    """A submit_sm with everything fixed but destination, text and sequence number: for campaigns.

    Raises: EncodingError when the fixed part does not fit the wire.
    """

    def __init__(self, message: ShortMessage) -> None:
        probe = layouts.encode_body(commands.SUBMIT_SM, message._replace(destination="", short_message=b""))
        head_end = probe.index(0, probe.index(0) + 3) + 3
        self._tlvs = message.tlvs
        self._head = probe[:head_end]
        self._middle = probe[head_end : len(probe) - 1 - len(message.tlvs)]
        self._fixed_length = HEADER.size + len(self._head) + len(self._middle) + 1 + len(self._tlvs)

    def encode(self, sequence: int, destination: str, short_message: bytes) -> bytes:
        """Write one submit_sm.

        Raises: EncodingError naming the field that does not fit.
        Cost:   about 0.4 µs.
        """
        count = len(short_message)
        if len(destination) > 20 or count > 254 or not destination.isascii() or "\0" in destination:
            fields.write_text("destination", destination, 21)
            fields.write_short_message("short_message", short_message)
        length = self._fixed_length + len(destination) + count
        return b"%b%b%b%b%c%b%b" % (
            _pack(length, commands.SUBMIT_SM, 0, sequence),
            self._head,
            destination.encode("ascii"),
            self._middle,
            count,
            short_message,
            self._tlvs,
        )
