"""The octets of a fuzzer as the life of a link: what the peer sends, where it is cut, what we do and when.

Shape: one octet for the state the link starts in, one that says how many steps follow, the steps, an octet each, and
       then what the peer sends. A step takes some octets of that and does one thing of ours; the rest comes at once.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from chappe.telecom.smpp import commands, pdu
from chappe.telecom.smpp.bodies import Bind, BindAnswer, Query, ShortMessage
from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.events import (
    Answers,
    BindRequested,
    Deliveries,
    Event,
    LinkLost,
    Requested,
    Responded,
    Submits,
    TimedOut,
)
from chappe.telecom.smpp.pdu import Pdu
from chappe.telecom.smpp.session import ClientSession, ServerSession

TEXT: Final = ShortMessage(5, 0, "CHAPPE", 1, 1, "33612345678", 0, 0, b"Hello", 1)
BINDS: Final = tuple(
    Bind(mode, "user", "secret")
    for mode in (commands.BIND_TRANSCEIVER, commands.BIND_TRANSMITTER, commands.BIND_RECEIVER)
)
REQUESTS: Final = {bind: pdu.encode(Pdu(bind.command, 0, 1, bind)) for bind in BINDS}
ANSWERS: Final = {bind: pdu.encode(Pdu(bind.command | RESPONSE, 0, 1, BindAnswer("centre"))) for bind in BINDS}
SIZES: Final = (0, 1, 2, 3, 4, 7, 15, 16, 17, 18, 25, 40, 64, 100, 257, 1 << 20)
WAITS_S: Final = (0.05, 1.0, 4.9, 10.0, 12.0, 29.0, 31.0, 3600.0)
RESPONSE_S: Final = 10.0
LATE_KEPT: Final = 5
MAX_PDU_BYTES: Final = 4096
LIMITS: Final = {"response_s": RESPONSE_S, "late_kept": LATE_KEPT, "max_pdu_bytes": MAX_PDU_BYTES}

Link = ClientSession[int] | ServerSession[int]


def cut(data: bytes) -> tuple[int, bytes, bytes]:
    """The start, the steps and the stream in the octets of a fuzzer."""
    start, count = (data[0] if data else 0), (data[1] & 0x3F if len(data) > 1 else 0)
    return start, data[2 : 2 + count], data[2 + count :]


def opened(start: int) -> tuple[Link, bool]:
    """A link as the lowest bits of `start` want it, and whether it is ours to a carrier: a customer's otherwise."""
    is_client, is_bound, is_asked = not start & 1, start & 2, start & 4
    bind = BINDS[(start >> 3) % 3]
    window = 1 if start & 0x40 else 8
    if is_client:
        client = ClientSession[int](0.0, window=window, **LIMITS)  # type: ignore[arg-type]
        if is_bound or is_asked:
            client.bind(bind, 0.0)
            client.data_to_send()
        if is_bound:
            client.receive(ANSWERS[bind], 0.0)
        return client, True
    server = ServerSession[int](0.0, window=window, **LIMITS)  # type: ignore[arg-type]
    if is_bound or is_asked:
        server.receive(REQUESTS[bind], 0.0)
    if is_bound:
        server.accept_bind(system_id="centre")
        server.data_to_send()
    return server, False


