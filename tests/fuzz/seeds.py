"""What fuzzing starts from: a PDU of every command, receipts in the dialects carriers speak, headers, TLVs, times."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Final

from chappe.telecom.smpp import bodies, commands, pdu, tlv
from chappe.telecom.smpp.bodies import Body, ShortMessage
from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.pdu import Pdu
from tests.fuzz.targets import COMMANDS, TARGETS

_FROM: Final = (1, 1, "33612345678")
_TO: Final = (5, 0, "CHAPPE")
_TIMES: Final = ("000002000000000R", "261124120000000+")


def _tlvs(**values: int | str | bytes) -> bytes:
    return tlv.encode([tlv.value_of(name, value) for name, value in values.items()])


def _message(text: bytes, esm_class: int = 0, data_coding: int = 0, tlvs: bytes = b"") -> ShortMessage:
    return ShortMessage(*_FROM, *_TO, esm_class, data_coding, text, tlvs=tlvs)


RECEIPTS: Final = (
    b"id:0000012345 sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:000 text:Hello",
    b"id:a1b2c3d4 sub:001 dlvrd:000 submit date:261123064059 done date:261123064159 stat:UNDELIV err:069 text:",
    b"ID:12345 SUB:001 DLVRD:001 SUBMIT DATE:2611230640 DONE DATE:2611230641 STAT:EXPIRED ERR:27",
    b"stat:REJECTD err:1 id:12345 done date:2611230641",
    b"id: 550e8400-e29b-41d4-a716-446655440000 done_date: 2611230641 stat: 2 err: 0A Text: stat:REJECTD",
    b"id:-1 submit date:0000000000 done date:-001130000 stat:UNKNOWN err:",
    "id:12345 done date:2611230641 stat:ACCEPTD err:000".encode("utf-16-be"),
    b"id:1 sub:001 dlvrd:001 submit date:20261123064059 done date:20261123064159 stat:DELIVRD err:000 text:",
    b"id:1 submit date:000000000000 done date:00010101000000 stat:BLOCKED err:69",
    b"Your message was delivered",
    b"id:\xff\xfe stat:\x00 err:\x1b",
)
RECEIPT_TLVS: Final = (
    b"",
    _tlvs(receipted_message_id="3039", message_state=2),
    _tlvs(receipted_message_id="3039", message_state=5, network_error_code=b"\x03\x00\x01"),
    tlv.encode([(0x1401, b"OVH"), (tlv.MESSAGE_STATE, b""), (tlv.MESSAGE_STATE, b"\x08"), (0x1E, b"\0")]),
)
HEADERS: Final = (
    bytes.fromhex("050003070301"),
    bytes.fromhex("06080400ff0302"),
    bytes.fromhex("080003070201240101"),
    bytes.fromhex("0b0003070201240101250103"),
    bytes.fromhex("0605040b8423f0"),
    bytes.fromhex("050003070400"),
    bytes.fromhex("0500030703"),
    b"\x00",
)
_SAR: Final = _tlvs(sar_msg_ref_num=7, sar_total_segments=3, sar_segment_seqnum=2)


def deliveries() -> Iterator[ShortMessage]:
    """Receipts, and replies in every alphabet, in parts of every form."""
    for text, tlvs in product(RECEIPTS, RECEIPT_TLVS[:3]):
        yield _message(text, 0x04, tlvs=tlvs)
    yield _message(RECEIPTS[0])
    yield _message(b"", 0x04, tlvs=_tlvs(message_payload=RECEIPTS[0]))
    yield _message(b"", tlvs=RECEIPT_TLVS[1])
    for header in HEADERS:
        yield _message(header + b"Bonjour\x1be", 0x40)
        yield _message(header + "Bonjour 😀".encode("utf-16-be"), 0x40, 8)
    for coding in (0, 1, 2, 3, 8, 0xF4):
        yield _message(b"\x00B\x00\xe9\xd8=", data_coding=coding)
        yield _message(b"part two", data_coding=coding, tlvs=_SAR)
    yield _message(b"both", tlvs=_tlvs(message_payload=b"texts"))
    yield _message(b"odd bytes follow", tlvs=b"")._replace(source="+" + "0" * 19, service_type="CMT")


REQUESTS: Final[Mapping[int, Body]] = {
    **{
        command: bodies.Bind(command, "user", "secret", "SMPP", 0x50, 1, 1, "33*", _tlvs(user_message_reference=0))
        for command in commands.BINDS
    },
    commands.SUBMIT_SM: ShortMessage(
        *_TO, *_FROM, 0x40, 0, HEADERS[0] + b"Hello", 1, _TIMES[0], 1, 0, "CMT", _SAR, _TIMES[1], 1, 2
    ),
    commands.DELIVER_SM: _message(RECEIPTS[0], 4, tlvs=RECEIPT_TLVS[1]),
    commands.DATA_SM: bodies.DataSm(*_FROM, *_TO, 0, 0, 1, "CMT", _tlvs(message_payload=b"Hello")),
    commands.SUBMIT_MULTI: bodies.SubmitMulti(
        *_TO, (bodies.Destination("33612345678", 1, 1), bodies.Destination("list", None, None)), 0, 0, b"Hello", 1
    ),
    commands.QUERY_SM: bodies.Query("3039", *_TO),
    commands.CANCEL_SM: bodies.Cancel("3039", *_TO, *_FROM, "CMT"),
    commands.REPLACE_SM: bodies.Replace("3039", *_TO, b"Hello", *_TIMES, 1),
    commands.OUTBIND: bodies.OutbindBody("centre", "secret"),
    commands.ALERT_NOTIFICATION: bodies.Alert(*_FROM, *_TO, tlv.encode([(0x0422, b"\0")])),
    commands.BROADCAST_SM: bodies.Broadcast(*_TO, "3039", 1, *_TIMES),
    commands.QUERY_BROADCAST_SM: bodies.Query("3039", *_TO),
    commands.CANCEL_BROADCAST_SM: bodies.CancelBroadcast("3039", *_TO),
    commands.ENQUIRE_LINK: bodies.Empty(),
    commands.UNBIND: bodies.Empty(),
}
_ANSWER: Final = bodies.MessageAnswer("3039", _tlvs(congestion_state=85))
ANSWERS: Final[Mapping[int, Body]] = {
    **dict.fromkeys(commands.BINDS, bodies.BindAnswer("centre", _tlvs(sc_interface_version=0x50))),
    commands.SUBMIT_SM: bodies.MessageAnswer("3039"),
    commands.DELIVER_SM: bodies.MessageAnswer(),
    commands.DATA_SM: _ANSWER,
    commands.BROADCAST_SM: _ANSWER,
    commands.QUERY_BROADCAST_SM: _ANSWER,
    commands.SUBMIT_MULTI: bodies.SubmitMultiAnswer(
        "3039", (bodies.FailedDestination(1, 1, "33612345678", 0x0B), bodies.FailedDestination(0, 0, "", 0x400))
    ),
    commands.QUERY_SM: bodies.QueryAnswer("3039", _TIMES[1], 2, 0),
    **dict.fromkeys(
        (
            *(commands.CANCEL_SM, commands.REPLACE_SM, commands.CANCEL_BROADCAST_SM),
            *(commands.ENQUIRE_LINK, commands.UNBIND),
        ),
        bodies.Empty(),
    ),
}


@cache
def pdus() -> tuple[bytes, ...]:
    """A PDU of every command, answers numbered as if they answered the first of ours, and some that nobody knows."""
    made = [pdu.encode(Pdu(command, 0, 5, body)) for command, body in REQUESTS.items()]
    made += [pdu.encode(Pdu(command | RESPONSE, 0, 2, body)) for command, body in ANSWERS.items()]
    made += [pdu.encode(Pdu(command | RESPONSE, 0x58, 2, bodies.Empty())) for command in ANSWERS]
    made += [pdu.encode(Pdu(commands.GENERIC_NACK, 3, number, bodies.Empty())) for number in (0, 2, 3)]
    made += [pdu.encode(Pdu(command, 0, 7, bodies.Raw(b"?"))) for command in (0x00010200, 0x80010200)]
    return (*made, *[pdu.encode(Pdu(commands.DELIVER_SM, 0, 6, message)) for message in deliveries()])


def _session() -> Iterator[bytes]:
    # Send two, write, send one, acknowledge, wait, ask, unbind.
    steps = bytes((0xF0, 0x01, 0x08, 0x0A, 0x0B, 0x05, 0x06, 0xFB))
    for start in range(0x100):
        yield bytes((start, 0)) + pdus()[start % len(pdus())]
    for start, one in product((2, 3, 6, 0x0A, 0x13), pdus()):
        yield bytes((start, len(steps))) + steps + one + pdu.HEADER.pack(16, commands.ENQUIRE_LINK, 0, 9)
    everything = b"".join(pdus())
    for start in (1, 2, 3):
        yield bytes((start, 0)) + everything
        yield bytes((start, 40)) + bytes(range(0, 200, 5)) + everything


def _submits() -> Iterator[ShortMessage]:
    """Submits of a customer that are taken: in every alphabet, in parts of every form, with times."""
    hello = ShortMessage(*_TO, *_FROM, 0, 0, b"Hello", 1)
    for coding in (0, 1, 3, 8, 0x10, 0xF0):
        yield hello._replace(data_coding=coding, short_message="Hé".encode("utf-16-be"))
    yield from (hello._replace(esm_class=0x40, short_message=header + b"part") for header in HEADERS)
    yield hello._replace(tlvs=_SAR + _tlvs(user_message_reference=9))
    yield hello._replace(short_message=b"", tlvs=_tlvs(message_payload=b"Hello"))
    yield hello._replace(schedule_delivery_time=_TIMES[0], validity_period="000003000000000R")
    yield hello._replace(validity_period="261125120000000+", source="0612345678", source_ton=2)


def _body(command: int, body: Body) -> bytes:
    return pdu.encode(Pdu(command, 0, 1, body))[pdu.MIN_LENGTH :]


def _seeds_of(target: str) -> Iterator[bytes]:
    match target:
        case "session" | "cuts":
            yield from _session()
        case "bodies":
            for one in pdus():
                command = int.from_bytes(one[4:8], "big")
                if command in COMMANDS:
                    yield bytes((COMMANDS.index(command),)) + one[pdu.MIN_LENGTH :]
        case "receipt":
            for text, tlvs in product(RECEIPTS, RECEIPT_TLVS):
                yield bytes((len(tlvs),)) + tlvs + text
        case "delivery":
            for message in deliveries():
                yield _body(commands.DELIVER_SM, message)
        case "submit":
            yield from (b"\0" + _body(commands.SUBMIT_SM, message) for message in (*deliveries(), *_submits()))
            yield b"\1" + _body(commands.SUBMIT_MULTI, REQUESTS[commands.SUBMIT_MULTI])
        case "header":
            yield from (header + b"Hello \x1be" for header in HEADERS)
        case "tlvs":
            yield from (*RECEIPT_TLVS, _SAR, _tlvs(message_payload=b"Hello", congestion_state=85))
        case _:
            yield from (*(time.encode() for time in _TIMES), b"", b"261124120000048-", b"9912319959599990"[:15] + b"R")


@cache
def seeds() -> Mapping[str, list[bytes]]:
    """The seeds of every target."""
    return {target: sorted(set(_seeds_of(target))) for target in TARGETS}


def words() -> list[bytes]:
    """Words of receipts and octets of headers that chance would hardly find."""
    named = b"id: sub: dlvrd: submit_date: done_date: stat: err: text:".split()
    states = b"DELIVRD UNDELIV EXPIRED REJECTD ACCEPTD UNKNOWN BLOCKED SCHEDULED".split()
    tags = [tag.to_bytes(2, "big") for tag in (0x1E, 0x0423, 0x0424, 0x0427, 0x0428, 0x020C, 0x020E, 0x020F, 0x0210)]
    return [*named, *states, *tags, *HEADERS, b"submit date:", b"done date:"]
