"""How an SMPP link is kept alive and ended, and what a session refuses to its own driver."""

import pytest

from chappe.telecom.smpp import commands
from chappe.telecom.smpp.bodies import Empty, Query
from chappe.telecom.smpp.commands import RESPONSE, State
from chappe.telecom.smpp.events import (
    Answers,
    Deliveries,
    Event,
    LinkLost,
    TimedOut,
    UnbindRequested,
    Unbound,
)
from chappe.telecom.smpp.fields import EncodingError
from chappe.telecom.smpp.pdu import Pdu, encode
from chappe.telecom.smpp.session import LocalError
from tests.smpp_ends import RECEIPT, TEXT, TRX, Client, Server, answer, bound, numbers_of, sent

# -- keep-alive ----------------------------------------------------------------------------------------


def test_a_probe_of_the_peer_is_answered_in_every_state() -> None:
    server = Server(0.0)
    probe = encode(Pdu(commands.ENQUIRE_LINK, 0, 5, Empty()))
    assert server.receive(probe, 0.0) == []
    assert numbers_of(sent(server), commands.ENQUIRE_LINK | RESPONSE) == [5]
    client, _ = bound(window=1)
    client.submit([("a", TEXT)], 0.0)
    assert client.receive(probe, 0.0) == []
    assert numbers_of(sent(client), commands.ENQUIRE_LINK | RESPONSE) == [5]


def test_a_silent_peer_is_probed_and_then_given_up() -> None:
    client, _ = bound(enquire_link_s=30.0, enquire_response_s=10.0, unanswered_probes=2, response_s=100.0)
    client.submit([("a", TEXT)], 25.0)
    client.data_to_send()
    assert client.next_deadline() == 30.0
    assert client.tick(30.0) == []
    assert len(numbers_of(sent(client), commands.ENQUIRE_LINK)) == 1
    assert client.next_deadline() == 40.0
    assert client.tick(40.0) == []
    assert len(numbers_of(sent(client), commands.ENQUIRE_LINK)) == 1
    assert client.tick(50.0) == [LinkLost("enquire_link not answered", ["a"], [])]


def test_a_peer_that_leaves_a_submit_unanswered_and_says_nothing_is_probed_at_once() -> None:
    client, _ = bound(enquire_link_s=30.0, enquire_response_s=5.0, unanswered_probes=2, response_s=10.0)
    client.submit([("a", TEXT)], 0.0)
    client.data_to_send()
    assert client.tick(10.0) == [TimedOut(["a"])]
    assert len(numbers_of(sent(client), commands.ENQUIRE_LINK)) == 1
    client.tick(15.0)
    assert client.tick(20.0) == [LinkLost("enquire_link not answered", [], [])]


def test_a_peer_that_was_heard_since_a_submit_is_not_probed_for_it() -> None:
    client, _ = bound(enquire_link_s=30.0, response_s=10.0)
    client.submit([("a", TEXT), ("b", TEXT)], 0.0)
    client.data_to_send()
    client.receive(answer(3), 1.0)
    assert client.tick(10.0) == [TimedOut(["a"])]
    assert sent(client) == []


def test_a_link_that_is_not_to_be_probed_is_not_probed_for_a_timeout_either() -> None:
    client, _ = bound(enquire_link_s=0.0, response_s=10.0)
    client.submit([("a", TEXT)], 0.0)
    client.data_to_send()
    assert client.tick(10.0) == [TimedOut(["a"])]
    assert sent(client) == []


def test_an_answered_probe_starts_the_wait_anew() -> None:
    client, server = bound(enquire_link_s=30.0)
    client.tick(30.0)
    server.receive(client.data_to_send(), 30.0)
    assert client.receive(server.data_to_send(), 31.0) == []
    assert client.next_deadline() == 61.0


def test_any_byte_of_the_peer_proves_that_it_lives() -> None:
    client, _ = bound(enquire_link_s=30.0, enquire_response_s=10.0, pdu_read_s=500.0)
    client.tick(30.0)
    client.tick(40.0)
    client.receive(b"\0", 45.0)
    assert client.tick(60.0) == []
    assert client.next_deadline() == 75.0


def test_an_idle_link_may_be_closed() -> None:
    client, _ = bound(enquire_link_s=0.0, inactivity_s=60.0)
    client.submit([("a", TEXT)], 30.0)
    client.receive(answer(2), 30.0)
    assert client.tick(89.0) == []
    assert client.next_deadline() == 90.0
    assert client.tick(90.0) == [LinkLost("no traffic", [], [])]


def test_with_every_timer_off_there_is_nothing_to_wait_for() -> None:
    client, _ = bound(enquire_link_s=0.0)
    assert client.next_deadline() is None
    assert client.tick(1e9) == []


# -- good-bye ------------------------------------------------------------------------------------------


def test_our_unbind_waits_for_the_window_and_is_told() -> None:
    client, server = bound()
    client.submit([("a", TEXT)], 0.0)
    client.unbind(0.0)
    assert client.free == 0
    assert numbers_of(sent(client), commands.UNBIND) == []
    assert client.receive(answer(2), 1.0) == [Answers([("a", 0, "id")])]
    data = client.data_to_send()
    assert server.receive(data, 1.0) == [UnbindRequested()]
    assert client.receive(server.data_to_send(), 1.0) == [Unbound(answered=True)]
    assert (client.state, server.state) == (State.UNBOUND, State.UNBOUND)
    assert client.connection_lost(2.0) == [LinkLost("connection closed", [], [])]


