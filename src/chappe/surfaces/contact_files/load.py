"""Rows of a file on their way into a list, with a word for each one that is refused."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

from chappe.domain.contacts import MAX_INFO_CHARACTERS, read_contacts
from chappe.domain.errors import BadData
from chappe.manage.list_filling import Filling
from chappe.surfaces.contact_files.columns import Layout
from chappe.surfaces.contact_files.rows import Row

EMPTY: Final = "empty"
TOO_LONG: Final = f"a field is longer than {MAX_INFO_CHARACTERS} characters"
_WORDS: Final = {
    "bad_format": "not a phone number",
    "lossy": "digits are lost: the spreadsheet wrote it as 6.12E+08",
    "too_short": "too short",
    "too_long": "too long",
    "unassigned": "no operator has such numbers",
    "short_code": "a short number",
    "not_mobile": "not a mobile number",
}


class Reject(NamedTuple):
    """A row that is not a contact: where it is, what stands there as its number, and why."""

    line: int
    value: str
    reason: str


@dataclass(slots=True)
class Loaded:
    """What became of a file's rows; blank ones do not count."""

    contacts: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Sink(Protocol):
    """Somebody who wants the rejects."""

    def writerows(self, rows: Iterable[Reject]) -> object: ...


@contextmanager
def rejects_file(path: Path | None) -> Iterator[Sink | None]:
    """A CSV file for the rejects, if one is wanted. Raises: BadData when it cannot be written."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise BadData(f"cannot be written: {error.strerror or error}", field=str(path)) from None
    with file:
        writer = csv.writer(file)
        writer.writerow(Reject._fields)
        yield writer


async def load(
    batches: Iterable[list[Row]],
    layout: Layout,
    filling: Filling,
    country: str,
    *,
    rejects: Sink | None,
    progress: Callable[[], None],
) -> Loaded:
    """Put rows into a list, a batch at a time. Cost: some four microseconds a row, memory for one batch."""
    loaded = Loaded()
    for batch in batches:
        rows = [cells for _, cells in batch]
        numbers = _columns(rows, (layout.number,))
        infos = _infos(rows, layout.infos)
        too_long = _too_long(infos)
        readings = read_contacts(["" if at in too_long else own[0] for at, own in enumerate(numbers)], infos, country)
        if readings.invalid:
            refused = list(_refused(batch, layout.number, readings.problems, too_long))
            loaded.refused.update(reject.reason for reject in refused)
            if rejects:
                rejects.writerows(refused)
        await filling.write(readings.contacts)
        loaded.contacts += len(readings.contacts.numbers)
        progress()
    return loaded


def _columns(rows: Sequence[list[str]], places: Sequence[int]) -> list[tuple[str, ...]]:
    """Some cells of each row; a row that is too short has empty ones."""
    if min(map(len, rows)) <= max(places):
        return [tuple([cells[at] if len(cells) > at else "" for at in places]) for cells in rows]
    if len(places) == 1:
        return [(cells[places[0]],) for cells in rows]
    return cast(list[tuple[str, ...]], list(map(itemgetter(*places), rows)))


def _infos(rows: Sequence[list[str]], places: Sequence[int | None]) -> Sequence[tuple[str, ...]]:
    """The fields of each row, without blanks around them."""
    there = [at for at in places if at is not None]
    if not there:
        return ()
    infos = _columns(rows, there)
    whole = "\n".join(map("\n".join, infos))
    if " \n" in whole or "\n " in whole or whole[:1].isspace() or whole[-1:].isspace():
        infos = [tuple([info.strip() for info in own]) for own in infos]
    if len(there) == max(position for position, at in enumerate(places, 1) if at is not None):
        return infos
    # A field in between is none of the file's columns.
    return [_spread(own, places) for own in infos]


def _spread(own: Sequence[str], places: Sequence[int | None]) -> tuple[str, ...]:
    cells = iter(own)
    return tuple(["" if at is None else next(cells) for at in places])


def _too_long(infos: Sequence[tuple[str, ...]]) -> set[int]:
    """The rows of which a field is too long. Cost: one look at the length of each row."""
    if max(map(len, map("".join, infos)), default=0) <= MAX_INFO_CHARACTERS:
        return set()
    return {at for at, own in enumerate(infos) if max(map(len, own)) > MAX_INFO_CHARACTERS}


def _refused(batch: Sequence[Row], number: int, problems: Sequence[str | None], too_long: Set[int]) -> Iterator[Reject]:
    for at, problem in enumerate(problems):
        if problem is None:
            continue
        line, cells = batch[at]
        value = cells[number].strip() if len(cells) > number else ""
        if at in too_long:
            yield Reject(line, value, TOO_LONG)
        elif value:
            yield Reject(line, value, _WORDS[problem])
        elif any(map(str.strip, cells)):
            yield Reject(line, value, EMPTY)
