"""The two roles of an SMPP link: the customer (ESME) and the centre (SMSC).

    session = ClientSession[int](now)
    session.bind(Bind(BIND_TRANSCEIVER, "user", "secret"), now)
    write(session.data_to_send())
    for event in session.receive(read(), now): ...

Whoever drives a session writes `data_to_send()` after every call, calls `tick` at `next_deadline`,
closes the connection on `LinkLost`, `Unbound`, `UnbindRequested` and `BindRefused`, and says
`connection_lost` when the connection ends. A message is never lost by the session: each token comes
back in exactly one of `Answers`, `TimedOut` (and perhaps late `Answers`), `LinkLost`, or the list of
what could not be written.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, TypeVar

from . import commands, status, tlv
from .bodies import Bind, BindAnswer, Body, Empty, OutbindBody, ShortMessage
from .commands import BOUND_STATES, RESPONSE, State
from .control import Session
from .engine import LocalError, Role, Unsendable
from .events import BindRefused, BindRequested, Bound, Event, Outbind, Requested
from .fields import EncodingError, write_text
from .pdu import HEADER, MIN_LENGTH, Pdu, SubmitTemplate, encode
from .window import following

__all__ = ["ClientSession", "LocalError", "ServerSession"]

T = TypeVar("T")

_pack = HEADER.pack
FAREWELL_S: Final = 2.0
"""How long a centre that unbinds may answer what is in flight before it gets its answer; some wait for that."""

_PACK_EMPTY_ID: Final = Struct(">IIIIx").pack
"""A header and an empty message id."""


class ClientSession(Session[T]):
    """The customer's end: binds, submits, acknowledges receipts and replies.

    Shape: an unbind of the centre is told at once, and answered when nothing is in flight any more or after FAREWELL_S.
    """

    _unbind_answer: tuple[int, float | None] = (0, None)

    role = Role(
        is_client=True,
        sends=commands.SUBMIT_SM,
        takes=commands.DELIVER_SM,
        sending=frozenset({State.BOUND_TX, State.BOUND_TRX}),
        may_receive=commands.CLIENT_MAY_RECEIVE,
    )

    def bind(self, request: Bind, now: float) -> None:
        """Ask the centre for a session: `Bound` or `BindRefused` will tell.

        Raises: LocalError when a bind was sent already; EncodingError for a field that does not fit.
        """
        if self._state is not State.OPEN:
            raise LocalError(f"bind while {self._state.value}")
        self._ask(request.command, request, now + self._bind_s, None)
        self._state = State.BINDING

    def submit(self, items: Sequence[tuple[T, ShortMessage]], now: float) -> Unsendable[T]:
        """Queue messages, at most `free`; those that cannot be written come back, the others go.

        Raises: LocalError for more messages than free slots.
        Cost:   about 1.3 µs a message.
        """
        return self._send(items, now)

    def submit_from(self, template: SubmitTemplate, rows: Sequence[tuple[T, str, bytes]], now: float) -> Unsendable[T]:
        """Queue (token, destination, short_message) rows that share everything else.

        Raises: LocalError for more rows than free slots.
        Cost:   about 0.6 µs a message.
        """
        self._check_room(len(rows))
        refused: Unsendable[T] = []
        sequence, out, pending, write = self._sequence, self._out, self._requests.pending, template.encode
        first, before = following(sequence), len(pending)
        try:
            for token, destination, text in rows:
                number = following(sequence)
                try:
                    out.append(write(number, destination, text))
                except EncodingError as error:
                    refused.append((token, error))
                else:
                    pending[number] = token
                    sequence = number
        finally:
            self._sent(first, sequence, len(pending) - before, now)
        return refused

    def acknowledge(self, sequences: Iterable[int], status: int = 0) -> None:
        """Answer deliveries; call it once they are stored, the centre forgets them then.

        Shape: a status that is not 0 (ESME_RX_T_APPN: later) makes the centre deliver again.
               Does nothing when the link is gone: the centre will deliver again.
        """
        if self._state is State.CLOSED:
            return
        parts = []
        for sequence in sequences:
            command = commands.DELIVER_SM
            if sequence in self._data_sm:
                self._data_sm.discard(sequence)
                command = commands.DATA_SM
            parts.append(_PACK_EMPTY_ID(MIN_LENGTH + 1, command | RESPONSE, status, sequence))
        self._unacknowledged -= len(parts)
        self._out.extend(parts)

    def _unbind_asked(self, sequence: int) -> None:
        """A centre that gets our answer may close at once: first let it answer what is in flight, for a while."""
        if self._state is State.LEAVING or not self._requests.pending:
            super()._unbind_asked(sequence)
            return
        self._state = State.LEAVING
        self._unbind_answer = (sequence, None)

    def _unbind_when_quiet(self, now: float) -> None:
        if self._state is not State.LEAVING:
            super()._unbind_when_quiet(now)
            return
        sequence, until = self._unbind_answer
        if until is None:
            self._unbind_answer = (sequence, now + FAREWELL_S)
        elif now >= until or not self._requests.pending:
            super()._unbind_asked(sequence)

    def _asked(self, command: int, sequence: int, body: Body) -> Event[T]:
        if isinstance(body, OutbindBody):
            return Outbind(body.system_id, body.password)
        return Requested(sequence, command, body)

    def _bind_answered(self, command: int, state: int, body: Body) -> Event[T]:
        if state:
            self._state = State.OPEN
            return BindRefused(state)
        self._state = BOUND_STATES[command]
        if not isinstance(body, BindAnswer):
            return Bound("", None)
        return Bound(body.system_id, tlv.find_int(body.tlvs, tlv.SC_INTERFACE_VERSION))

    def _bind_unanswered(self) -> Event[T]:
        self._state = State.OPEN
        return BindRefused(status.ESME_RBINDFAIL, answered=False)


class ServerSession(Session[T]):
    """The centre's end: accepts binds, answers submits, delivers receipts and replies."""

    role = Role(
        is_client=False,
        sends=commands.DELIVER_SM,
        takes=commands.SUBMIT_SM,
        sending=frozenset({State.BOUND_RX, State.BOUND_TRX}),
        may_receive=commands.SERVER_MAY_RECEIVE,
    )
    _bind: tuple[int, Bind] | None = None

    def accept_bind(self, *, system_id: str = "", interface_version: int | None = 0x34) -> None:
        """Open the session a `BindRequested` asked for; the version is told to clients of 3.4 and later.

        Shape:  does nothing when the link is gone, perhaps by what came right behind the bind.
        Raises: LocalError when no bind waits; EncodingError for a system_id that does not fit.
        """
        if self._state is State.CLOSED:
            return
        sequence, bind = self._waiting_bind()
        tlvs = b""
        if interface_version is not None and bind.interface_version >= 0x34:
            tlvs = tlv.encode([tlv.value_of("sc_interface_version", interface_version)])
        answer = BindAnswer(system_id, tlvs)
        self._out.append(encode(Pdu(bind.command | RESPONSE, 0, sequence, answer)))
        self._state = BOUND_STATES[bind.command]
        self._bind = None

    def refuse_bind(self, status: int) -> None:
        """Turn a `BindRequested` down; the customer may try again until the time for binding is over.

        Shape:  does nothing when the link is gone.
        Raises: LocalError when no bind waits.
        """
        if self._state is State.CLOSED:
            return
        sequence, bind = self._waiting_bind()
        self._answer(bind.command, status, sequence)
        self._state = State.OPEN
        self._bind = None

    def answer_submits(self, items: Iterable[tuple[int, int, str]]) -> None:
        """Answer submits: (sequence_number, status, message_id); refusals have no message id.

        Shape:  does nothing when the link is gone.
        Raises: EncodingError for a message id that does not fit; nothing is answered then.
        """
        if self._state is State.CLOSED:
            return
        parts = []
        for sequence, state, message_id in items:
            command = commands.SUBMIT_SM | RESPONSE
            if sequence in self._data_sm:
                self._data_sm.discard(sequence)
                command = commands.DATA_SM | RESPONSE
            if state:
                parts.append(_pack(MIN_LENGTH, command, state, sequence))
            else:
                if len(message_id) > 64 or not message_id.isascii() or "\0" in message_id:
                    write_text("message_id", message_id, 65)
                length = MIN_LENGTH + 1 + len(message_id)
                parts.append(_pack(length, command, 0, sequence) + f"{message_id}\0".encode("ascii"))
        self._unacknowledged -= len(parts)
        self._out.extend(parts)

    def deliver(self, items: Sequence[tuple[T, ShortMessage]], now: float) -> Unsendable[T]:
        """Queue receipts and replies, at most `free`; those that cannot be written come back.

        Raises: LocalError for more messages than free slots.
        """
        return self._send(items, now)

    def respond(self, sequence: int, command: int, status: int, body: Body | None = None) -> None:
        """Answer a `Requested` (query_sm and the like); without body it is a refusal or an empty answer.

        Raises: EncodingError for a field that does not fit.
        """
        if self._state is not State.CLOSED:
            self._out.append(encode(Pdu(command | RESPONSE, status, sequence, body or Empty())))

    def _waiting_bind(self) -> tuple[int, Bind]:
        if self._bind is None or self._state is not State.BINDING:
            raise LocalError(f"no bind waits while {self._state.value}")
        return self._bind

    def _asked(self, command: int, sequence: int, body: Body) -> Event[T]:
        if isinstance(body, Bind):
            self._bind = (sequence, body)
            self._state = State.BINDING
            return BindRequested(body)
        return Requested(sequence, command, body)

    def _bind_answered(self, command: int, state: int, body: Body) -> Event[T]:
        raise LocalError("a centre never binds")

    def _bind_unanswered(self) -> Event[T]:
        raise LocalError("a centre never binds")
