"""Connections to an SMPP carrier: as many binds as configured, kept alive, fed evenly."""

import asyncio
import random
import ssl
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar, assert_never

import structlog

from chappe.carriers.addresses import Addresses
from chappe.carriers.connection import Address, Cut, LinkState, Listener, Outgoing, Question
from chappe.carriers.incoming import manner_of, read_delivery
from chappe.carriers.questions import NO_ANSWER, answer_of, query_of
from chappe.carriers.refusals import Refusals
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.submits import Writer
from chappe.domain.outcomes import ReceiptIn
from chappe.telecom.smpp import status as smpp_status
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER, QUERY_SM
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
from chappe.telecom.smpp.fields import EncodingError
from chappe.telecom.smpp.session import ClientSession

T = TypeVar("T")
_log = structlog.get_logger("chappe.carrier")

# Source: practice of gateways; a provider answers "too many binds" to faster ones.
RECONNECT_S = (1, 2, 5, 10, 30, 60)
REFUSED_S = (60, 300, 900)
JITTER = 0.3
CONNECT_S = 10.0
TICK_S = 0.2
CLOSE_S = 6.0
UNBOUND_S = 5.0  # how long answers are waited for after the carrier's unbind
UNACKNOWLEDGED_MOST = 20_000  # deliveries; a carrier that brings more than we can store waits


