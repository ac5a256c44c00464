"""What customers do wrong on a bind, octet by octet, and how each is answered. `test_bad_customers` plays it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chappe.telecom.smpp import commands, oddities, pdu, status, tlv
from chappe.telecom.smpp.bodies import (
    Bind,
    Body,
    Broadcast,
    Cancel,
    DataSm,
    Destination,
    OutbindBody,
    Query,
    Replace,
    ShortMessage,
    SubmitMulti,
)
from chappe.telecom.smpp.commands import (
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
)
from chappe.telecom.smpp.pdu import Pdu
from tests.smpp_wire import octets

HELLO: Final = ShortMessage(5, 0, "SHOP", 1, 1, "33612345678", 0, 0, b"Hello", 0)
ANSWER: Final = SUBMIT_SM | RESPONSE
NOBODYS: Final = "999999999999"


@dataclass(frozen=True)
class Case:
    """One misbehaviour of a customer, on a bind that survives it.

    Shape: `said` are his octets, `answers` what we say to them in any order: command, status, number. `odd` is what we
           count, `takes` how many messages become of it.
    """

    name: str
    said: bytes
    answers: tuple[tuple[int, int, int], ...] = ()
    odd: Mapping[str, int] = field(default_factory=dict)
    takes: int = 0


def raw_tlv(tag: int, value: bytes, length: int | None = None) -> bytes:
    return tag.to_bytes(2, "big") + (len(value) if length is None else length).to_bytes(2, "big") + value


def whole(command: int, number: int, body: Body) -> bytes:
    return pdu.encode(Pdu(command, 0, number, body))


def named(odd: Mapping[str, int]) -> dict[str, int]:
    return {getattr(oddities, name): count for name, count in odd.items()}


def body_of(message: ShortMessage) -> bytes:
    return whole(SUBMIT_SM, 1, message)[pdu.MIN_LENGTH :]


def submitted(name: str, body: bytes | ShortMessage, state: int = 0, **odd: int) -> Case:
    """One submit_sm, number 7: taken when `state` is 0."""
    written = body if isinstance(body, bytes) else body_of(body)
    return Case(name, octets(SUBMIT_SM, 7, written), ((ANSWER, state, 7),), named(odd), int(not state))


def asked(name: str, command: int, body: Body | bytes, state: int, takes: int = 0, **odd: int) -> Case:
    """Another request, number 7."""
    said = octets(command, 7, body) if isinstance(body, bytes) else whole(command, 7, body)
    return Case(name, said, ((command | RESPONSE, state, 7),), named(odd), takes)


def said(name: str, data: bytes, *answers: tuple[int, int, int], takes: int = 0, **odd: int) -> Case:
    return Case(name, data, answers, named(odd), takes)


def sar(reference: bytes, total: int, part: int) -> bytes:
    return (
        raw_tlv(tlv.SAR_MSG_REF_NUM, reference)
        + raw_tlv(tlv.SAR_TOTAL_SEGMENTS, bytes((total,)))
        + raw_tlv(tlv.SAR_SEGMENT_SEQNUM, bytes((part,)))
    )


def part(reference: int, total: int, number: int, text: bytes = b"part", coding: int = 0) -> ShortMessage:
    header = bytes((5, 0, 3, reference, total, number))
    return HELLO._replace(esm_class=0x40, data_coding=coding, short_message=header + text)


def multi(*destinations: Destination) -> SubmitMulti:
    return SubmitMulti(5, 0, "SHOP", destinations, 0, 0, b"Hello")


_WHOLE: Final = body_of(HELLO)
_SENT_TO: Final = b"\0\5\0SHOP\0\1\1"  # a submit up to its destination
_REST: Final = bytes(9) + b"\5Hello"
_NOT_NOW: Final = status.ESME_RINVBNDSTS
_LENGTH: Final = status.ESME_RINVCMDLEN
_TEXT_LENGTH: Final = status.ESME_RINVMSGLEN
_PAYLOAD: Final = raw_tlv(tlv.MESSAGE_PAYLOAD, b"Hello")
ODD_BODIES: Final = (
    submitted("sm_length past the end of the body", _WHOLE[:-2], _TEXT_LENGTH, TEXT_CUT=1),
    submitted("no body at all", b"", _LENGTH, BODY_ENDS_EARLY=1),
    submitted("a body of letters without any NUL", b"A" * 60, _LENGTH, NO_FINAL_NUL=1, BODY_ENDS_EARLY=1,
              FIELD_TOO_LONG=1),
    submitted("octets behind the text that are no TLV", _WHOLE + b"???", 0, TRAILING_BYTES=1),
    submitted("a TLV that runs past the PDU", _WHOLE + raw_tlv(tlv.MESSAGE_PAYLOAD, b"x", 500), 0, TRAILING_BYTES=1),
    submitted("a TLV nobody knows", HELLO._replace(tlvs=raw_tlv(0x1401, b"own")), 0),
    submitted("a TLV twice", HELLO._replace(tlvs=2 * raw_tlv(tlv.USER_MESSAGE_REFERENCE, b"\0\1")), 0, TLV_TWICE=1),
    submitted("text in both fields", HELLO._replace(tlvs=_PAYLOAD), _TEXT_LENGTH, TEXT_TWICE=1),
    submitted("no text", HELLO._replace(short_message=b""), _TEXT_LENGTH),
    submitted("an empty payload", HELLO._replace(short_message=b"", tlvs=raw_tlv(tlv.MESSAGE_PAYLOAD, b"")),
              _TEXT_LENGTH),
    submitted("a number with letters", HELLO._replace(destination="call me"), 0x0B),
    submitted("no number", HELLO._replace(destination=""), 0x0B),
    submitted("a number of 21 digits", _SENT_TO + b"3" * 21 + b"\0" + _REST, 0x0B, FIELD_TOO_LONG=1),
    submitted("a number of octets that are no ASCII", _SENT_TO + b"\xff\xfe\xfd\0" + _REST, 0x0B),
    submitted("a name as a number", HELLO._replace(dest_ton=5, destination="SHOP"), 0x50),
    submitted("a sender of 21 letters", b"\0\5\0" + b"S" * 21 + _WHOLE[7:], 0, FIELD_TOO_LONG=1),
    submitted("a sender of octets that are no ASCII", b"\0\5\0\xff\xfe\xfd" + _WHOLE[7:], 0),
    submitted("an alphabet nobody knows", HELLO._replace(data_coding=0x55), 0x104),
    submitted("octets that are no letters", HELLO._replace(data_coding=4), 0x104),
    submitted("half a character of UCS-2", HELLO._replace(data_coding=8, short_message=b"\0O\0"), 0x104),
    submitted("septets above 127", HELLO._replace(short_message=b"\xff\xfe"), 0x104),
    submitted("a message to leave on the 31st of February", HELLO._replace(schedule_delivery_time="270231120000000+"),
              0x61),
    submitted("a message to leave in the past", HELLO._replace(schedule_delivery_time="200101120000000+"), 0x61),
    submitted("a message to leave some day", HELLO._replace(schedule_delivery_time="some day, please"), 0x61),
    submitted("a validity of three letters", b"\0\5\0SHOP\0\1\x0133612345678\0\0\0\0\0abc\0\0\0\0\0\5Hello", 0x62),
    submitted("a validity that is over", HELLO._replace(validity_period="200101120000000+"), 0x62),
    submitted("a validity of nothing", HELLO._replace(validity_period="000000000000000R"), 0x62),
    submitted("a message that the centre is to know", HELLO._replace(default_message=3), 0x63),
    submitted("a receipt from a customer", HELLO._replace(esm_class=0x04), 0x43),
    submitted("a reply path and a mode nobody knows", HELLO._replace(esm_class=0x83), 0),
    submitted("a priority and a protocol of 255", HELLO._replace(priority=255, protocol_id=255), 0),
)  # fmt: skip

ODD_PARTS: Final = (
    submitted("a header that runs past the text", HELLO._replace(esm_class=0x40, short_message=b"\x90Hello"), 0x43),
    submitted("a header without a text field", HELLO._replace(esm_class=0x40, short_message=b""), 0x43),
    submitted("an element that runs past its header", HELLO._replace(esm_class=0x40, short_message=b"\5\0\x09\1\2\1Hi"),
              0x43),
    submitted("part 0 of 3", part(1, 3, 0), 0x43),
    submitted("part 4 of 3", part(1, 3, 4), 0x43),
    submitted("part 1 of 0", part(1, 0, 1), 0x43),
    submitted("a text for a program on the phone", HELLO._replace(esm_class=0x40, short_message=b"\4\4\2\1\2Hello"),
              0x43),
    submitted("a place in TLVs without its total", HELLO._replace(tlvs=raw_tlv(tlv.SAR_MSG_REF_NUM, b"\0\1")), 0xC3),
    submitted("part 4 of 3 in TLVs", HELLO._replace(tlvs=sar(b"\0\1", 3, 4)), 0xC4),
    submitted("a reference of three octets", HELLO._replace(tlvs=sar(b"\1\0\0", 3, 1)), 0xC4),
    said("the same part twice", 2 * whole(SUBMIT_SM, 7, part(11, 2, 1)), *(2 * ((ANSWER, 0, 7),))),
    said("parts of a text in two alphabets",
         whole(SUBMIT_SM, 7, part(12, 2, 1)) + whole(SUBMIT_SM, 8, part(12, 2, 2, "é".encode("utf-16-be"), 8)),
         (ANSWER, 0, 7), (ANSWER, 0, 8), takes=1),
    said("parts in the wrong order", whole(SUBMIT_SM, 7, part(13, 2, 2)) + whole(SUBMIT_SM, 8, part(13, 2, 1)),
         (ANSWER, 0, 7), (ANSWER, 0, 8), takes=1),
)  # fmt: skip

_NUMBERS: Final = tuple(Destination(f"3361234{number:04}", 1, 1) for number in range(300))
_REFUSED: Final = status.ESME_RINVMSGID
ODD_REQUESTS: Final = (
    asked("a text in data_sm", DATA_SM, DataSm(5, 0, "SHOP", 1, 1, "33612345678", 0, 0, tlvs=_PAYLOAD), 0, takes=1),
    asked("data_sm without a text", DATA_SM, DataSm(5, 0, "SHOP", 1, 1, "33612345678", 0, 0), _TEXT_LENGTH),
    asked("submit_multi to nobody", SUBMIT_MULTI, b"\0\5\0SHOP\0\0" + _REST, 0x33),
    asked("submit_multi to 254", SUBMIT_MULTI, multi(*_NUMBERS[:254]), 0, takes=254),
    asked("submit_multi to 255 of whom 1 is there", SUBMIT_MULTI, b"\0\5\0SHOP\0\xff\1\1\x0133612345678\0" + _REST,
          _LENGTH, NO_FINAL_NUL=1, BODY_ENDS_EARLY=1, ODD_DESTINATION=1),
    asked("submit_multi to a list", SUBMIT_MULTI, multi(Destination("friends", None, None)), 0x34),
    asked("submit_multi to nothing that exists", SUBMIT_MULTI, b"\0\5\0SHOP\0\1\7\1\1call me\0" + _REST, 0x40,
          ODD_DESTINATION=1),
    asked("submit_multi to octets that are no number", SUBMIT_MULTI,
          b"\0\5\0SHOP\0\2\1\1\x0133612345678\0\1\1\1\xff\xfe\0" + _REST, 0, takes=1),
    asked("submit_multi to a number of a hundred digits", SUBMIT_MULTI,
          b"\0\5\0SHOP\0\2\1\1\x0133612345678\0\1\1\1" + b"3" * 100 + b"\0" + _REST, 0, takes=1, FIELD_TOO_LONG=1),
    asked("query_sm for an id of letters", commands.QUERY_SM, Query("seven", 5, 0, "SHOP"), _REFUSED),
    asked("query_sm for no id", commands.QUERY_SM, Query("", 5, 0, "SHOP"), _REFUSED),
    asked("query_sm for an id that nobody has", commands.QUERY_SM, Query(NOBODYS, 5, 0, "SHOP"), _REFUSED),
    asked("query_sm without a body", commands.QUERY_SM, b"", _LENGTH, BODY_ENDS_EARLY=1),
    asked("cancel_sm for everything", commands.CANCEL_SM, Cancel("", 5, 0, "SHOP"), 0x11),
    asked("cancel_sm for an id that nobody has", commands.CANCEL_SM, Cancel(NOBODYS, 5, 0, "SHOP"), _REFUSED),
    asked("replace_sm for an id that nobody has", commands.REPLACE_SM, Replace(NOBODYS, 5, 0, "SHOP", b"Hi"), _REFUSED),
    asked("deliver_sm", DELIVER_SM, HELLO, _NOT_NOW, NOT_LEGAL=1),
    asked("a second bind", 9, Bind(9, "shop", "secret"), status.ESME_RALYBND, NOT_LEGAL=1),
    asked("a probe with a body", ENQUIRE_LINK, b"hello?", 0, TRAILING_BYTES=1),
    said("outbind", whole(commands.OUTBIND, 7, OutbindBody("shop", "pw")), NOT_LEGAL=1),
    said("broadcast_sm", whole(commands.BROADCAST_SM, 7, Broadcast(0, 0, "")),
         (commands.BROADCAST_SM | RESPONSE, status.ESME_RINVCMDID, 7)),
    said("a command nobody knows", octets(0x00010200, 7, b"?"), (GENERIC_NACK, status.ESME_RINVCMDID, 7),
         UNKNOWN_COMMAND=1),
    said("an answer to nothing", octets(DELIVER_SM | RESPONSE, 7, b"\0"), UNKNOWN_ANSWER=1),
    said("an answer to a submit", octets(ANSWER, 7, b"7\0"), UNKNOWN_ANSWER=1),
    said("a nack to nothing", octets(GENERIC_NACK, 7, status=3), UNKNOWN_ANSWER=1),
    said("number 0", whole(SUBMIT_SM, 0, HELLO), (ANSWER, 0, 0), takes=1, ODD_NUMBER=1),
    said("a number above 0x7FFFFFFF", whole(SUBMIT_SM, 0xFFFFFFFF, HELLO), (ANSWER, 0, 0xFFFFFFFF), takes=1,
         ODD_NUMBER=1),
    said("one number for two submits", 2 * whole(SUBMIT_SM, 7, HELLO), *(2 * ((ANSWER, 0, 7),)), takes=2),
    said("a submit with a status", octets(SUBMIT_SM, 7, _WHOLE, 0x45), (ANSWER, 0, 7), takes=1, STATUS_IN_REQUEST=1),
    said("three thousand probes in one piece", 3000 * octets(ENQUIRE_LINK, 7),
         *(3000 * ((ENQUIRE_LINK | RESPONSE, 0, 7),))),
)  # fmt: skip
CASES: Final = (*ODD_BODIES, *ODD_PARTS, *ODD_REQUESTS)
