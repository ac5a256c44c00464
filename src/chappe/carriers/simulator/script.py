"""Scripts of faults as values: what can go wrong, when, how often and to whom; and how they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.telecom.smpp import status

Scope = Literal["submit", "bind", "enquire_link", "state", "moment"]
"""What a fault happens to: a submit, a bind or enquire_link (each may be hit or not), the links for a time, or all of
them at a moment."""

Clause = Literal["share", "part", "to", "nth", "at", "for", "every", "times"]
CLAUSES: Final[Mapping[Scope, frozenset[Clause]]] = {
    "submit": frozenset({"share", "part", "to", "nth", "at", "for", "every", "times"}),
    "bind": frozenset({"share", "nth", "at", "for", "every", "times"}),
    "enquire_link": frozenset({"share", "nth", "at", "for", "every", "times"}),
    "state": frozenset({"at", "for", "every", "times"}),
    "moment": frozenset({"at", "every", "times"}),
}
"""The clauses that make sense for each scope."""

Kind = Literal[
    "status", "span", "time", "up", "down", "number", "percent", "outcome", "error", "ids", "garbage", "text"
]
Value = int | str | tuple[int, int]


class Fault(NamedTuple):
    """One thing that can go wrong.

    Shape: `arguments` are the kinds of what follows its words; `optional` says how many at the end may be left out.
    """

    words: str
    scope: Scope
    arguments: tuple[Kind, ...] = ()
    optional: int = 0


FAULTS: Final[Mapping[str, Fault]] = {
    fault.words: fault
    for fault in (
        Fault("throttle", "submit"),
        Fault("queue full", "submit"),
        Fault("refuse", "submit", ("status",)),
        Fault("never answer", "submit"),
        Fault("late answer", "submit", ("span",)),
        Fault("double answer", "submit"),
        Fault("drop before answer", "submit"),
        Fault("drop after answer", "submit"),
        Fault("report", "submit", ("outcome", "error"), 1),
        Fault("no receipt", "submit"),
        Fault("double receipt", "submit"),
        Fault("early receipt", "submit"),
        Fault("late receipt", "submit", ("span",)),
        Fault("ids", "submit", ("ids",)),
        Fault("congestion", "submit", ("percent",)),
        Fault("garbage", "submit", ("garbage",)),
        Fault("reply", "submit", ("text",)),
        Fault("refuse binds", "bind", ("status",), 1),
        Fault("ignore binds", "bind"),
        Fault("ignore enquire_link", "enquire_link"),
        Fault("stop reading", "state"),
        Fault("write slowly", "state", ("number",)),
        Fault("down", "state"),
        Fault("flap", "state", ("up", "down")),
        Fault("drop links", "moment"),
        Fault("unbind", "moment"),
    )
}


class Nth(NamedTuple):
    """Which of the things that fit are hit, counted from 1: that one, that one and all after it, each so many."""

    word: Literal["at", "from", "every"]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One line of a script.

    Shape: `to` are numbers by their beginning (`336`) or end (`*0001`), any of them; `part` only that part of long
           messages; `for_ms` and `every_ms` None for no end and no repetition; `times` None for no limit.
    Units: milliseconds from the start of the script, percent.
    """

    fault: str
    arguments: tuple[Value, ...] = ()
    share: float = 100.0
    part: int | None = None
    to: tuple[str, ...] = ()
    nth: Nth | None = None
    at_ms: int = 0
    for_ms: int | None = None
    every_ms: int | None = None
    times: int | None = None

    def __str__(self) -> str:
        fault = FAULTS[self.fault]
        written = [self.fault, *map(_argument, fault.arguments, self.arguments)]
        if self.share != 100:
            written.append(f"{self.share:.10g}%")
        if self.part is not None:
            written.append(f"part {self.part}")
        if self.to:
            written.append(f"to {','.join(self.to)}")
        if self.nth is not None:
            written.append(f"{self.nth.word} {_ordinal(self.nth.number)}")
        if self.at_ms:
            written.append(f"at {duration(self.at_ms)}")
        if self.for_ms is not None:
            written.append(f"for {duration(self.for_ms)}")
        if self.every_ms is not None:
            written.append(f"every {duration(self.every_ms)}")
        if self.times is not None:
            written.append("once" if self.times == 1 else f"{self.times} times")
        return " ".join(written)

    def fits(self, destination: str, part: int, parts: int) -> bool:
        """Whether a submit is one of those this line is about."""
        if self.part is not None and (part != self.part or parts == 1):
            return False
        return not self.to or any(
            destination.endswith(end[1:]) if end[0] == "*" else destination.startswith(end) for end in self.to
        )

    @property
    def window(self) -> "Window":
        """When it holds."""
        if self.fault == "flap":
            up, down = (value for value in self.arguments if isinstance(value, int))
            return Window(self.at_ms + up, down, up + down, self.times)
        times = self.times if FAULTS[self.fault].scope == "state" else None
        return Window(self.at_ms, self.for_ms, self.every_ms, times)


class Window(NamedTuple):
    """A time, or several of the same length at equal distances.

    Units: milliseconds from the start of the script.
    """

    at: int
    length: int | None
    period: int | None
    times: int | None

    def holds(self, now: float) -> bool:
        """Whether this moment is in it."""
        if now < self.at:
            return False
        if self.length is None:
            return True
        if self.period is None:
            return now - self.at < self.length
        turn, since = divmod(now - self.at, self.period)
        return since < self.length and (self.times is None or turn < self.times)

    def next_change(self, now: float) -> float | None:
        """When it opens or closes next; None for never."""
        if now < self.at:
            return self.at
        if self.length is None:
            return None
        if self.period is None:
            end = self.at + self.length
            return end if now < end else None
        turn, since = divmod(now - self.at, self.period)
        if self.times is not None and turn >= self.times:
            return None
        begun = self.at + turn * self.period
        return begun + (self.length if since < self.length else self.period)


_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def duration(ms: int) -> str:
    """A time in the largest unit that leaves no rest."""
    unit, size = next((unit, size) for unit, size in _UNITS if ms % size == 0 and (ms or unit == "s"))
    return f"{ms // size}{unit}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 < number % 100 < 14 else ending}"


def _argument(kind: Kind, value: Value) -> str:
    match kind, value:
        case "span", (int() as first, int() as last):
            return duration(first) if first == last else f"{duration(first)}..{duration(last)}"
        case "time", int():
            return duration(value)
        case (("up" | "down"), int()):
            return f"{kind} {duration(value)}"
        case "status", int():
            return status.name(value)
        case "error", int():
            return f"error {value}"
        case "text", str():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)
