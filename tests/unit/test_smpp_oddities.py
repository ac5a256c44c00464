"""What a peer bends without breaking: the link goes on, every message keeps its fate, and each oddity has its name."""

import pytest

from chappe.carriers.incoming import read_delivery
from chappe.domain.outcomes import ReplyIn
from chappe.telecom import receipts
from chappe.telecom.smpp import commands, oddities, pdu, status, tlv
from chappe.telecom.smpp.bodies import (
    BindAnswer,
    Body,
    Cancel,
    Destination,
    Empty,
    MessageAnswer,
    Query,
    QueryAnswer,
    SubmitMulti,
)
from chappe.telecom.smpp.commands import RESPONSE, State
from chappe.telecom.smpp.events import (
    Answers,
    BindRefused,
    BindRequested,
    Congestion,
    Deliveries,
    LinkLost,
    Oddity,
    ProtocolError,
    TimedOut,
)
from chappe.telecom.smpp.pdu import Pdu, encode
from tests.smpp_ends import RECEIPT, TEXT, TRX, Client, Server, answer, bound, sent

ID = tlv.encode([tlv.value_of("receipted_message_id", "7")])
STATE = tlv.encode([tlv.value_of("message_state", 2)])


def test_a_question_between_two_batches_keeps_no_message_from_timing_out() -> None:
    client, _ = bound(response_s=10.0)
    client.submit([("a", TEXT)], 0.0)
    client.request("q", commands.QUERY_SM, Query("id", 0, 0, ""), 0.0)
    client.submit([("b", TEXT)], 0.05)
    assert client.tick(10.05) == [TimedOut(["a", "b", "q"])]
    assert client.free == client.window


def test_a_message_times_out_when_the_numbers_start_anew_between_two_batches() -> None:
    client, _ = bound(response_s=10.0)
    client._sequence = 0x7FFFFFFE
    client.submit([("last", TEXT)], 0.0)
    client.submit([("first", TEXT), ("second", TEXT)], 0.05)
    assert client.tick(10.05) == [TimedOut(["last", "first", "second"])]


@pytest.mark.parametrize("octets", [9, 1024, 0xFFFF])
def test_a_number_of_thousands_of_octets_is_no_number(octets: int) -> None:
    huge = b"\xff" * octets
    assert tlv.find_int(tlv.encode([(tlv.CONGESTION_STATE, huge)]), tlv.CONGESTION_STATE) is None
    parts = tlv.encode([(tlv.SAR_MSG_REF_NUM, huge), (tlv.SAR_TOTAL_SEGMENTS, b"\2"), (tlv.SAR_SEGMENT_SEQNUM, b"\1")])
    assert read_delivery(TEXT._replace(tlvs=parts)) == ReplyIn("CHAPPE", "33612345678", "Hello")


def test_a_nack_without_a_reason_is_no_acceptance() -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    nack = encode(Pdu(commands.GENERIC_NACK, 0, 2, Empty()))
    assert client.receive(nack, 0.0) == [
        Answers([("a", status.ESME_RUNKNOWNERR, "")]),
        Oddity(oddities.NACK_WITHOUT_REASON, "to number 2"),
    ]


def test_a_nack_without_a_reason_binds_nobody() -> None:
    client = Client(0.0)
    client.bind(TRX, 0.0)
    events = client.receive(encode(Pdu(commands.GENERIC_NACK, 0, 1, Empty())), 0.0)
    assert BindRefused(status.ESME_RUNKNOWNERR) in events
    assert client.state is State.OPEN


def test_an_answer_of_another_kind_to_a_message_is_named_and_the_message_waits() -> None:
    client, _ = bound(response_s=10.0)
    client.submit([("a", TEXT)], 0.0)
    other = encode(Pdu(commands.QUERY_SM | RESPONSE, 0, 2, QueryAnswer("7")))
    assert client.receive(other, 0.0) == [Oddity(oddities.OTHER_ANSWER, "query_sm_resp to submit_sm")]
    assert client.receive(answer(2), 0.0) == [Answers([("a", 0, "id")])]


@pytest.mark.parametrize(("length", "is_odd"), [(64, False), (65, True), (200, True)])
def test_an_id_longer_than_the_standard_has_room_for_is_kept_and_named(length: int, is_odd: bool) -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    long = pdu.HEADER.pack(17 + length, commands.SUBMIT_SM | RESPONSE, 0, 2) + b"7" * length + b"\0"
    odd = [Oddity(oddities.FIELD_TOO_LONG, "submit_sm_resp")] if is_odd else []
    assert client.receive(long, 0.0) == [Answers([("a", 0, "7" * length)]), *odd]


@pytest.mark.parametrize(
    ("tlvs", "name", "detail"),
    [
        (STATE + STATE, oddities.TLV_TWICE, "message_state in deliver_sm"),
        (ID + STATE + ID, oddities.TLV_TWICE, "receipted_message_id in deliver_sm"),
        (tlv.encode([(tlv.MESSAGE_PAYLOAD, b"other")]), oddities.TEXT_TWICE, "deliver_sm"),
    ],
)
def test_what_a_message_says_twice_is_named_and_the_first_holds(tlvs: bytes, name: str, detail: str) -> None:
    client, _ = bound()
    delivered = RECEIPT._replace(tlvs=tlvs)
    events = client.receive(encode(Pdu(commands.DELIVER_SM, 0, 1, delivered)), 0.0)
    assert events == [Deliveries([(1, delivered)]), Oddity(name, detail)]


def test_of_two_states_in_a_receipt_the_first_holds() -> None:
    twice = STATE + tlv.encode([tlv.value_of("message_state", 5)])
    assert receipts.parse(b"", ID + twice).state == "DELIVRD"
    assert receipts.parse(b"id:1 stat:UNDELIV", tlv.encode([(tlv.MESSAGE_STATE, b"")]) + STATE).state == "DELIVRD"


