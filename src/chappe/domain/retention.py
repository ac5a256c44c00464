"""For how long an account's data is kept.

A period is a number of days or of calendar months; what is older than that is deleted. Months are the calendar's:
six months before the 31st of August is the last day of February.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from chappe.domain.delay import PARIS, paris_instant
from chappe.domain.errors import BadData

What = Literal["message", "reply", "list", "survey", "campaign", "lookup"]

_PERIOD: Final = re.compile(r"0*([1-9][0-9]{0,3})([dm])")
_NEVER: Final = "-1"
_MONTHS, _DAYS = 12, 365  # of a year


@dataclass(frozen=True, slots=True)
class Period:
    """For how long something is kept. Shape: `count` days or calendar months; 0 is for ever."""

    count: int
    unit: Literal["d", "m"]

    def __str__(self) -> str:
        return f"{self.count}{self.unit}" if self.count else _NEVER

    def is_longer_than(self, other: "Period") -> bool:
        """Whether it may be the longer one; days are compared with months as parts of a year."""
        if not self.count or not other.count:
            return not self.count and bool(other.count)
        return self._twelfths() > other._twelfths()

    def _twelfths(self) -> int:
        return self.count * (_MONTHS if self.unit == "d" else _DAYS)


FOR_EVER: Final = Period(0, "d")

# Source: the contract's data retention: the answer of its example, and the maxima of the page of the update.
DEFAULTS: Final[dict[What, Period]] = {
    "message": Period(6, "m"),
    "reply": Period(6, "m"),
    "list": Period(14, "m"),
    "survey": Period(26, "m"),
    "campaign": Period(14, "m"),
    "lookup": Period(6, "m"),
}
MAXIMA: Final[dict[What, Period]] = {
    "message": Period(6, "m"),
    "reply": Period(6, "m"),
    "list": Period(14, "m"),
    "survey": Period(26, "m"),
    "campaign": Period(26, "m"),
    "lookup": Period(14, "m"),
}
# Source: older pages of the contract.
MAY_BE_FOR_EVER: Final[frozenset[What]] = frozenset({"list"})


@dataclass(frozen=True, slots=True)
class Retention:
    """The periods of an account. Shape: a list's is counted from its last change or use, the others' from the start."""

    message: Period
    reply: Period
    list: Period
    survey: Period
    campaign: Period
    lookup: Period


def period(text: str, what: What, *, field: str) -> Period:
    """A period as the contract writes it: a number and d or m.

    Raises: BadData, naming the field, when it cannot be read or is longer than it may be.
    """
    text, longest = text.strip().lower(), MAXIMA[what]
    if text == _NEVER and what in MAY_BE_FOR_EVER:
        return FOR_EVER
    found = _PERIOD.fullmatch(text)
    if found is None:
        also = ", or -1 for ever" if what in MAY_BE_FOR_EVER else ""
        raise BadData(f"must be a number and d for days or m for months, like 30d or 6m{also}", field=field)
    asked = Period(int(found[1]), "d" if found[2] == "d" else "m")
    if asked.is_longer_than(longest):
        raise BadData(f"may be {longest} at most", field=field)
    return asked


def stored_period(text: str | None, what: What) -> Period:
    """A period as it was stored; the default when nothing was."""
    return DEFAULTS[what] if text is None else period(text, what, field=what)


def kept_since(kept: Period, now_ms: int) -> int | None:
    """What is older than this time is deleted; None when nothing is.

    Units: milliseconds UTC; days and months are counted on the calendar of Paris.
    """
    if not kept.count:
        return None
    now = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(PARIS).replace(tzinfo=None)
    before = now - timedelta(days=kept.count) if kept.unit == "d" else months_before(now, kept.count)
    return int(paris_instant(before).timestamp()) * 1000


def months_before(wall: datetime, months: int) -> datetime:
    """The same day so many months earlier, or the last day of a month that is too short for it."""
    year, month = divmod(wall.year * _MONTHS + wall.month - 1 - months, _MONTHS)
    month += 1
    return wall.replace(year=year, month=month, day=min(wall.day, monthrange(year, month)[1]))
