"""What somebody types to find a contact, as patterns over the stored texts."""

from typing import NamedTuple

from chappe.domain.contacts import storable_text
from chappe.telecom.numbers import normalise


class Patterns(NamedTuple):
    """Two LIKE patterns with `\\` as their escape, of which one must fit.

    Shape: `number` is None unless what was typed is a whole phone number that is stored in another form.
    """

    text: str
    number: str | None


def patterns(typed: str, country: str) -> Patterns | None:
    """The patterns of a search by an account in `country`, None when nothing was typed.

    Shape: a part of the number or of a field, ASCII letters in either case; a number is found in any form that
           people write, `+33 6 …` or `06…`.
    """
    wanted = storable_text(typed).strip()
    if not wanted:
        return None
    found = normalise([wanted], country).e164[0]
    bare = wanted.removeprefix("+") if wanted[1:].isdigit() else wanted
    return Patterns(_pattern(bare), _pattern(found) if found and found != bare else None)


def _pattern(part: str) -> str:
    for special in "\\%_":
        part = part.replace(special, "\\" + special)
    return f"%{part}%"
