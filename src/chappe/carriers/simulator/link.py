"""One connection to the simulated carrier: a server session and its socket."""

import asyncio
import math
from typing import Protocol, assert_never, cast

from chappe.telecom.smpp import commands, status
from chappe.telecom.smpp.bodies import Bind, Body, Query, QueryAnswer, ShortMessage
from chappe.telecom.smpp.events import (
    Answers,
    BindRefused,
    BindRequested,
    Bound,
    Congestion,
    Deliveries,
    Event,
    LinkLost,
    Oddity,
    Outbind,
    ProtocolError,
    Requested,
    Responded,
    Submits,
    TimedOut,
    UnbindRequested,
    Unbound,
)

from .account import Outgoing, delivery, wire_time
from .faults import Mood
from .options import SimulatorOptions
from .session import CentreSession
from .slow_writer import SlowWriter

_TICK_S = 0.25
_HIGH_WATER_BYTES = 1 << 20
_UNACKNOWLEDGED_MOST = 20_000

Answer = tuple[int, int, str]


class Centre(Protocol):
    """What a link asks of the carrier it belongs to."""

    @property
    def options(self) -> SimulatorOptions:
        """How the carrier behaves now."""

    @property
    def mood(self) -> Mood:
        """What holds for all links now."""

    def ignores_probe(self) -> bool:
        """Whether the enquire_link that just came gets no answer."""

    def opened(self, link: "Link") -> None:
        """A connection was made."""

    def turned_away(self) -> None:
        """A connection was made while the link is down."""

    def bind_status(self, link: "Link", bind: Bind) -> int | None:
        """Whether this customer may bind: a command_status, None for no answer at all."""

    def bound(self, link: "Link", bind: Bind) -> None:
        """The bind was accepted."""

    def submitted(self, link: "Link", items: list[tuple[int, ShortMessage]]) -> None:
        """Messages came; the link is answered with `answer`."""

    def delivered(self, items: list[Outgoing]) -> None:
        """Deliveries left."""

    def acknowledged(self, link: "Link", items: list[tuple[Outgoing, int, str]]) -> None:
        """The customer answered deliveries in time."""

    def not_delivered(self, link: "Link", items: list[Outgoing]) -> None:
        """Deliveries got no answer."""

    def query(self, body: Query) -> QueryAnswer | None:
        """What became of a message, None when unknown."""

    def noticed(self, oddity: Oddity) -> None:
        """The customer bent a rule."""

    def closed(self, link: "Link") -> None:
        """The connection is gone."""


