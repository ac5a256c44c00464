"""What a session tells its driver: batches of traffic, changes of the link, and oddities of the peer.

A session returns events from `receive`, `tick` and `connection_lost`. Traffic is batched: at most one
`Answers`, one late `Answers`, one `Submits` and one `Deliveries` stand between two other events, so a
driver handles a whole read with one transaction. Order inside a kind is the order on the wire; a batch
is closed before any event that changes the link.
"""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from .bodies import Bind, Body, ShortMessage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """The peer answered requests of ours: what became of each token.

    Shape: (token, command_status, message_id); status 0 is accepted, message_id may be empty.
           The server role gets these for its deliver_sm, with an empty message_id.
           `late` marks answers to requests that were already reported in `TimedOut`.
    """

    items: list[tuple[T, int, str]]
    late: bool = False


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The centre delivered receipts and replies (client role); each waits for `acknowledge`.

    Shape: (sequence_number, deliver_sm). A data_sm arrives here too, its text in message_payload.
    """

    items: list[tuple[int, ShortMessage]]


@dataclass(frozen=True, slots=True)
class Submits:
    """The customer submitted messages (server role); each waits for `answer_submits`.

    Shape: (sequence_number, submit_sm). A data_sm arrives here too, its text in message_payload.
    """

    items: list[tuple[int, ShortMessage]]


@dataclass(frozen=True, slots=True)
class Bound:
    """The centre accepted our bind; `interface_version` is None when it did not say (no TLVs then)."""

    system_id: str
    interface_version: int | None


@dataclass(frozen=True, slots=True)
class BindRefused:
    """The centre refused our bind with this status (or never answered it: `answered` is false)."""

    status: int
    answered: bool = True


@dataclass(frozen=True, slots=True)
class BindRequested:
    """A customer wants to bind (server role): call `accept_bind` or `refuse_bind`."""

    request: Bind


@dataclass(frozen=True, slots=True)
class Outbind:
    """The centre asks us to bind (outbind, client role, before any bind)."""

    system_id: str
    password: str


@dataclass(frozen=True, slots=True)
class UnbindRequested:
    """The peer said good-bye. Close the connection once nothing is in flight, or after a while.

    Shape: the answer is queued already, unless the client role has something in flight: then it follows.
    """


@dataclass(frozen=True, slots=True)
class Unbound:
    """Our unbind is over (`answered` false: the peer kept silent). Close the connection."""

    answered: bool


@dataclass(frozen=True, slots=True)
class Congestion:
    """How busy the centre says it is (5.0), in percent; 90 and above means slow down."""

    percent: int


@dataclass(frozen=True, slots=True)
class TimedOut(Generic[T]):
    """These requests got no answer in time: their outcome is unknown, their slots are free again."""

    tokens: list[T]


@dataclass(frozen=True, slots=True)
class LinkLost(Generic[T]):
    """The link is over; told exactly once in the life of a session. Close the connection.

    Shape: `written` were handed to the connection and never answered: their outcome is unknown.
           `unwritten` never left `data_to_send`: they may be sent again without risk.
           Tokens already told in `TimedOut` are in neither.
    """

    reason: str
    written: list[T]
    unwritten: list[T]


@dataclass(frozen=True, slots=True)
class Requested:
    """The peer sent another request (query_sm, cancel_sm, replace_sm, submit_multi, broadcast...).

    The server role answers with `respond`; alert_notification (client role) wants no answer.
    """

    sequence: int
    command: int
    body: Body


@dataclass(frozen=True, slots=True)
class Responded(Generic[T]):
    """The answer to a `request` of ours (query_sm and the like)."""

    token: T
    status: int
    body: Body


@dataclass(frozen=True, slots=True)
class Oddity:
    """The peer bent a rule and we coped: `name` is one of `oddities`, `count` how often in this read."""

    name: str
    detail: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class ProtocolError:
    """The byte stream makes no sense any more; a `LinkLost` follows. Close the connection."""

    detail: str


Event: TypeAlias = (
    Answers[T]
    | Deliveries
    | Submits
    | Bound
    | BindRefused
    | BindRequested
    | Outbind
    | UnbindRequested
    | Unbound
    | Congestion
    | TimedOut[T]
    | LinkLost[T]
    | Requested
    | Responded[T]
    | Oddity
    | ProtocolError
)
