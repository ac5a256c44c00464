"""What carriers do wrong while a bind stands, octet by octet, and what we make of it. `test_bad_centres` plays it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chappe.telecom.smpp import commands, oddities, pdu, status, tlv
from chappe.telecom.smpp.bodies import Alert, Bind, Body, Broadcast, DataSm, OutbindBody, ShortMessage
from chappe.telecom.smpp.commands import DELIVER_SM, ENQUIRE_LINK, GENERIC_NACK, RESPONSE, SUBMIT_SM
from chappe.telecom.smpp.pdu import Pdu
from tests.smpp_wire import octets

ANSWER: Final = SUBMIT_SM | RESPONSE
OK: Final = b"7\0"


@dataclass(frozen=True)
class Case:
    """One misbehaviour of a carrier, on a bind that survives it.

    Shape: `answer` is what it says to our first message, by its number, if not `OK`; `push` what it says right after it
           has accepted the bind. `fate` is what we believe of the message, `odd` what we count, `brings` what we read,
           `says` what we answer: command, status, number.
    """

    name: str
    answer: Callable[[int], bytes] | None = None
    push: bytes = b""
    fate: str = "accepted as 7"
    odd: Mapping[str, int] = field(default_factory=dict)
    brings: tuple[str, ...] = ()
    says: tuple[tuple[int, int, int], ...] = ()


def answers(body: bytes = OK, state: int = 0, command: int = ANSWER) -> Callable[[int], bytes]:
    """One answer, with this body."""
    return lambda number: octets(command, number, body, state)


def and_then(*parts: bytes | Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Several PDUs in one piece; octets are said as they are."""
    return lambda number: b"".join(part if isinstance(part, bytes) else part(number) for part in parts)


def raw_tlv(tag: int, value: bytes, length: int | None = None) -> bytes:
    return tag.to_bytes(2, "big") + (len(value) if length is None else length).to_bytes(2, "big") + value


def whole(command: int, number: int, body: Body) -> bytes:
    return pdu.encode(Pdu(command, 0, number, body))


