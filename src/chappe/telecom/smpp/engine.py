"""The busy half of a session: batches in and out, window, timers; the same in both roles.

What a role sends and what it may receive is a table (`Role`); what is seldom is left to `control`.
Source: SMPP 3.4, chapter 2 (sessions) and 7.2 (timers).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from . import commands, status
from .batch import Batch
from .bodies import Body, Empty, ShortMessage
from .commands import RESPONSE, State
from .events import Event, LinkLost, ProtocolError, TimedOut
from .fields import EncodingError
from .framing import Framing
from .keepalive import KeepAlive
from .pdu import HEADER, MIN_LENGTH, Pdu, decode_short_message, encode, encode_short_message
from .window import MAX_SEQUENCE, Window, following

T = TypeVar("T")
Unsendable: TypeAlias = list[tuple[T, EncodingError]]

_pack = HEADER.pack


class LocalError(Exception):
    """We asked the session for something its state does not allow: a bug on our side."""


class Role(NamedTuple):
    """What one end of a link sends and takes, and in which states."""

    is_client: bool
    sends: int
    takes: int
    sending: frozenset[State]
    may_receive: Mapping[State, frozenset[int]]


class Waiting(Generic[T]):
    """A request of ours outside the window: bind, unbind, query and the like."""

    def __init__(self, command: int, deadline: float, token: T | None) -> None:
        self.command = command
        self.deadline = deadline
        self.token = token


class Engine(ABC, Generic[T]):
    """One SMPP link without its socket: give it bytes and the time, take bytes and events.

    Shape:  `T` is the type of the caller's tokens; the session never looks inside. `window` may be
            changed at any time.
    Units:  every time is in seconds of one monotonic clock that the caller chooses; 0 turns
            `enquire_link_s` and `inactivity_s` off.
    Raises: LocalError when a call does not fit the state.
    """

    role: Role

    def __init__(
        self,
        now: float,
        *,
        window: int = 10,
        response_s: float = 10.0,
        bind_s: float = 10.0,
        enquire_link_s: float = 30.0,
        enquire_response_s: float = 10.0,
        unanswered_probes: int = 2,
        inactivity_s: float = 0.0,
        pdu_read_s: float = 30.0,
        unbind_s: float = 5.0,
        max_pdu_bytes: int = 131_072,
        late_kept: int = 100_000,
    ) -> None:
        self.window = window
        self._bind_s = bind_s
        self._response_s = response_s
        self._pdu_read_s = pdu_read_s
        self._unbind_s = unbind_s
        self._max_pdu_bytes = max_pdu_bytes
        self._opened = now
        self._state = State.OPEN
        self._framing = Framing()
        self._requests: Window[T] = Window(response_s, late_kept)
        self._batch: Batch[T] = Batch(is_client=self.role.is_client)
        self._keep_alive = KeepAlive(
            now,
            enquire_link_s=enquire_link_s,
            response_s=enquire_response_s,
            max_lost=unanswered_probes,
            inactivity_s=inactivity_s,
        )
        self._waiting: dict[int, Waiting[T]] = {}
        self._data_sm: set[int] = set()
        self._out: list[bytes] = []
        self._sequence = 0
        self._unacknowledged = 0
        self._unbind_sent = False

    # -- what the driver asks ------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the link stands."""
        return self._state

    @property
    def in_flight(self) -> int:
        """Messages of ours that wait for an answer."""
        return len(self._requests.pending)

    @property
    def free(self) -> int:
        """How many messages may be sent now; 0 when the link is not bound for sending. Questions take room, too."""
        if self._state not in self.role.sending:
            return 0
        return max(0, self.window - len(self._requests.pending) - len(self._waiting))

    @property
    def unacknowledged(self) -> int:
        """Messages of the peer that wait for our answer; a driver pauses reading when they pile up."""
        return self._unacknowledged

    # -- bytes ---------------------------------------------------------------------------------------

    def data_to_send(self) -> bytes:
        """Drain the bytes to write now (b"" when there are none); what was drained counts as written."""
        out = self._out
        if not out:
            return b""
        self._requests.written()
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    def receive(self, data: bytes, now: float) -> list[Event[T]]:
        """Take bytes from the peer, cut anywhere; nothing the peer sends raises.

        Cost: about 0.5 µs per answer, 1.5 µs per message.
        """
        told: list[Event[T]] = []
        if self._state is State.CLOSED or not data:
            return told
        self._keep_alive.heard(now)
        data = self._framing.take(data)
        at, end = 0, len(data)
        unpack, role, batch, pending = HEADER.unpack_from, self.role, self._batch, self._requests.pending
        answer, takes = role.sends | RESPONSE, role.takes
        takes_now = takes in role.may_receive[self._state]
        # A client expects a message id, of at most 64 octets; a centre expects an empty one.
        shortest, longest = MIN_LENGTH + 1 + role.is_client, MIN_LENGTH + 65
        while end - at >= MIN_LENGTH:
            length, command, state, sequence = unpack(data, at)
            if not MIN_LENGTH <= length <= self._max_pdu_bytes:
                self._lose_framing(f"command_length {length}", sequence, told)
                return told
            body, after = at + MIN_LENGTH, at + length
            if after > end:
                break
            if command == answer and sequence in pending:
                stop = data.find(0, body, after)
                if stop == after - 1 and shortest <= length <= longest:
                    batch.answers.append((pending.pop(sequence), state, data[body:stop].decode("latin-1")))
                else:
                    self._unusual_answer(pending.pop(sequence), state, data[body:after])
            elif command == takes and takes_now:
                if state or not 0 < sequence <= MAX_SEQUENCE:
                    self._odd_header(command, state, sequence)
                message = decode_short_message(data, body, after)
                if message is not None:
                    batch.messages.append((sequence, message))
                    self._unacknowledged += 1
                    if message.tlvs:
                        self._odd_tlvs(command, message)
                else:
                    self._unusual_message(command, sequence, data[body:after])
            else:
                event = self._handle(command, state, sequence, data[body:after])
                if event is not None:
                    batch.tell(told)
                    told.append(event)
                takes_now = takes in role.may_receive[self._state]
            at = after
        self._framing.keep(data, at, now)
        batch.tell(told)
        self._unbind_when_quiet(now)
        return told

    def connection_lost(self, now: float, reason: str = "connection closed") -> list[Event[T]]:
        """Tell the session that its connection ended: `LinkLost`, unless that was told before."""
        return [] if self._state is State.CLOSED else [self._lose(reason)]

    def _lose(self, reason: str) -> Event[T]:
        self._state = State.CLOSED
        self._out.clear()
        self._unacknowledged = 0
        others = [waiting.token for waiting in self._waiting.values() if waiting.token is not None]
        self._waiting.clear()
        written, unwritten = self._requests.close()
        return LinkLost(reason, written + others, unwritten)

    def _lose_framing(self, detail: str, sequence: int, told: list[Event[T]]) -> None:
        self._batch.tell(told)
        told.append(ProtocolError(detail))
        told.append(self._lose("framing lost"))
        self._out.append(_pack(MIN_LENGTH, commands.GENERIC_NACK, status.ESME_RINVCMDLEN, sequence))

    # -- time ----------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `tick` may have something to do; None for never."""
        if self._state is State.CLOSED:
            return None
        moments = [waiting.deadline for waiting in self._waiting.values()]
        for moment in (self._requests.deadline(), self._partial_deadline(), self._other_deadline()):
            if moment is not None:
                moments.append(moment)
        return min(moments, default=None)

    def _partial_deadline(self) -> float | None:
        since = self._framing.waiting_since
        return None if since is None else since + self._pdu_read_s

    def _other_deadline(self) -> float | None:
        if self._state in commands.KEPT_ALIVE:
            return self._keep_alive.deadline()
        if self._state is State.OPEN and not self.role.is_client:
            return self._opened + self._bind_s
        return None

    def tick(self, now: float) -> list[Event[T]]:
        """Let the timers run; call it at or after `next_deadline`."""
        told: list[Event[T]] = []
        if self._state is State.CLOSED:
            return told
        expired = self._requests.expire(now)
        for sequence in [number for number, waiting in self._waiting.items() if waiting.deadline <= now]:
            waiting = self._waiting.pop(sequence)
            if waiting.token is not None:
                expired.append(waiting.token)
            else:
                told.append(self._unanswered(waiting.command))
        if expired:
            told.append(TimedOut(expired))
            self._keep_alive.doubt(now, self._response_s)  # a link that is half open is found out early
        partial = self._partial_deadline()
        if partial is not None and now >= partial:
            self._lose_framing("a PDU began and never ended", 0, told)
            return told
        reason = self._silence(now)
        if reason is not None:
            told.append(self._lose(reason))
            return told
        self._unbind_when_quiet(now)
        return told

    def _silence(self, now: float) -> str | None:
        """Probe a silent peer; the reason to give it up when it is time for that."""
        if self._state not in commands.KEPT_ALIVE:
            deadline = self._other_deadline()
            return "no bind in time" if deadline is not None and now >= deadline else None
        verdict = self._keep_alive.check(now)
        if verdict == "probe":
            self._sequence = following(self._sequence)
            self._out.append(_pack(MIN_LENGTH, commands.ENQUIRE_LINK, 0, self._sequence))
        elif verdict == "dead":
            return "enquire_link not answered"
        elif verdict == "idle":
            return "no traffic"
        return None

    # -- sending -------------------------------------------------------------------------------------

    def request(self, token: T, command: int, body: Body, now: float) -> None:
        """Send another request than a message (query_sm, cancel_sm, data_sm...); `Responded` brings the answer.

        Shape:  one may be sent when nothing is `free`; while it waits there is room for one message less.

        Raises: LocalError when not bound; EncodingError for a field that does not fit.
        """
        if self._state not in commands.BOUND:
            raise LocalError(f"{commands.name(command)} while {self._state.value}")
        self._ask(command, body, now + self._response_s, token)
        self._keep_alive.spoke(now)

    def unbind(self, now: float) -> None:
        """Say good-bye: nothing new is sent; unbind leaves when nothing is in flight, `Unbound` ends it.

        Raises: LocalError when not bound.
        """
        if self._state not in commands.BOUND:
            raise LocalError(f"unbind while {self._state.value}")
        self._state = State.UNBINDING
        self._unbind_when_quiet(now)

    def _unbind_when_quiet(self, now: float) -> None:
        if self._state is State.UNBINDING and not self._unbind_sent and not self._requests.pending:
            self._unbind_sent = True
            self._ask(commands.UNBIND, Empty(), now + self._unbind_s, None)

    def _ask(self, command: int, body: Body, deadline: float, token: T | None) -> None:
        data = encode(Pdu(command, 0, following(self._sequence), body))
        self._sequence = following(self._sequence)
        self._waiting[self._sequence] = Waiting(command, deadline, token)
        self._out.append(data)

    def _check_room(self, count: int) -> None:
        if count > self.free:
            raise LocalError(f"{count} messages while {self._state.value} with {self.free} free slots")

    def _send(self, items: Sequence[tuple[T, ShortMessage]], now: float) -> Unsendable[T]:
        self._check_room(len(items))
        refused: Unsendable[T] = []
        command, sequence, out, pending = self.role.sends, self._sequence, self._out, self._requests.pending
        first, before = following(sequence), len(pending)
        try:
            for token, message in items:
                number = following(sequence)
                try:
                    out.append(encode_short_message(command, number, message))
                except EncodingError as error:
                    refused.append((token, error))
                else:
                    pending[number] = token
                    sequence = number
        finally:
            self._sent(first, sequence, len(pending) - before, now)
        return refused

    def _sent(self, first: int, last: int, count: int, now: float) -> None:
        self._sequence = last
        self._requests.sent(first, count, now)
        self._keep_alive.spoke(now)

    # -- what `control` does with the rest -----------------------------------------------------------

    @abstractmethod
    def _handle(self, command: int, state: int, sequence: int, body: bytes) -> Event[T] | None:
        """Any PDU that is no ordinary answer and no ordinary message."""

    @abstractmethod
    def _unusual_answer(self, token: T, state: int, body: bytes) -> None:
        """An answer without message id, without body, or with TLVs."""

    @abstractmethod
    def _unusual_message(self, command: int, sequence: int, body: bytes) -> None:
        """A message that bends a rule of the layout."""

    @abstractmethod
    def _odd_header(self, command: int, state: int, sequence: int) -> None:
        """A request whose header bends a rule."""

    @abstractmethod
    def _odd_tlvs(self, command: int, body: Body) -> None:
        """Look whether the TLVs of a body contradict it or each other."""

    @abstractmethod
    def _unanswered(self, command: int) -> Event[T]:
        """A bind or unbind of ours got no answer in time."""