def test_our_unbind_leaves_after_the_last_time_out() -> None:
    client, _ = bound(response_s=10.0, unbind_s=5.0)
    client.submit([("a", TEXT)], 0.0)
    client.unbind(0.0)
    assert client.tick(10.0) == [TimedOut(["a"])]
    assert len(numbers_of(sent(client), commands.UNBIND)) == 1
    assert client.next_deadline() == 15.0
    assert client.tick(15.0) == [Unbound(answered=False)]


def test_receipts_are_still_taken_while_we_say_good_bye() -> None:
    client, server = bound()
    client.unbind(0.0)
    server.deliver([("r", RECEIPT)], 0.0)
    assert isinstance(client.receive(server.data_to_send(), 0.0)[0], Deliveries)


def test_the_peers_unbind_is_answered_and_told() -> None:
    client, server = bound()
    server.unbind(0.0)
    assert client.receive(server.data_to_send(), 0.0) == [UnbindRequested()]
    assert server.receive(client.data_to_send(), 0.0) == [Unbound(answered=True)]
    assert client.free == 0


def test_a_centre_that_says_good_bye_is_answered_when_it_has_answered_what_is_in_flight() -> None:
    client, server = bound()
    client.submit([("a", TEXT), ("b", TEXT)], 0.0)
    client.data_to_send()
    server.unbind(0.0)
    assert client.receive(server.data_to_send(), 0.0) == [UnbindRequested()]
    assert (client.free, client.data_to_send()) == (0, b"")
    assert client.receive(answer(2), 0.1) == [Answers([("a", 0, "id")])]
    assert client.data_to_send() == b""
    assert client.receive(answer(3), 0.2) == [Answers([("b", 0, "id")])]
    assert server.receive(client.data_to_send(), 0.2) == [Unbound(answered=True)]
    assert client.state is State.UNBOUND


def test_a_centre_that_answers_nothing_after_its_good_bye_is_answered_after_a_while_and_listened_to() -> None:
    client, server = bound()
    client.submit([("a", TEXT)], 0.0)
    client.data_to_send()
    server.unbind(1.0)
    client.receive(server.data_to_send(), 1.0)
    assert client.tick(2.9) == []
    assert client.data_to_send() == b""
    assert client.tick(3.0) == []
    assert server.receive(client.data_to_send(), 3.0) == [Unbound(answered=True)]
    assert client.receive(answer(2), 3.1) == [Answers([("a", 0, "id")])]


def test_a_centre_that_says_good_bye_twice_is_answered_at_once() -> None:
    client, _ = bound()
    client.submit([("a", TEXT)], 0.0)
    client.data_to_send()
    unbind = encode(Pdu(commands.UNBIND, 0, 7, Empty()))
    assert client.receive(unbind + unbind, 0.0) == [UnbindRequested(), UnbindRequested()]
    assert numbers_of(sent(client), commands.UNBIND | RESPONSE) == [7]


def test_both_may_say_good_bye_at_once() -> None:
    client, server = bound()
    client.unbind(0.0)
    server.unbind(0.0)
    from_client, from_server = client.data_to_send(), server.data_to_send()
    assert client.receive(from_server, 0.0) == [UnbindRequested()]
    assert server.receive(from_client, 0.0) == [UnbindRequested()]
    assert client.receive(server.data_to_send(), 0.0) == [Unbound(answered=True)]


# -- our own mistakes ----------------------------------------------------------------------------------


def test_what_does_not_fit_the_state_is_our_own_mistake() -> None:
    client, server = Client(0.0), Server(0.0)
    with pytest.raises(LocalError):
        client.submit([("a", TEXT)], 0.0)
    with pytest.raises(LocalError):
        client.unbind(0.0)
    with pytest.raises(LocalError):
        client.request("q", commands.QUERY_SM, Query("id", 0, 0, ""), 0.0)
    with pytest.raises(LocalError):
        server.accept_bind()
    with pytest.raises(LocalError):
        server.refuse_bind(1)
    client, _ = bound()
    with pytest.raises(LocalError):
        client.bind(TRX, 0.0)
    client, server = bound(TRX._replace(command=commands.BIND_RECEIVER))
    with pytest.raises(LocalError):
        client.submit([("a", TEXT)], 0.0)


def test_a_bind_that_cannot_be_written_changes_nothing() -> None:
    client = Client(0.0)
    with pytest.raises(EncodingError):
        client.bind(TRX._replace(password="longer than eight"), 0.0)
    assert client.state is State.OPEN
    client.bind(TRX, 0.0)
    assert [found.sequence for found in sent(client)] == [1]


def test_a_message_id_that_cannot_be_written_answers_nothing() -> None:
    client, server = bound()
    client.submit([("a", TEXT)], 0.0)
    server.receive(client.data_to_send(), 0.0)
    for wrong in ("x" * 65, "é", "a\0b"):
        with pytest.raises(EncodingError):
            server.answer_submits([(2, 0, wrong)])
    assert server.data_to_send() == b""
    assert server.unacknowledged == 1


def test_acknowledging_on_a_lost_link_does_nothing() -> None:
    client, server = bound()
    client.connection_lost(0.0)
    server.connection_lost(0.0)
    client.acknowledge([1, 2])
    server.answer_submits([(1, 0, "id")])
    server.respond(3, commands.QUERY_SM, 0)
    assert client.data_to_send() == server.data_to_send() == b""


def test_events_of_one_read_are_one_batch_each() -> None:
    client, _ = bound(window=50)
    client.submit([(str(n), TEXT) for n in range(50)], 0.0)
    receipt = encode(Pdu(commands.DELIVER_SM, 0, 1, RECEIPT))
    data = b"".join(receipt + answer(number) for number in range(2, 52))
    events: list[Event[str]] = client.receive(data, 0.0)
    assert [type(event) for event in events] == [Answers, Deliveries]
    assert [len(event.items) for event in events if isinstance(event, Answers | Deliveries)] == [50, 50]
