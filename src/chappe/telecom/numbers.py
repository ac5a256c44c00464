"""Phone numbers as people write them, turned into the one form the networks use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chappe.telecom.number_input import MAX_INPUT, SEPARATORS, Problem
from chappe.telecom.number_plans import Abroad, Kinds, at_home
from chappe.telecom.number_verdicts import Verdict, verdict

__all__ = ["Normalised", "Problem", "normalise"]


@dataclass(frozen=True, slots=True)
class Normalised:
    """Numbers after reading, as columns: a row per input, in its order.

    Shape: `e164` are digits without a plus, also given for numbers that exist but take no message
           (`not_mobile`, `unassigned`); `country` is ISO alpha-2, or 001 for codes of no country. A row without a
           problem has both.
    """

    e164: list[str | None]
    country: list[str | None]
    problem: list[Problem | None]


# Filled as countries are met: a thousand starts and some hundred groups at most.
_abroad: Final = Abroad()
_kinds: Final = Kinds()

_SEPARATORS: Final = str.maketrans("0123456789+\n", "0123456789+\n", SEPARATORS.replace("\n", ""))
_DECIMAL_END: Final = re.compile(r"(?<![.,]\d\d)[.,]0+$", re.MULTILINE)  # 33612345678.0, not 06.12.34.56.00


def normalise(inputs: Sequence[str], country: str) -> Normalised:
    """Read the numbers of a request or a list as an account in `country` (ISO alpha-2) means them.

    Shape:  what is not a string, or too long to be a number, is `bad_format`. Digits without a plus are tried
            as national numbers first. French 06 and 07 are mobiles even where the metadata knows no such range.
    Source: ITU-T E.164; libphonenumber for the plans.
    Cost:   about a microsecond for a mobile number in a usual form, fifty for an odd or wrong one.
    """
    home, abroad, kinds = at_home(country), _abroad, _kinds
    e164: list[str | None] = []
    places: list[str | None] = []
    problems: list[Problem | None] = []
    for raw, digits in zip(inputs, _tidy(inputs), strict=True):
        found = home(digits) or abroad[digits[:4]](digits)
        if found and (group := found.lastgroup):
            code, place, is_mobile = kinds[group]
            if is_mobile:
                e164.append(code + found[group])
                places.append(place)
                problems.append(None)
                continue
            # Without a plus or a trunk 0 the digits of a fixed line may also be a mobile elsewhere.
            is_sure = digits[0] in "+0"
            row = Verdict(code + found[group], place, "not_mobile") if is_sure else _asked(raw, country)
        else:
            row = _asked(raw, country)
        e164.append(row.e164)
        places.append(row.country)
        problems.append(row.problem)
    return Normalised(e164, places, problems)


def _tidy(inputs: Sequence[str]) -> list[str]:
    """Drop what people put between digits and write 00 as a plus, for all inputs in a few passes.

    Shape: what cannot be a number, or may have a decimal point, comes out as something no pattern matches.
    """
    if not inputs:
        return []
    try:
        whole = "\n".join(inputs)
        is_regular = whole.count("\n") < len(inputs) and max(map(len, inputs)) <= MAX_INPUT
    except TypeError:
        is_regular = False
    if not is_regular:
        whole = "\n".join([raw.replace("\n", " ") if _is_short_text(raw) else "" for raw in inputs])
    if not whole.isascii():
        whole = whole.replace("\u00a0", " ").replace("\u202f", " ")
    if "." in whole or "," in whole:
        whole = _DECIMAL_END.sub("?", whole)
    return ("\n" + whole.translate(_SEPARATORS)).replace("\n00", "\n+").split("\n")[1:]


def _is_short_text(raw: object) -> bool:
    return isinstance(raw, str) and len(raw) <= MAX_INPUT


def _asked(raw: object, country: str) -> Verdict:
    return verdict(raw, country) if isinstance(raw, str) else Verdict(None, None, "bad_format")
