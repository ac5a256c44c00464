"""Which alphabet a text is written in where phones know the tables of their language."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from chappe.telecom.gsm7 import DEFAULT, LANGUAGES, Alphabet, Language, by_ids, national
from chappe.telecom.segments import count_parts, normalise_text
from chappe.telecom.transliterate import Change, into, losses
from chappe.telecom.udh import Element, find_languages

# Spanish has none. Source: 3GPP TS 23.038 annex A.3.
_WITHOUT_LOCKING = frozenset[Language](("spanish",))


class Chosen(NamedTuple):
    """An alphabet, the text in its letters, and what was changed for that."""

    alphabet: Alphabet
    text: str
    changes: tuple[Change, ...]


@lru_cache(maxsize=64)
def alphabets(languages: frozenset[Language]) -> tuple[Alphabet, ...]:
    """Give the alphabets that these languages allow, the most harmless first.

    Shape: a phone without the tables shows letters of a shift table as other letters, and much of a locking table
           wrong; both tables together take most room.
    """
    known = [language for language in LANGUAGES if language in languages]
    locking = [language for language in known if language not in _WITHOUT_LOCKING]
    return (
        DEFAULT,
        *[national(single=language) for language in known],
        *[national(locking=language) for language in locking],
        *[national(single=language, locking=language) for language in locking],
    )


def choose(text: str, languages: Collection[Language]) -> Chosen:
    """Choose the alphabet that keeps most letters of a text, of those the one with the fewest parts.

    Shape: between equals the plain alphabet, then a shift table, then a locking table. A text that the plain alphabet
           can write without changing how it looks is never written in another.
    Cost:  some ten microseconds for a short text that needs a national table.
    """
    normal = normalise_text(text)
    best: tuple[int, int] | None = None
    chosen = Chosen(DEFAULT, normal, ())
    for alphabet in alphabets(frozenset(languages)):
        lost = losses(normal, alphabet)
        if best is not None and lost > best[0]:
            continue
        written = into(normal, alphabet)
        if alphabet is DEFAULT and not lost:
            return Chosen(DEFAULT, *written)
        rank = (lost, count_parts(written.text, unicode=False, alphabet=alphabet))
        if best is None or rank < best:
            best, chosen = rank, Chosen(alphabet, *written)
        if rank == (0, 1):
            break
    return chosen


def announced(elements: Sequence[Element]) -> Alphabet:
    """Give the alphabet that a header announces; the plain one for languages that are not known.

    Source: 3GPP TS 23.038 6.2.1.2.4: a receiver without the table reads the default one.
    """
    try:
        return by_ids(*find_languages(elements))
    except ValueError:
        return DEFAULT
