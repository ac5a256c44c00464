"""One connection of a customer: a server session and its socket."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, cast

import structlog

from chappe.store.bound_deliveries import DueDelivery
from chappe.surfaces.smpp_server import statuses
from chappe.surfaces.smpp_server.customer import Answer, Asked, Customer, Submitted
from chappe.surfaces.smpp_server.deliveries import Wire, deliver_sm
from chappe.surfaces.smpp_server.tls import names_in
from chappe.telecom.smpp.bodies import Bind, Body, ShortMessage, SubmitMulti
from chappe.telecom.smpp.commands import BOUND, State
from chappe.telecom.smpp.events import (
    Answers,
    BindRequested,
    Event,
    LinkLost,
    Oddity,
    ProtocolError,
    Requested,
    Submits,
    TimedOut,
    UnbindRequested,
    Unbound,
)
from chappe.telecom.smpp.session import ServerSession

_log = structlog.get_logger("chappe.binds")

_HIGH_WATER_BYTES: Final = 256 * 1024
# The longest PDU of a customer: a submit_multi with every field as long as it may be has 72,002 octets.
MAX_PDU_BYTES: Final = 72 * 1024
# How much of what a customer asks may wait for our answers, on one link; with one read more.
MAX_UNANSWERED_BYTES: Final = 2 * 1024 * 1024
# Deliveries whose time is over, and whose answers are still known when they come.
LATE_KEPT: Final = 2000
# How long a customer has to acknowledge a delivery.
ACKNOWLEDGE_S: Final = 60.0
BIND_S: Final = 10.0
# How long the end of a connection may take, when we end it.
CLOSE_S: Final = 1.0
# A customer who says nothing for so long is asked whether he is there.
ENQUIRE_S: Final = 30.0
MODES: Final = {
    State.BOUND_TX: "transmitter",
    State.BOUND_RX: "receiver",
    State.BOUND_TRX: "transceiver",
}
# How many different oddities of a customer are counted.
_MAX_ODDITIES: Final = 50


class Centre(Protocol):
    """What a link asks of the server it belongs to."""

    async def bind(self, link: "Link", request: Bind) -> Customer | int:
        """The customer who binds, or the status that refuses him."""

    def closed(self, link: "Link") -> None:
        """The connection is gone."""


class Link(asyncio.Protocol):
    """Bytes between a socket and a session; what to do is asked from the customer."""

    def __init__(self, centre: Centre, *, is_tls: bool, admits: Callable[["Link"], bool]) -> None:
        self._centre = centre
        self._admits = admits
        self._loop = asyncio.get_running_loop()
        self.session: ServerSession[DueDelivery] = ServerSession(
            self._loop.time(), response_s=ACKNOWLEDGE_S, bind_s=BIND_S, enquire_link_s=ENQUIRE_S,
            max_pdu_bytes=MAX_PDU_BYTES, late_kept=LATE_KEPT,
        )  # fmt: skip
        self.is_tls = is_tls
        self.address = ""
        self.certificate_names: frozenset[str] = frozenset()
        self.customer: Customer | None = None
        self.version = 0x34
        self.mode = ""
        self.bound_at = 0
        self.password_hash = ""
        self.received = self.refused = self.delivered = 0
        self.oddities: Counter[str] = Counter()
        self._unanswered = 0
        self._unanswered_bytes = 0  # what came since everything was answered
        # What is said last to somebody who takes leave: answers to what he asked before go first.
        self._farewell: bytes | None = None
        self._ends_because = ""
        self._can_write = True
        self._is_reading = True
        self._binding: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.is_tls and not self.arrives(transport):
            return
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self.certificate_names = names_in(transport.get_extra_info("peercert"))
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._unanswered_bytes += len(data)
        self._step(partial(self.session.receive, data))

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._step(self.session.connection_lost)
        for each in (self._timer, self._cut, self._binding):
            if each is not None:
                each.cancel()
        self._centre.closed(self)

    def pause_writing(self) -> None:
        self._can_write = False
        self._steer_reading()

    def resume_writing(self) -> None:
        self._can_write = True
        self._steer_reading()
        self._flush()
        if self.customer is not None:
            self.customer.pump()

    # -- for the customer and the server

    def arrives(self, transport: asyncio.BaseTransport) -> bool:
        """Somebody has connected, and counts from now on; False when there is no room, and he is cut off.

        Shape: over TLS `connection_made` comes later, after the handshake.
        """
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else "0.0.0.0"  # noqa: S104 - gone already
        if self._admits(self):
            return True
        self._transport.abort()
        return False

    @property
    def is_bound(self) -> bool:
        return self.session.state in BOUND

    @property
    def free(self) -> int:
        """How many deliveries may be sent now."""
        return self.session.free if self._can_write and not self._transport.is_closing() else 0

    @property
    def in_flight(self) -> int:
        """Deliveries that wait for their answer."""
        return self.session.in_flight

    def deliver(self, deliveries: list[DueDelivery]) -> None:
        """Send deliveries, at most `free`."""
        if self.customer is None:
            return
        wire = Wire(self.version, self.customer.user.options.alphabet)
        written, failed = [], []
        for each in deliveries:
            try:
                written.append((each, deliver_sm(each.body, wire)))
            except Exception:
                _log.exception("bug", delivery=each.id, **self.told())
                failed.append(each)
        if failed:  # kept for a program that can write it, and in nobody's way
            self.customer.not_taken(failed, [])
        unsendable = self.session.deliver(written, self._loop.time())
        if unsendable:
            self.customer.unsendable([each for each, _ in unsendable])
        self._flush()
        self._wake()

    def answer(self, answers: list[Answer]) -> None:
        """Answer submits."""
        self._answered(len(answers), sum(status != 0 for _, status, _ in answers))
        self.session.answer_submits(answers)
        self._flush()
        self._steer_reading()

    def respond(self, sequence: int, command: int, status: int, body: Body | None) -> None:
        """Answer another request. Raises: EncodingError for a body that no PDU takes; nothing is answered then."""
        self.session.respond(sequence, command, status, body)
        self._answered(1, status != 0)
        self._flush()
        self._steer_reading()

    def close(self, why: str, *, within_s: float = CLOSE_S) -> None:
        """Answer what was asked, say good-bye and end, within so long at most."""
        if self._ends_because:
            return
        self._ends_because = why
        self._loop.call_later(within_s, self.abort)
        if not self.is_bound:
            self._transport.close()
        elif self._unanswered:
            self._steer_reading()
        else:
            self._say_good_bye()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def told(self) -> dict[str, object]:
        """Who it is, for the log."""
        system_id = self.customer.user.system_id if self.customer else "-"
        return {"system_id": system_id, "address": self.address, "mode": self.mode or "-", "tls": self.is_tls}

    # -- inside

    def _answered(self, count: int, refused: int) -> None:
        self._unanswered -= count
        self.refused += refused
        if self._unanswered:
            return
        if self._farewell is not None:
            self._loop.call_soon(self._leave)
        elif self._ends_because:
            self._loop.call_soon(self._say_good_bye)

    def _say_good_bye(self) -> None:
        if self.is_bound:
            _log.info("bind ends", why=self._ends_because, **self.told())
            self.session.unbind(self._loop.time())
            self._flush()
            self._steer_reading()
            self._wake()

    def _leave(self) -> None:
        """End the connection of somebody who said good-bye, once all is answered."""
        self._flush()
        if self._farewell and not self._transport.is_closing():
            self._transport.write(self._farewell)
        self._end()

    def _end(self) -> None:
        """Close the connection once what was written has left, and cut it if that takes too long."""
        if self._binding is not None:
            self._binding.cancel()
        self._transport.close()
        if self._cut is None:
            self._cut = self._loop.call_later(CLOSE_S, self.abort)

    def _tick(self) -> None:
        self._timer = None
        self._step(self.session.tick)

    def _wake(self) -> None:
        """See to it that the session's timers run."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.session.next_deadline()
        if at is not None:
            self._timer = self._loop.call_at(max(at, self._loop.time() + 0.01), self._tick)

    def _flush(self) -> None:
        data = self.session.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _steer_reading(self) -> None:
        """Stop reading from a customer who does not read himself, or who is too far ahead of our answers.

        That is by his window, or by what may wait in octets: until all of that is answered.
        """
        window = self.customer.user.options.window if self.customer else 1
        if not self._unanswered:
            self._unanswered_bytes = 0
        wants = self._can_write and self._unanswered < window and self._unanswered_bytes < MAX_UNANSWERED_BYTES
        if self._ends_because and self.is_bound:  # he asks for nothing new before we have said good-bye
            wants = False
        if wants != self._is_reading and not self._transport.is_closing():
            self._is_reading = wants
            if wants:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _step(self, session: Callable[[float], list[Event[DueDelivery]]]) -> None:
        """Let the session do something, and do what follows; a fault of ours ends this link and nothing else."""
        try:
            self._handle(session(self._loop.time()))
        except Exception:
            self._broken()

    def _broken(self) -> None:
        """A fault of ours: the customer sees that his link ends and binds again, instead of waiting for nothing."""
        _log.exception("bug", **self.told())
        self._transport.abort()

    def _handle(self, events: list[Event[DueDelivery]]) -> None:
        is_over = False
        for event in events:
            is_over |= self._one(event)
        self._flush()
        self._steer_reading()
        if is_over:
            self._end()
            if not self._can_write:  # he does not read: what is left for him would never leave
                self._transport.abort()
        else:
            self._wake()

    def _one(self, event: Event[DueDelivery]) -> bool:
        """Act on one event; true when the link is over by it."""
        match event:
            case Submits(items):
                self._submitted(items)
            case Answers(items, late):
                if self.customer is not None:
                    self.delivered += self.customer.acknowledged(items, is_late=late)
                    self.customer.pump()
            case Requested(sequence, command, body):
                self._asked(sequence, command, body)
            case BindRequested(request):
                self._binding = asyncio.ensure_future(self._try_to_bind(request))
            case TimedOut(tokens):
                if self.customer is not None:
                    self.customer.not_taken(tokens, [])
            case LinkLost(reason, written, unwritten):
                if self.customer is not None:
                    _log.info("bind lost", why=reason, **self.told())
                    self.customer.not_taken(written, unwritten)
                return True
            case Oddity(name, detail, count):
                self._odd(name, detail, count)
            case UnbindRequested() | Unbound():
                if not self._unanswered:
                    return True
                self._farewell = self.session.data_to_send()
            case ProtocolError(detail):
                self._odd("stream makes no sense", detail, 1)
            case _:
                pass
        return False

    def _odd(self, name: str, detail: str, count: int) -> None:
        if name in self.oddities or len(self.oddities) < _MAX_ODDITIES:
            if name not in self.oddities:
                _log.info("oddity", name=name, detail=detail, **self.told())
            self.oddities[name] += count

    def _submitted(self, items: list[tuple[int, ShortMessage]]) -> None:
        if self.customer is None:
            return
        self.received += len(items)
        self._unanswered += len(items)
        allowed = self.customer.allowed(len(items))
        self.customer.ask([Submitted(self, sequence, body) for sequence, body in items[:allowed]])
        if allowed < len(items):
            self.answer([(sequence, statuses.THROTTLED, "") for sequence, _ in items[allowed:]])

    def _asked(self, sequence: int, command: int, body: Body) -> None:
        if self.customer is None:
            return
        self.received += 1
        self._unanswered += 1
        if isinstance(body, SubmitMulti) and not self.customer.allows_all(len(body.destinations)):
            self.respond(sequence, command, statuses.THROTTLED, None)
        else:
            self.customer.ask([Asked(self, sequence, command, body)])

    async def _try_to_bind(self, request: Bind) -> None:
        try:
            await self._bind(request)
        except Exception:
            self._broken()

    async def _bind(self, request: Bind) -> None:
        found = await self._centre.bind(self, request)
        if self.session.state is not State.BINDING:  # he has gone meanwhile
            return
        if isinstance(found, int):
            self.session.refuse_bind(found)
            self._flush()
            self._wake()
            return
        self.version = min(request.interface_version, 0x50) if request.interface_version >= 0x34 else 0x33
        self.version = 0x34 if 0x34 <= self.version < 0x50 else self.version
        self.session.window = found.user.options.deliveries
        self.session.accept_bind(system_id="Chappe", interface_version=self.version)
        self.mode = MODES[self.session.state]
        self.customer = found
        self.password_hash = found.user.password_hash
        found.links.add(self)
        self._flush()
        self._wake()
        self._steer_reading()
        _log.info("bound", version=f"{self.version:#x}", **self.told())
        found.pump()