class Story:
    """One link and what is said on it; `tell` lives it and finds out whether every law held."""

    def __init__(self, start: int) -> None:
        self.link, self.is_client = opened(start)
        self._accepts = not start & 0x80
        self._now = 0.0
        self._next = 0
        self._came_back: Counter[int] = Counter()
        self._late: Counter[int] = Counter()
        self._timed_out: set[int] = set()
        self._unacknowledged: list[int] = []
        self._asked_at = 0.0
        self._lost = 0

    def tell(self, steps: Sequence[int], stream: bytes) -> None:
        """Live through it: nothing raises, and every message is told exactly once."""
        at = 0
        for step in steps:
            size = SIZES[step >> 4]
            self._hear(stream[at : at + size])
            at += size
            self._act(step & 7, step >> 3)
        self._hear(stream[at:])
        self._note(self.link.connection_lost(self._now))
        assert self._lost == 1
        assert self._came_back == Counter(range(self._next)), "a message was lost or told twice"
        assert set(self._late) <= self._timed_out
        assert max(self._late.values(), default=0) <= 1
        assert self.link.next_deadline() is None
        assert (self.link.free, self.link.in_flight, self.link.unacknowledged) == (0, 0, 0)

    # -- what the peer does

    def _hear(self, data: bytes) -> None:
        if data:
            self._note(self.link.receive(data, self._now))
            self._look()

    # -- what we do

    def _act(self, action: int, size: int) -> None:
        link, now = self.link, self._now
        match action:
            case 0:
                self._send(size % 4)
            case 1:
                self._write()
            case 2:
                self._acknowledge(size)
            case 3 | 4:
                self._now += WAITS_S[size % 8]
                self._note(link.tick(self._now))
                deadline = link.next_deadline()
                assert deadline is None or deadline > self._now, "a timer that has run out and does not go away"
                if self._now >= self._asked_at + RESPONSE_S:
                    assert link.in_flight == 0, "a message that never times out"
            case 5 if link.state in commands.BOUND:
                link.request(self._token(), commands.QUERY_SM, Query("1", 1, 1, "336"), now)
            case 6 if link.state in commands.BOUND and size % 4 == 0:
                link.unbind(now)
            case _:
                pass
        self._look()

    def _send(self, wanted: int) -> None:
        count = min(wanted, self.link.free)
        self._asked_at = self._now
        items = [(self._token(), TEXT) for _ in range(count)]
        send = self.link.submit if isinstance(self.link, ClientSession) else self.link.deliver
        assert send(items, self._now) == []

    def _token(self) -> int:
        self._next += 1
        return self._next - 1

    def _write(self) -> None:
        """Take what we say: whole PDUs, none of them odd."""
        data = self.link.data_to_send()
        while data:
            length = int.from_bytes(data[:4], "big")
            _, odd = pdu.decode(data[:length])
            assert odd == (), "we wrote an odd PDU"
            data = data[length:]

    def _acknowledge(self, size: int) -> None:
        answered = self._unacknowledged[: size + 1]
        del self._unacknowledged[: size + 1]
        if isinstance(self.link, ClientSession):
            self.link.acknowledge(answered)
        else:
            self.link.answer_submits([(number, size & 1, "" if size & 1 else "id") for number in answered])

    # -- what we are told

    def _note(self, events: list[Event[int]]) -> None:
        for event in events:
            assert not self._lost, "told something after the end"
            match event:
                case Answers(items, False):
                    self._came_back.update(item[0] for item in items)
                case Answers(items, True):
                    self._late.update(item[0] for item in items)
                case TimedOut(tokens):
                    self._came_back.update(tokens)
                    self._timed_out.update(tokens)
                case Responded(token):
                    self._came_back[token] += 1
                case LinkLost(_, written, unwritten):
                    self._came_back.update(written + unwritten)
                    self._lost += 1
                case Deliveries(messages) | Submits(messages):
                    self._unacknowledged += [sequence for sequence, _ in messages]
                case BindRequested():
                    self._decide()
                case Requested(sequence, command) if isinstance(self.link, ServerSession):
                    self.link.respond(sequence, command, 0x08)
                case _:
                    pass

    def _decide(self) -> None:
        assert isinstance(self.link, ServerSession)
        if self.link.state is not commands.State.BINDING:
            return
        if self._accepts:
            self.link.accept_bind(system_id="centre")
        else:
            self.link.refuse_bind(0x0E)

    def _look(self) -> None:
        """What a session keeps stays within what it was told to keep."""
        link = self.link
        if not self._lost:
            assert link.unacknowledged == len(self._unacknowledged)
            assert len(link._data_sm) <= len(self._unacknowledged)
        assert link.in_flight <= link.window
        assert sum(map(len, link._framing._held)) <= MAX_PDU_BYTES
        assert len(link._requests.expired) <= LATE_KEPT
