"""How the simulated carrier behaves: one table, also the help text of its command."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from chappe.telecom.smpp import status

from .ids import IdFormat
from .language import read
from .outcomes import OUTCOMES
from .statuses import status_number

ReceiptForm = Literal["text", "tlv", "both"]
Keep = Literal["counters", "fingerprints", "messages"]

FIXED: Final = frozenset({"host", "port", "control_port"})
"""What cannot change while the simulator runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """Settings of the simulated carrier.

    Units:  `_s` are seconds; shares are percent of the submits; rates are per second and bind.
    Raises: ValueError for an unknown outcome or status, a share above 100, or a script that cannot be read.
    """

    host: str = "127.0.0.1"
    """Address to listen on, for SMPP and for control."""
    port: int = 2785
    """Port for SMPP; 0 takes a free one."""
    control_port: int = 2786
    """Port for control over HTTP; 0 takes a free one."""
    name: str = "simulator"
    """system_id in the answers to binds."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """Who may bind: system_id to password. Empty: anyone, with any password."""
    bind_status: str = "ESME_ROK"
    """Answer to every bind; anything but ESME_ROK refuses it."""
    latency_s: float = 0.0
    """Time until a submit is answered."""
    latency_jitter_s: float = 0.0
    """At most this much more, at random for each message: answers overtake each other."""
    rate: float = 0.0
    """Submits a second that each bind may send, above that ESME_RTHROTTLED; 0 for no limit."""
    window: int = 100
    """Receipts and replies that may wait for an answer, on each bind."""
    refuse: Mapping[str, float] = field(default_factory=dict)
    """Share of the submits refused with a status, by its name or number: {"ESME_RSYSERR": 2}."""
    unanswered: float = 0.0
    """Share of the submits that are accepted, with receipt and all, but never answered."""
    drop_after: int = 0
    """Cut each link when it has sent this many submits, before answering the last; 0 for never."""
    outcomes: Mapping[str, float] = field(default_factory=lambda: {"delivered": 100.0})
    """What becomes of accepted messages: outcome to weight; `none` sends no receipt."""
    receipt_delay_s: float = 0.1
    """Time from the answer to the receipt."""
    receipt_spread_s: float = 0.0
    """At most this much more, at random for each message: receipts come out of order."""
    early_receipts: bool = False
    """Send each receipt before the answer it belongs to."""
    receipt_form: ReceiptForm = "text"
    """Where receipts say what they say: in the text, in TLVs, or in both."""
    id_format: IdFormat = "decimal"
    """How message ids are written; `hex_then_decimal` answers in hex and reports in decimal."""
    first_id: int = 1
    """Number of the first message id."""
    keep: Keep = "counters"
    """What to remember of submits: counters only, a fingerprint each (finds doubles), or the latest messages."""
    keep_most: int = 100_000
    """How many messages are remembered at most."""
    waiting_most: int = 200_000
    """Receipts and replies kept for an account that is not bound; the oldest go first."""
    seed: int | None = None
    """Makes shares and delays repeatable."""
    script: str = ""
    """What goes wrong, when and how often, in the language of docs/testing.md."""
    speed: float = 1.0
    """Times in scripts and of magic numbers pass so many times faster."""
    magic: bool = False
    """Let numbers that end with 9899 and two digits decide what becomes of their messages (docs/testing.md)."""

    def __post_init__(self) -> None:
        read(self.script)
        if not self.speed > 0:
            raise ValueError("the speed of time is above 0")
        for outcome, weight in self.outcomes.items():
            if outcome not in OUTCOMES:
                raise ValueError(f"unknown outcome {outcome!r}; known are {', '.join(OUTCOMES)}")
            if weight < 0:
                raise ValueError(f"the weight of {outcome} is negative")
        if self.outcomes and not sum(self.outcomes.values()):
            raise ValueError("all weights of outcomes are zero")
        status_number(self.bind_status)
        shares = [self.unanswered, *self.refuse.values()]
        if min(shares) < 0 or sum(shares) > 100:
            raise ValueError("shares are percents: none negative, together at most 100")
        for name in self.refuse:
            if status_number(name) == status.ESME_ROK:
                raise ValueError("a refusal needs a status that is not ESME_ROK")


def parse_shares(text: str) -> dict[str, float]:
    """Read `delivered=95,undeliverable=3` as shares by name.

    Raises: ValueError when a piece is no `name=number`.
    """
    shares: dict[str, float] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, sign, share = piece.partition("=")
        if not sign:
            raise ValueError(f"{piece!r} is not of the form name=number")
        shares[name.strip()] = float(share)
    return shares


def changed(options: SimulatorOptions, changes: Mapping[str, object]) -> SimulatorOptions:
    """The same options with some replaced, types and values checked.

    Raises: ValueError for an unknown or fixed option or a value that does not fit.
    """
    fixed = FIXED & changes.keys()
    if fixed:
        raise ValueError(f"{', '.join(sorted(fixed))} cannot change while the simulator runs")
    known = {column.name for column in dataclasses.fields(SimulatorOptions)}
    unknown = changes.keys() - known
    if unknown:
        raise ValueError(f"unknown option {', '.join(sorted(unknown))}")
    merged = {name: getattr(options, name) for name in known} | dict(changes)
    try:
        return msgspec.convert(merged, SimulatorOptions)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
