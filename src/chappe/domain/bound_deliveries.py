"""What a customer who binds is told: receipts and replies, as they are kept until he takes them.

Source: SMPP 3.4, 5.2.17 (registered_delivery) and 5.2.28 (message_state).
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from chappe.domain.bind_users import DefaultAlphabet
from chappe.domain.lifecycle import Dlr
from chappe.telecom import gsm7
from chappe.telecom.gsm7 import DEFAULT
from chappe.telecom.segments import PROTOCOL_MAX_PARTS, segments

ReceiptWord = Literal["ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"]

_RECEIPT_BITS: Final = 0x03
_INTERMEDIATE: Final = 0x10
# The word for the end of a message; `err` is the delivery status itself, the same number as in webhooks.
WORDS: Final[dict[int, ReceiptWord]] = {
    Dlr.NOT_SENT: "DELETED",
    Dlr.SENT: "ENROUTE",
    Dlr.NOT_DELIVERED: "UNDELIV",
    Dlr.DELIVERED: "DELIVRD",
    Dlr.NOT_ALLOWED: "REJECTD",
    Dlr.INVALID_DESTINATION: "UNDELIV",
    Dlr.INVALID_SENDER: "REJECTD",
    Dlr.ROUTE_NOT_AVAILABLE: "UNDELIV",
    Dlr.REJECTED: "REJECTD",
    Dlr.NETWORK_ERROR: "UNKNOWN",
    Dlr.EXPIRED: "EXPIRED",
}
# Characters, which fit into the parts that one message may have.
_MAX_REPLY: Final = 10_000


class Told(NamedTuple):
    """An id that a customer was told, and the registered_delivery that came with it."""

    ref: int
    registered: int


class BoundReceipt(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """A receipt for one id.

    Shape: addresses as he wrote them in his submit: "TON NPI digits". `is_final` tells receipts from the notification
           that a message is on its way. `client_ref` is his user_message_reference.
    Units: milliseconds UTC.
    """

    ref: int
    dlr: int
    is_final: bool
    source: str
    destination: str
    accepted_at: int
    done_at: int
    client_ref: str | None = None

    @property
    def word(self) -> ReceiptWord:
        return WORDS[self.dlr]


class BoundReply(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """A part of what somebody answered, or all of it.

    Shape: numbers as the carrier reported them; a `total` of 1 is a text that fits one message.
    """

    source: str
    destination: str
    text: str
    is_gsm7: bool
    reference: int = 0
    part: int = 1
    total: int = 1


BoundDelivery: TypeAlias = BoundReceipt | BoundReply

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(BoundReceipt | BoundReply)


def encoded(delivery: BoundDelivery) -> bytes:
    """The form in which deliveries are kept."""
    return _encoder.encode(delivery)


def decoded(body: bytes) -> BoundDelivery:
    """Read what `encoded` wrote."""
    delivery: BoundDelivery = _decoder.decode(body)
    return delivery


def wants_final(registered: int, dlr: int) -> bool:
    """Whether an id wants a receipt for this end. Shape: 1 always, 2 for failures, 3 for successes (5.0)."""
    asked = registered & _RECEIPT_BITS
    return asked == 1 or (asked == 2 and dlr != Dlr.DELIVERED) or (asked == 3 and dlr == Dlr.DELIVERED)


def wants_intermediate(registered: int) -> bool:
    return bool(registered & _INTERMEDIATE)


def told_text(told: Iterable[Told]) -> str:
    """Ids as they are kept with a message: `17/1 18/0`."""
    return " ".join([f"{ref}/{registered}" for ref, registered in told])


def read_told(text: str) -> list[Told]:
    """Read what `told_text` wrote."""
    pairs = [pair.partition("/") for pair in text.split()]
    return [Told(int(ref), int(registered)) for ref, _, registered in pairs]


def octets_in(text: str, alphabet: DefaultAlphabet) -> bytes | None:
    """A text in what data_coding 0 means to a customer, an octet a character; None when it lacks a letter."""
    try:
        match alphabet:
            case "gsm7":
                return gsm7.encode(text) if DEFAULT.has(text) else None
            case "latin1":
                return text.encode("latin-1")
            case "ascii":
                return text.encode("ascii")
    except UnicodeEncodeError:
        return None


def replies_of(
    source: str, destination: str, text: str, reference: int, alphabet: DefaultAlphabet = "gsm7"
) -> list[BoundReply]:
    """A reply in as many parts as it takes: in GSM-7 when it can be, else in UCS-2.

    Shape: one with letters that `alphabet`, the customer's, does not have is cut for UCS-2 too: he gets it so.
    """
    is_gsm7 = DEFAULT.has(text) and (alphabet == "gsm7" or octets_in(text, alphabet) is not None)
    parts = segments(text[:_MAX_REPLY], unicode=not is_gsm7 or None, limit=PROTOCOL_MAX_PARTS).parts
    total = len(parts)
    return [
        BoundReply(source, destination, part, is_gsm7, reference & 0xFF, number, total)
        for number, part in enumerate(parts, 1)
    ]
