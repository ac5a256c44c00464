"""The engine both roles of an SMPP link share: framing, window, timers, keep-alive, good-bye."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from .bodies import Body, ShortMessage
from .commands import State
from .events import Event
from .pdu import EncodingError, SubmitTemplate

T = TypeVar("T")


class LocalError(Exception):
    """We asked the session for something its state does not allow: a bug on our side."""



class Session(Generic[T]):
    """One SMPP link without its socket: give it bytes and the time, take bytes and events.

    Shape:  `T` is the type of the caller's tokens; the session never looks inside.
    Units:  every time is in seconds of one monotonic clock that the caller chooses.
    Raises: LocalError when a call does not fit the state.
    """

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
    ) -> None: ...

    # -- state -------------------------------------------------------------------------------------
    @property
    def state(self) -> State: ...
    @property
    def in_flight(self) -> int:
        """Requests of ours that wait for an answer."""
    @property
    def free(self) -> int:
        """How many messages `submit` (client) or `deliver` (server) takes now; 0 when not bound."""
    @property
    def unacknowledged(self) -> int:
        """Messages of the peer that wait for `acknowledge` (client) or `answer_submits` (server)."""

    # -- the connection ----------------------------------------------------------------------------
    def receive(self, data: bytes, now: float) -> list[Event[T]]:
        """Bytes from the peer, cut anywhere."""
    def data_to_send(self) -> bytes:
        """Drain: bytes to write now (b"" when none). What was drained counts as written."""
    def connection_lost(self, now: float, reason: str = "connection closed") -> list[Event[T]]:
        """The connection ended: `LinkLost` unless it was told before, then []."""
    def tick(self, now: float) -> list[Event[T]]:
        """Let timers run; call at or after `next_deadline`."""
    def next_deadline(self) -> float | None:
        """When `tick` has something to do, None for never."""
    def unbind(self, now: float) -> None:
        """Say good-bye: no new messages; unbind leaves when nothing is in flight. Then `Unbound`."""
    def request(self, token: T, command: int, body: Body, now: float) -> None:
        """Send any other request (query_sm, cancel_sm, data_sm...): the answer comes as `Responded`."""


class ClientSession(Session[T]):
    def bind(self, request: "Bind", now: float) -> None: ...
    def submit(self, items: Sequence[tuple[T, ShortMessage]], now: float) -> list[tuple[T, EncodingError]]:
        """Queue messages (at most `free`); the ones that cannot be written come back, nothing else is hurt."""
    def submit_from(
        self, template: SubmitTemplate, rows: Sequence[tuple[T, str, bytes]], now: float
    ) -> list[tuple[T, EncodingError]]:
        """Queue (token, destination, short_message) of one campaign: the fast way."""
    def acknowledge(self, sequences: Iterable[int], status: int = 0) -> None:
        """Answer deliveries; call it after they are committed."""


class ServerSession(Session[T]):
    def accept_bind(self, now: float, *, system_id: str = "", interface_version: int | None = 0x34) -> None: ...
    def refuse_bind(self, status: int) -> None: ...
    def answer_submits(self, items: Iterable[tuple[int, int, str]]) -> None:
        """(sequence, status, message_id)"""
    def deliver(self, items: Sequence[tuple[T, ShortMessage]], now: float) -> list[tuple[T, EncodingError]]: ...
    def respond(self, sequence: int, status: int, body: Body) -> None:
        """Answer a `Requested`."""
