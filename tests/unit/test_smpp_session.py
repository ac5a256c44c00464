"""Both ends of an SMPP link, without sockets and with the time in our hands: binding, traffic, mishaps."""

import pytest

from chappe.telecom.smpp import bodies, commands, oddities, pdu, status, tlv
from chappe.telecom.smpp.bodies import Empty, MessageAnswer, Query, QueryAnswer, Raw, ShortMessage
from chappe.telecom.smpp.commands import RESPONSE, State
from chappe.telecom.smpp.events import (
    Answers,
    BindRefused,
    BindRequested,
    Bound,
    Congestion,
    Deliveries,
    LinkLost,
    Oddity,
    Outbind,
    ProtocolError,
    Requested,
    Responded,
    Submits,
    TimedOut,
)
from chappe.telecom.smpp.pdu import Pdu, SubmitTemplate, encode
from chappe.telecom.smpp.session import LocalError
from tests.smpp_ends import RECEIPT, TEXT, TRX, Client, Server, answer, bound, numbers_of, sent

# -- binding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "client_state", "client_sends", "server_sends"),
    [
        (commands.BIND_TRANSMITTER, State.BOUND_TX, True, False),
        (commands.BIND_RECEIVER, State.BOUND_RX, False, True),
        (commands.BIND_TRANSCEIVER, State.BOUND_TRX, True, True),
    ],
)
def test_each_bind_opens_its_directions(
    command: int, client_state: State, client_sends: bool, server_sends: bool
) -> None:
    client, server = bound(TRX._replace(command=command))
    assert (client.state, server.state) == (client_state, client_state)
    assert (client.free > 0, server.free > 0) == (client_sends, server_sends)


def test_a_refused_bind_tells_the_status_and_may_be_tried_again() -> None:
    client, server = Client(0.0), Server(0.0)
    client.bind(TRX, 0.0)
    server.receive(client.data_to_send(), 0.0)
    server.refuse_bind(status.ESME_RINVPASWD)
    assert client.receive(server.data_to_send(), 0.0) == [BindRefused(status.ESME_RINVPASWD)]
    client.bind(TRX, 1.0)
    assert server.receive(client.data_to_send(), 1.0) == [BindRequested(TRX)]


def test_a_bind_that_is_never_answered_is_refused_by_the_clock() -> None:
    client = Client(0.0, bind_s=10.0)
    client.bind(TRX, 0.0)
    assert client.next_deadline() == 10.0
    assert client.tick(9.9) == []
    assert client.tick(10.0) == [BindRefused(status.ESME_RBINDFAIL, answered=False)]


def test_a_bind_may_be_refused_by_generic_nack() -> None:
    client = Client(0.0)
    client.bind(TRX, 0.0)
    nack = encode(Pdu(commands.GENERIC_NACK, status.ESME_RINVCMDID, 1, Empty()))
    assert client.receive(nack, 0.0) == [BindRefused(status.ESME_RINVCMDID)]


def test_a_centre_that_tells_no_version_gets_none() -> None:
    client = Client(0.0)
    client.bind(TRX, 0.0)
    data = encode(Pdu(commands.BIND_TRANSCEIVER | RESPONSE, 0, 1, bodies.BindAnswer("old")))
    assert client.receive(data, 0.0) == [Bound("old", None)]


def test_a_client_of_version_3_3_is_told_no_version_as_tlv() -> None:
    server = Server(0.0)
    server.receive(encode(Pdu(1, 0, 1, TRX._replace(command=1, interface_version=0x33))), 0.0)
    server.accept_bind(system_id="centre")
    assert sent(server)[0].body == bodies.BindAnswer("centre", b"")


def test_a_connection_without_bind_is_given_up() -> None:
    server = Server(5.0, bind_s=10.0)
    assert server.next_deadline() == 15.0
    assert server.tick(15.0) == [LinkLost("no bind in time", [], [])]


def test_an_outbind_asks_the_client_to_bind() -> None:
    client = Client(0.0)
    data = encode(Pdu(commands.OUTBIND, 0, 1, bodies.OutbindBody("centre", "pw")))
    assert client.receive(data, 0.0) == [Outbind("centre", "pw")]
    client.bind(TRX, 0.0)
    assert client.state is State.BINDING


