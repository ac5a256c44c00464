"""What somebody types to find a contact, as what the stored contacts are compared with."""

from typing import NamedTuple

from chappe.domain.contacts import storable_text
from chappe.telecom.numbers import normalise


class Wanted(NamedTuple):
    """What a contact must have, one of both.

    Shape: `pattern` is a LIKE pattern over the entry with `\\` as its escape; `number` is None unless a whole phone
           number was typed.
    """

    pattern: str
    number: int | None


def wanted(typed: str, country: str) -> Wanted | None:
    """What to look for when an account in `country` searches, None when nothing was typed.

    Shape: a part of the number or of a field, ASCII letters in either case; a number is found in any form that
           people write, `+33 6 …` or `06…`.
    """
    text = storable_text(typed).strip()
    if not text:
        return None
    number = normalise([text], country).e164[0]
    return Wanted(_pattern(text.removeprefix("+") if text[1:].isdigit() else text), int(number) if number else None)


def _pattern(part: str) -> str:
    for special in "\\%_":
        part = part.replace(special, "\\" + special)
    return f"%{part}%"
