"""What a vendor's HTTP API is to us: three functions of their arguments, and the tables they read.

`request` says a message in the vendor's words, `answer` reads what came back, `callback` reads what the vendor posts
to us later. Where a vendor can be asked about a message, `question` and `state` do the same for that. None of them
knows a socket, a clock or a database.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused


class Field(NamedTuple):
    """Something the operator has to say before the vendor can be used. Shape: `default` is None when he must."""

    name: str
    help: str
    is_secret: bool = False
    default: str | None = None


class Access(NamedTuple):
    """Who we are to the vendor.

    Shape: `values` has every field of the vendor; `url` is where its API is, empty for its usual place; `callbacks` is
           what stands before `/receipt` and `/reply` in our own addresses, empty when it is not known.
    """

    values: Mapping[str, str]
    url: str = ""
    callbacks: str = ""

    def __repr__(self) -> str:
        return f"Access(url={self.url!r})"


class Message(NamedTuple):
    """One message to be said in the vendor's words.

    Shape: `key` is ours for it, the same at every try and no other installation's; `to` are digits; `sender` is empty
           when there is none; `parts` is what it was priced with.
    """

    key: str
    to: str
    text: str
    sender: str
    is_unicode: bool
    parts: int
    validity_s: int
    is_alert: bool = True


class Call(NamedTuple):
    """A request that is yet to be made."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Call({self.method})"  # the rest has secrets, or the text


class Told(NamedTuple):
    """What came back. Shape: names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Accepted(NamedTuple):
    """The vendor took the message. Shape: its id, or one for each part it cut the message into."""

    refs: Sequence[str]


class TooFast(NamedTuple):
    """The vendor wants less of us, and did nothing. Units: seconds; None when it does not say how long."""

    name: str
    wait_s: float | None = None


class Closed(NamedTuple):
    """The vendor takes nothing from us for now: wrong password, no credit. `is_certain`: it is not the message."""

    reason: str
    is_certain: bool = True


class Unclear(NamedTuple):
    """The message may have been taken or not."""

    reason: str


Answer: TypeAlias = Accepted | Refused | TooFast | Closed | Unclear


class Posted(NamedTuple):
    """A request of the vendor to one of our addresses.

    Shape: `what` is receipt, reply, or empty for an address for both; `url` is the whole address as the vendor knows
           it, with the query; names of headers are lower-case.
    Units: seconds UTC.
    """

    what: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float = 0.0
    peer: str = ""


class GiveBack(NamedTuple):
    """What the vendor expects to be answered once its news is stored."""

    status: int = 200
    media_type: str = "text/plain"
    body: bytes = b""


class Callback(NamedTuple):
    """What the vendor had to say."""

    items: Sequence[ReceiptIn | ReplyIn]
    give_back: GiveBack = GiveBack()


class NotGenuine(Exception):
    """What was posted does not come from the vendor; why, without secrets."""


class Vendor(Protocol):
    """One vendor's API."""

    @property
    def name(self) -> str:
        """As the operator names it."""

    @property
    def place(self) -> str:
        """The host of its API, for people; empty when the operator says where it is."""

    @property
    def fields(self) -> Sequence[Field]:
        """What the operator has to say."""

    @property
    def can_query(self) -> bool:
        """Whether it says what became of a message (`question`)."""

    @property
    def is_idempotent(self) -> bool:
        """Whether a message may be handed over again under the same key, and is sent once."""

    def request(self, access: Access, message: Message) -> Call:
        """The request that hands a message over. Raises: ValueError when it cannot be said."""

    def answer(self, access: Access, message: Message, told: Told) -> Answer:
        """What an answer means; never fails, whatever came."""

    def question(self, access: Access, ref: str) -> Call | None:
        """The request that asks what became of a message; None from a vendor that does not say."""

    def state(self, access: Access, ref: str, told: Told) -> ReceiptIn | str:
        """What an answer to such a request says of the message, or why it says nothing; never fails."""

    def callback(self, access: Access, posted: Posted) -> Callback:
        """What was posted to us. Raises: NotGenuine; ValueError when it cannot be read."""