def test_a_second_bind_is_answered_already_bound() -> None:
    _, server = bound()
    server.receive(encode(Pdu(TRX.command, 0, 9, TRX)), 0.0)
    assert [(found.status, found.sequence) for found in sent(server)] == [(status.ESME_RALYBND, 9)]


# -- traffic -------------------------------------------------------------------------------------------


def test_a_submit_travels_and_its_answer_brings_the_token_back() -> None:
    client, server = bound()
    assert client.submit([("a", TEXT), ("b", TEXT)], 1.0) == []
    assert (client.in_flight, client.free) == (2, 8)
    (submits,) = server.receive(client.data_to_send(), 1.0)
    assert isinstance(submits, Submits)
    assert [message for _, message in submits.items] == [TEXT, TEXT]
    assert server.unacknowledged == 2
    (first, _), (second, _) = submits.items
    server.answer_submits([(second, 0, "id-b"), (first, status.ESME_RINVDSTADR, "")])
    assert server.unacknowledged == 0
    assert client.receive(server.data_to_send(), 1.1) == [
        Answers([("b", 0, "id-b"), ("a", status.ESME_RINVDSTADR, "")])
    ]
    assert (client.in_flight, client.free) == (0, 10)


def test_a_campaign_template_travels_like_any_submit() -> None:
    client, server = bound()
    assert client.submit_from(SubmitTemplate(TEXT), [("a", "336", b"one"), ("b", "337", b"two")], 0.0) == []
    (submits,) = server.receive(client.data_to_send(), 0.0)
    assert isinstance(submits, Submits)
    assert [(m.destination, m.short_message) for _, m in submits.items] == [("336", b"one"), ("337", b"two")]


def test_a_receipt_travels_and_is_acknowledged() -> None:
    client, server = bound()
    server.deliver([("r", RECEIPT)], 0.0)
    (deliveries,) = client.receive(server.data_to_send(), 0.0)
    assert isinstance(deliveries, Deliveries)
    assert client.unacknowledged == 1
    assert client.data_to_send() == b""
    client.acknowledge([sequence for sequence, _ in deliveries.items])
    assert client.unacknowledged == 0
    assert server.receive(client.data_to_send(), 0.0) == [Answers([("r", 0, "")])]


def test_a_delivery_may_be_answered_later_please() -> None:
    client, server = bound()
    server.deliver([("r", RECEIPT)], 0.0)
    (deliveries,) = client.receive(server.data_to_send(), 0.0)
    assert isinstance(deliveries, Deliveries)
    client.acknowledge([deliveries.items[0][0]], status.ESME_RX_T_APPN)
    assert server.receive(client.data_to_send(), 0.0) == [Answers([("r", status.ESME_RX_T_APPN, "")])]


def test_a_data_sm_is_a_message_and_gets_its_own_kind_of_answer() -> None:
    client, server = bound()
    payload = tlv.encode([(tlv.MESSAGE_PAYLOAD, b"Hello")])
    body = bodies.DataSm(5, 0, "CHAPPE", 1, 1, "336", 4, 8, 1, "CMT", payload)
    client.request("q", commands.DATA_SM, body, 0.0)
    (submits,) = server.receive(client.data_to_send(), 0.0)
    assert isinstance(submits, Submits)
    sequence, message = submits.items[0]
    assert message == ShortMessage(5, 0, "CHAPPE", 1, 1, "336", 4, 8, b"", 1, service_type="CMT", tlvs=payload)
    server.answer_submits([(sequence, 0, "id")])
    assert client.receive(server.data_to_send(), 0.0) == [Responded("q", 0, MessageAnswer("id"))]
    data = encode(Pdu(commands.DATA_SM, 0, 77, body))
    assert isinstance(client.receive(data, 0.0)[0], Deliveries)
    client.acknowledge([77])
    assert [found.command for found in sent(client)] == [commands.DATA_SM | RESPONSE]


