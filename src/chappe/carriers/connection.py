"""What a lane asks of a carrier, and what it is told, whatever the carrier speaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused

T = TypeVar("T")

Piece: TypeAlias = Any
"""What a carrier is handed at a time, in its own form; only the connection that made it looks inside."""

BETWEEN_REFS: Final = "\n"
"""Stands between the ids of the parts that a carrier cut one piece into."""

Acknowledge: TypeAlias = Callable[[list[int]], None]
"""Tells the carrier that deliveries are safe with us, by their numbers."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a carrier is and who we are to it.

    Shape: `window` is unanswered submits for each bind; of pairs, `binds` counts the transmitters; `callbacks` is where
           it can post to us, empty if nowhere.
    """

    name: str
    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    tls: bool = False
    binds: int = 1
    window: int = 100
    callbacks: str = ""


class Outgoing(NamedTuple):
    """A message as a lane hands it over. Units: seconds. Shape: `encoding` and `parts` are those it was priced with."""

    message_id: int
    number: int
    text: str
    sender: str | None
    encoding: int
    parts: int
    validity_s: float
    campaign_id: int = 0
    is_alert: bool = True


class Question(NamedTuple):
    """A part that a carrier took, to be asked about: what has become of it?

    Shape: `ref` is the carrier's id of it, `sender` whom it was sent from, as in `Outgoing`; `next` says what follows
           when the answer is not final.
    """

    message_id: int
    seq: int
    ref: str
    number: int
    sender: str | None
    next: str = ""


class Cut(NamedTuple):
    """A message in the carrier's form: as many pieces as it will give ids for.

    Shape: `note` says why the text is not as it was measured, if it is not.
    """

    pieces: Sequence[Piece]
    note: str = ""


@dataclass(slots=True)
class LinkState:
    """What an operator sees of one bind.

    Shape: `state` is connecting, bound, trying, refused, down or closed; `mode` says what it is bound as; `version` is
           what the centre says of itself; `oddities` count how often it bent which rule, since the gateway began.
    Units: seconds; `answer_s` is how long it takes to answer, None until it has.
    """

    state: str = "connecting"
    detail: str = ""
    submitted: int = 0
    since: float = 0.0
    oddities: dict[str, int] = field(default_factory=dict)
    mode: str = ""
    version: str = ""
    answer_s: float | None = None


class Listener(Protocol[T]):
    """Who is told what the carrier says. Tokens are the caller's own; none is told twice, but for late answers."""

    def answered(self, items: list[tuple[T, Refused | None, str]], *, late: bool) -> None:
        """(token, why the carrier refused it, the carrier's id of what it took; several with BETWEEN_REFS)."""

    def unknown(self, tokens: list[T]) -> None:
        """Written and never answered: they may have left or not."""

    def unsent(self, tokens: list[T]) -> None:
        """Never written."""

    def delivered(self, acknowledge: Acknowledge, items: list[tuple[int, ReceiptIn | ReplyIn]]) -> None:
        """Receipts and replies, each to be acknowledged once it is stored."""

    def told(self, answers: list[tuple[Question, ReceiptIn | str]]) -> None:
        """(question, what the carrier says of the part, or why it says nothing). Every question is told once."""

    def congested(self, percent: int) -> None:
        """How busy the carrier says it is."""

    def changed(self) -> None:
        """The connection came or went."""


class Connection(Protocol[T]):
    """A carrier as its lane sees it."""

    @property
    def states(self) -> list[LinkState]:
        """One for each bind."""

    @property
    def is_bound(self) -> bool:
        """Whether it takes messages now."""

    @property
    def is_served(self) -> bool:
        """Whether nothing speaks against it: it answers, or was not found to fail more than once."""

    @property
    def is_unproven(self) -> bool:
        """Whether it takes a message, and has answered none since it began, or since it last failed."""

    @property
    def free(self) -> int:
        """How many pieces it takes now."""

    @property
    def capacity(self) -> int:
        """How many pieces may be unanswered at the same time."""

    @property
    def is_held_back(self) -> bool:
        """Whether nothing leaves now because the carrier said for how long it wants nothing."""

    def in_flight(self, bind: int) -> int:
        """Pieces of a bind that are not answered."""

    def start(self) -> None:
        """Connect, and stay connected."""

    def reconfigure(self, address: Address, options: Any) -> None:
        """Take changed settings of its kind, of which none needs a new connection."""

    def cut(self, message: Outgoing) -> Cut:
        """The message in the carrier's form. Raises: ValueError when it cannot be said in it."""

    def submit(self, items: Sequence[tuple[T, Piece]]) -> list[tuple[T, str]]:
        """Write at most `free` pieces; those that cannot be written come back with the reason."""

    @property
    def can_query(self) -> bool:
        """Whether it can be asked what became of a message (`query`); if not, `query` is never called.

        An HTTP carrier whose vendor has a call for that may say yes: `query` posts it, `told` brings the state.
        """

    def query(self, questions: Sequence[Question]) -> None:
        """Ask about parts it took, at most `free`; `Listener.told` brings the answers."""

    async def stop(self) -> None:
        """Wait for what is in flight, say good-bye, close."""
