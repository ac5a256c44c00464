"""One connection to an SMPP carrier and its session: bytes in, what the carrier said out."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar, assert_never

import structlog

from chappe.carriers.acknowledgements import Acknowledgements, wall_ms
from chappe.carriers.addresses import Addresses
from chappe.carriers.connection import Address, LinkState, Listener, Question
from chappe.carriers.incoming import is_binary, manner_of, read_delivery
from chappe.carriers.questions import NO_ANSWER, answer_of, query_of
from chappe.carriers.refusals import Refusals
from chappe.carriers.silence import NEVER_ANSWERED, Silence
from chappe.carriers.smpp_options import VERSIONS, SmppOptions
from chappe.carriers.tls import failure
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.telecom.smpp import status as smpp_status
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER, BOUND, QUERY_SM
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
from chappe.telecom.smpp.oddities import BINARY_TEXT
from chappe.telecom.smpp.session import ClientSession

T = TypeVar("T")
_log = structlog.get_logger("chappe.carrier")

MODES: Final = {BIND_TRANSCEIVER: "transceiver", BIND_TRANSMITTER: "transmitter", BIND_RECEIVER: "receiver"}
TICK_S = 0.2
CLOSE_S = 6.0
UNBOUND_S = 5.0  # how long answers are waited for after the carrier's unbind
FORGOTTEN_S = 1.0  # and after it said that we are not bound: its unbind may be on its way
LATE_S = 5.0  # sooner no centre gives an acknowledgement up
UNACKNOWLEDGED_MOST = 20_000  # deliveries; a carrier that brings more than we can store waits
# How much of the last measured answer time the next one replaces.
_FRESH = 0.3
# The oddity that is counted for a carrier that forgets that we are bound.
NOT_BOUND = "says that we are not bound"
# Why a link ended that no fault of ours may keep from beginning anew.
OUR_FAULT: Final = "a fault of ours: the log has it"


class Link(asyncio.Protocol, Generic[T]):
    """One TCP connection and its session.

    Shape: `command` says what it binds as; `bound` is called when the centre agrees; `version` is what the centre says
           it speaks, None when it does not; `bound_at` is when it did, None until then; `was_left` tells a good-bye of
           the carrier from a loss; `was_silent` says that it has answered no submit since too many went unanswered,
           `gave_up` that the link was closed for that; `ended_ms` is when it ended after it was bound, `lost_ms` when
           the one before it did.
    """

    def __init__(
        self, address: Address, options: SmppOptions, command: int, state: LinkState, listener: Listener[T],
        bound: Callable[[], None] = lambda: None, acknowledgements: Acknowledgements | None = None,
        lost_ms: int | None = None, *, was_silent: bool = False,
    ) -> None:  # fmt: skip
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._command = command
        self._listener = listener
        self._bound = bound
        self._acknowledgements = acknowledgements or Acknowledgements(wall_ms())
        self._lost_ms = lost_ms
        self.ended_ms: int | None = None
        self._waits_since: float | None = None
        self._transport: asyncio.Transport | None = None
        self.report = state
        self.session: ClientSession[T] = ClientSession(
            self._loop.time(), window=address.window, response_s=options.response_s, bind_s=options.bind_s,
            enquire_link_s=options.enquire_link_s, enquire_response_s=options.enquire_response_s,
            inactivity_s=options.inactivity_s,
        )  # fmt: skip
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.refused_status: int | None = None
        self.is_bound = False
        self.was_left = False
        self.gave_up = False
        self.bound_at: float | None = None
        self.version: int | None = None
        self._silence = Silence(was_silent=was_silent)
        self._timer: asyncio.TimerHandle | None = None
        self._can_write = True
        self._is_reading = True
        self._leaves_at: float | None = None
        # A sample of the answer time: when so many have been answered, those written until `_asked_at` are.
        self._asked = self._answered = self._sample = 0
        self._asked_at = 0.0
        self.reconfigure(address, options)

    def reconfigure(self, address: Address, options: SmppOptions) -> None:
        """Take changed settings of which none needs a new connection."""
        self._address, self._options = address, options
        self._manner = manner_of(options)
        self._addresses = Addresses(options)
        self._refusals = Refusals(options.statuses, options.status_names)
        self.session.window = address.window

    # -- asyncio.Protocol
    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        try:
            self._begin()
        except Exception:
            self._fail()

    def _begin(self) -> None:
        options = self._options
        bind = Bind(
            self._command, self._address.system_id, self._address.password, options.system_type,
            VERSIONS[options.interface_version], options.addr_ton, options.addr_npi, options.address_range,
        )  # fmt: skip
        self.session.bind(bind, self._loop.time())
        self._flush()
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def data_received(self, data: bytes) -> None:
        try:
            self._handle(self.session.receive(data, self._loop.time()))
        except Exception:
            self._fail()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = failure(exc) if exc else "the carrier closed the connection"
        self._transport = None  # nothing more can be written, and TLS has forgotten it already
        try:
            self._handle(self.session.connection_lost(self._loop.time(), reason))
        except Exception:
            self._fail()
        self._close(reason)

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
        if not self.is_bound:
            return 0
        if self._silence.is_trying:
            return max(0, min(1, self.session.free) - self.session.in_flight)
        return self.session.free

    @property
    def was_silent(self) -> bool:
        return self._silence.is_trying

    @property
    def free(self) -> int:
        """How many messages may be written now; none while the carrier does not read."""
        return self.room if self._can_write else 0

    @property
    def takes(self) -> bool:
        """Whether it is there for submits."""
        return self.is_bound and self._command != BIND_RECEIVER

    @property
    def takes_fields(self) -> bool:
        """Whether the centre knows TLVs, as far as it or the settings say. Source: SMPP 3.4, 5.3.2.25."""
        match self._options.optional_fields:
            case "always":
                return True
            case "never":
                return False
            case _:
                told = self.version if self.version is not None else VERSIONS[self._options.interface_version]
                return told >= VERSIONS["3.4"]

    def submit(self, items: Sequence[tuple[T, ShortMessage]]) -> list[tuple[T, str]]:
        """Write at most `room` messages; those that cannot be encoded come back with the reason."""
        now = self._loop.time()
        failed = self.session.submit(items, now)
        written = len(items) - len(failed)
        self.report.submitted += written
        self._asked += written
        if written:
            self._silence.sent()
            if not self._sample:
                self._sample, self._asked_at = self._asked, now
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
            self._note_late(wall_ms())
            self._waits_since = self._loop.time() if self.session.unacknowledged else None
            self._steer_reading()

    def unbind(self) -> None:
        if not self.closed.done():
            if self.is_bound:
                self.session.unbind(self._loop.time())
                self._flush()
            else:
                self._close("stopped")

    # -- inside
    def _read(self, items: Iterable[tuple[int, ShortMessage]]) -> list[tuple[int, ReceiptIn | ReplyIn]]:
        """What was delivered; a reply knows which earlier ones it may repeat."""
        now = wall_ms()
        self._note_late(now - 1)
        if self._waits_since is None:
            self._waits_since = self._loop.time()
        doubt, binary = self._acknowledgements.doubt(now), 0
        read: list[tuple[int, ReceiptIn | ReplyIn]] = []
        for sequence, body in items:
            item = read_delivery(body, self._manner)
            if isinstance(item, ReplyIn):
                item = item._replace(at=now, doubt=doubt)
                binary += is_binary(body.data_coding, self._manner)
            read.append((sequence, item))
        if binary:
            self._count(BINARY_TEXT, "in a reply", binary)
        return read

    def _note_late(self, at: int) -> None:
        """A centre that waited so long for an acknowledgement may have given it up."""
        if self._waits_since is not None and self._loop.time() - self._waits_since >= LATE_S:
            self._acknowledgements.late(at)

    def _tick(self) -> None:
        if self.closed.done():
            return
        self._timer = self._loop.call_later(TICK_S, self._tick)
        try:
            self._handle(self.session.tick(self._loop.time()))
        except Exception:
            self._fail()

    def _fail(self) -> None:
        """An exception that nobody foresaw: the link ends by it, so that another one begins."""
        _log.exception("bug", carrier=self._address.name)
        self._close(OUR_FAULT)

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
        if self.bound_at is not None:
            self.ended_ms = wall_ms()
            self._acknowledgements.lost(self.ended_ms)
        self.closed.set_result(reason)
        if self._timer is not None:
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
            is_quiet = not self.session.in_flight and not self.session.unacknowledged
            if (is_quiet and self.was_left) or self._loop.time() >= self._leaves_at:
                reason = "the carrier unbound us" if self.was_left else f"the carrier {NOT_BOUND}"
        if reason is not None:
            self._close(reason)

    def _one(self, event: Event[T]) -> str | None:
        """Act on one event; the reason when the link is over by it."""
        match event:
            case Answers(items, late):
                self._answers(items, late=late)
            case Deliveries(items):
                self._listener.delivered(self.acknowledge, self._read(items))
            case TimedOut(tokens):
                self._answered += len(tokens)
                submits = self._without_questions(tokens)
                self._listener.unknown(submits)
                return self._unanswered(len(submits))
            case LinkLost(reason, written, unwritten):
                self._listener.unknown(self._without_questions(written))
                self._listener.unsent(unwritten)
                return reason
            case Responded(Question() as question, status, body):
                self._listener.told([(question, answer_of(question, status, body, self._manner.dialect))])
            case Bound(_, version):
                self._is_bound_now(version)
            case BindRefused(status, answered):
                self.refused_status = status if answered else None
                said = f"the carrier refused the bind: {self._refusals.name(status)}"
                return said if answered else "the bind was never answered"
            case Congestion(percent):
                self._listener.congested(percent)
            case Oddity(name, detail, count):
                self._count(name, detail, count)
            case ProtocolError(detail):
                self._count("protocol_error", detail, 1)
                return f"garbage from the carrier: {detail}"
            case UnbindRequested():
                self.was_left = True
                self._leave()
            case Unbound():
                return "the carrier unbound us" if self.was_left else "unbound"
            case Requested():
                pass  # alert_notification: a handset came back into reach, which nobody here waits for
            case BindRequested() | Submits() | Responded() | Outbind():
                self._count(type(event).__name__.lower(), "not for a client", 1)
            case _:
                assert_never(event)
        return None

    def _answers(self, items: list[tuple[T, int, str]], *, late: bool) -> None:
        if self._silence.answered() and self.is_bound:
            self._now("bound", "")
            self._listener.changed()
        if not late:
            self._measure(len(items))
            items = self._without_unbound(items)
        told = [(token, self._refusals.of(status) if status else None, ref) for token, status, ref in items]
        if told:
            self._listener.answered(told, late=late)

    def _unanswered(self, count: int) -> str | None:
        """Submits timed out: feed a silent centre no longer, try it, leave it; the reason when it is left."""
        if not count:
            return None
        self._count(NEVER_ANSWERED, "", count)
        verdict = self._silence.timed_out(count, self.session.window) if self.session.state in BOUND else None
        if verdict == "try":
            self._now("trying", "it answers no submits: one at a time tries it")
        elif verdict == "leave":
            self.gave_up = True
            self.session.unbind(self._loop.time())
            self._flush()
            return "the carrier answers no submits"
        return None

    def _measure(self, count: int) -> None:
        """Learn how long the carrier takes to answer, from one batch at a time."""
        self._answered += count
        if self._sample and self._answered >= self._sample:
            took, known = self._loop.time() - self._asked_at, self.report.answer_s
            self.report.answer_s = took if known is None else known + _FRESH * (took - known)
            self._sample = 0

    def _without_unbound(self, items: list[tuple[T, int, str]]) -> list[tuple[T, int, str]]:
        """The answers that say something about their messages.

        A centre that is unbinding, or has forgotten the bind, has not looked at the others: they were not taken, and
        go again at once over another bind. This one is left.
        """
        wrong = smpp_status.ESME_RINVBNDSTS
        if not any(status == wrong for _, status, _ in items):
            return items
        unbound = [token for token, status, _ in items if status == wrong]
        if self._leaves_at is None:
            self._count(NOT_BOUND, "to a submit", len(unbound))
            self._leave()
        self._listener.unsent(unbound)
        return [item for item in items if item[1] != wrong]

    def _is_bound_now(self, version: int | None) -> None:
        self.is_bound, self.version = True, version
        self._acknowledgements.bound(wall_ms(), self._lost_ms)
        report = self.report
        report.version = "" if version is None else f"{version >> 4}.{version & 0x0F}"
        self.bound_at = self._loop.time()
        if self._silence.is_trying:
            self._now("trying", "it answered no submits the last time: one tries it")
        else:
            self._now("bound", "")
        self._bound()
        self._listener.changed()

    def _now(self, state: str, detail: str) -> None:
        report = self.report
        report.state, report.detail, report.since = state, detail, self._loop.time()
        tell = _log.info if state == "bound" else _log.warning
        tell(state, carrier=self._address.name, mode=report.mode, version=report.version, detail=detail)

    def _leave(self) -> None:
        """Write nothing new; answers may still be on their way."""
        self.is_bound = False
        self._leaves_at = self._loop.time() + (UNBOUND_S if self.was_left else FORGOTTEN_S)
        self._listener.changed()

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
