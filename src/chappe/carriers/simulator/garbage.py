"""Octets that no carrier should send, and some do."""

import random
from collections.abc import Mapping
from typing import Final

from chappe.telecom.smpp import commands, pdu, tlv
from chappe.telecom.smpp.bodies import MessageAnswer, ShortMessage
from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.pdu import HEADER, MIN_LENGTH, Pdu

GARBAGE: Final[Mapping[str, str]] = {
    "length": "a command_length that cannot be, instead of the answer; the link ends",
    "header": "the beginning of a header, instead of the answer; the link ends",
    "command": "a request with an unknown command_id",
    "body": "a deliver_sm whose body is cut short",
    "octets": "a deliver_sm of random octets",
    "stray": "an answer to a submit that never was",
    "nack": "a generic_nack that belongs to nothing",
    "tlv": "unknown TLVs behind the answer",
    "answer": "an answer whose message id has no final NUL",
    "bare": "an answer without a body, hence without a message id",
}
"""The kinds and what they are."""

ENDS: Final = frozenset({"length", "header"})
"""After these nothing on the link can be understood."""
REPLACES: Final = frozenset({"tlv", "answer", "bare"})
"""These take the place of the answer."""

_FIRST_SEQUENCE: Final = 0x7F000000
"""Numbers that no session of ours reaches: answers to garbage are strays."""
_SHORTEST_LENGTHS: Final = (0, 1, 7, 15)
_LONGEST_LENGTHS: Final = (0x7FFFFFFF, 0xFFFFFFFF)
_UNKNOWN_TAGS: Final = (0x1401, 0x1402, 0x2FFF)
_VICTIM: Final = ShortMessage(1, 1, "33600000000", 5, 0, "NOBODY", 0, 0, b"cut short")


def noise(kind: str, dice: random.Random) -> bytes:
    """Octets that come out of nowhere, for every kind that does not take the place of an answer."""
    sequence = _FIRST_SEQUENCE + dice.randrange(1 << 20)
    match kind:
        case "length":
            length = dice.choice(_SHORTEST_LENGTHS + _LONGEST_LENGTHS)
            return HEADER.pack(length, commands.DELIVER_SM, 0, sequence)
        case "header":
            return HEADER.pack(64, commands.DELIVER_SM, 0, sequence)[: dice.randrange(1, MIN_LENGTH)]
        case "command":
            return _framed(0x0000BEEF, sequence, dice.randbytes(dice.randrange(40)))
        case "body":
            whole = pdu.encode_short_message(commands.DELIVER_SM, sequence, _VICTIM)[MIN_LENGTH:]
            return _framed(commands.DELIVER_SM, sequence, whole[: dice.randrange(1, len(whole) - 1)])
        case "octets":
            return _framed(commands.DELIVER_SM, sequence, dice.randbytes(dice.randrange(1, 120)))
        case "stray":
            return pdu.encode(Pdu(commands.SUBMIT_SM | RESPONSE, 0, sequence, MessageAnswer("nobody's")))
        case _:
            return _framed(commands.GENERIC_NACK, sequence, b"")


def odd_answer(kind: str, command: int, sequence: int, message_id: str, dice: random.Random) -> bytes:
    """An answer that is accepted, in a way that needs a patient reader."""
    match kind:
        case "tlv":
            tlvs = tlv.encode((tag, dice.randbytes(dice.randrange(20))) for tag in _UNKNOWN_TAGS)
            return _framed(command, sequence, message_id.encode("ascii") + b"\0" + tlvs)
        case "answer":
            return _framed(command, sequence, message_id.encode("ascii"))
        case _:
            return _framed(command, sequence, b"")


def _framed(command: int, sequence: int, body: bytes) -> bytes:
    return HEADER.pack(MIN_LENGTH + len(body), command, 0, sequence) + body
