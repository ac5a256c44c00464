"""Which column is the number, which are the fields, and whether the first row is a heading."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.errors import BadData
from chappe.domain.personalize import FIELDS
from chappe.telecom.numbers import normalise

NUMBER: Final = "number"
INFOS: Final = tuple(f"info{position}" for position in range(1, FIELDS + 1))

# Headings of number columns in English, French and Italian, without blanks and accents; those of mobiles first.
_MOBILE: Final = re.compile(
    r"(number|numero|num|n|no|tel|telephone|phone|telefono|il|du|de|di|my|contact)*"
    r"(mobile|portable|cell|cellphone|cellulare|cellular|telefonino|gsm|msisdn|sms|natel)"
    r"(number|numero|phone|no|1)*"
)
_PHONE: Final = re.compile(
    r"(number|numero|num|n|no|de|di|du|il|contact)*(phone|telephone|telefono|tel|number|numero|num|destination|"
    r"destinataire|destinatario|recipient|recapito|value|to)(number|numero|phone|no|1)*"
)
# How many of a column's values have to be numbers for it to be taken without a heading that says so.
_ENOUGH: Final = 0.5
_OF_MOBILE, _OF_PHONE = 0.6, 0.3
_MAX_CELL: Final = 40


@dataclass(frozen=True, slots=True)
class Layout:
    """The meaning of a file's columns, counted from 0. Shape: `infos` has four; None is one that the file has not."""

    number: int
    infos: tuple[int | None, ...]
    has_heading: bool
    headings: tuple[str, ...]

    def says(self) -> str:
        """The layout in words."""
        named = [(NUMBER, self.number), *zip(INFOS, self.infos, strict=True)]
        return ", ".join(f"{name} = {_name(self.headings, at)}" for name, at in named if at is not None)


def layout(
    sample: Sequence[Sequence[str]], wanted: Mapping[str, str], country: str, *, has_heading: bool | None
) -> Layout:
    """Find out what the columns mean.

    Shape:  `sample` are the first rows; `wanted` names columns by their heading or their place, counted from 1;
            `has_heading` is None when nobody said.
    Raises: BadData when there is no such column, or none with numbers; it says which columns there are.
    """
    width = max(map(len, sample), default=0)
    first = [cell.strip() for cell in sample[0]] if sample else []
    shares = [_share([row[at] for row in sample[1:] if len(row) > at], country) for at in range(width)]
    alone = [_share([cell], country) for cell in first] + [0.0] * (width - len(first))
    if has_heading is None:
        has_heading = _is_heading(first, alone, wanted)
    headings = tuple(first) if has_heading else ()
    if not has_heading:
        shares = [(share * (len(sample) - 1) + one) / len(sample) for share, one in zip(shares, alone, strict=True)]
    places = {name: _place(place, headings, width) for name, place in wanted.items()}
    number = places.get(NUMBER)
    if number is None:
        number = _number(headings, shares, set(places.values()))
    return Layout(number, _infos(places, headings, number, width), has_heading, headings)


def _is_heading(first: Sequence[str], alone: Sequence[float], wanted: Mapping[str, str]) -> bool:
    """Whether a first row names the columns: it has no number, and a word that names one or was asked for."""
    if any(alone):
        return False
    words = {_folded(cell) for cell in first if cell}
    asked = {_folded(place) for place in wanted.values() if not place.isdigit()}
    return bool(words & asked) or any(_bonus(cell) for cell in first) or not any(map(_has_digits, first))


def _number(headings: Sequence[str], shares: Sequence[float], taken: set[int]) -> int:
    bonuses = [_bonus(headings[at]) if at < len(headings) else 0.0 for at in range(len(shares))]
    scores = [-1.0 if at in taken else shares[at] + bonuses[at] for at in range(len(shares))]
    best = max(range(len(scores)), key=scores.__getitem__, default=-1)
    if best < 0 or scores[best] < (_OF_PHONE if bonuses[best] else _ENOUGH):
        names = _names(headings, len(shares))
        raise BadData(f"no column has phone numbers; name one with --column number=…, of {names}", field="number")
    return best


def _infos(places: Mapping[str, int], headings: Sequence[str], number: int, width: int) -> tuple[int | None, ...]:
    """The fields: those that were asked for; else those whose headings say so; else the other columns in order."""
    if any(name in places for name in INFOS):
        return tuple(places.get(name) for name in INFOS)
    folded = [_folded(heading) for heading in headings]
    if any(name in folded for name in INFOS):
        return tuple(folded.index(name) if name in folded else None for name in INFOS)
    others = [at for at in range(width) if at != number][:FIELDS]
    return (*others, *[None] * (FIELDS - len(others)))


def _place(place: str, headings: Sequence[str], width: int) -> int:
    folded = [_folded(heading) for heading in headings]
    if (name := _folded(place)) and name in folded:
        return folded.index(name)
    if place.isascii() and place.isdigit() and len(place) < 6 and 1 <= int(place) <= width:
        return int(place) - 1
    raise BadData(f"there is no column {place!r}, but {_names(headings, width)}", field="--column")


def _share(cells: Sequence[str], country: str) -> float:
    """How many of the cells that are not empty are phone numbers, from 0 to 1."""
    there = [cell for cell in cells if cell.strip()]
    problems = normalise(there, country).problem
    good = sum(1.0 if problem is None else 0.5 if problem == "not_mobile" else 0.0 for problem in problems)
    return good / len(there) if there else 0.0


def _bonus(heading: str) -> float:
    folded = _folded(heading)
    return _OF_MOBILE if _MOBILE.fullmatch(folded) else _OF_PHONE if _PHONE.fullmatch(folded) else 0.0


def _folded(heading: str) -> str:
    """A heading without case, accents and anything between letters and digits."""
    plain = unicodedata.normalize("NFKD", heading).casefold()
    return "".join([character for character in plain if character.isalnum() and character.isascii()])


def _has_digits(cell: str) -> bool:
    return sum(map(str.isdigit, cell)) > 2


def _name(headings: Sequence[str], at: int) -> str:
    return f"{headings[at][:_MAX_CELL]!r}" if at < len(headings) and headings[at] else f"column {at + 1}"


def _names(headings: Sequence[str], width: int) -> str:
    """Every column with its place and its heading."""
    shown = [f" ({headings[at][:_MAX_CELL]})" if at < len(headings) and headings[at] else "" for at in range(width)]
    return ", ".join(f"{at}{heading}" for at, heading in enumerate(shown, 1)) or "none"