class Link(asyncio.Protocol, Generic[T]):
    """One TCP connection and its session."""

    def __init__(self, address: Address, options: SmppOptions, state: LinkState, listener: Listener[T]) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._options = options
        self._manner = manner_of(options)
        self._addresses = Addresses(options)
        self._refusals = Refusals(options.statuses, options.status_names)
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self.report = state
        self.session: ClientSession[T] = ClientSession(self._loop.time(), window=address.window)
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.refused_status: int | None = None
        self.is_bound = False
        self._can_write = True
        self._is_reading = True
        self._leaves_at: float | None = None

    # -- asyncio.Protocol
    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        now = self._loop.time()
        bind = Bind(BIND_TRANSCEIVER, self._address.system_id, self._address.password, self._options.system_type, 0x34)
        self.session.bind(bind, now)
        self._flush()
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def data_received(self, data: bytes) -> None:
        self._handle(self.session.receive(data, self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        reason = str(exc) if exc else "the carrier closed the connection"
        self._handle(self.session.connection_lost(self._loop.time(), reason))
        self._close(reason)
        self._transport = None

    def pause_writing(self) -> None:
        self._can_write = False
        self._steer_reading()

    def resume_writing(self) -> None:
        self._can_write = True
        self._steer_reading()
        self._listener.changed()

    # -- for the carrier
    @property
    def room(self) -> int:
        """How many messages the window has room for."""
        return self.session.free if self.is_bound else 0

    @property
    def free(self) -> int:
        """How many messages may be written now; none while the carrier does not read."""
        return self.room if self._can_write else 0

    def submit(self, items: Sequence[tuple[T, ShortMessage]]) -> list[tuple[T, str]]:
        """Write at most `room` messages; those that cannot be encoded come back with the reason."""
        failed = self.session.submit(items, self._loop.time())
        self.report.submitted += len(items) - len(failed)
        self._flush()
        return [(token, str(error)) for token, error in failed]

    def query(self, questions: Sequence[Question]) -> None:
        """Ask about parts, at most `session.free`."""
        unasked: list[tuple[Question, ReceiptIn | str]] = []
        for question in questions:
            token: Any = question  # told from the others when its answer comes
            try:
                self.session.request(token, QUERY_SM, query_of(self._addresses, question), self._loop.time())
            except EncodingError as error:
                unasked.append((question, f"cannot be asked about: {error}"))
        self._flush()
        if unasked:
            self._listener.told(unasked)

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Tell the carrier that its deliveries are safe with us."""
        if not self.closed.done():
            self.session.acknowledge(sequences)
            self._flush()
            self._steer_reading()

    def unbind(self) -> None:
        if not self.closed.done():
            if self.is_bound:
                self.session.unbind(self._loop.time())
                self._flush()
            else:
                self._close("stopped")

    # -- inside
    def _tick(self) -> None:
        if self.closed.done():
            return
        self._handle(self.session.tick(self._loop.time()))
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def _steer_reading(self) -> None:
        """Stop reading from a carrier that does not read itself, or that brings more than we have stored."""
        wants = self._can_write and self.session.unacknowledged < UNACKNOWLEDGED_MOST
        if wants == self._is_reading or self._transport is None or self._transport.is_closing():
            return
        self._is_reading = wants
        if wants:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _flush(self) -> None:
        data = self.session.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self, reason: str) -> None:
        if self.closed.done():
            return
        self.is_bound = False
        self.closed.set_result(reason)
        self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size():  # a carrier that reads no more would keep the socket
                self._loop.call_later(CLOSE_S, self._transport.abort)
        self._listener.changed()

    def _handle(self, events: list[Event[T]]) -> None:
        reason: str | None = None
        for event in events:
            told = self._one(event)
            reason = reason or told  # the first says why, the loss of the link only follows
        self._flush()
        self._steer_reading()
        if reason is None and self._leaves_at is not None:
            is_over = not self.session.in_flight or self._loop.time() >= self._leaves_at
            reason = "the carrier unbound us" if is_over else None
        if reason is not None:
            self._close(reason)

    def _one(self, event: Event[T]) -> str | None:
        """Act on one event; the reason when the link is over by it."""
        match event:
            case Answers(items, late):
                told = [(token, self._refusals.of(status) if status else None, ref) for token, status, ref in items]
                self._listener.answered(told, late=late)
            case Deliveries(items):
                read = [(sequence, read_delivery(body, self._manner)) for sequence, body in items]
                self._listener.delivered(self.acknowledge, read)
            case TimedOut(tokens):
                self._listener.unknown(self._without_questions(tokens))
            case LinkLost(reason, written, unwritten):
                self._listener.unknown(self._without_questions(written))
                self._listener.unsent(unwritten)
                return reason
            case Responded(Question() as question, status, body):
                self._listener.told([(question, answer_of(question, status, body, self._manner.dialect))])
            case Bound():
                self.is_bound = True
                self.report.state, self.report.detail, self.report.since = "bound", "", self._loop.time()
                _log.info("bound", carrier=self._address.name)
                self._listener.changed()
            case BindRefused(status, answered):
                self.refused_status = status if answered else None
                return _refusal(status) if answered else "the bind was never answered"
            case Congestion(percent):
                self._listener.congested(percent)
            case Oddity(name, detail, count):
                self._count(name, detail, count)
            case ProtocolError(detail):
                self._count("protocol_error", detail, 1)
                return f"garbage from the carrier: {detail}"
            case UnbindRequested():
                self.is_bound = False  # nothing new leaves; answers may still be on their way
                self._leaves_at = self._loop.time() + UNBOUND_S
                self._listener.changed()
            case Unbound():
                return "unbound"
            case Requested():
                pass  # alert_notification: a handset came back into reach, which nobody here waits for
            case BindRequested() | Submits() | Responded() | Outbind():
                self._count(type(event).__name__.lower(), "not for a client", 1)
            case _:
                assert_never(event)
        return None

    def _without_questions(self, tokens: list[T]) -> list[T]:
        """The submits among these; the questions are told that they get no answer."""
        questions: list[tuple[Question, ReceiptIn | str]] = [
            (token, NO_ANSWER) for token in tokens if isinstance(token, Question)
        ]
        if not questions:
            return tokens
        self._listener.told(questions)
        return [token for token in tokens if not isinstance(token, Question)]

    def _count(self, name: str, detail: str, count: int) -> None:
        before = self.report.oddities.get(name, 0)
        self.report.oddities[name] = before + count
        if not before:
            _log.warning("oddity", carrier=self._address.name, name=name, detail=detail)


class SmppCarrier(Generic[T]):
    """A carrier: its binds together."""

    def __init__(self, address: Address, options: SmppOptions, listener: Listener[T]) -> None:
        self.address = address
        self._options = options
        self._writer = Writer(options)
        self._listener = listener
        self._links: list[Link[T] | None] = [None] * address.binds
        self.states = [LinkState() for _ in range(address.binds)]
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._keep(i)) for i in range(self.address.binds)]

    def reconfigure(self, address: Address, options: SmppOptions) -> None:
        """Take changed settings of which none needs a new connection."""
        self.address, self._options, self._writer = address, options, Writer(options)

    @property
    def is_bound(self) -> bool:
        return any(link is not None and link.is_bound for link in self._links)

    @property
    def free(self) -> int:
        """How many submits the bound links take now."""
        return sum(link.free for link in self._links if link is not None)

    @property
    def capacity(self) -> int:
        """How many submits may be unanswered at the same time."""
        return self.address.binds * self.address.window

    def in_flight(self, bind: int) -> int:
        """Submits of a bind that are not answered."""
        link = self._links[bind]
        return link.session.in_flight if link is not None else 0

    def cut(self, message: Outgoing) -> Cut:
        """The submits of a message, in the order of its parts. Raises: ValueError when it cannot be encoded."""
        return self._writer.write(message)

    def submit(self, items: Sequence[tuple[T, ShortMessage]]) -> list[tuple[T, str]]:
        """Write at most `free` messages, spread over the binds; those that cannot be encoded come back."""
        failed: list[tuple[T, str]] = []
        links = [link for link in self._links if link is not None and link.room]
        links.sort(key=lambda link: -link.room)
        start = 0
        for place, link in enumerate(links):
            share = -(-(len(items) - start) // (len(links) - place))
            chunk = items[start : start + min(share, link.room)]
            if chunk:
                failed += link.submit(chunk)
                start += len(chunk)
        if start < len(items):  # the fullest links could not take their share
            return failed + self.submit(items[start:])
        return failed

    @property
    def can_query(self) -> bool:
        return self._options.can_query

    def query(self, questions: Sequence[Question]) -> None:
        """Ask about parts, at most `free`, spread over the binds."""
        links = [link for link in self._links if link is not None and link.is_bound and link.session.free]
        links.sort(key=lambda link: -link.session.free)
        start = 0
        for place, link in enumerate(links):
            share = -(-(len(questions) - start) // (len(links) - place))
            chunk = questions[start : start + min(share, link.session.free)]
            link.query(chunk)
            start += len(chunk)
        if start < len(questions):
            self._listener.told([(question, NO_ANSWER) for question in questions[start:]])

    async def stop(self) -> None:
        """Unbind every link and close it."""
        self._is_stopping = True
        for link in self._links:
            if link is not None:
                link.unbind()
        closing = [link.closed for link in self._links if link is not None]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, bind: int) -> None:
        """Connect, wait for the end, wait a while, connect again."""
        failures = refusals = 0
        state = self.states[bind]
        while not self._is_stopping:
            state.state = "connecting"
            link: Link[T] = Link(self.address, self._options, state, self._listener)
            began = asyncio.get_running_loop().time()
            reason = await self._connect(bind, link)
            if self._is_stopping:
                break
            was_bound = state.state == "bound"
            if was_bound:
                failures = refusals = 0
            if link.refused_status is not None:
                delay = REFUSED_S[min(refusals, len(REFUSED_S) - 1)]
                refusals += 1
                state.state = "refused"
            else:
                delay = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)]
                failures += 1
                state.state = "down"
            wait = delay * random.uniform(1 - JITTER, 1 + JITTER)
            state.detail = f"{reason}; next try in {wait:.0f} s"
            state.since = asyncio.get_running_loop().time()
            lasted = round(state.since - began, 1)
            _log.warning(
                "link ended",
                carrier=self.address.name,
                bind=bind,
                reason=reason,
                lasted_s=lasted,
                wait_s=round(wait, 1),
            )
            self._listener.changed()
            await asyncio.sleep(wait)
        state.state, state.detail = "closed", ""

    async def _connect(self, bind: int, link: Link[T]) -> str:
        loop = asyncio.get_running_loop()
        try:
            context = self._tls()
            async with asyncio.timeout(CONNECT_S):
                await loop.create_connection(lambda: link, self.address.host, self.address.port, ssl=context)
        except (OSError, ssl.SSLError) as error:
            return f"cannot connect: {error or type(error).__name__}"
        self._links[bind] = link
        try:
            return await asyncio.shield(link.closed)
        finally:
            self._links[bind] = None

    def _tls(self) -> ssl.SSLContext | None:
        if not self.address.tls:
            return None
        return ssl.create_default_context(cafile=self._options.tls_ca_file or None)


def _refusal(status: int) -> str:
    known = smpp_status.lookup(status)
    return f"the carrier refused the bind: {known.name}"
