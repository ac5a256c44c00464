"""Replies before their owner is known: who sent them, and which repeat an earlier one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

# Without an id or a link to judge by, over HTTP: who types the same words so fast gets them counted once.
REPEAT_MS: Final = 15_000
# A carrier that may have missed acknowledgements brings again, for so long, what it had brought so long before.
AGAIN_MS: Final = 600_000
# How long vendors come back under the same id, at the most.
SAME_ID_MS: Final = 3 * 86_400_000
_MAX_DIGITS: Final = 15


class Doubt(NamedTuple):
    """What came in this time, both ends included, may come again: its acknowledgement may not have arrived.

    Units: milliseconds UTC.
    """

    since: int
    until: int


class StoredReply(NamedTuple):
    """A reply whose owner is not known yet.

    Shape: parts as in `ReplyIn`; of a text that was put together, `joined` are its parts, as `domain/long_replies.py`
           writes them; `account_id` is whom an operator gave it to; `ref` and the doubt are as in `ReplyIn`;
           `is_repeat` is whether it was found to be one.
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
    ref: str | None = None
    doubt_since: int | None = None
    doubt_until: int | None = None
    is_repeat: bool = False

    @property
    def looks_back_to(self) -> int | None:
        """Since when one may have come that this repeats; None when it repeats none, whatever came.

        Parts repeat parts, which `domain/long_replies.py` knows.
        """
        if self.joined is not None:
            return None
        return self.received_at - SAME_ID_MS if self.ref is not None else self.doubt_since


def number_of(source: str) -> int | None:
    """The number a reply came from; None when it is a name or no number anybody could be sent to."""
    digits = source.lstrip("+").lstrip("0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def repeats(replies: Sequence[StoredReply], earlier: Iterable[StoredReply]) -> set[int]:
    """Those of the replies that their carrier brought a second time.

    Shape: all in the order in which they came; of the earlier ones it is known whether they are repeats.

    With an id of the carrier's, what came under it with the same words. Otherwise what came in the time of its doubt,
    each counting for one: who wrote "1" twice before a link was lost has both brought again, and a third is new.
    """
    before: dict[tuple[object, ...], list[StoredReply]] = defaultdict(list)
    found: set[int] = set()
    judged = {reply.id for reply in replies}
    for reply in [*earlier, *replies]:
        known = before[(reply.ref, *reply[1:5])]
        is_repeat = _is_repeat(reply, known) if reply.id in judged else reply.is_repeat
        if is_repeat and reply.id in judged:
            found.add(reply.id)
        if reply.joined is None:
            known.append(reply._replace(is_repeat=is_repeat))
    return found


def _is_repeat(reply: StoredReply, known: Iterable[StoredReply]) -> bool:
    since = reply.looks_back_to
    if since is None:
        return False
    before = [each for each in known if each.id < reply.id and each.received_at >= since]
    if reply.ref is not None:
        return bool(before)
    until = reply.doubt_until or 0
    doubtful = Counter(each.is_repeat for each in before if each.received_at <= until)
    used = sum(each.is_repeat and each.received_at > until for each in before)
    return (doubtful[False] or doubtful[True]) > used
