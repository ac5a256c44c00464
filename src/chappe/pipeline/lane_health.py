"""Watch how the carriers of a gateway are doing, and let everybody know who decides where messages go."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from chappe.domain.lane_health import WELL, Health, Signs, Thresholds, link_health, quality
from chappe.store import carrier_figures, lane_health
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.health")

# Looks that make a minute, and how many are enough to judge.
_LOOKS: Final = 60
_ENOUGH: Final = 30
QUALITY_S: Final = 5.0
COMPACT_EVERY_S: Final = 3600.0


class Seen(NamedTuple):
    """What a gateway sees of a lane at one look. Shape: `is_unproven` as in `Signs`."""

    name: str
    is_bound: bool
    is_held_back: bool
    thresholds: Thresholds
    is_unproven: bool = False


@dataclass(slots=True)
class _Watched:
    """What was seen of a lane before."""

    is_bound: bool
    since: float
    held_back: deque[bool] = field(default_factory=lambda: deque(maxlen=_LOOKS))

    def signs(self, seen: Seen, clock: float) -> Signs:
        if seen.is_bound != self.is_bound:
            self.is_bound, self.since = seen.is_bound, clock
        self.held_back.append(seen.is_held_back)
        part = sum(self.held_back) / len(self.held_back) if len(self.held_back) >= _ENOUGH else None
        return Signs(self.is_bound, clock - self.since, part, seen.is_unproven)


class HealthWatch:
    """The judge of a gateway's lanes; it is to be called once a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watched: dict[int, _Watched] = {}
        self._next_quality = 0.0

    async def look(self, seen: Mapping[int, Seen]) -> None:
        """Judge every lane, and write down what has changed."""
        now, clock = now_ms(), asyncio.get_running_loop().time()
        self._watched = {lane: each for lane, each in self._watched.items() if lane in seen}
        signs = {lane: self._of(lane, each, clock) for lane, each in seen.items()}
        is_time = clock >= self._next_quality
        if is_time:
            self._next_quality = clock + QUALITY_S
        changed = self._store.glance(lambda tx: _changes(tx, seen, signs, now, judges_quality=is_time))
        if not changed:
            return
        await self._store.write(lambda tx: lane_health.put(tx, changed))
        for lane, country, health in changed:
            _log.warning(
                "carrier is " + health.state, carrier=seen[lane].name, country=country or "all", reason=health.reason
            )

    def _of(self, lane: int, seen: Seen, clock: float) -> Signs:
        watched = self._watched.get(lane)
        if watched is None:
            watched = self._watched[lane] = _Watched(seen.is_bound, clock)
        return watched.signs(seen, clock)


def _changes(
    tx: Tx, seen: Mapping[int, Seen], signs: Mapping[int, Signs], now: int, *, judges_quality: bool
) -> list[tuple[int, str, Health]]:
    """(lane, country, how it is doing) where that has changed."""
    known = lane_health.read(tx)
    changed = []
    for lane, each in seen.items():
        was = known.get((lane, ""), WELL)
        if (health := link_health(was, signs[lane], each.thresholds, now)) != was:
            changed.append((lane, "", health))
        if not judges_quality:
            continue
        slots = carrier_figures.slots(tx, lane, now - each.thresholds.reach_ms)
        bound_s = signs[lane].steady_s if signs[lane].is_bound else 0.0
        countries = {*slots, *[place for owner, place in known if owner == lane and place]}
        for country in sorted(countries):
            was = known.get((lane, country), WELL)
            if (health := quality(was, slots.get(country, ()), each.thresholds, now, bound_s)) != was:
                changed.append((lane, country, health))
    return changed


class Compactor:
    """The job that keeps old figures by the day, and forgets the oldest."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def once(self) -> None:
        await self._store.write(lambda tx: carrier_figures.compact(tx, now_ms()))
