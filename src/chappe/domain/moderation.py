"""Why a person is asked before a campaign is sent: what an operator set to be held, looked for in what was planned.

What hides a word from a filter and not from a reader is seen through: accents, case, `b.a.n.k`, `b4nk`, letters of
other alphabets that look the same. It is better to ask about one campaign too many.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final
from unicodedata import normalize

import msgspec
from pyroaring import BitMap64

from chappe.domain.plans import Plan
from chappe.domain.remarks import Warned
from chappe.domain.rulebook import AccountRules

DAY_MS: Final = 86_400_000
ANY_LINK: Final = "*"
# Words or domains of one rule that are told.
MAX_TOLD: Final = 10

# Signs and blanks that may stand between two letters of a word.
_MAX_GAP: Final = 3
_SIGNS: Final = re.compile(r"\W+")
_PIECES: Final = re.compile(r"(\W*)(\w+)")
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_SIGN_IN_WORD: Final = re.compile(r"(?<=\w)[@$](?=\w)")
# A 1 is an i or an l, so both letters are one.
_LOOKALIKES: Final = str.maketrans(
    "_013457" + "l" + "авеікмнорстухѕј" + "αβεηικνορτυχ",
    " oieast" + "i" + "abeikmhopctyxsj" + "abehikvoptux",
)
_NAMES: Final = re.compile(r"[\w.-]+")
_DOTS: Final = re.compile(r"\.{2,}")
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)


class Finding(msgspec.Struct, frozen=True):
    """What a person is asked about. Shape: `rule` is its name, `matched` what met it: never a recipient's number."""

    rule: str
    matched: str


class Watch:
    """Looks at the plan of one request, chunk by chunk, for what its account's rules hold."""

    def __init__(self, rules: AccountRules, age_ms: int) -> None:
        """Shape: `age_ms` is the account's."""
        self._words: frozenset[str] = rules.value("hold_words")
        self._links: frozenset[str] = rules.value("hold_links")
        self._above: int = rules.value("hold_above")
        self._days: int = rules.value("hold_first_days")
        self._run: int = rules.value("hold_sequences")
        self._age_ms = max(age_ms, 0)  # clocks differ
        self._sent = 0
        self._seen: set[str] = set()
        self._found: dict[Finding, None] = {}
        self._numbers = BitMap64()

    def add(self, planned: Plan) -> None:
        """Heed some more messages. Cost: some microseconds for each different text, less than one for a number."""
        if not planned.numbers:
            return
        self._sent += len(planned.numbers)
        if self._run:
            self._numbers.update(planned.numbers)
        if self._words or self._links:
            self._read(planned)

    def _read(self, planned: Plan) -> None:
        common = {text for text in (planned.text, planned.sender, *planned.senders, *planned.link_urls) if text}
        texts = (common | {text for text in planned.texts if text}) - self._seen
        self._seen |= common
        if texts:
            together = "\0".join(texts)
            found = [Finding("hold_words", word) for word in words_in(together, self._words)] if self._words else []
            found += [Finding("hold_links", name) for name in links_in(together, self._links)] if self._links else []
            self._found.update(dict.fromkeys(found))

    def findings(self) -> list[Finding]:
        """All that a person has to be asked about; none when the messages may go. Cost: milliseconds a million."""
        if not self._sent:
            return []
        found = [
            finding
            for rule in ("hold_words", "hold_links")
            for finding in [each for each in self._found if each.rule == rule][:MAX_TOLD]
        ]
        if self._above and self._sent > self._above:
            found.append(Finding("hold_above", f"{self._sent} messages"))
        if self._days and self._age_ms < self._days * DAY_MS:
            found.append(Finding("hold_first_days", f"the account is {self._age_ms // DAY_MS} days old"))
        if self._run and has_run(self._numbers, self._run):
            found.append(Finding("hold_sequences", f"{self._run} numbers or more in a row"))
        return found


def warning(messages: int) -> Warned:
    """What the author of a campaign reads that would be held: not why, so that nobody learns how to get past it."""
    return Warned("moderation", "a person looks at it before it is sent", messages)


def encoded(findings: Iterable[Finding]) -> str | None:
    """The findings as they are stored; None when there are none."""
    found = list(findings)
    return msgspec.json.encode(found).decode() if found else None


