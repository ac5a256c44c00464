"""How much may be sent: the limits of an account, the periods they count in, and what they leave of a request.

A limit counts on the account that has it. What a main account has (its own rule, or the installation's) binds all that
it and its sub-accounts send together; what a sub-account has of its own binds it besides.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from chappe.domain import personalize
from chappe.domain.accounts import Account
from chappe.domain.countries import countries
from chappe.domain.delay import PARIS
from chappe.domain.errors import InsufficientCredits
from chappe.domain.infos import split_infos
from chappe.domain.plans import NO_NUMBER
from chappe.domain.pricing import MC, balance_credits, cost_credits
from chappe.domain.quotas import Quota
from chappe.domain.rule_table import read_value

MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
_EVERYWHERE: Final = ""

LimitsSet = Mapping[tuple[int, str, str], str]
"""(account, or 0 for the installation; country, or none; rule) -> the text that was set."""


@dataclass(frozen=True, slots=True)
class SendLimits:
    """The limits that count on one account, the holder; 0 is no limit.

    Shape: `by_country` has the countries with another limit a month than `elsewhere`.
    Units: messages; thousandths of a credit.
    """

    holder: int
    same_text_minutes: int = 0
    number_per_minute: int = 0
    number_per_day: int = 0
    messages_per_minute: int = 0
    messages_per_day: int = 0
    credits_per_day_mc: int = 0
    elsewhere: int = 0
    by_country: Mapping[str, int] = field(default_factory=dict)

    @property
    def minds_numbers(self) -> bool:
        """Whether it must be known whom was written to lately."""
        return bool(self.same_text_minutes or self.number_per_minute or self.number_per_day)

    @property
    def minds_countries(self) -> bool:
        """Whether messages are counted by country."""
        return bool(self.elsewhere or any(self.by_country.values()))

    @property
    def look_back_ms(self) -> int:
        """How far back it must be known whom was written to."""
        minutes = max(self.same_text_minutes, 1 if self.number_per_minute else 0)
        return DAY_MS if self.number_per_day else minutes * MINUTE_MS

    def per_month(self, country: str) -> int:
        """How many messages may go to a country in a month."""
        return self.by_country.get(country, self.elsewhere)


LIMIT_RULES: Final = frozenset({
    "same_text_minutes", "number_per_minute", "number_per_day", "messages_per_minute", "messages_per_day",
    "messages_per_month", "credits_per_day",
})  # fmt: skip


def limits_of(account: Account, limits_set: LimitsSet) -> tuple[SendLimits, ...]:
    """The limits that bind an account: none, its main account's, its own.

    Cost: some thousand look-ups, where anything was set at all.
    """
    if not limits_set:
        return ()
    main = account.id if account.parent_id is None else account.parent_id
    scopes = {main: (main, 0)} if main == account.id else {main: (main, 0), account.id: (account.id,)}
    found = [_limits(holder, own, limits_set) for holder, own in scopes.items()]
    return tuple(each for each in found if each != SendLimits(each.holder))


def _limits(holder: int, scopes: Sequence[int], limits_set: LimitsSet) -> SendLimits:
    def value(name: str, *places: str) -> int:
        for account in scopes:
            for place in places or (_EVERYWHERE,):
                if (text := limits_set.get((account, place, name))) is not None:
                    return int(read_value(name, text))
        return 0

    elsewhere = value("messages_per_month")
    by_country = {code: value("messages_per_month", code, _EVERYWHERE) for code in countries()}
    return SendLimits(
        holder,
        same_text_minutes=value("same_text_minutes"),
        number_per_minute=value("number_per_minute"),
        number_per_day=value("number_per_day"),
        messages_per_minute=value("messages_per_minute"),
        messages_per_day=value("messages_per_day"),
        credits_per_day_mc=value("credits_per_day") * MC,
        elsewhere=elsewhere,
        by_country={code: most for code, most in by_country.items() if most != elsewhere},
    )


class Periods(NamedTuple):
    """The minute, the day and the month of a moment, by name.

    Shape: `2026-11-24T12:05Z`, `2026-11-24`, `2026-11`; the day and the month as the calendar of Paris has them. A
           minute is named in UTC: the clock of Paris shows those of one night twice.
    """

    minute: str
    day: str
    month: str


def periods_of(at: int) -> Periods:
    """The periods that a moment is in. Units: milliseconds UTC."""
    return _periods(at // MINUTE_MS)


@lru_cache(maxsize=8)
def _periods(minute: int) -> Periods:
    moment = datetime.fromtimestamp(minute * 60, UTC)
    paris = moment.astimezone(PARIS)
    return Periods(f"{moment:%Y-%m-%dT%H:%MZ}", f"{paris:%Y-%m-%d}", f"{paris:%Y-%m}")


def bounds(period: str) -> tuple[int, int]:
    """The first moment of a period, and the first after it. Units: milliseconds UTC."""
    if period.endswith("Z"):
        begin = datetime.strptime(period, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
        end = begin + timedelta(minutes=1)
    elif period.count("-") == 2:
        begin = datetime.strptime(period, "%Y-%m-%d").replace(tzinfo=PARIS)
        end = begin + timedelta(days=1)  # on the wall clock: a day may have 23 or 25 hours
    else:
        begin = datetime.strptime(period, "%Y-%m").replace(tzinfo=PARIS)
        end = (begin + timedelta(days=31)).replace(day=1)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)


class Recent(NamedTuple):
    """A message that a number was sent lately. Units: milliseconds UTC."""

    number: int
    digest: int
    at: int


@dataclass(frozen=True, slots=True)
class Used:
    """What of the limits of one holder has been used. Units: messages; thousandths of a credit."""

    in_minute: int = 0
    in_day: int = 0
    credits_mc: int = 0
    by_country: Mapping[str, int] = field(default_factory=dict)
    recent: Sequence[Recent] = ()


def left_of(limits: SendLimits, used: Used, digests: Mapping[int, int], places: Iterable[str], now: int) -> Quota:
    """What one holder's limits leave, to some numbers in some countries.

    Shape: `digests` has the numbers, each with the digest of its text.
    """
    messages = [
        max(0, most - so_far)
        for most, so_far in ((limits.messages_per_minute, used.in_minute), (limits.messages_per_day, used.in_day))
        if most
    ]
    caps = {place: limits.per_month(place) for place in places}
    cap = limits.credits_per_day_mc
    return Quota(
        flooded=_flooded(limits, used.recent, digests, now),
        messages=min(messages, default=None),
        by_country={place: max(0, most - used.by_country.get(place, 0)) for place, most in caps.items() if most},
        credits_mc=max(0, cap - used.credits_mc) if cap else None,
        cap_mc=cap,
    )


def _flooded(limits: SendLimits, recent: Sequence[Recent], digests: Mapping[int, int], now: int) -> AbstractSet[int]:
    in_minute = Counter(each.number for each in recent if each.at > now - MINUTE_MS)
    in_day = Counter(each.number for each in recent if each.at > now - DAY_MS)
    since = now - limits.same_text_minutes * MINUTE_MS
    again = {each.number for each in recent if each.at > since and digests.get(each.number) == each.digest}
    return again.union(
        (number for number, count in in_minute.items() if 0 < limits.number_per_minute <= count),
        (number for number, count in in_day.items() if 0 < limits.number_per_day <= count),
    )


def both(one: Quota, other: Quota) -> Quota:
    """What is left when two quotas bind."""
    by_country = dict(one.by_country)
    for place, left in other.by_country.items():
        by_country[place] = min(left, by_country.get(place, left))
    tighter = min((one, other), key=lambda each: float("inf") if each.credits_mc is None else each.credits_mc)
    messages = [each.messages for each in (one, other) if each.messages is not None]
    return Quota(
        flooded=one.flooded | other.flooded,
        messages=min(messages, default=None),
        by_country=by_country,
        credits_mc=tighter.credits_mc,
        cap_mc=tighter.cap_mc,
    )


def covers(quota: Quota, cost_mc: int, by_country: Mapping[str, int]) -> bool:
    """Whether so many messages by country are within what is left, whoever they go to."""
    if quota.messages is not None and sum(by_country.values()) > quota.messages:
        return False
    if quota.credits_mc is not None and cost_mc > quota.credits_mc:
        return False
    return all(by_country.get(place, 0) <= left for place, left in quota.by_country.items())


def check_cap(quota: Quota, cost_mc: int) -> None:
    """Raises: InsufficientCredits when it costs more than may be spent today."""
    if quota.credits_mc is not None and cost_mc > quota.credits_mc:
        cap, left = balance_credits(quota.cap_mc), balance_credits(quota.credits_mc)
        raise InsufficientCredits(
            f"the daily cap of {cap} credits leaves {left} for today and this costs {cost_credits(cost_mc)}"
        )


def digests_of(text: str, links: Sequence[str], numbers: Sequence[int], infos: Sequence[str | None]) -> dict[int, int]:
    """number -> what stands for the text it gets.

    Shape: the text as its author wrote it, with the number's own fields in it and the addresses its links lead to: the
           short links themselves are never the same. 63 bits. Of a number that is there twice it is the first.
    Cost:  a microsecond for each number, where texts differ.
    """
    targets = "\0".join(("", *links))
    if not infos or not personalize.has_tags(text):
        return dict.fromkeys((number for number in numbers if number != NO_NUMBER), _digest(text + targets))
    texts = personalize.personalize(text, [split_infos(own) for own in infos])
    rows = list(zip(numbers, texts, strict=True))
    return {number: _digest(own + targets) for number, own in reversed(rows) if number != NO_NUMBER}


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
