"""A program that somebody else made, as a customer of a centre: what it does and what it has heard."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, Self

from chappe.telecom.smpp.bodies import ShortMessage
from tests.handset import shown

THROTTLED: Final = 0x58
_UDHI: Final = 0x40
_RECEIPT: Final = 0x04
# As programs read receipts: SMPP 3.4, appendix B.
_RECEIPT_TEXT: Final = re.compile(
    r"id:(\S+) sub:\d{3} dlvrd:\d{3} submit date:\d{10} done date:\d{10} stat:(\w+) err:(\w+)"
)


class Answer(NamedTuple):
    """The answer to one submit. Shape: `message_id` is "" when it was refused."""

    number: str
    status: int
    message_id: str


class Receipt(NamedTuple):
    """What became of one submit. Shape: `word` as in the text of receipts."""

    message_id: str
    word: str
    error: str = "000"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the text of a receipt."""
        found = _RECEIPT_TEXT.match(text)
        assert found, text
        return cls(*found.groups())


class Reply(NamedTuple):
    """A text from a phone."""

    source: str
    destination: str
    text: str


@dataclass(slots=True)
class Heard:
    """Everything that came, in its order. Shape: `binds` are the statuses of answers to binds."""

    answers: list[Answer] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    binds: list[int] = field(default_factory=list)
    parts: dict[tuple[str, str, bytes], list[ShortMessage]] = field(default_factory=lambda: defaultdict(list))

    @property
    def throttled(self) -> int:
        """How many submits were refused for coming too fast."""
        return sum(answer.status == THROTTLED for answer in self.answers)

    def delivered(self, body: ShortMessage) -> None:
        """A deliver_sm came to a program that does not read it itself."""
        if body.esm_class & _RECEIPT:
            self.receipts.append(Receipt.read(body.short_message.decode("ascii")))
            return
        if not body.esm_class & _UDHI:
            self.replies.append(Reply(body.source, body.destination, shown([body])))
            return
        assert body.short_message[:3] == b"\x05\x00\x03"  # as all centres concatenate
        reference, total = body.short_message[3:4], body.short_message[4]
        parts = self.parts[body.source, body.destination, reference]
        parts.append(body)
        if len(parts) == total:
            self.replies.append(Reply(body.source, body.destination, shown(parts)))


class Program(Protocol):
    """A program that binds again when its link is lost, and submits again what was refused for its pace."""

    @property
    def heard(self) -> Heard:
        """What it has heard up to now."""

    async def send(self, number: str, text: str) -> None:
        """Submit a text, in the way that it has; not waiting for answers."""
