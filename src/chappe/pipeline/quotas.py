"""Hold an account to its limits: what they leave for a decision, and the counts of what was accepted.

A request is decided on what was left a moment ago; the unit of work that writes it looks again, and when others were
faster nothing is written and the request is decided anew (docs/decisions/0014-limits-are-looked-at-twice.md).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Final, TypeVar

import structlog

from chappe.domain.errors import Unavailable
from chappe.domain.limits import DAY_MS, SendLimits, both, bounds, covers, digests_of, left_of
from chappe.domain.plans import Plan, Recipients
from chappe.domain.quotas import Quota
from chappe.domain.submission import Planner
from chappe.store import usage
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.store.usage import CREDITS, MESSAGES, NUMBERS, Row, Span

_log = structlog.get_logger("chappe.limits")

T = TypeVar("T")

# How often a request is decided when others are faster each time.
TRIES: Final = 5
PRUNE_EVERY_S: Final = 60.0
# Messages in one unit of work, when those of the last day are looked through.
CHUNK: Final = 1000


class Moved(Exception):
    """The counts are not any more what the decision was made on."""


async def settled(decide: Callable[[], Awaitable[T]]) -> T:
    """What a decision comes to, made anew while others change the counts under it.

    Raises: Unavailable when they do so again and again.
    """
    for _ in range(TRIES):
        try:
            return await decide()
        except Moved:
            continue
    raise Unavailable("others send for this account at the same time, and its limits leave too little for all")


def left(tx: Tx, planner: Planner, given: Recipients, now: int) -> Quota:
    """What the limits leave for some recipients. Raises: Moved when something has yet to be counted."""
    return _left(tx, planner.send_limits, _digests(planner, given.numbers, given.infos), given.countries, now)


def check(tx: Tx, planner: Planner, planned: Plan, now: int) -> None:
    """Raises: Moved when a plan is beyond what is left now."""
    quota = _left(tx, planner.send_limits, _digests_of_plan(planner, planned), planned.countries, now)
    if not covers(quota, planned.cost_mc, Counter(planned.countries)) or not quota.flooded.isdisjoint(planned.numbers):
        raise Moved


def record(tx: Tx, planner: Planner, planned: Plan, first: int, now: int) -> None:
    """Count a plan whose messages have the ids from `first` on."""
    digests = _digests_of_plan(planner, planned)
    for limits in planner.send_limits:
        usage.remember(tx, limits, planned.numbers, digests, first, now)
        usage.add(tx, limits, planned.cost_mc, Counter(planned.countries), now)


def remember_chunk(tx: Tx, planner: Planner, chunk: Plan, first: int, now: int) -> None:
    """Whom a chunk of a campaign goes to. Raises: Moved when one of them has had his share since it was decided."""
    if not any(limits.minds_numbers for limits in planner.send_limits):
        return
    digests = _digests_of_plan(planner, chunk)
    if not _left(tx, planner.send_limits, digests, (), now).flooded.isdisjoint(chunk.numbers):
        raise Moved
    for limits in planner.send_limits:
        usage.remember(tx, limits, chunk.numbers, digests, first, now_ms())


def count_chunks(tx: Tx, planner: Planner, cost_mc: int, by_country: Mapping[str, int], now: int) -> None:
    """Count all chunks of a campaign. Raises: Moved, with nothing counted, when they are beyond what is left now."""
    if not covers(_left(tx, planner.send_limits, {}, list(by_country), now), cost_mc, by_country):
        raise Moved
    for limits in planner.send_limits:
        usage.add(tx, limits, cost_mc, by_country, now)


def _left(
    tx: Tx, send_limits: Sequence[SendLimits], digests: Mapping[int, int], countries: Sequence[str], now: int
) -> Quota:
    places = set(countries)
    each_left = []
    for limits in send_limits:
        used = usage.used(tx, limits, digests, now)
        if used is None:
            raise Moved
        each_left.append(left_of(limits, used, digests, places, now))
    return reduce(both, each_left)


def _digests(planner: Planner, numbers: Sequence[int], infos: Sequence[str | None]) -> dict[int, int]:
    if not any(limits.minds_numbers for limits in planner.send_limits):
        return {}
    return digests_of(planner.author_text, planner.link_urls, numbers, infos)


def _digests_of_plan(planner: Planner, planned: Plan) -> dict[int, int]:
    return _digests(planner, planned.numbers, planned.infos)


class Counts:
    """Begins the counts that limits ask for, with what was sent before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks: dict[int, asyncio.Lock] = {}

    async def begin(self, send_limits: Sequence[SendLimits], now: int) -> None:
        """See to it that everything is counted that some limits ask for at a moment.

        Cost: a look; at the first send of a minute, a day or a month, and after a limit was set, a scan of the
              campaigns of that period, with limits by country of its messages, with limits by number a copy of the
              numbers of the last day, in pieces.
        """
        for limits in send_limits:
            if self._store.glance(partial(usage.missing, limits=limits, now=now)):
                async with self._locks.setdefault(limits.holder, asyncio.Lock()):
                    await self._count(limits, now)

    async def _count(self, limits: SendLimits, now: int) -> None:
        rows = self._store.glance(partial(usage.missing, limits=limits, now=now))
        if not rows:
            return
        if any(measure == NUMBERS for measure, _ in rows):
            await self._count_numbers(limits.holder, now)
        counts = await self._store.read(partial(_counted, holder=limits.holder, rows=rows))
        await self._store.write(partial(usage.begin, holder=limits.holder, counts=counts))
        _log.debug("counts begun", account=limits.holder, counts=len(counts))

    async def _count_numbers(self, holder: int, now: int) -> None:
        for account in self._store.glance(partial(usage.family, holder=holder)):
            last: Span | None = None
            look = partial(usage.spans, account=account, from_at=now - DAY_MS, to_at=now + DAY_MS)
            while page := await self._store.read(partial(look, after=last)):
                last = page[-1]
                for pieces in _pieces(page):
                    await self._store.write(partial(usage.copy, holder=holder, pieces=pieces))
                    await asyncio.sleep(0)  # let the others write
        await self._store.write(partial(usage.begin_numbers, holder=holder))


