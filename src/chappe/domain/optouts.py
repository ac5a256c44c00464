"""Whether a reply asks not to be written to any more."""

import re
import unicodedata
from importlib import resources
from typing import Final

import msgspec

# After a word that leads an opt-out may stand so much as in "STOP SMS AU 36184" or "STOP A LA PUB".
MAX_AFTER: Final = 3
# Longer texts say something else, whatever words are in them.
MAX_WORDS: Final = 6
MAX_CHARACTERS: Final = 160


class _Words(msgspec.Struct):
    source: str
    leading: frozenset[str]
    anywhere: frozenset[str]
    whole: frozenset[str]
    phrases: tuple[str, ...]
    polite: frozenset[str]
    negations: frozenset[str]
    countries: dict[str, frozenset[str]]


_WORDS: Final = msgspec.json.decode(
    resources.files("chappe.rules").joinpath("optouts/words.json").read_bytes(), type=_Words
)
_SPELT: Final = re.compile(r"\b(?:\w[.\s]){2,}\w\b")
_NOT_A_WORD: Final = re.compile(r"[\W_]+")


def is_optout(text: str, country: str | None = None) -> bool:
    """Whether a text is an opt-out, read leniently: who may have meant it is not written to again.

    Shape: `country` is the person's, alpha-2, for words that mean this in one country only.
    Source: rules/optouts/words.json; the words that are no opt-out beside a negation ("non stop", "don't stop").
    """
    words = _words_of(text)
    if not words:
        return False
    sentence = f" {' '.join(words)} "
    if any(f" {phrase} " in sentence for phrase in _WORDS.phrases):
        return True
    if any(word in _WORDS.negations for word in words):
        return False
    keywords = _WORDS.whole | _WORDS.leading | _WORDS.countries.get(country or "", frozenset())
    bare = _without_politeness(words)
    if bare and all(word in keywords for word in bare):
        return True
    if bare and bare[0] in _WORDS.leading and len(bare) <= 1 + MAX_AFTER:
        return True
    return len(words) <= MAX_AFTER + 1 and any(word in _WORDS.anywhere for word in words)


def _words_of(text: str) -> list[str]:
    """The words in capitals, without accents and signs; none when there are too many."""
    if len(text) > MAX_CHARACTERS:
        return []
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join([c for c in plain if unicodedata.category(c) not in ("Mn", "Cf")]).upper()
    plain = _SPELT.sub(lambda spelt: re.sub(r"[.\s]", "", spelt.group()), plain)
    words = _NOT_A_WORD.sub(" ", plain).split()
    return words if len(words) <= MAX_WORDS else []


def _without_politeness(words: list[str]) -> list[str]:
    first, last = 0, len(words)
    while first < last and words[first] in _WORDS.polite:
        first += 1
    while last > first and words[last - 1] in _WORDS.polite:
        last -= 1
    return words[first:last]