class Link(asyncio.Protocol):
    """Bytes between a socket and a session; what to do is asked from the centre."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._loop = asyncio.get_running_loop()
        self.session: CentreSession[Outgoing] = CentreSession(self._loop.time(), window=centre.options.window)
        self.session.ignores_probe = centre.ignores_probe
        self.system_id = ""
        self.interface_version = 0x34
        self.received = 0
        self.tokens = math.inf
        self.tokens_at = self._loop.time()
        self._can_write = True
        self._is_reading = True
        self._slow: SlowWriter | None = None

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        if self._centre.mood.is_down:
            self._centre.turned_away()
            self._transport.abort()
            return
        self._centre.opened(self)
        self.feel()

    def data_received(self, data: bytes) -> None:
        self._handle(self.session.receive(data, self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        if self._slow is not None:
            self._slow.stop()
        self._centre.closed(self)
        self._handle(self.session.connection_lost(self._loop.time()))

    def pause_writing(self) -> None:
        self._can_write = False
        self._steer_reading()

    def resume_writing(self) -> None:
        self._can_write = True
        self._steer_reading()
        self.flush()

    # -- for the centre

    @property
    def is_open(self) -> bool:
        """Whether anything can still be said."""
        return not self._transport.is_closing()

    @property
    def may_answer(self) -> bool:
        """Whether an answer would still leave."""
        return self.is_open and self.session.may_answer

    @property
    def free(self) -> int:
        """How many deliveries may be sent now."""
        return self.session.free if self._can_write and self.is_open else 0

    def deliver(self, items: list[Outgoing]) -> None:
        """Send deliveries, at most `free`."""
        options, done_at = self._centre.options, wire_time()
        written = [(item, delivery(item, options, done_at)) for item in items]
        self.session.deliver(written, self._loop.time())
        self._centre.delivered(items)
        self.flush()

    def answer(self, answers: list[Answer]) -> None:
        """Answer submits."""
        self.session.answer_submits(answers)
        self.flush()
        self._steer_reading()

    def feel(self) -> None:
        """Follow the mood of the carrier: whether it reads, how fast it writes."""
        mood = self._centre.mood
        if mood.octets_per_s is not None:
            self._slow = self._slow or SlowWriter(self._transport, self._loop)
            self._slow.octets_per_s = mood.octets_per_s
        elif self._slow is not None:
            self._slow.stop()
            self._slow = None
        self._steer_reading()

    def close(self) -> None:
        """End the connection when what was written has left."""
        self.flush()
        if self._slow is not None:
            self._slow.stop()
        self._transport.close()

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()

    def unbind(self) -> None:
        """Say good-bye."""
        if self.session.state in commands.BOUND:
            self.session.unbind(self._loop.time())
            self.flush()

    def flush(self) -> None:
        """Write what the session has to say."""
        data = self.session.data_to_send()
        if not data or not self.is_open:
            return
        if self._slow is None:
            self._transport.write(data)
        else:
            self._slow.write(data)

    # -- inside

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        self._handle(self.session.tick(self._loop.time()))

    def _steer_reading(self) -> None:
        """Stop reading from a customer who does not read himself, or who is far ahead of our answers."""
        wants = (
            self._can_write
            and self.session.unacknowledged < _UNACKNOWLEDGED_MOST
            and self._centre.mood.is_reading
            and (self._slow is None or self._slow.waiting < _HIGH_WATER_BYTES)
        )
        if wants != self._is_reading and self.is_open:
            self._is_reading = wants
            if wants:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _handle(self, events: list[Event[Outgoing]]) -> None:
        is_over = False
        for event in events:
            is_over |= self._one(event)
        self.flush()
        self._steer_reading()
        if is_over:
            self.close()

    def _one(self, event: Event[Outgoing]) -> bool:
        """Act on one event; true when the link is over by it."""
        match event:
            case Submits(items):
                self._centre.submitted(self, items)
            case Answers(answers, late):
                if not late:  # what timed out was given back already and is delivered again
                    self._centre.acknowledged(self, answers)
            case BindRequested(request):
                self._bind(request)
            case TimedOut(tokens):
                self._centre.not_delivered(self, tokens)
            case LinkLost(_, written, unwritten):
                self._centre.not_delivered(self, written + unwritten)
                return True
            case Requested(sequence, command, body):
                self._respond(sequence, command, body)
            case Oddity():
                self._centre.noticed(event)
            case UnbindRequested() | Unbound():
                return True
            case ProtocolError() | Deliveries() | Bound() | BindRefused() | Outbind() | Congestion() | Responded():
                pass
            case _:
                assert_never(event)
        return False

    def _bind(self, request: Bind) -> None:
        refusal = self._centre.bind_status(self, request)
        if refusal is None:
            return
        if refusal:
            self.session.refuse_bind(refusal)
            return
        self.system_id = request.system_id
        self.interface_version = 0x50 if request.interface_version >= 0x50 else 0x34
        self.session.accept_bind(system_id=self._centre.options.name, interface_version=self.interface_version)
        self.flush()
        self._centre.bound(self, request)

    def _respond(self, sequence: int, command: int, body: Body) -> None:
        refusals = {
            commands.CANCEL_SM: status.STATUSES[0x11].value,
            commands.REPLACE_SM: status.STATUSES[0x13].value,
            commands.QUERY_SM: status.STATUSES[0x67].value,
        }
        if isinstance(body, Query) and command == commands.QUERY_SM:
            found = self._centre.query(body)
            if found is not None:
                self.session.respond(sequence, command, status.ESME_ROK, found)
                return
        self.session.respond(sequence, command, refusals.get(command, status.ESME_RINVCMDID))
