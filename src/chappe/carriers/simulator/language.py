"""Reads scripts of faults: one statement a line, `#` starts a comment.

    throttle 10% for 5m
    late answer 40m to *7 from 100th        # numbers that end with 7, from the hundredth on

A statement is a fault with its arguments, then clauses in any order. docs/testing.md has the whole language.
"""

import difflib
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from .script import CLAUSES, FAULTS, Clause, Fault, Kind, Nth, Statement, Value
from .words import ARGUMENTS, NEEDS, ORDINAL, Wrong, ordinal, share, some_time, time, whole, words_of


class ScriptError(ValueError):
    """A line that cannot be read, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def read(text: str) -> tuple[Statement, ...]:
    """The statements of a script.

    Raises: ScriptError for the first line that cannot be read.
    """
    statements = []
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: other line ends may be in a quoted text
        try:
            words = words_of(line)
            if words:
                statements.append(_Line(words).statement())
        except Wrong as wrong:
            raise ScriptError(number, str(wrong)) from None
    return tuple(statements)


def written(statements: tuple[Statement, ...]) -> str:
    """The script that reads as these statements."""
    return "".join(f"{statement}\n" for statement in statements)


def ready_scripts() -> dict[str, str]:
    """The scripts that come with Chappe: name to text."""
    folder = resources.files(__package__).joinpath("scripts")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".txt"): file.read_text("utf-8") for file in files if file.name.endswith(".txt")}


class _Line:
    """One statement, word by word."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0
        self._said: set[Clause] = set()
        self._clauses: dict[str, Any] = {}

    def statement(self) -> Statement:
        fault = self._fault()
        arguments = self._arguments(fault)
        while self._at < len(self._words):
            self._clause(fault)
        found = Statement(fault=fault.words, arguments=arguments, **self._clauses)
        _check(fault, found)
        return found

    # -- words

    @property
    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _next(self, what: str) -> str:
        word = self._peek
        if not word:
            raise Wrong(f"{what} is missing at the end")
        self._at += 1
        return word

    # -- fault and arguments

    def _fault(self) -> Fault:
        for count in (3, 2, 1):
            fault = FAULTS.get(" ".join(self._words[:count]).lower())
            if fault is not None and len(self._words) >= count:
                self._at = count
                return fault
        said = " ".join(self._words[:2])
        close = difflib.get_close_matches(said.lower(), FAULTS, 1) or difflib.get_close_matches(
            self._words[0].lower(), FAULTS, 1
        )
        hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(FAULTS)}"
        raise Wrong(f"no fault is called {said!r}; {hint}")

    def _arguments(self, fault: Fault) -> tuple[Value, ...]:
        found: list[Value] = []
        for place, kind in enumerate(fault.arguments):
            is_optional = place >= len(fault.arguments) - fault.optional
            if is_optional and not self._is_argument(kind):
                break
            if kind in ("up", "down", "error") and self._next(f"{kind!r}") != kind:
                raise Wrong(f"after {fault.words!r} comes {kind!r}, not {self._words[self._at - 1]!r}")
            found.append(ARGUMENTS[kind](self._next(f"what {fault.words!r} needs ({NEEDS[kind]})")))
        return tuple(found)

    def _is_argument(self, kind: Kind) -> bool:
        """Whether the next word is an optional argument, and no clause."""
        if kind == "error":
            return self._peek == "error"
        return self._peek[:5].upper() == "ESME_" or self._peek.isdecimal() or self._peek[:2] == "0x"

    # -- clauses

    def _clause(self, fault: Fault) -> None:
        word = self._next("a clause")
        following = self._peek
        if word in ("at", "every", "from") and (word == "from" or ORDINAL.fullmatch(following)):
            self._say(fault, "nth", nth=Nth(word, ordinal(self._next("which one, such as 100th"))))  # type: ignore[arg-type]
        elif word in ("at", "for", "every"):
            read_time = time if word == "at" else some_time
            self._say(fault, word, **{f"{word}_ms": read_time(self._next("a time"))})  # type: ignore[arg-type]
        elif word == "part":
            self._say(fault, "part", part=whole(self._next("the number of the part")))
        elif word == "to":
            self._say(fault, "to", to=self._numbers())
        elif word in ("once", "twice"):
            self._say(fault, "times", times=1 if word == "once" else 2)
        elif word.isdecimal() and following in ("times", "time"):
            self._at += 1
            self._say(fault, "times", times=whole(word))
        elif word.endswith("%"):
            self._say(fault, "share", share=share(word))
        else:
            raise Wrong(
                f"{word!r} is no clause; clauses are: 10%, part 2, to 336, to *42, at 30s, for 5m, every 1h, at 100th, "
                "from 100th, every 100th, 3 times, once"
            )

    def _say(self, fault: Fault, clause: Clause, **found: object) -> None:
        if clause in self._said:
            raise Wrong(f"{_SAYS[clause]} is said twice")
        allowed = frozenset({"at", "times"}) if fault.words == "flap" else CLAUSES[fault.scope]
        if clause not in allowed:
            raise Wrong(f"{fault.words!r} cannot be limited by {_SAYS[clause]}")
        self._said.add(clause)
        self._clauses.update(found)

    def _numbers(self) -> tuple[str, ...]:
        words = self._next("a number's beginning")
        while words.endswith(","):
            words += self._next("the next number")
        found = tuple(words.split(","))
        for each in found:
            if not re.fullmatch(r"\*?[0-9]+", each):
                raise Wrong(f"{each!r} is no beginning (336) and no end (*42) of a number")
        return found


_SAYS: Final[Mapping[Clause, str]] = {
    "share": "a share (10%)",
    "part": "a part (part 2)",
    "to": "numbers (to 336)",
    "nth": "which one (at 100th)",
    "at": "a beginning (at 30s)",
    "for": "a length (for 5m)",
    "every": "a period (every 1h)",
    "times": "how often (3 times)",
}


def _check(fault: Fault, statement: Statement) -> None:
    """What is wrong with clauses that are well written."""
    if fault.scope == "moment":
        if not statement.at_ms and statement.every_ms is None:
            raise Wrong(f"{fault.words!r} needs a moment: at 30s, or every 10m")
    elif statement.every_ms is not None:
        if statement.for_ms is None:
            raise Wrong(f"'every' needs 'for': {fault.words} for how long each time?")
        if statement.for_ms > statement.every_ms:
            raise Wrong("it would begin again before it is over: 'for' is longer than 'every'")