CONGESTION: Final = tlv.CONGESTION_STATE
ODD_ANSWERS: Final = (
    Case("an answer without a body", answers(b""), fate="accepted as nothing", odd={oddities.NO_MESSAGE_ID: 1}),
    Case("an empty message id", answers(b"\0"), fate="accepted as nothing", odd={oddities.NO_MESSAGE_ID: 1}),
    Case("a message id without its NUL", answers(b"7"), odd={oddities.NO_FINAL_NUL: 1}),
    Case("a message id of 200 octets", answers(b"8" * 200 + b"\0"), fate="accepted as " + "8" * 200,
         odd={oddities.FIELD_TOO_LONG: 1}),
    Case("a message id with octets that are no ASCII", answers(b"\xe9 7\0"), fate="accepted as é 7"),
    Case("octets after the message id", answers(b"7\0odd"), odd={oddities.TRAILING_BYTES: 1}),
    Case("two message ids", answers(b"7\x008\x00"), odd={oddities.TRAILING_BYTES: 1}),
    Case("a TLV nobody knows", answers(OK + raw_tlv(0x1401, b"OVH"))),
    Case("a TLV that runs past the PDU", answers(OK + raw_tlv(CONGESTION, b"\x10", 500)),
         odd={oddities.TRAILING_BYTES: 1}),
    Case("a TLV twice", answers(OK + 2 * raw_tlv(CONGESTION, b"\x10")), odd={oddities.TLV_TWICE: 1}),
    Case("congestion of 255 percent", answers(OK + raw_tlv(CONGESTION, b"\xff")), odd={oddities.ODD_CONGESTION: 1}),
    Case("congestion in a thousand octets", answers(OK + raw_tlv(CONGESTION, b"\xff" * 1000)),
         odd={oddities.ODD_CONGESTION: 1}),
    Case("a status nobody knows", answers(b"", 0x12345678), fate="refused: 0x12345678"),
    Case("a status that looks negative", answers(b"", 0xFFFFFFFF), fate="refused: 0xFFFFFFFF"),
    Case("a status of its own", answers(b"", 0x401), fate="refused: 0x00000401"),
    Case("a refusal with a message id", answers(OK, status.ESME_RTHROTTLED), fate="refused: ESME_RTHROTTLED"),
    Case("an answer twice", and_then(answers(), answers()), odd={oddities.UNKNOWN_ANSWER: 1}),
    Case("a yes and then a no", and_then(answers(), answers(b"", 8)), odd={oddities.UNKNOWN_ANSWER: 1}),
    Case("a no and then a yes", and_then(answers(b"", 8), answers()), fate="refused: ESME_RSYSERR",
         odd={oddities.UNKNOWN_ANSWER: 1}),
    Case("an answer to a number that was never used", and_then(octets(ANSWER, 4711, OK), answers()),
         odd={oddities.UNKNOWN_ANSWER: 1}),
    Case("answers to numbers 0 and above 0x7FFFFFFF",
         and_then(octets(ANSWER, 0, OK), octets(ANSWER, 0xFFFFFFFF, OK), answers()),
         odd={oddities.UNKNOWN_ANSWER: 2}),
    Case("an answer of another kind", and_then(answers(command=commands.QUERY_SM | RESPONSE), answers()),
         odd={oddities.OTHER_ANSWER: 1}),
    Case("an answer to data_sm", and_then(answers(command=commands.DATA_SM | RESPONSE), answers()),
         odd={oddities.OTHER_ANSWER: 1}),
    Case("an answer without the bit that makes it one", and_then(answers(command=SUBMIT_SM), answers()),
         odd={oddities.NOT_LEGAL: 1}, says=((ANSWER, status.ESME_RINVBNDSTS, 2),)),
    Case("an answer to a command nobody knows", and_then(answers(command=0x80010200), answers()),
         odd={oddities.UNKNOWN_COMMAND: 1}),
    Case("a nack", answers(b"", status.ESME_RINVCMDID, GENERIC_NACK), fate="refused: ESME_RINVCMDID"),
    Case("a nack with a body", answers(b"nack", 8, GENERIC_NACK), fate="refused: ESME_RSYSERR"),
    Case("a nack without a reason", answers(b"", 0, GENERIC_NACK), fate="refused: ESME_RUNKNOWNERR",
         odd={oddities.NACK_WITHOUT_REASON: 1}),
    Case("a nack to nothing", and_then(octets(GENERIC_NACK, 0, status=2), answers()),
         odd={oddities.UNKNOWN_ANSWER: 1}),
    Case("a probe while the window is full", and_then(octets(ENQUIRE_LINK, 9), answers()),
         says=((ENQUIRE_LINK | RESPONSE, 0, 9),)),
    Case("five hundred probes in one piece", and_then(500 * octets(ENQUIRE_LINK, 9), answers()),
         says=500 * ((ENQUIRE_LINK | RESPONSE, 0, 9),)),
)  # fmt: skip

RECEIPT: Final = b"id:7 sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:000 text:"
MESSAGE: Final = ShortMessage(1, 1, "33612345678", 5, 0, "CHAPPE", 4, 0, RECEIPT)
ID: Final = raw_tlv(tlv.RECEIPTED_MESSAGE_ID, OK)
DELIVERED: Final = raw_tlv(tlv.MESSAGE_STATE, b"\2")
READ: Final = "receipt of 7: 3"
ACKNOWLEDGED: Final = ((DELIVER_SM | RESPONSE, 0, 1),)


def named(odd: Mapping[str, int]) -> dict[str, int]:
    return {getattr(oddities, name): count for name, count in odd.items()}


def broken(name: str, body: bytes, *brings: str, **odd: int) -> Case:
    """A delivery whose body does not keep to its layout; it is acknowledged whatever it is."""
    return Case(name, push=octets(DELIVER_SM, 1, body), odd=named(odd), brings=brings, says=ACKNOWLEDGED)


def brought(name: str, message: ShortMessage, *brings: str, **odd: int) -> Case:
    """A delivery that is odd in itself."""
    return broken(name, whole(DELIVER_SM, 1, message)[pdu.MIN_LENGTH :], *brings, **odd)