def test_one_message_that_cannot_be_written_hurts_no_other() -> None:
    client, server = bound()
    refused = client.submit([("a", TEXT), ("bad", TEXT._replace(destination="é")), ("c", TEXT)], 0.0)
    assert [(token, error.field) for token, error in refused] == [("bad", "destination")]
    rows = [("x", "é", b""), ("d", "33", b"")]
    assert [token for token, _ in client.submit_from(SubmitTemplate(TEXT), rows, 0.0)] == ["x"]
    assert client.in_flight == 3
    assert numbers_of(sent(client), commands.SUBMIT_SM) == [2, 3, 4]
    assert server.deliver([], 0.0) == []


def test_the_window_is_never_exceeded() -> None:
    client, _ = bound(window=2)
    client.submit([("a", TEXT), ("b", TEXT)], 0.0)
    assert client.free == 0
    with pytest.raises(LocalError, match="1 messages while bound as transceiver with 0 free slots"):
        client.submit([("c", TEXT)], 0.0)
    client.window = 3
    client.submit([("c", TEXT)], 0.0)
    client.window = 1
    assert client.free == 0


def test_sequence_numbers_start_again_after_the_highest() -> None:
    client, _ = bound()
    client._sequence = 0x7FFFFFFE
    client.submit([("a", TEXT), ("b", TEXT), ("c", TEXT)], 0.0)
    assert numbers_of(sent(client), commands.SUBMIT_SM) == [0x7FFFFFFF, 1, 2]
    assert client.receive(answer(1), 0.0) == [Answers([("b", 0, "id")])]
    assert client.connection_lost(1.0) == [LinkLost("connection closed", ["a", "c"], [])]


def test_an_answer_tells_how_congested_the_centre_is() -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    client.data_to_send()
    busy = tlv.encode([tlv.value_of("congestion_state", 93)])
    data = encode(Pdu(commands.SUBMIT_SM | RESPONSE, 0, 2, MessageAnswer("id", busy)))
    assert client.receive(data, 0.0) == [Answers([("a", 0, "id")]), Congestion(93)]


def test_a_query_is_asked_and_answered() -> None:
    client, server = bound()
    question = Query("id", 5, 0, "CHAPPE")
    client.request("q", commands.QUERY_SM, question, 0.0)
    assert server.receive(client.data_to_send(), 0.0) == [Requested(2, commands.QUERY_SM, question)]
    known = QueryAnswer("id", "", 2, 0)
    server.respond(2, commands.QUERY_SM, 0, known)
    assert client.receive(server.data_to_send(), 0.0) == [Responded("q", 0, known)]


def test_a_question_without_answer_times_out() -> None:
    client, _ = bound(response_s=10.0)
    client.request("q", commands.QUERY_SM, Query("id", 5, 0, ""), 3.0)
    assert client.next_deadline() == 13.0
    assert client.tick(13.0) == [TimedOut(["q"])]


def test_an_alert_is_passed_on_and_not_answered() -> None:
    client, _ = bound()
    alert = bodies.Alert(1, 1, "336", 0, 0, "me")
    data = encode(Pdu(commands.ALERT_NOTIFICATION, 0, 5, alert))
    assert client.receive(data, 0.0) == [Requested(5, commands.ALERT_NOTIFICATION, alert)]
    assert client.data_to_send() == b""


# -- what goes wrong -----------------------------------------------------------------------------------


def test_a_submit_without_answer_times_out_and_a_late_answer_still_counts() -> None:
    client, _ = bound(response_s=10.0)
    client.submit([("a", TEXT), ("b", TEXT)], 5.0)
    client.data_to_send()
    client.receive(answer(3), 6.0)
    assert client.next_deadline() == 15.0
    assert client.tick(14.9) == []
    assert client.tick(15.0) == [TimedOut(["a"])]
    assert client.free == 10
    assert client.receive(answer(2, "late-id"), 20.0) == [Answers([("a", 0, "late-id")], late=True)]
    (odd,) = client.receive(answer(2, "again"), 20.0)
    assert isinstance(odd, Oddity)
    assert odd.name == oddities.UNKNOWN_ANSWER


