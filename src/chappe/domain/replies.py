"""Replies before their owner is known: who sent them, and which repeat an earlier one."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

# A carrier that saw no acknowledgement brings a reply again within so long. Who types the same words to the same
# number so fast gets them counted once.
REPEAT_MS: Final = 15_000
_MAX_DIGITS: Final = 15


class StoredReply(NamedTuple):
    """A reply whose owner is not known yet.

    Shape: parts as in `ReplyIn`; of a text that was put together, `joined` are its parts, as `domain/long_replies.py`
           writes them; `account_id` is whom an operator gave it to.
    Units: milliseconds UTC.
    """

    id: int
    carrier_id: int
    source: str
    destination: str
    text: str
    received_at: int
    part_of: str | None
    part: int | None
    joined: str | None = None
    account_id: int | None = None


def number_of(source: str) -> int | None:
    """The number a reply came from; None when it is a name or no number anybody could be sent to."""
    digits = source.lstrip("+").lstrip("0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def repeats(replies: Sequence[StoredReply], earlier: Iterable[StoredReply]) -> set[int]:
    """Those of the replies that their carrier brought a second time.

    Shape: all in the order in which they came. The same carrier, numbers and text within REPEAT_MS; the next
           repeat is measured from the first that counts.
    """
    first: dict[tuple[object, ...], int] = {}
    found: set[int] = set()
    for reply in [*earlier, *replies]:
        key = (*reply[1:5], reply.part_of)
        at = first.get(key)
        if at is None or reply.received_at - at > REPEAT_MS:
            first[key] = reply.received_at
        else:
            found.add(reply.id)
    return found & {reply.id for reply in replies}
