"""What a reply wants: no more messages, messages again, to know who writes, or to say something."""

import re
import unicodedata
from importlib import resources
from typing import Final, Literal

import msgspec

ReplyKind = Literal["stop", "start", "contact", "reply"]

# After a word that leads an opt-out may stand so much as in "STOP SMS AU 36184" or "STOP A LA PUB".
MAX_AFTER: Final = 3
# Longer texts say something else, whatever words are in them.
MAX_WORDS: Final = 6
MAX_CHARACTERS: Final = 160


class _Local(msgspec.Struct):
    words: frozenset[str]
    source: str


class _Words(msgspec.Struct):
    source: str
    leading: frozenset[str]
    anywhere: frozenset[str]
    whole: frozenset[str]
    phrases: tuple[str, ...]
    polite: frozenset[str]
    negations: frozenset[str]
    contact: frozenset[str]
    after_contact: frozenset[str]
    start: frozenset[str]
    countries: dict[str, _Local]


_WORDS: Final = msgspec.json.decode(
    resources.files("chappe.rules").joinpath("replies/words.json").read_bytes(), type=_Words
)
_SPELT: Final = re.compile(r"\b(?:\w[.\s]){2,}\w\b")
_NOT_A_WORD: Final = re.compile(r"[\W_]+")


def reply_kind(text: str, country: str | None = None) -> ReplyKind:
    """What a reply wants; an opt-out is read leniently: who may have meant it is not written to again.

    Shape: `country` is the person's, alpha-2, for words that mean this in one country only. A text that asks for both
           is an opt-out; *start* is that word and nothing else.
    Source: rules/replies/words.json; the words that are no opt-out beside a negation ("non stop", "don't stop").
    """
    words = _words_of(text)
    if not words:
        return "reply"
    if _is_optout(words, country):
        return "stop"
    if len(words) == 1 and words[0] in _WORDS.start:
        return "start"
    return "contact" if _asks_who(words) else "reply"


def _is_optout(words: list[str], country: str | None) -> bool:
    sentence = f" {' '.join(words)} "
    if any(f" {phrase} " in sentence for phrase in _WORDS.phrases):
        return True
    if any(word in _WORDS.negations for word in words):
        return False
    local = _WORDS.countries.get(country or "")
    keywords = _WORDS.whole | _WORDS.leading | (local.words if local else frozenset())
    bare = _without_politeness(words, _WORDS.polite | _WORDS.contact)
    if bare and all(word in keywords for word in bare):
        return True
    if bare and bare[0] in _WORDS.leading and len(bare) <= 1 + MAX_AFTER:
        return True
    return len(words) <= MAX_AFTER + 1 and any(word in _WORDS.anywhere for word in words)


def _asks_who(words: list[str]) -> bool:
    """Whether it is CONTACT, with courtesy around it or the number it is sent to; "contact me" is something else."""
    bare = _without_politeness(words, _WORDS.polite)
    if not bare or bare[0] not in _WORDS.contact:
        return False
    return all(word in _WORDS.contact or word in _WORDS.after_contact or word.isdigit() for word in bare[1:])


def _words_of(text: str) -> list[str]:
    """The words in capitals, without accents and signs; none when there are too many."""
    if len(text) > MAX_CHARACTERS:
        return []
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join([c for c in plain if unicodedata.category(c) not in ("Mn", "Cf")]).upper()
    plain = _SPELT.sub(lambda spelt: re.sub(r"[.\s]", "", spelt.group()), plain)
    words = _NOT_A_WORD.sub(" ", plain).split()
    return words if len(words) <= MAX_WORDS else []


def _without_politeness(words: list[str], polite: frozenset[str]) -> list[str]:
    first, last = 0, len(words)
    while first < last and words[first] in polite:
        first += 1
    while last > first and words[last - 1] in polite:
        last -= 1
    return words[first:last]
