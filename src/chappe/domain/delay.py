"""The asked time of a send: wall-clock time in Europe/Paris, as the contract has it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from chappe.domain.errors import BadDate

PARIS = ZoneInfo("Europe/Paris")
FORMAT = "%Y-%m-%d %H:%M:%S"
# Callers write their own local time by mistake: a time this far back (and the offset of Paris) still means now.
PAST_SLACK = timedelta(hours=2)
# Earlier years are written with fewer digits. What is reckoned from a time, the next opening and the end of the
# validity, must lie in the calendar too.
_FIRST_YEAR, _LAST_YEAR = 1000, 9998


def send_time(delay: str | None, now_ms: int) -> int:
    """When the messages are to leave, never before `now_ms`. Units: milliseconds UTC.

    Raises: BadDate when it cannot be read or is past.
    """
    if delay is None or not delay.strip():
        return now_ms
    try:
        wall = datetime.strptime(delay.strip(), FORMAT)
    except ValueError:
        raise BadDate("must be like 2031-05-17 09:30:00, in the time of Paris", field="delay") from None
    asked = sending_instant(wall, "delay")
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    offset = now.astimezone(PARIS).utcoffset() or timedelta()
    if asked < now - PAST_SLACK - offset:
        raise BadDate(f"{delay.strip()} is past", field="delay")
    return max(now_ms, int(asked.timestamp() * 1000))


def paris_text(at_ms: int) -> str:
    """An instant as it is shown: the wall-clock time in Paris. Units: milliseconds UTC."""
    return datetime.fromtimestamp(at_ms // 1000, PARIS).strftime(FORMAT)


def sending_instant(wall: datetime, field: str) -> datetime:
    """The instant of a wall-clock time at which something may be sent. Raises: BadDate that names the field."""
    if not _FIRST_YEAR <= wall.year <= _LAST_YEAR:
        raise BadDate("lies outside the calendar", field=field)
    return paris_instant(wall)


def paris_instant(wall: datetime) -> datetime:
    """The instant of a wall-clock time.

    Shape: a time that spring skips is the first instant after the skipped hour; one that autumn doubles, its first.
    """
    try:
        first = wall.replace(tzinfo=PARIS, fold=0).astimezone(UTC)
        second = wall.replace(tzinfo=PARIS, fold=1).astimezone(UTC)
    except OverflowError:
        raise BadDate("lies outside the calendar", field="delay") from None
    if second >= first:  # an ordinary time, or one that happens twice
        return first
    # The skipped hour: the change of offset lies between the two readings.
    before = second.astimezone(PARIS).utcoffset()
    low, high = second, first
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(PARIS).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
