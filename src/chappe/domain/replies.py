"""Replies before their owner is known: who sent them, which repeat an earlier one, which are parts of a long text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# A carrier that saw no acknowledgement brings a reply again within so long. Who types the same words to the same
# number so fast gets them counted once.
REPEAT_MS: Final = 15_000
# So long the missing parts of a long text are waited for.
PART_WAIT_MS: Final = 60_000
# A part that comes again so long after its text was put together is known to be a repeat.
PART_REPEAT_MS: Final = 600_000
_MAX_DIGITS: Final = 15


class StoredReply(NamedTuple):
    """A reply whose owner is not known yet. Units: milliseconds UTC. Shape: parts as in `ReplyIn`."""

    id: int
    carrier_id: int
    source: str
    destination: str
    text: str
    received_at: int
    part_of: str | None
    part: int | None


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


@dataclass(slots=True)
class Assembly:
    """What becomes of parts: texts put together, as (text, row), and rows that have gone into them."""

    whole: list[tuple[str, int]] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)


def assemble(parts: Sequence[StoredReply], put_together: Iterable[StoredReply], now: int) -> Assembly:
    """Put together what is complete, and what has been waited for long enough.

    Shape: `parts` in the order in which they came, `put_together` are long texts of before: a part of one of them
           that comes again goes into it. References are used again: a second text under one begins where a part
           comes that the first has already, with other words.
    """
    known: dict[tuple[object, ...], list[str]] = {}
    for text in put_together:
        known.setdefault((*text[1:4], text.part_of), []).append(text.text)
    done = Assembly()
    groups: dict[tuple[object, ...], list[dict[int, StoredReply]]] = {}
    for part in parts:
        key = (*part[1:4], part.part_of)
        if any(part.text in text for text in known.get(key, ())):
            done.merged.append(part.id)
            continue
        place = part.part or 0
        for group in groups.setdefault(key, []):
            if place not in group:
                group[place] = part
                break
            if group[place].text == part.text:
                done.merged.append(part.id)
                break
        else:
            groups[key].append({place: part})
    for each in groups.values():
        for group in each:
            _finish(group, done, now)
    return done


def _finish(group: dict[int, StoredReply], done: Assembly, now: int) -> None:
    rows = sorted(part.id for part in group.values())
    some = next(iter(group.values()))
    total = int((some.part_of or "/0").rpartition("/")[2])
    if len(group) == total or now - some.received_at >= PART_WAIT_MS:
        done.whole.append(("".join([group[place].text for place in sorted(group)]), rows[0]))
        done.merged += rows[1:]
