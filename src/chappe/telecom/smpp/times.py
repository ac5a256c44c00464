"""The two ways SMPP writes a time: relative to the centre's clock, and absolute with an offset.

Source: SMPP 3.4, 7.1.1.
"""

from datetime import UTC, datetime, timedelta, timezone

MAX_RELATIVE_S = 99 * 86_400
_LENGTH = 16


def relative(seconds: int) -> str:
    """Write a span in days, hours, minutes and seconds: `000002000000000R` is two days.

    Units:  seconds, 1 to 99 days; months and years are never used, centres count them differently.
    Raises: ValueError outside that range.
    """
    if not 1 <= seconds <= MAX_RELATIVE_S:
        raise ValueError("a relative time is between 1 second and 99 days")
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"0000{days:02}{hour:02}{minute:02}{second:02}000R"


def absolute(moment: datetime) -> str:
    """Write a moment in UTC, to the tenth of a second.

    Raises: ValueError for a moment without time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("an absolute time needs a time zone")
    utc = moment.astimezone(UTC)
    return f"{utc:%y%m%d%H%M%S}{utc.microsecond // 100_000}00+"


def parse(text: str, now: datetime) -> datetime | None:
    """Read either form as a moment; None for an empty or unreadable one.

    Shape: relative times count from `now`; a year has 365 days and a month 30 here.
    """
    if len(text) != _LENGTH or not text[:15].isascii() or not text[:15].isdigit():
        return None
    pairs = [int(text[at : at + 2]) for at in range(0, 12, 2)]
    years, months, days, hours, minutes, seconds = pairs
    if text[15] == "R":
        return now + timedelta(days=365 * years + 30 * months + days, hours=hours, minutes=minutes, seconds=seconds)
    quarters = int(text[13:15])
    if text[15] not in "+-" or quarters > 48:
        return None
    offset = timedelta(minutes=15 * quarters if text[15] == "+" else -15 * quarters)
    try:
        return datetime(2000 + years, months, days, hours, minutes, seconds, int(text[12]) * 100_000, timezone(offset))
    except ValueError:
        return None
