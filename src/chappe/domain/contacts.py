"""The people on a list: a number and four free fields, read from what a customer sent, kept as one text to search."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from chappe.domain.infos import SEPARATOR, split_infos
from chappe.domain.personalize import Infos
from chappe.telecom.numbers import Problem, normalise

MAX_NAME_CHARACTERS: Final = 255
MAX_INFO_CHARACTERS: Final = 1_000

# What a text of the database cannot hold, or what would take one field for two.
_UNSTORABLE: Final = re.compile("[\x00\x1f\ud800-\udfff]")


class Contacts(NamedTuple):
    """Contacts to be stored, column by column: there may be a million. Shape: entries as `entry_of` writes them."""

    numbers: list[int]
    entries: list[str]

    def part(self, start: int, end: int) -> "Contacts":
        return Contacts(self.numbers[start:end], self.entries[start:end])


@dataclass(frozen=True, slots=True)
class Readings:
    """What became of the rows of a request or a file.

    Shape: `contacts` are those that can be stored, in their order; `problems` has a row for each row that was given.
    """

    contacts: Contacts
    problems: list[Problem | None]

    @property
    def invalid(self) -> int:
        return len(self.problems) - len(self.contacts.numbers)


def read_contacts(
    numbers: Sequence[str], infos: Sequence[Infos | None], country: str, *, is_any_line: bool = False
) -> Readings:
    """Read rows as an account in `country` means them.

    Shape: `infos` is empty or as long as `numbers`; with `is_any_line`, a number that is no mobile, or that nobody
           has, can be stored too.
    Cost:  about two microseconds a row.
    """
    found = normalise(numbers, country)
    usable = [
        e164 if problem is None or is_any_line else None
        for e164, problem in zip(found.e164, found.problem, strict=True)
    ]
    kept = [e164 for e164 in usable if e164]
    if infos:
        rows = zip(usable, _texts(infos), strict=True)
        entries = [SEPARATOR.join((e164, *own)).rstrip(SEPARATOR) for e164, own in rows if e164]
    else:
        entries = kept
    return Readings(Contacts(list(map(int, kept)), entries), found.problem)


def entry_of(number: str, infos: Infos) -> str:
    """A contact as one text: the number and its fields joined by U+001F, empty ones at the end left off."""
    (own,) = _texts([infos])
    return SEPARATOR.join((number, *own)).rstrip(SEPARATOR)


def infos_of(entry: str) -> Infos:
    """The four fields of an entry; an empty one is None."""
    return split_infos(entry.partition(SEPARATOR)[2])


def storable_text(text: str) -> str:
    """A text without what the database cannot hold."""
    return _UNSTORABLE.sub("", text)


def _texts(infos: Sequence[Infos | None]) -> Sequence[tuple[str, ...]]:
    """The fields as texts that the database can hold: looked at all at once, because nearly none needs a change."""
    try:
        whole = "\n".join(map("\n".join, cast(Sequence[tuple[str, ...]], infos)))
    except TypeError:  # somebody has no fields, or lacks one
        texts = [tuple([info or "" for info in own or ()]) for own in infos]
        infos, whole = texts, "\n".join(map("\n".join, texts))
    if _UNSTORABLE.search(whole):
        return [tuple([storable_text(info or "") for info in own or ()]) for own in infos]
    return cast(Sequence[tuple[str, ...]], infos)
