"""When a marketing message may leave: the next opening of a window on the recipient's wall clock."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from chappe.domain.errors import BadData
from chappe.domain.public_holidays import EPOCH, Holidays, holidays_of
from chappe.domain.windows import Span, Window, read_window, window_text

__all__ = ["Holidays", "LegalHours", "Opening", "Span", "Window", "read_window", "window_text"]

MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
# Openings are computed and kept by fortnights counted from 1970: what is open does not depend on when one asks.
FORTNIGHT_MS: Final = 14 * DAY_MS
# As far as anybody looks ahead, for an opening or for its end.
FAR_MS: Final = 366 * DAY_MS

MAX_FORTNIGHTS: Final = 4096  # about a kilobyte each
MAX_STRETCHES: Final = 8192

# Instants for which `datetime` knows an offset in every zone.
_FIRST_MS: Final = int(datetime(2, 1, 1, tzinfo=UTC).timestamp()) * 1000
_LAST_MS: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp()) * 1000

_K = TypeVar("_K")
_V = TypeVar("_V")


class Opening(NamedTuple):
    """From when until when messages may leave. Units: milliseconds UTC; the first instant is open, the last not."""

    opens_at: int
    closes_at: int


class _Hours(NamedTuple):
    window: Window
    zones: tuple[str, ...]
    holidays: Holidays | None


class LegalHours:
    """The openings of windows, remembered: most calls ask for about the same time.

    Shape: open is an instant at which the wall clock of every zone shows hours of the window. An hour that the
           clocks skip is nobody's; one they show twice is open both times. In a fortnight (counted from 1970) in
           which zones are so far apart that they are never all open, the first of them alone decides.
    """

    def __init__(self) -> None:
        self._fortnights: dict[tuple[_Hours, int], tuple[int, ...]] = {}
        # Per hours, the last answer and since when it has been the answer.
        self._stretches: dict[tuple[Window, tuple[str, ...], Holidays | None], tuple[int, Opening]] = {}

    def opening(self, window: Window, zones: tuple[str, ...], holidays: Holidays | None, at_ms: int) -> Opening:
        """The first instant from `at_ms` on when the window is open in all the zones, and until when it stays open.

        Shape:  `zones` are names of tzdata, at least one: several are a recipient whose zone is not known.
                `holidays` matter to a window that is closed on them. What stays open for a year or more is
                given an end about a year away.
        Raises: BadData when holidays leave nothing open for a year.
        Cost:   under a microsecond for the hours and the stretch asked for last; tens of microseconds per zone
                for a new fortnight.
        """
        key = (window, zones, holidays)
        stretch = self._stretches.get(key)
        if stretch is None or not stretch[0] <= at_ms < stretch[1].closes_at:
            if window.is_always:
                return Opening(at_ms, at_ms + FAR_MS)
            stretch = self._stretch(_Hours(window, zones, None if window.on_holidays else holidays), at_ms)
            _keep(self._stretches, key, stretch, MAX_STRETCHES)
        opening = stretch[1]
        if at_ms <= opening.opens_at:
            return opening
        # What Opening(...) does, in half the time.
        return tuple.__new__(Opening, (at_ms, opening.closes_at))

    def _stretch(self, hours: _Hours, at_ms: int) -> tuple[int, Opening]:
        """The first opening that ends after `at_ms`, and since when it has been the next one."""
        number = at_ms // FORTNIGHT_MS
        edges = self._edges(hours, number)
        place = bisect_right(edges, at_ms)
        if place % 2:
            opens = edges[place - 1]
            return opens, Opening(opens, self._closing(hours, number, edges[place]))
        since = edges[place - 1] if place else number * FORTNIGHT_MS
        while place == len(edges):
            number += 1
            if number * FORTNIGHT_MS > at_ms + FAR_MS:
                raise BadData("is open on holidays only, and closed on them", field="marketing_window")
            edges, place = self._edges(hours, number), 0
        return since, Opening(edges[place], self._closing(hours, number, edges[place + 1]))

    def _closing(self, hours: _Hours, number: int, closes: int) -> int:
        """The end of what is open up to `closes`, which may be no more than the end of its fortnight."""
        last = number + FAR_MS // FORTNIGHT_MS
        while closes == (number + 1) * FORTNIGHT_MS and number < last:
            number += 1
            edges = self._edges(hours, number)
            if not edges or edges[0] != closes:
                break
            closes = edges[1]
        return closes

    def _edges(self, hours: _Hours, number: int) -> tuple[int, ...]:
        key = (hours, number)
        edges = self._fortnights.get(key)
        if edges is None:
            edges = _fortnight(hours, number)
            _keep(self._fortnights, key, edges, MAX_FORTNIGHTS)
        return edges


def _keep(kept: dict[_K, _V], key: _K, value: _V, limit: int) -> None:
    # Large plans are made in threads beside the loop: both may be here at once.
    if len(kept) >= limit:
        kept.clear()
    kept[key] = value


def _fortnight(hours: _Hours, number: int) -> tuple[int, ...]:
    """When all zones are open in a fortnight: opens, closes, opens, closes, ..."""
    start = number * FORTNIGHT_MS
    first = together = _open_in(hours, hours.zones[0], start)
    for zone in hours.zones[1:]:
        together = _both(together, _open_in(hours, zone, start))
    return tuple(edge for interval in together or first for edge in interval)


def _open_in(hours: _Hours, zone: str, start: int) -> list[tuple[int, int]]:
    """When one zone is open in the fortnight from `start` on."""
    found: list[tuple[int, int]] = []
    for begins, ends, offset in _offsets(zone, start):
        for day in range((begins + offset) // DAY_MS, (ends - 1 + offset) // DAY_MS + 1):
            if hours.holidays is not None and _is_holiday(hours.holidays, day):
                continue
            midnight = day * DAY_MS - offset
            for from_min, to_min in hours.window.hours[(day + 3) % 7]:  # 1970-01-01 was a Thursday
                opens = max(begins, midnight + from_min * MINUTE_MS)
                closes = min(ends, midnight + to_min * MINUTE_MS)
                if opens < closes:
                    _append(found, opens, closes)
    return found


def _append(intervals: list[tuple[int, int]], opens: int, closes: int) -> None:
    if intervals and intervals[-1][1] == opens:
        intervals[-1] = (intervals[-1][0], closes)
    else:
        intervals.append((opens, closes))


def _both(some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(some) and j < len(others):
        opens, closes = max(some[i][0], others[j][0]), min(some[i][1], others[j][1])
        if opens < closes:
            found.append((opens, closes))
        if some[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return found


@lru_cache(maxsize=1024)
def _offsets(zone: str, start: int) -> tuple[tuple[int, int, int], ...]:
    """The fortnight from `start` on, cut where the zone's clocks jump: from, to, offset to UTC.

    Shape: looks once a day; no zone jumps twice within one.
    """
    return tuple(_pieces(ZoneInfo(zone), start, start + FORTNIGHT_MS))


def _pieces(zone: ZoneInfo, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    begins, offset = start, _offset(zone, start)
    for low in range(start, end, DAY_MS):
        high = low + DAY_MS
        after = _offset(zone, high)
        if after == offset:
            continue
        jump = _jump(zone, low, high, offset)
        if jump < end:
            yield begins, jump, offset
            begins, offset = jump, after
    yield begins, end, offset


def _jump(zone: ZoneInfo, low: int, high: int, before: int) -> int:
    """The first second after `low`, at most `high`, whose offset is another than `before`."""
    while high - low > 1000:
        middle = (low + high) // 2000 * 1000
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(zone: ZoneInfo, at_ms: int) -> int:
    seconds = min(max(at_ms, _FIRST_MS), _LAST_MS) // 1000
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    return int(offset.total_seconds() * 1000) if offset else 0


def _is_holiday(holidays: Holidays, day: int) -> bool:
    ordinal = day + EPOCH
    if not 1 <= ordinal <= date.max.toordinal():
        return False
    return day in holidays_of(holidays, date.fromordinal(ordinal).year)