def test_only_so_many_late_tokens_are_remembered() -> None:
    client, _ = bound(window=5, late_kept=2)
    client.submit([(str(number), TEXT) for number in range(5)], 0.0)
    client.tick(10.0)
    events = client.receive(b"".join(answer(number) for number in range(2, 7)), 11.0)
    assert events[0] == Answers([("3", 0, "id"), ("4", 0, "id")], late=True)


def test_a_generic_nack_answers_the_submit_it_names() -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    nack = encode(Pdu(commands.GENERIC_NACK, status.ESME_RINVCMDLEN, 2, Empty()))
    assert client.receive(nack, 0.0) == [Answers([("a", status.ESME_RINVCMDLEN, "")])]


def test_a_lost_link_gives_back_what_left_and_what_did_not() -> None:
    client, _ = bound()
    client.submit([("a", TEXT), ("b", TEXT)], 0.0)
    client.data_to_send()
    client.submit([("c", TEXT)], 0.0)
    client.receive(answer(2), 0.5)
    assert client.connection_lost(1.0) == [LinkLost("connection closed", ["b"], ["c"])]
    assert client.connection_lost(1.0) == []
    assert client.data_to_send() == b""
    assert (client.free, client.next_deadline()) == (0, None)


def test_a_message_that_timed_out_is_not_told_again_when_the_link_is_lost() -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    client.tick(10.0)
    assert client.connection_lost(11.0) == [LinkLost("connection closed", [], [])]


@pytest.mark.parametrize("length", [0, 15, 131_073, 0xFFFFFFFF])
def test_an_impossible_length_is_a_protocol_error_and_closes(length: int) -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    client.data_to_send()
    header = pdu.HEADER.pack(length, commands.ENQUIRE_LINK, 0, 9)
    events = client.receive(answer(2) + header, 0.0)
    assert events == [
        Answers([("a", 0, "id")]),
        ProtocolError(f"command_length {length}"),
        LinkLost("framing lost", [], []),
    ]
    assert [(found.command, found.status) for found in sent(client)] == [
        (commands.GENERIC_NACK, status.ESME_RINVCMDLEN)
    ]
    assert client.receive(answer(3), 0.0) == []


def test_a_pdu_that_never_ends_is_a_protocol_error() -> None:
    client, _ = bound(pdu_read_s=30.0, enquire_link_s=0.0)
    client.receive(answer(2)[:10], 5.0)
    client.receive(answer(2)[10:12], 20.0)
    assert client.next_deadline() == 35.0
    assert client.tick(35.0) == [
        ProtocolError("a PDU began and never ended"),
        LinkLost("framing lost", [], []),
    ]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (answer(2)[:-1].replace(b"\0\0\0\x13", b"\0\0\0\x12", 1), oddities.NO_FINAL_NUL),
        (pdu.HEADER.pack(16, commands.SUBMIT_SM | RESPONSE, 0, 2), oddities.NO_MESSAGE_ID),
        (answer(2, ""), oddities.NO_MESSAGE_ID),
    ],
)
def test_an_odd_answer_is_an_answer_and_is_named(data: bytes, name: str) -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    answers, odd = client.receive(data, 0.0)
    assert isinstance(answers, Answers)
    assert answers.items[0][:2] == ("a", 0)
    assert odd == Oddity(name, "submit_sm_resp")


def test_a_refusal_without_body_is_not_odd() -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    data = pdu.HEADER.pack(16, commands.SUBMIT_SM | RESPONSE, status.ESME_RTHROTTLED, 2)
    assert client.receive(data, 0.0) == [Answers([("a", status.ESME_RTHROTTLED, "")])]


def test_an_odd_delivery_is_a_delivery_and_is_counted() -> None:
    client, _ = bound()
    good = encode(Pdu(commands.DELIVER_SM, 0, 1, RECEIPT))
    cut = pdu.HEADER.pack(len(good) - 4, commands.DELIVER_SM, 0, 2) + good[16:-4]
    deliveries, odd = client.receive(good + cut + cut, 0.0)
    assert isinstance(deliveries, Deliveries)
    assert [m.short_message for _, m in deliveries.items] == [RECEIPT.short_message] + 2 * [RECEIPT.short_message[:-4]]
    assert odd == Oddity(oddities.TEXT_CUT, "deliver_sm", 2)


