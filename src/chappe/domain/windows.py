"""The hours of the week in which marketing may leave, as people write them."""

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from chappe.domain.errors import BadData

DAY_MIN: Final = 24 * 60
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS: Final = "always"
NO_HOLIDAYS: Final = "no-holidays"

_SPAN: Final = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? ([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")


class Span(NamedTuple):
    """The same hours on one weekday or several in a row.

    Shape: weekdays 0 (Monday) to 6; `last` may lie before `first`: Saturday to Monday is 5 to 0.
    Units: minutes after midnight on the wall; the first is open, the last is not; 1440 is the end of the day.
    """

    first: int
    last: int
    from_min: int
    to_min: int

    def weekdays(self) -> list[int]:
        return [(self.first + step) % 7 for step in range((self.last - self.first) % 7 + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The hours of a week in which marketing may leave, on the recipient's wall clock.

    Raises: BadData when a span is empty or not on the clock, or there is none.
    """

    spans: tuple[Span, ...]
    on_holidays: bool = True
    # By weekday, in order and without overlaps.
    hours: tuple[tuple[tuple[int, int], ...], ...] = field(init=False, repr=False)
    is_always: bool = field(init=False, repr=False)
    # A window is part of the key of every look-up: hashing its spans each time would cost more than the look-up.
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.spans:
            raise _bad("is never open")
        for span in self.spans:
            _check(span)
        hours = tuple(_joined(self.spans, weekday) for weekday in range(7))
        object.__setattr__(self, "hours", hours)
        object.__setattr__(self, "is_always", self.on_holidays and all(day == ((0, DAY_MIN),) for day in hours))
        object.__setattr__(self, "_hash", hash((self.spans, self.on_holidays)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Window):
            return NotImplemented
        return self.spans == other.spans and self.on_holidays == other.on_holidays


def read_window(text: str) -> Window:
    """Read a window like `mon-fri 08:00-20:00, sat 09:00-18:00 no-holidays`, or `always`.

    Shape:  without `no-holidays` at the end, a holiday is a day like others. Spans that overlap are joined.
    Raises: BadData that says what cannot be read.
    """
    words = " ".join(text.lower().split())
    if words == ALWAYS:
        return Window((Span(0, 6, 0, DAY_MIN),))
    hours = words.removesuffix(" " + NO_HOLIDAYS)
    return Window(tuple(_span(part.strip()) for part in hours.split(",")), on_holidays=hours == words)


def window_text(window: Window) -> str:
    """Write a window so that it can be read back."""
    if window == _ALWAYS_OPEN:
        return ALWAYS
    text = ", ".join(_span_text(span) for span in window.spans)
    return text if window.on_holidays else f"{text} {NO_HOLIDAYS}"


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if not found:
        raise _bad(f"has {text[:40]!r} where hours like 'mon-sat 08:00-20:00' are expected")
    first, last = found[1], found[2] or found[1]
    for name in (first, last):
        if name not in DAYS:
            raise _bad(f"has {name!r}, which is none of {', '.join(DAYS)}")
    return Span(DAYS.index(first), DAYS.index(last), _minute(found[3], found[4]), _minute(found[5], found[6]))


def _minute(hour: str, minute: str) -> int:
    if int(minute) > 59:
        raise _bad(f"has {hour}:{minute}, which is not on the clock")
    return int(hour) * 60 + int(minute)


def _check(span: Span) -> None:
    if not (0 <= span.first <= 6 and 0 <= span.last <= 6):
        raise _bad("has a weekday that is none of the seven")
    if not (0 <= span.from_min <= DAY_MIN and 0 <= span.to_min <= DAY_MIN):
        raise _bad(f"has {_clock(max(span.from_min, span.to_min))}, which is not on the clock")
    if span.from_min >= span.to_min:
        raise _bad(
            f"is never open from {_clock(span.from_min)} to {_clock(span.to_min)}: the end must come after the start;"
            " hours over midnight are written as two, one of them up to 24:00"
        )


def _joined(spans: tuple[Span, ...], weekday: int) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted((span.from_min, span.to_min) for span in spans if weekday in span.weekdays()):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _span_text(span: Span) -> str:
    days = DAYS[span.first] if span.first == span.last else f"{DAYS[span.first]}-{DAYS[span.last]}"
    return f"{days} {_clock(span.from_min)}-{_clock(span.to_min)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _bad(reason: str) -> BadData:
    return BadData(reason, field="marketing_window")


_ALWAYS_OPEN: Final = Window((Span(0, 6, 0, DAY_MIN),))
