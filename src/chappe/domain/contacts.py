"""The people on a list: a number and four free fields, read from what a customer sent, kept as one text to search."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from chappe.domain.infos import SEPARATOR, split_infos
from chappe.domain.personalize import Infos
from chappe.telecom.numbers import Problem, normalise

MAX_NAME_CHARACTERS: Final = 255
MAX_INFO_CHARACTERS: Final = 1_000

# What a text of the database cannot hold, or what would take one field for two.
_UNSTORABLE: Final = re.compile("[\x00\x1f\ud800-\udfff]")


class NewContact(NamedTuple):
    """A contact to be stored. Shape: `entry` as `entry_of` writes it."""

    number: int
    entry: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What became of the rows of a request or a file.

    Shape: `contacts` are those that can be stored, in their order; `problems` has a row for each row that was given.
    """

    contacts: list[NewContact]
    problems: list[Problem | None]

    @property
    def invalid(self) -> int:
        return len(self.problems) - len(self.contacts)


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
    if infos:
        rows = zip(usable, _storable(infos), strict=True)
        contacts = [NewContact(int(e164), entry_of(e164, own)) for e164, own in rows if e164]
    else:
        contacts = [NewContact(int(e164), e164) for e164 in usable if e164]
    return Readings(contacts, found.problem)


def entry_of(number: str, infos: Infos | None) -> str:
    """A contact as one text: the number and its fields joined by U+001F, empty ones at the end left off."""
    if not infos or not any(infos):
        return number
    return SEPARATOR.join([number, *[info or "" for info in infos]]).rstrip(SEPARATOR)


def infos_of(entry: str) -> Infos:
    """The four fields of an entry; an empty one is None."""
    return split_infos(entry.partition(SEPARATOR)[2])


def storable_text(text: str) -> str:
    """A text without what the database cannot hold."""
    return _UNSTORABLE.sub("", text)


def _storable(infos: Sequence[Infos | None]) -> Sequence[Infos | None]:
    """The fields without what the database cannot hold: looked at all at once, because nearly none has any."""
    whole = "\n".join([info for own in infos if own for info in own if info])
    if not _UNSTORABLE.search(whole):
        return infos
    return [own and tuple([info and storable_text(info) for info in own]) for own in infos]