def _counted(tx: Tx, holder: int, rows: Sequence[Row]) -> dict[Row, int]:
    """The counts with what was sent before, those of countries in front of the row that says they are all there."""
    accounts = usage.family(tx, holder)
    counts: Counter[Row] = Counter()
    for measure, period in rows:
        if measure not in (MESSAGES, CREDITS):
            continue
        from_at, to_at = bounds(period)
        is_month = period.count("-") == 1
        for account in accounts:
            if is_month:
                found = usage.by_country(tx, account, from_at, to_at)
                counts.update({(country, period): count for country, count in found.items()})
        counts[measure, period] = 0
        for account in accounts:
            messages, cost_mc = usage.sums(tx, account, from_at, to_at)
            counts[measure, period] += cost_mc if measure == CREDITS else messages
    return counts


def _pieces(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans cut so that no unit of work has much to do."""
    pieces: list[list[Span]] = [[]]
    room = CHUNK
    for span in spans:
        for first in range(span.first, span.last + 1, CHUNK):
            piece = span._replace(first=first, last=min(span.last, first + CHUNK - 1))
            size = piece.last - piece.first + 1
            if size > room:
                pieces.append([])
                room = CHUNK
            pieces[-1].append(piece)
            room -= size
    return [each for each in pieces if each]


class Pruner:
    """The job that deletes counts of past periods."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def once(self) -> None:
        """Delete what no limit asks for any more."""
        while await self._store.write(lambda tx: usage.prune(tx, now_ms())):
            await asyncio.sleep(0.01)  # let the others write