def test_a_customers_unreadable_submit_is_refused_and_the_link_stays() -> None:
    _, server = bound()
    good = encode(Pdu(commands.SUBMIT_SM, 0, 7, TEXT))
    cut = pdu.HEADER.pack(len(good) - 2, commands.SUBMIT_SM, 0, 8) + good[16:-2]
    stub = pdu.HEADER.pack(20, commands.SUBMIT_SM, 0, 9) + b"\0\0\0A"
    events = server.receive(good + cut + stub, 0.0)
    assert events[0] == Submits([(7, TEXT)])
    assert [(found.sequence, found.status) for found in sent(server)] == [
        (8, status.ESME_RINVMSGLEN),
        (9, status.ESME_RINVCMDLEN),
    ]
    assert server.state is State.BOUND_TRX


@pytest.mark.parametrize(
    ("mode", "command", "body"),
    [
        (commands.BIND_RECEIVER, commands.SUBMIT_SM, TEXT),
        (commands.BIND_RECEIVER, commands.QUERY_SM, Query("1", 0, 0, "")),
        (commands.BIND_TRANSCEIVER, commands.DELIVER_SM, TEXT),
    ],
)
def test_a_request_that_does_not_fit_the_bind_is_refused(mode: int, command: int, body: bodies.Body) -> None:
    _, server = bound(TRX._replace(command=mode))
    (odd,) = server.receive(encode(Pdu(command, 0, 5, body)), 0.0)
    assert isinstance(odd, Oddity)
    assert odd.name == oddities.NOT_LEGAL
    assert [(found.command, found.status) for found in sent(server)] == [(command | RESPONSE, status.ESME_RINVBNDSTS)]


def test_nothing_but_a_bind_opens_a_link() -> None:
    server = Server(0.0)
    server.receive(encode(Pdu(commands.SUBMIT_SM, 0, 5, TEXT)), 0.0)
    assert [found.status for found in sent(server)] == [status.ESME_RINVBNDSTS]
    client = Client(0.0)
    client.receive(encode(Pdu(commands.DELIVER_SM, 0, 5, TEXT)), 0.0)
    assert [found.status for found in sent(client)] == [status.ESME_RINVBNDSTS]


def test_a_delivery_on_a_transmitter_is_refused() -> None:
    client, _ = bound(TRX._replace(command=commands.BIND_TRANSMITTER))
    client.receive(encode(Pdu(commands.DELIVER_SM, 0, 5, RECEIPT)), 0.0)
    assert [found.status for found in sent(client)] == [status.ESME_RINVBNDSTS]


def test_an_unknown_command_gets_a_generic_nack_and_the_link_stays() -> None:
    client, server = bound()
    (odd,) = client.receive(encode(Pdu(0x00010200, 0, 5, Raw(b"?"))), 0.0)
    assert odd == Oddity(oddities.UNKNOWN_COMMAND, "0x00010200")
    assert [(f.command, f.status, f.sequence) for f in sent(client)] == [
        (commands.GENERIC_NACK, status.ESME_RINVCMDID, 5)
    ]
    (odd,) = server.receive(encode(Pdu(0x80010200, 0, 5, Raw())), 0.0)
    assert odd == Oddity(oddities.UNKNOWN_COMMAND, "0x80010200")
    assert server.data_to_send() == b""


def test_an_answer_of_another_kind_leaves_the_question_open() -> None:
    client, _ = bound()
    client.request("q", commands.QUERY_SM, Query("id", 0, 0, ""), 0.0)
    (odd,) = client.receive(encode(Pdu(commands.CANCEL_SM | RESPONSE, 0, 2, Empty())), 0.0)
    assert odd == Oddity(oddities.OTHER_ANSWER, "cancel_sm_resp to query_sm")
    assert client.tick(10.0) == [TimedOut(["q"])]
