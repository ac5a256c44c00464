"""Numbers to test with: what the last digits make of a message at a simulated carrier or in a demo account."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from chappe.telecom.smpp import status

PREFIX: Final = "9899"
"""A magic number ends with these digits and the two of its outcome, in any country.

Six digits, so that numbers counted up hit one in fifty thousand times. 33639989901 and its like are in a block that
nobody is ever given. Source: ARCEP decision 2018-0881, numbers for audiovisual works (06 39 98).
"""

_RINVSRCADR: Final = 0x0A
_RX_P_APPN: Final = 0x65

_DIGITS: Final = len(PREFIX) + 2
_LONG_REPLY: Final = (
    "This is a reply that is too long for one text message, as people write them when they have a story to tell: "
    "it came in two parts, and whoever reads it should see it whole."
)


class MagicOutcome(NamedTuple):
    """What becomes of a message to one magic number.

    Shape: `refusal` is the command_status of the first submit, 0 when it is taken; `again` says that every further
           submit of the message is refused too. `answer_after_ms` is None when no answer ever comes. `stat` is the
           receipt's word, "" when there is no receipt; `error` its code. `copies` is how often each receipt comes,
           `parts` whose. `reply` is what the phone sends back, "" for nothing.
    Units: milliseconds; `receipt_after_ms` from the answer, `reply_after_ms` from the receipt.
    """

    code: str
    name: str
    meaning: str
    refusal: int = status.ESME_ROK
    again: bool = False
    answer_after_ms: int | None = 0
    stat: str = "DELIVRD"
    error: int = 0
    receipt_after_ms: int = 0
    is_receipt_early: bool = False
    copies: int = 1
    parts: Literal["all", "first"] = "all"
    reply: str = ""
    reply_after_ms: int = 0


# Source of the error codes: 3GPP TS 29.002, 17.6: 1 unknown subscriber, 27 absent subscriber, 31 busy.
MAGIC: Final[Mapping[str, MagicOutcome]] = {
    outcome.code: outcome
    for outcome in (
        MagicOutcome("01", "delivered", "delivered at once"),
        MagicOutcome("02", "delivered_later", "delivered after 10 s", receipt_after_ms=10_000),
        MagicOutcome("03", "undeliverable", "not delivered: the phone was busy", stat="UNDELIV", error=31),
        MagicOutcome("04", "expired", "not delivered in time: the phone was off", stat="EXPIRED", error=27),
        MagicOutcome("05", "unknown_subscriber", "nobody has the number (NPAI)", stat="UNDELIV", error=1),
        MagicOutcome("06", "refused", "refused by the carrier for good", refusal=_RX_P_APPN, again=True, stat=""),
        MagicOutcome(
            "07", "sender_refused", "the carrier refuses the sender", refusal=_RINVSRCADR, again=True, stat=""
        ),
        MagicOutcome("08", "throttled", "throttled once, then taken and delivered", refusal=status.ESME_RTHROTTLED),
        MagicOutcome("09", "queue_full", "queue full once, then taken and delivered", refusal=status.ESME_RMSGQFUL),
        MagicOutcome(
            "10", "unanswered", "no answer and no receipt ever: its outcome is unknown", answer_after_ms=None, stat=""
        ),
        MagicOutcome("11", "answered_late", "answered after 15 s, then delivered", answer_after_ms=15_000),
        MagicOutcome("12", "unreported", "taken, and no receipt ever", stat=""),
        MagicOutcome(
            "13", "reported_early", "the receipt comes before the answer", answer_after_ms=500, is_receipt_early=True
        ),
        MagicOutcome("14", "reported_twice", "the receipt comes twice", copies=2),
        MagicOutcome("15", "first_part_only", "of a long text only the first part gets a receipt", parts="first"),
        MagicOutcome("16", "reply_stop", "delivered, then replies STOP", reply="STOP", reply_after_ms=1_000),
        MagicOutcome("17", "reply_hello", "delivered, then replies hello", reply="hello", reply_after_ms=1_000),
        MagicOutcome(
            "18", "reply_long", "delivered, then replies in two parts", reply=_LONG_REPLY, reply_after_ms=1_000
        ),
    )
}


def outcome_of(number: str) -> MagicOutcome | None:
    """Find what becomes of messages to a number; None for a number like any other.

    Cost: 0.1 µs for a number like any other.
    """
    if number[-_DIGITS:-2] != PREFIX:
        return None
    return MAGIC.get(number[-2:])