def test_what_may_come_several_times_is_not_odd() -> None:
    client, _ = bound()
    callbacks = tlv.encode([(0x0381, b"1"), (0x0381, b"2"), (0x1401, b"own"), (0x1401, b"own")])
    delivered = TEXT._replace(tlvs=callbacks)
    assert client.receive(encode(Pdu(commands.DELIVER_SM, 0, 1, delivered)), 0.0) == [Deliveries([(1, delivered)])]


@pytest.mark.parametrize("number", [0, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize(("command", "body"), [(commands.DELIVER_SM, RECEIPT), (commands.ENQUIRE_LINK, Empty())])
def test_a_number_the_standard_does_not_have_is_answered_and_named(number: int, command: int, body: Body) -> None:
    client, _ = bound()
    events = client.receive(encode(Pdu(command, 0, number, body)), 0.0)
    assert events[-1] == Oddity(oddities.ODD_NUMBER, f"{number} in {commands.name(command)}")
    client.acknowledge([sequence for event in events if isinstance(event, Deliveries) for sequence, _ in event.items])
    assert pdu.decode(client.data_to_send())[0][:3] == (command | RESPONSE, 0, number)


def test_a_request_that_carries_a_status_is_taken_and_named() -> None:
    client, _ = bound()
    events = client.receive(encode(Pdu(commands.DELIVER_SM, 8, 1, RECEIPT)), 0.0)
    assert events == [
        Deliveries([(1, RECEIPT)]),
        Oddity(oddities.STATUS_IN_REQUEST, "ESME_RSYSERR in deliver_sm"),
    ]


@pytest.mark.parametrize(
    ("value", "event"),
    [
        (b"\x5a", Congestion(90)),
        (b"", Oddity(oddities.ODD_CONGESTION, "")),
        (b"\xff", Oddity(oddities.ODD_CONGESTION, "ff")),
        (b"\x00\x00\x03\xe8", Oddity(oddities.ODD_CONGESTION, "000003e8")),
    ],
)
def test_congestion_that_is_no_percentage_is_named_and_slows_nobody(value: bytes, event: Congestion | Oddity) -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    body = MessageAnswer("id", tlv.encode([(tlv.CONGESTION_STATE, value)]))
    events = client.receive(encode(Pdu(commands.SUBMIT_SM | RESPONSE, 0, 2, body)), 0.0)
    assert events == [Answers([("a", 0, "id")]), event]


@pytest.mark.parametrize("decide", [Server.accept_bind, lambda server: server.refuse_bind(status.ESME_RINVPASWD)])
def test_a_bind_with_garbage_behind_it_may_be_decided_and_nothing_comes_of_it(decide: object) -> None:
    client, server = Client(0.0), Server(0.0)
    client.bind(TRX, 0.0)
    events = server.receive(client.data_to_send() + bytes(16), 0.0)
    assert events == [BindRequested(TRX), ProtocolError("command_length 0"), LinkLost("framing lost", [], [])]
    server.data_to_send()
    decide(server)  # type: ignore[operator]
    assert server.data_to_send() == b""
    assert server.state is State.CLOSED


def test_tlvs_of_an_answer_to_a_bind_may_come_twice_too() -> None:
    client = Client(0.0)
    client.bind(TRX, 0.0)
    version = tlv.encode([tlv.value_of("sc_interface_version", 0x50)])
    events = client.receive(encode(Pdu(9 | RESPONSE, 0, 1, BindAnswer("centre", version + version))), 0.0)
    assert Oddity(oddities.TLV_TWICE, "sc_interface_version in bind_transceiver_resp") in events
    assert client.state is State.BOUND_TRX


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (commands.QUERY_SM, Query("7", 1, 1, "336")),
        (commands.CANCEL_SM, Cancel("7", 1, 1, "336")),
        (commands.SUBMIT_MULTI, SubmitMulti(1, 1, "336", (Destination("33612345678", 1, 1),), 0, 0, b"Hello")),
    ],
)
def test_a_centre_does_nothing_about_a_request_it_can_read_half_of(command: int, body: Body) -> None:
    _, server = bound()
    good = encode(Pdu(command, 0, 5, body))
    half = pdu.HEADER.pack(len(good) - 3, command, 0, 5) + good[16:-3]
    (odd,) = server.receive(half, 0.0)
    assert isinstance(odd, Oddity)
    (refusal,) = sent(server)
    assert (refusal.command, refusal.sequence) == (command | RESPONSE, 5)
    assert refusal.status in (status.ESME_RINVCMDLEN, status.ESME_RINVMSGLEN)


def test_a_destination_of_no_kind_is_refused_and_named() -> None:
    _, server = bound()
    body = b"\0\1\1336\0\2\1\1\x0133612345678\0\7\1\x0133612345679\0" + bytes(9) + b"\5Hello"
    events = server.receive(pdu.HEADER.pack(16 + len(body), commands.SUBMIT_MULTI, 0, 5) + body, 0.0)
    assert events == [Oddity(oddities.ODD_DESTINATION, "submit_multi")]
    assert [(one.status, one.sequence) for one in sent(server)] == [(status.ESME_RINVDESTFLAG, 5)]


def test_a_bind_is_decided_on_what_can_be_read_of_it() -> None:
    server = Server(0.0)
    half = pdu.HEADER.pack(32, commands.BIND_TRANSCEIVER, 0, 1) + b"user\0secret\0\0\x34\1\1"
    events = server.receive(half, 0.0)
    assert BindRequested(TRX._replace(addr_ton=1, addr_npi=1)) in events
