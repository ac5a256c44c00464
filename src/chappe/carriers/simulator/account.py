"""What waits for one customer of the simulated carrier, whether he is bound or not."""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage

from .options import SimulatorOptions
from .outcomes import Outcome

_RECEIPT = 0x04


class Outgoing(NamedTuple):
    """A receipt or a reply on its way to the customer.

    Shape: for a receipt `message` is the submit it tells about, `message_id` its id as receipts write it and `key` its
           key in the tally; for a reply (no outcome) `message` is the text itself.
    """

    message: ShortMessage
    outcome: Outcome | None = None
    message_id: str = ""
    submitted_at: str = ""
    key: int = 0


class Receiver(Protocol):
    """A bound link that takes deliveries."""

    @property
    def free(self) -> int:
        """How many deliveries it takes now."""

    def deliver(self, items: list[Outgoing]) -> None:
        """Send at most `free` deliveries."""


class Account:
    """The receivers of one system_id and the queue they share."""

    def __init__(self, system_id: str, most: int) -> None:
        self.system_id = system_id
        self.most = most
        self.receivers: list[Receiver] = []
        self.forgotten = 0
        self._queue: deque[Outgoing] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, items: Iterable[Outgoing]) -> None:
        """Add to the end and send what may go."""
        self._queue.extend(items)
        self._shrink()
        self.pump()

    def give_back(self, items: list[Outgoing]) -> None:
        """Put deliveries that were never acknowledged back to the front."""
        self._queue.extendleft(reversed(items))
        self._shrink()

    def pump(self) -> None:
        """Send from the queue as the windows allow, to the emptiest receiver first."""
        while self._queue and self.receivers:
            best = max(self.receivers, key=lambda receiver: receiver.free)
            count = min(best.free, len(self._queue))
            if not count:
                return
            best.deliver([self._queue.popleft() for _ in range(count)])

    def _shrink(self) -> None:
        while len(self._queue) > self.most:
            self._queue.popleft()
            self.forgotten += 1


def wire_time(moment: datetime | None = None) -> str:
    """The date of a receipt, in UTC, to the minute."""
    return f"{moment or datetime.now(UTC):%y%m%d%H%M}"


def delivery(item: Outgoing, options: SimulatorOptions, done_at: str) -> ShortMessage:
    """The deliver_sm for a receipt or reply."""
    if item.outcome is None:
        return item.message
    outcome, sent = item.outcome, item.message
    message_id = item.message_id
    text, tlvs = b"", b""
    if options.receipt_form != "tlv":
        quote = sent.short_message[:20] if sent.data_coding in (0, 1, 3) and not sent.esm_class & 0x40 else b""
        text = (
            f"id:{message_id} sub:001 dlvrd:{outcome.is_success:03} submit date:{item.submitted_at} "
            f"done date:{done_at} stat:{outcome.stat} err:{outcome.error:03} text:"
        ).encode() + quote
    if options.receipt_form != "text":
        tlvs = tlv.encode(
            [
                tlv.value_of("receipted_message_id", message_id),
                tlv.value_of("message_state", outcome.message_state),
                tlv.value_of("network_error_code", b"\x03" + outcome.error.to_bytes(2, "big")),
            ]
        )
    return ShortMessage(
        sent.dest_ton,
        sent.dest_npi,
        sent.destination,
        sent.source_ton,
        sent.source_npi,
        sent.source,
        _RECEIPT,
        0,
        text,
        tlvs=tlvs,
    )