def pushed(name: str, said: bytes, *says: tuple[int, int, int], **odd: int) -> Case:
    """A PDU that brings nothing."""
    return Case(name, push=said, odd=named(odd), says=says)


_LAYOUT: Final = whole(DELIVER_SM, 1, MESSAGE)[pdu.MIN_LENGTH :]
_NOT_NOW: Final = status.ESME_RINVBNDSTS
_REPLY: Final = MESSAGE._replace(esm_class=0, short_message=b"Oui")
_ANSWERED: Final = "reply 'Oui' from 33612345678"
ODD_DELIVERIES: Final = (
    broken("sm_length past the end of the body", _LAYOUT[:-4], READ, TEXT_CUT=1),
    broken("octets behind the text that are no TLV", _LAYOUT + b"???", READ, TRAILING_BYTES=1),
    broken("no body at all", b"", "reply '' from ", BODY_ENDS_EARLY=1),
    broken("a body of letters without any NUL", b"A" * 60, "reply '' from ", NO_FINAL_NUL=1, BODY_ENDS_EARLY=1,
           FIELD_TOO_LONG=1),
    broken("an address of a hundred digits", b"\0\1\1" + b"3" * 100 + _LAYOUT[14:], READ, FIELD_TOO_LONG=1),
    brought("text in both fields", MESSAGE._replace(tlvs=raw_tlv(tlv.MESSAGE_PAYLOAD, b"id:8 stat:REJECTD")), READ,
            TEXT_TWICE=1),
    brought("a receipt that is only text, in a reply", MESSAGE._replace(esm_class=0),
            f"reply {RECEIPT.decode()!r} from 33612345678"),
    brought("a receipt without its esm_class", MESSAGE._replace(esm_class=0, tlvs=ID), READ),
    brought("a receipt of TLVs alone", MESSAGE._replace(esm_class=0, short_message=b"", tlvs=ID + DELIVERED), READ),
    brought("a receipt of garbage", MESSAGE._replace(short_message=b"\0\xff\x1b nothing"), "receipt of : 1 so far"),
    brought("a receipt in UCS-2", MESSAGE._replace(short_message=RECEIPT.decode().encode("utf-16-be")), READ),
    brought("a receipt with negative dates",
            MESSAGE._replace(short_message=b"id:7 submit date:-001 done date:-9999999999 stat:DELIVRD err:-1"), READ),
    brought("a receipt with a state nobody knows", MESSAGE._replace(short_message=b"id:7 stat:PERPLEX"),
            "receipt of 7: 1 so far"),
    brought("an intermediate receipt", MESSAGE._replace(esm_class=0x20, short_message=b"id:7 stat:ENROUTE"),
            "receipt of 7: 1 so far"),
    brought("two states in one receipt", MESSAGE._replace(tlvs=DELIVERED + raw_tlv(tlv.MESSAGE_STATE, b"\5")), READ,
            TLV_TWICE=1),
    Case("a receipt twice under one number", push=2 * whole(DELIVER_SM, 1, MESSAGE), brings=(READ, READ),
         says=2 * ACKNOWLEDGED),
    Case("a delivery with number 0", push=whole(DELIVER_SM, 0, MESSAGE), brings=(READ,), odd={oddities.ODD_NUMBER: 1},
         says=((DELIVER_SM | RESPONSE, 0, 0),)),
    Case("a delivery with a number above 0x7FFFFFFF", push=whole(DELIVER_SM, 0xFFFFFFFF, MESSAGE), brings=(READ,),
         odd={oddities.ODD_NUMBER: 1}, says=((DELIVER_SM | RESPONSE, 0, 0xFFFFFFFF),)),
    Case("a delivery with a status", push=octets(DELIVER_SM, 1, _LAYOUT, 0x45), brings=(READ,),
         odd={oddities.STATUS_IN_REQUEST: 1}, says=ACKNOWLEDGED),
    brought("a reply whose header runs past it", _REPLY._replace(esm_class=0x40, short_message=b"\x90Oui"),
            "reply '\ufffdOui' from 33612345678"),
    brought("part 4 of 3", _REPLY._replace(esm_class=0x40, short_message=b"\5\0\3\7\3\4Oui"), _ANSWERED),
    brought("part 0 of 3 in TLVs", _REPLY._replace(tlvs=raw_tlv(tlv.SAR_MSG_REF_NUM, b"\0\1")
            + raw_tlv(tlv.SAR_TOTAL_SEGMENTS, b"\3") + raw_tlv(tlv.SAR_SEGMENT_SEQNUM, b"\0")), _ANSWERED),
    brought("a reference of two thousand octets", _REPLY._replace(tlvs=raw_tlv(tlv.SAR_MSG_REF_NUM, b"\xff" * 2000)
            + raw_tlv(tlv.SAR_TOTAL_SEGMENTS, b"\3") + raw_tlv(tlv.SAR_SEGMENT_SEQNUM, b"\1")), _ANSWERED),
    brought("half a character of UCS-2", _REPLY._replace(data_coding=8, short_message=b"\0O\0u\0i\xd8"),
            "reply 'Oui\ufffd' from 33612345678"),
    brought("an alphabet nobody knows", _REPLY._replace(data_coding=0x95), _ANSWERED),
    brought("letters that are called binary", _REPLY._replace(data_coding=4), _ANSWERED, BINARY_TEXT=1),
    brought("octets that are no letters", _REPLY._replace(data_coding=0xF5, short_message=b"\x06\x05\xff"),
            "reply '0605FF' from 33612345678", BINARY_TEXT=1),
    Case("a reply as data_sm", brings=(_ANSWERED,), says=((commands.DATA_SM | RESPONSE, 0, 1),),
         push=whole(commands.DATA_SM, 1, DataSm(1, 1, "33612345678", 5, 0, "CHAPPE", 0, 0,
                                                tlvs=raw_tlv(tlv.MESSAGE_PAYLOAD, b"Oui")))),
    Case("a data_sm without a text", brings=("reply '' from 33612345678",),
         says=((commands.DATA_SM | RESPONSE, 0, 1),),
         push=whole(commands.DATA_SM, 1, DataSm(1, 1, "33612345678", 5, 0, "CHAPPE", 0, 0))),
)  # fmt: skip