def decoded(text: str | None) -> list[Finding]:
    """The findings as they were stored."""
    return msgspec.json.decode(text, type=list[Finding]) if text else []


def words_in(text: str, words: frozenset[str]) -> list[str]:
    """Those of the words that a reader finds in a text, as whole words; texts are put together with `\\0`.

    Cost: a quarter of a microsecond for each word of the text, however many are looked for.
    """
    folded = _folded(text)
    pieces: list[tuple[str, str]] = _PIECES.findall(folded)
    beginnings, signs = _index(words)
    found = {word for word, plain in signs if plain in folded}
    for at, (_, piece) in enumerate(pieces):
        for word, plain in beginnings.get(piece, ()):
            if word not in found and _stands_at(pieces, at, plain):
                found.add(word)
    return sorted(found)


@lru_cache(maxsize=64)
def _index(words: frozenset[str]) -> tuple[dict[str, list[tuple[str, str]]], list[tuple[str, str]]]:
    """Each word with its bare letters under all that a text may begin it with, and those that are nothing but signs."""
    beginnings: dict[str, list[tuple[str, str]]] = {}
    signs = []
    for word in words:
        folded = _folded(word)
        plain = _SIGNS.sub("", folded)
        if not plain:
            signs.append((word, folded))
        for end in range(1, len(plain) + 1):
            beginnings.setdefault(plain[:end], []).append((word, plain))
    return beginnings, signs


def _stands_at(pieces: Sequence[tuple[str, str]], at: int, plain: str) -> bool:
    """Whether pieces from one on, with no more between them than a reader skips, are the letters of a word."""
    letters = pieces[at][1]
    while letters != plain:
        at += 1
        if at == len(pieces) or len(pieces[at][0]) > _MAX_GAP or "\0" in pieces[at][0]:
            return False
        letters += pieces[at][1]
        if not plain.startswith(letters):
            return False
    return True


def _folded(text: str) -> str:
    """Without what keeps a filter from seeing the word that a reader sees."""
    plain = _ACCENTS.sub("", normalize("NFKD", text.casefold())).translate(_LOOKALIKES)
    return _SIGN_IN_WORD.sub(lambda sign: "a" if sign[0] == "@" else "s", plain)


def links_in(text: str, domains: frozenset[str]) -> list[str]:
    """Those of the domains that a text leads to, or to a name under them; for `*` whatever a phone makes a link of."""
    text = normalize("NFKC", text).replace("。", ".")
    found: dict[str, None] = {}
    listed = [(domain, name) for domain in sorted(domains - {ANY_LINK}) for name in _written(domain)]
    for name in _names(text):
        place = f".{name.casefold()}."
        found.update(dict.fromkeys(domain for domain, wanted in listed if f".{wanted}." in place))
        if ANY_LINK in domains and _is_link(name):
            found.setdefault(name.casefold())
    if ANY_LINK in domains and not found and _SCHEME.search(text):
        found[ANY_LINK] = None
    return list(found)


def _names(text: str) -> Iterator[str]:
    """Everything in a text with a dot between letters."""
    for token in _NAMES.findall(text):
        if "." in token:
            yield from (name for piece in _DOTS.split(token) if "." in (name := piece.strip(".-_")))


def _is_link(name: str) -> bool:
    """Whether a phone may make a link of it. Shape: `sent.Then` is the end of a sentence and its blank forgotten."""
    last = name.rpartition(".")[2]
    is_word = last.isalpha() and len(last) > 1 and not (last[0].isupper() and last[1:].islower())
    return is_word or last.casefold().startswith("xn--")


@lru_cache(maxsize=512)
def _written(domain: str) -> tuple[str, ...]:
    """How a listed domain may stand in a text. Shape: it may have been listed as an address, or as `*.example.org`."""
    name = _SCHEME.sub("", normalize("NFKC", domain)).partition("/")[0].strip(".*").casefold()
    if not name:
        return ()
    try:
        return tuple(dict.fromkeys((name, name.encode("idna").decode())))
    except UnicodeError:
        return (name,)


def has_run(numbers: BitMap64, length: int) -> bool:
    """Whether so many consecutive numbers are among them. Cost: milliseconds a million."""
    starts, covered = numbers, 1
    while covered < length and starts:
        step = min(covered, length - covered)
        starts = starts & starts.shift(-step)
        covered += step
    return bool(starts)
