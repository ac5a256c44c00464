"""The words of a script one by one: times, shares, statuses and what else a fault may be told."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from chappe.telecom.smpp import status

from .garbage import GARBAGE
from .ids import ID_FORMATS
from .outcomes import OUTCOMES
from .script import Kind, Value
from .statuses import status_number

ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th)")
"""Which one of many."""


class Wrong(Exception):
    """What is wrong with the line that is being read."""


_TOKEN: Final = re.compile(r'\s*(?:(#.*)|("(?:[^"\\]|\\.)*")|([^\s"#]+)|(.))')
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_UNIT_SIZES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("ms",), 1),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
}
_LONGEST_MS: Final = 3650 * 86_400_000


def words_of(line: str) -> list[str]:
    """The words of a line; a unit that stands apart from its number is put behind it."""
    words: list[str] = []
    for comment, quoted, word, odd in _TOKEN.findall(line):
        if comment:
            break
        if odd.strip():
            raise Wrong("a text has no closing quote")
        found = quoted or word
        if words and (found in _UNIT_SIZES or found == "%") and _NUMBER.fullmatch(words[-1]):
            words[-1] += found
        elif found:
            words.append(found)
    return words


def time(word: str) -> int:
    """Milliseconds of a time such as `90s` or `1.5h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]+)", word)
    size = _UNIT_SIZES.get(found[2]) if found else None
    if not found or size is None:
        raise Wrong(f"{word!r} is no time such as 500ms, 30s, 5m, 24h, 2d")
    ms = round(float(found[1]) * size)
    if ms > _LONGEST_MS:
        raise Wrong(f"{word!r} is longer than ten years")
    return ms


def some_time(word: str) -> int:
    """A time that is not zero."""
    ms = time(word)
    if not ms:
        raise Wrong("a time of nothing makes no sense here")
    return ms


def _span(word: str) -> tuple[int, int]:
    first, dots, last = word.partition("..")
    span = (time(first), time(last if dots else first))
    if span[0] > span[1]:
        raise Wrong(f"{word!r} ends before it begins")
    return span


def whole(word: str, most: int = 1_000_000_000) -> int:
    """A number from 1 on."""
    if not word.isascii() or not word.isdecimal() or not 1 <= int(word) <= most:
        raise Wrong(f"{word!r} is no number from 1 to {most}")
    return int(word)


def ordinal(word: str) -> int:
    """Which one: 100 of `100th`."""
    found = ORDINAL.fullmatch(word)
    if not found:
        raise Wrong(f"{word!r} does not say which one, as 100th does")
    return whole(found[1])


def share(word: str) -> float:
    """Percent of `10%`."""
    number = word.removesuffix("%")
    if not _NUMBER.fullmatch(number) or not 0 < float(number) <= 100:
        raise Wrong(f"{word!r} is no share above 0 and up to 100%")
    return float(number)


def _percent(word: str) -> int:
    number = word.removesuffix("%")
    if not number.isdecimal() or int(number) > 99:
        raise Wrong(f"{word!r} is no whole number of percent from 0 to 99")
    return int(number)


def _error(word: str) -> int:
    if not word.isdecimal() or int(word) > 999:
        raise Wrong(f"{word!r} is no error code from 0 to 999")
    return int(word)


def _status(word: str) -> int:
    try:
        number = status_number(word if word[:2] == "0x" else word.upper())
    except ValueError as error:
        raise Wrong(f"{error}; write ESME_RSYSERR or 0x45") from None
    if number == status.ESME_ROK:
        raise Wrong("ESME_ROK refuses nothing")
    return number


def _text(word: str) -> str:
    try:
        text = msgspec.json.decode(word, type=str) if word[:1] == '"' else ""
    except msgspec.DecodeError:
        raise Wrong(f"{word} has an escape that JSON does not know") from None
    if not text:
        raise Wrong(f'{word!r} is no text in quotes, such as "STOP"')
    return text


def _one_of(known: Mapping[str, object] | tuple[str, ...]) -> Callable[[str], str]:
    def pick(word: str) -> str:
        if word not in known:
            raise Wrong(f"{word!r} is none of {', '.join(known)}")
        return word

    return pick


ARGUMENTS: Final[Mapping[Kind, Callable[[str], Value]]] = {
    "status": _status,
    "span": _span,
    "up": some_time,
    "down": some_time,
    "number": whole,
    "percent": _percent,
    "outcome": _one_of(OUTCOMES),
    "error": _error,
    "ids": _one_of(ID_FORMATS),
    "garbage": _one_of(GARBAGE),
    "text": _text,
}
"""How each kind of argument is read."""

NEEDS: Final[Mapping[Kind, str]] = {
    "status": "a status such as ESME_RSYSERR or 0x45",
    "span": "a time such as 40m or 1s..30s",
    "up": "a time",
    "down": "a time",
    "number": "octets a second",
    "percent": "percent",
    "outcome": f"one of {', '.join(OUTCOMES)}",
    "error": "a number",
    "ids": f"one of {', '.join(ID_FORMATS)}",
    "garbage": f"one of {', '.join(GARBAGE)}",
    "text": 'a text in quotes, such as "STOP"',
}
"""What to write where an argument is missing."""
