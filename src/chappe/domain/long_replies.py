"""Long replies that come in parts, in any order, some twice, some never."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from zlib import crc32

from chappe.domain.replies import StoredReply, number_of
from chappe.telecom.ucs2 import join_halves

# What stands in a text where a part of it did not come.
GAP: Final = "[…]"
# A carrier repeats what we did not acknowledge for days; after this long a part is one of another text.
KNOWN_MS: Final = 24 * 3600 * 1000


class Joined(NamedTuple):
    """A text that is put together. Shape: `parts` as `StoredReply.joined`; it is written to the row `id`."""

    text: str
    parts: str
    missing: int
    id: int


@dataclass(slots=True)
class Assembly:
    """What becomes of parts: texts put together, and rows that have gone into them.

    Shape: `next_at` is when the next text has been waited for long enough, None when none is waited for.
    Units: milliseconds UTC.
    """

    whole: list[Joined] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)
    next_at: int | None = None


class _Reference(NamedTuple):
    """What the parts of a text have in common, besides the form in which the reference was written."""

    carrier_id: int
    source: int | str
    destination: str
    reference: str
    total: int


@dataclass(slots=True)
class _Group:
    """The parts of one text so far, by their places."""

    form: str
    parts: dict[int, StoredReply] = field(default_factory=dict)

    @property
    def began_at(self) -> int:
        return min(part.received_at for part in self.parts.values())


def assemble(parts: Sequence[StoredReply], put_together: Iterable[StoredReply], now: int, wait_ms: int) -> Assembly:
    """Put together what is complete, and what has been waited for long enough, with a GAP for what is missing.

    Shape: `parts` in the order in which they came, `put_together` are long texts of before: a part of one of them
           that comes again goes into it, and one that it was missing is told by itself as soon as it comes.
           References are used again: a second text under one begins where a part comes that the first has already,
           with other words. The same reference in 8 bits and in 16 is another text, unless one has what the other
           misses: some networks write the header of a part anew.
    """
    known: dict[_Reference, list[dict[int, int]]] = {}
    for text in put_together:
        known.setdefault(_reference(text), []).append(_places(text.joined))
    done = Assembly()
    groups: dict[_Reference, list[_Group]] = {}
    for part in parts:
        reference = _reference(part)
        if _is_repeat(part, known.get(reference, ())) or not _put(part, groups.setdefault(reference, [])):
            done.merged.append(part.id)
    for reference, found in groups.items():
        before = {place for places in known.get(reference, ()) for place in places}
        for group in _united(found, reference.total):
            is_rest = bool(before) and before.isdisjoint(group.parts)
            total = reference.total - (len(before) if is_rest else 0)
            due_at = group.began_at + wait_ms
            if len(group.parts) == total or now >= due_at:
                _finish(group, reference.total, done)
            else:
                done.next_at = min(due_at, done.next_at or due_at)
    return done


def _reference(part: StoredReply) -> _Reference:
    reference, _, total = (part.part_of or "/0").rpartition("/")
    source = number_of(part.source) or part.source
    digits = total if total.isascii() and total.isdigit() else "0"
    return _Reference(part.carrier_id, source, part.destination, _form_and_number(reference)[1], int(digits))


def _form_and_number(reference: str) -> tuple[str, str]:
    """How a reference was written, and the reference."""
    form, dot, number = reference.partition(".")
    return (form, number) if dot else ("", form)


def _is_repeat(part: StoredReply, texts: Iterable[dict[int, int]]) -> bool:
    """Whether a text of before has this part."""
    return any(places.get(part.part or 0) == _print(part.text) for places in texts)


def _put(part: StoredReply, groups: list[_Group]) -> bool:
    """Put a part where it is missing; False when it is there already."""
    form, place = _form_and_number(part.part_of or "")[0], part.part or 0
    for group in groups:
        there = group.parts.get(place)
        if there is not None and there.text == part.text:
            return False
        if there is None and group.form == form:
            group.parts[place] = part
            return True
    groups.append(_Group(form, {place: part}))
    return True


def _united(groups: list[_Group], total: int) -> list[_Group]:
    """The groups, those of different forms together that make a whole text."""
    left = list(groups)
    for one in groups:
        for other in left:
            if (
                one in left and one.form != other.form and len(one.parts) + len(other.parts) == total
                and one.parts.keys().isdisjoint(other.parts)
            ):  # fmt: skip
                one.parts.update(other.parts)
                left.remove(other)
                break
    return left


def _finish(group: _Group, total: int, done: Assembly) -> None:
    rows = sorted(part.id for part in group.parts.values())
    text = ""
    for place in range(1, max(total, *group.parts) + 1):
        if place in group.parts:
            text += group.parts[place].text
        elif not text.endswith(GAP):
            text += GAP
    written = " ".join(f"{place}:{_print(part.text)}" for place, part in sorted(group.parts.items()))
    done.whole.append(Joined(join_halves(text), written, max(0, total - len(group.parts)), rows[0]))
    done.merged += rows[1:]


def _places(joined: str | None) -> dict[int, int]:
    """The parts of a text that was put together: place -> print of its words."""
    pairs = [pair.partition(":") for pair in (joined or "").split()]
    return {int(place): int(print_) for place, _, print_ in pairs}


def _print(text: str) -> int:
    return crc32(text.encode("utf-8", "replace"))
