"""Laws of the SMPP codec, the session and the receipt parser, tried on many inputs."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.telecom import receipts
from chappe.telecom.smpp import bodies, commands, layouts, pdu, tlv
from chappe.telecom.smpp.bodies import Bind, Body, Destination, FailedDestination, MessageAnswer, ShortMessage
from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.events import (
    Answers,
    Congestion,
    Deliveries,
    Event,
    LinkLost,
    Oddity,
    Submits,
    TimedOut,
)
from chappe.telecom.smpp.pdu import Pdu, decode, decode_short_message, encode
from chappe.telecom.smpp.session import ClientSession, ServerSession

octets = st.integers(0, 255)
tlvs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=20)), max_size=3).map(tlv.encode)
times = st.sampled_from(["", "000002000000000R", "261123064100000+"])
sequences = st.integers(1, 0x7FFFFFFF)


def words(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=most)


def address(most: int = 20) -> list[st.SearchStrategy[object]]:
    return [octets, octets, words(most)]


short_messages = st.builds(
    ShortMessage,
    *address(),
    *address(),
    octets,
    octets,
    st.binary(max_size=254),
    octets,
    times,
    octets,
    octets,
    words(5),
    tlvs,
    times,
    octets,
    octets,
)
destinations = st.lists(
    st.builds(Destination, words(20), octets, octets) | st.builds(Destination, words(20), st.none(), st.none()),
    min_size=1,
    max_size=5,
).map(tuple)
failures = st.lists(
    st.builds(FailedDestination, octets, octets, words(20), st.integers(0, 0xFFFFFFFF)), max_size=3
).map(tuple)
message_answers = st.builds(MessageAnswer, words(64), tlvs)
empties = st.builds(bodies.Empty, tlvs)
queries = st.builds(bodies.Query, words(64), *address(), tlvs)


def binds(command: int) -> st.SearchStrategy[Body]:
    parts = (words(15), words(8), words(12), octets, octets, octets, words(40), tlvs)
    return st.builds(Bind, st.just(command), *parts)


WITHOUT_FIELDS = (
    commands.GENERIC_NACK,
    commands.ENQUIRE_LINK,
    commands.UNBIND,
    *(
        command | RESPONSE
        for command in (
            *(commands.ENQUIRE_LINK, commands.UNBIND, commands.CANCEL_SM),
            *(commands.REPLACE_SM, commands.CANCEL_BROADCAST_SM),
        )
    ),
)
BODIES: dict[int, st.SearchStrategy[Body]] = {
    **{command: binds(command) for command in commands.BINDS},
    **{command | RESPONSE: st.builds(bodies.BindAnswer, words(15), tlvs) for command in commands.BINDS},
    commands.SUBMIT_SM: short_messages,
    commands.DELIVER_SM: short_messages,
    commands.SUBMIT_SM | RESPONSE: message_answers,
    commands.DELIVER_SM | RESPONSE: message_answers,
    commands.DATA_SM | RESPONSE: message_answers,
    commands.BROADCAST_SM | RESPONSE: message_answers,
    commands.QUERY_BROADCAST_SM | RESPONSE: message_answers,
    commands.DATA_SM: st.builds(bodies.DataSm, *address(64), *address(64), octets, octets, octets, words(5), tlvs),
    commands.SUBMIT_MULTI: st.builds(
        bodies.SubmitMulti,
        *address(),
        destinations,
        octets,
        octets,
        st.binary(max_size=254),
        octets,
        times,
        octets,
        octets,
        words(5),
        tlvs,
        times,
        octets,
        octets,
    ),
    commands.SUBMIT_MULTI | RESPONSE: st.builds(bodies.SubmitMultiAnswer, words(64), failures, tlvs),
    commands.QUERY_SM: queries,
    commands.QUERY_SM | RESPONSE: st.builds(bodies.QueryAnswer, words(64), times, octets, octets, tlvs),
    commands.CANCEL_SM: st.builds(bodies.Cancel, words(64), *address(), *address(), words(5), tlvs),
    commands.REPLACE_SM: st.builds(
        bodies.Replace, words(64), *address(), st.binary(max_size=254), times, times, octets, octets, tlvs
    ),
    commands.OUTBIND: st.builds(bodies.OutbindBody, words(15), words(8), tlvs),
    commands.ALERT_NOTIFICATION: st.builds(bodies.Alert, *address(64), *address(64), tlvs),
    commands.BROADCAST_SM: st.builds(
        bodies.Broadcast, *address(), words(64), octets, times, times, octets, octets, octets, words(5), tlvs
    ),
    commands.QUERY_BROADCAST_SM: queries,
    commands.CANCEL_BROADCAST_SM: st.builds(bodies.CancelBroadcast, words(64), *address(), words(5), tlvs),
    **dict.fromkeys(WITHOUT_FIELDS, empties),
}
pdus = st.sampled_from(sorted(BODIES)).flatmap(
    lambda command: st.builds(Pdu, st.just(command), st.sampled_from([0, 8, 0x58, 0x400]), sequences, BODIES[command])
)


def test_every_pdu_of_the_standard_has_its_law() -> None:
    assert set(BODIES) == set(layouts.LAYOUTS)


@given(pdus)
@settings(max_examples=400)
def test_what_is_written_is_read_back_and_is_not_odd(written: Pdu) -> None:
    read, odd = decode(encode(written))
    assert odd == ()
    if isinstance(written.body, bodies.Empty) and not written.body.tlvs:
        assert read.body == layouts.LAYOUTS[written.command].make()
    else:
        assert read == written


@given(short_messages, sequences)
@settings(max_examples=300)
def test_the_fast_way_and_the_careful_way_agree(message: ShortMessage, sequence: int) -> None:
    careful = encode(Pdu(commands.SUBMIT_SM, 0, sequence, message))
    assert pdu.encode_short_message(commands.SUBMIT_SM, sequence, message) == careful
    assert decode_short_message(careful, 16, len(careful)) == message
    template = pdu.SubmitTemplate(message._replace(destination="0", short_message=b"x"))
    assert template.encode(sequence, message.destination, message.short_message) == careful


@given(st.sampled_from(sorted(layouts.LAYOUTS)) | st.integers(0, 0xFFFFFFFF), st.binary(max_size=200))
@settings(max_examples=400)
def test_reading_never_fails_whatever_the_bytes(command: int, data: bytes) -> None:
    body, _ = layouts.decode_body(command, data, 0, len(data))
    fast = decode_short_message(data, 0, len(data))
    if fast is not None and command in (commands.SUBMIT_SM, commands.DELIVER_SM):
        assert fast == body


@given(short_messages.map(lambda m: encode(Pdu(commands.DELIVER_SM, 0, 1, m))[16:]), st.data())
@settings(max_examples=300)
def test_a_damaged_message_is_read_the_same_both_ways_or_left_to_the_careful_one(
    body: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(body) - 1))
    damaged = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
    fast = decode_short_message(damaged, 0, len(damaged))
    careful, odd = layouts.decode_body(commands.DELIVER_SM, damaged, 0, len(damaged))
    if fast is not None:
        assert (fast, ()) == (careful, odd)


# -- any cutting of the stream gives the same events ---------------------------------------------------


@dataclass
class Told:
    """Events without their grouping into reads."""

    traffic: dict[str, list[object]] = field(default_factory=dict)
    oddities: Counter[str] = field(default_factory=Counter)
    others: list[object] = field(default_factory=list)
    congestion: int | None = None

    def add(self, events: list[Event[int]]) -> None:
        for event in events:
            match event:
                case Answers(items, late):
                    self.traffic.setdefault(f"answers late={late}", []).extend(items)
                case Deliveries(messages) | Submits(messages):
                    self.traffic.setdefault("messages", []).extend(messages)
                case Oddity(name, _, count):
                    self.oddities[name] += count
                case Congestion(percent):
                    self.congestion = percent
                case _:
                    self.others.append(event)


def ready(*, is_client: bool) -> ClientSession[int] | ServerSession[int]:
    """A bound session with 20 messages in flight, the first five timed out."""
    client, server = ClientSession[int](0.0, window=20), ServerSession[int](0.0, window=20)
    client.bind(Bind(commands.BIND_TRANSCEIVER, "user", "pw"), 0.0)
    server.receive(client.data_to_send(), 0.0)
    server.accept_bind()
    client.receive(server.data_to_send(), 0.0)
    message = ShortMessage(0, 0, "", 1, 1, "336", 0, 0, b"x")
    send = client.submit if is_client else server.deliver
    one: ClientSession[int] | ServerSession[int] = client if is_client else server
    send([(token, message) for token in range(5)], 0.0)
    one.tick(10.0)
    send([(token, message) for token in range(5, 20)], 10.0)
    one.data_to_send()
    return one


def damage(data: bytes) -> st.SearchStrategy[bytes]:
    """The same PDU, perhaps with its body cut or lengthened, its length field right."""
    cut = st.integers(0, len(data) - 16).map(lambda n: data[: len(data) - n])
    grown = st.binary(min_size=1, max_size=6).map(lambda noise: data + noise)
    return (st.just(data) | st.just(data) | cut | grown).map(lambda body: len(body).to_bytes(4, "big") + body[4:])


def renumbered(data: bytes) -> st.SearchStrategy[bytes]:
    """The same PDU with a sequence number that is likely to be one of ours."""
    return st.integers(1, 24).map(lambda number: data[:12] + number.to_bytes(4, "big") + data[16:])


unknown = st.builds(
    lambda command, data: encode(Pdu(command, 0, 3, bodies.Raw(data))),
    st.sampled_from([0x00010200, 0x80010200, 0x7FFFFFFF]),
    st.binary(max_size=20),
)
streams = st.lists((pdus.map(encode) | unknown).flatmap(renumbered).flatmap(damage), min_size=1, max_size=12).map(
    b"".join
)
broken_streams = st.builds(
    lambda start, length, rest: start + length.to_bytes(4, "big") + bytes(12) + rest,
    streams,
    st.sampled_from([0, 5, 15, 200_000, 0xFFFFFFFF]),
    st.binary(max_size=30),
)


@given(streams | broken_streams, st.booleans(), st.data())
@settings(max_examples=400, deadline=None)
def test_any_cutting_of_the_stream_gives_the_same_events(stream: bytes, is_client: bool, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=25)))
    whole, pieces = ready(is_client=is_client), ready(is_client=is_client)
    at_once, piecewise = Told(), Told()
    at_once.add(whole.receive(stream, 11.0))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        piecewise.add(pieces.receive(stream[start:end], 11.0))
    assert piecewise == at_once
    assert pieces.data_to_send() == whole.data_to_send()
    assert pieces.state == whole.state
    assert pieces.next_deadline() == whole.next_deadline()


@given(st.lists(st.binary(max_size=60), max_size=10), st.booleans())
@settings(max_examples=300)
def test_no_bytes_of_the_peer_ever_raise(reads: list[bytes], is_client: bool) -> None:
    session = ready(is_client=is_client)
    for number, data in enumerate(reads):
        session.receive(data, 11.0 + number)
        session.tick(11.0 + number)
        session.data_to_send()


# -- every message comes back exactly once ---------------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(1, 8)),
        st.tuples(st.just("write"), st.just(0)),
        st.tuples(st.just("answer"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(1, 8)),
        st.tuples(st.just("odd"), st.integers(0, 2)),
    ),
    max_size=40,
)


@given(steps, st.booleans())
@settings(max_examples=300)
def test_every_token_comes_back_exactly_once(todo: list[tuple[str, int]], from_template: bool) -> None:
    now, token = 0.0, 0
    client = ClientSession[int](now, window=20, response_s=10.0, enquire_link_s=0.0)
    client.bind(Bind(commands.BIND_TRANSCEIVER, "user", "pw"), now)
    client.data_to_send()
    client.receive(encode(Pdu(9 | RESPONSE, 0, 1, bodies.BindAnswer())), now)
    template = pdu.SubmitTemplate(ShortMessage(0, 0, "", 1, 1, "336", 0, 0, b""))
    came_back: Counter[int] = Counter()
    late: Counter[int] = Counter()
    timed_out: set[int] = set()
    written: set[int] = set()

    def note(events: list[Event[int]]) -> None:
        for event in events:
            match event:
                case Answers(items, False):
                    came_back.update(item[0] for item in items)
                case Answers(items, True):
                    late.update(item[0] for item in items)
                case TimedOut(tokens):
                    came_back.update(tokens)
                    timed_out.update(tokens)
                case LinkLost(_, left, stayed):
                    came_back.update(left + stayed)
                    assert written.isdisjoint(stayed)
                    assert written.issuperset(left)
                case _:
                    pass

    for step, number in todo:
        if step == "submit":
            rows = [(token + at, "336", b"x") for at in range(min(number, client.free))]
            if from_template:
                client.submit_from(template, rows, now)
            else:
                message = ShortMessage(0, 0, "", 1, 1, "336", 0, 0, b"x")
                client.submit([(row[0], message) for row in rows], now)
            token += len(rows)
        elif step == "write":
            client.data_to_send()
            written = set(range(token))
        elif step == "answer":
            reply = Pdu(commands.SUBMIT_SM | RESPONSE, 0, number, MessageAnswer(str(number)))
            note(client.receive(encode(reply), now))
        elif step == "odd":
            noise = [commands.GENERIC_NACK, commands.ENQUIRE_LINK, 0x7777][number]
            note(client.receive(pdu.HEADER.pack(16, noise, 0, number), now))
        else:
            now += number
            note(client.tick(now))
    note(client.connection_lost(now))
    assert came_back == Counter(range(token))
    assert set(late) <= timed_out
    assert max(late.values(), default=0) <= 1


# -- receipts ------------------------------------------------------------------------------------------

FRAGMENTS = (
    b"id:|ID:12 |stat:|stat:DELIVRD |err:|err:001 |text:|sub:|done date:|submit date:2611230640 |dlvrd:001 |stat:5 "
).split(b"|")
receipt_pieces = st.lists(
    st.sampled_from([*FRAGMENTS, b" ", b"\0", b"\xff", b":"]) | st.binary(max_size=8),
    max_size=12,
).map(b"".join)


@given(receipt_pieces, tlvs | st.binary(max_size=20), octets)
@settings(max_examples=400)
def test_any_bytes_are_read_as_some_receipt(text: bytes, raw: bytes, esm_class: int) -> None:
    receipt = receipts.parse(text, raw)
    assert receipt.dlr_status in {0, 1, 2, 3, 9, 11, 12}
    assert receipt.is_final or receipt.dlr_status in {0, 1}
    receipts.is_receipt(esm_class, text, raw)
    receipts.match_keys(receipt.message_id)


@given(st.integers(0, 2**60), st.integers(0, 6), st.booleans(), st.booleans())
def test_one_number_is_found_in_every_spelling(number: int, zeros: int, upper: bool, hexadecimal: bool) -> None:
    decimal, hexed = str(number), f"{number:x}"
    submitted, reported = (hexed, decimal) if hexadecimal else (decimal, hexed)
    reported = "0" * zeros + (reported.upper() if upper else reported)
    assert receipts.key(submitted) in [found for _, found in receipts.match_keys(reported)]


@given(st.text(max_size=70))
def test_an_id_is_always_found_under_its_own_key(message_id: str) -> None:
    keys = receipts.match_keys(message_id)
    assert keys[:1] == ((("same", receipts.key(message_id)),) if receipts.key(message_id) else ())
    assert receipts.key(receipts.key(message_id)) == receipts.key(message_id)