ODD_REQUESTS: Final = (
    pushed("alert_notification", whole(commands.ALERT_NOTIFICATION, 1, Alert(1, 1, "33612345678", 0, 0, "x"))),
    pushed("broadcast_sm", whole(commands.BROADCAST_SM, 1, Broadcast(0, 0, "")),
           (commands.BROADCAST_SM | RESPONSE, _NOT_NOW, 1), NOT_LEGAL=1),
    pushed("submit_sm", whole(SUBMIT_SM, 1, MESSAGE), (ANSWER, _NOT_NOW, 1), NOT_LEGAL=1),
    pushed("a bind of the carrier", whole(9, 1, Bind(9, "user", "secret")),
           (9 | RESPONSE, status.ESME_RALYBND, 1), NOT_LEGAL=1),
    pushed("outbind while bound", whole(commands.OUTBIND, 1, OutbindBody("centre", "pw")), NOT_LEGAL=1),
    pushed("a command nobody knows", octets(0x00010200, 1, b"?"), (GENERIC_NACK, status.ESME_RINVCMDID, 1),
           UNKNOWN_COMMAND=1),
    pushed("a command nobody knows as large as a PDU may be", octets(0x00010200, 1, bytes(131_072 - 16)),
           (GENERIC_NACK, status.ESME_RINVCMDID, 1), UNKNOWN_COMMAND=1),
    pushed("a probe with a body", octets(ENQUIRE_LINK, 1, b"hello?"), (ENQUIRE_LINK | RESPONSE, 0, 1),
           TRAILING_BYTES=1),
    pushed("an answer to a probe that was never sent", octets(ENQUIRE_LINK | RESPONSE, 1)),
    pushed("unbind_resp without unbind", octets(commands.UNBIND | RESPONSE, 1), UNKNOWN_ANSWER=1),
    pushed("deliver_sm_resp without deliver_sm", octets(DELIVER_SM | RESPONSE, 1, b"\0"), UNKNOWN_ANSWER=1),
)  # fmt: skip
CASES: Final = (*ODD_ANSWERS, *ODD_DELIVERIES, *ODD_REQUESTS)
