"""Give what waits for a carrier that is gone, down or too busy to one that takes it.

A lane is gone through once, a few thousand messages at a time, after something about routes or carriers has changed;
then it is left alone until the next change. A lane without an alternative is not touched.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

import structlog

from chappe.domain.failover import STOPPED, Reach, Tried, next_lane
from chappe.domain.lifecycle import Queue
from chappe.domain.marketing_hours import FOREVER
from chappe.domain.plans import ALERT, MARKETING, UNROUTED
from chappe.domain.requests import Kind
from chappe.domain.route_places import Terms
from chappe.domain.routing import RouteTable, Traffic
from chappe.pipeline.routing import Routing
from chappe.store import queue, routes, tracking
from chappe.store.clock import now_ms
from chappe.store.queue import Movable
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.failover")

EVERY_S: Final = 1.0
# Messages in one unit of work, and units of a lane in one round.
CHUNK: Final = 1000
CHUNKS: Final = 20
# What was routed by the old routes may still be on its way to the queue: gone through again so soon, and then seldom.
SETTLE_MS: Final = 5_000
REST_MS: Final = 60_000


class Leaving(NamedTuple):
    """Why messages leave a lane. Shape: up to `priority`; `until` is how far scheduled ones are meant.

    Units: milliseconds UTC.
    """

    why: str
    reach: Reach
    priority: int
    until: int


@dataclass(slots=True)
class _Pass:
    """One way through a lane. Shape: `since` is when the first way under these routes began."""

    table: RouteTable
    since: int
    began: int
    ready: Movable | None = None
    later: Movable | None = None
    is_past_ready: bool = False
    moved: int = 0
    again_at: int | None = None  # it is over; the next one is not before

    def after(self, found: Sequence[Movable], moved: int, now: int) -> None:
        """What a chunk that was written leaves."""
        self.moved += moved
        is_last = len(found) < CHUNK
        if not self.is_past_ready:
            self.ready = found[-1] if found else self.ready
            self.is_past_ready = is_last
            return
        self.later = found[-1] if found else self.later
        if is_last:
            is_settled = not self.moved and self.began > self.since + SETTLE_MS
            self.again_at = now + (REST_MS if is_settled else SETTLE_MS)


class Failover:
    """The job that looks after what waits in lanes that do not go on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._routing = Routing(store)
        self._passes: dict[int, _Pass] = {}

    async def once(self) -> None:
        """One round over all lanes."""
        table = self._routing.table()
        lanes = self._store.glance(queue.lanes_in_use)
        self._passes = {lane: each for lane, each in self._passes.items() if lane in lanes}
        for lane in lanes:
            leaving = leaving_of(table, lane, now_ms())
            if leaving is None:
                self._passes.pop(lane, None)
            else:
                await self._leave(table, lane, leaving)

    async def _leave(self, table: RouteTable, lane: int, leaving: Leaving) -> None:
        going = self._going(table, lane, now_ms())
        before = going.moved
        for _ in range(CHUNKS):
            if going.again_at is not None:
                break
            found, moved = await self._store.write(partial(_move_next, lane=lane, leaving=leaving, going=going))
            going.after(found, moved, now_ms())
            await asyncio.sleep(0)  # let the others write
        if going.moved > before:
            _log.info("moved to other carriers", lane=lane, why=leaving.why, messages=going.moved - before)

    def _going(self, table: RouteTable, lane: int, now: int) -> _Pass:
        """The way through a lane that is not over, or a new one when its time has come."""
        going = self._passes.get(lane)
        if going is None or going.table is not table:
            going = self._passes[lane] = _Pass(table, now, now)
        elif going.again_at is not None and going.again_at <= now:
            going = self._passes[lane] = _Pass(table, going.since, now)
        return going


def _move_next(tx: Tx, lane: int, leaving: Leaving, going: _Pass) -> tuple[list[Movable], int]:
    """The next messages of a lane, and how many of them were moved."""
    now, table = now_ms(), going.table
    found = _next(tx, lane, leaving, going)
    taken = [(to, row) for row in found if (to := target(table, lane, row, leaving.reach, now, again=True)) is not None]
    return found, _move(tx, table, lane, leaving, taken, now)


async def reapply(store: Store, progress: Callable[[float], None]) -> int:
    """Route everything that waits anew, by the routes of now; how many messages have another carrier by it.

    Shape: `progress` is told how much is done, from 0 to 1.
    """
    table = store.glance(routes.table)
    waiting = sum(count for _, state, count in await store.read(queue.depth) if state in (Queue.READY, Queue.SCHEDULED))
    leaving = Leaving("the routes changed", "any", MARKETING, FOREVER)
    seen = moved = 0
    for lane in store.glance(queue.lanes_in_use):
        going = _Pass(table, 0, 0)
        while going.again_at is None:
            found, count = await store.write(partial(_route_next, lane=lane, leaving=leaving, going=going))
            going.after(found, count, now_ms())
            seen, moved = seen + len(found), moved + count
            progress(min(1.0, seen / waiting) if waiting else 1.0)
            await asyncio.sleep(0)  # let the others write
    return moved


def _route_next(tx: Tx, lane: int, leaving: Leaving, going: _Pass) -> tuple[list[Movable], int]:
    """The next messages of a lane, and how many of them the routes give to another one."""
    now, table = now_ms(), going.table
    found = _next(tx, lane, leaving, going)
    moved = []
    for row in found:
        order = order_of(table, row, now)
        if lane in order[:1] or (to := target(table, lane, row, "any", now, again=True)) is None:
            continue
        moved.append((to, row))
    return found, _move(tx, table, lane, leaving, moved, now)


def _next(tx: Tx, lane: int, leaving: Leaving, going: _Pass) -> list[Movable]:
    if going.is_past_ready:
        return queue.movable_later(tx, lane, leaving.until, going.later, CHUNK)
    return queue.movable_ready(tx, lane, leaving.priority, going.ready, CHUNK)


def leaving_of(table: RouteTable, lane: int, now: int) -> Leaving | None:
    """Whether messages are to leave a lane, and why."""
    known = table.lanes_by_id.get(lane)
    if known is None:
        if not table.lanes_by_id and lane == UNROUTED:
            return None
        why = "no carrier served it" if lane == UNROUTED else "its carrier was removed"
        return Leaving(why, "any", MARKETING, FOREVER)
    if not any(other != lane and not each.is_sandbox for other, each in table.lanes_by_id.items()):
        return None
    health = table.health(lane)
    if health.state == "unproven":  # one of them tries it now, and decides about the others: soon it is well, or down
        return None
    if health.state in STOPPED:
        return Leaving(f"{known.name} is {health.state}", "working", MARKETING, now)
    if health.state == "throttled":  # marketing can wait for its turn; the other carrier may cost more
        return Leaving(f"{known.name} is throttled", "well", ALERT, -1)
    return None


def _move(
    tx: Tx, table: RouteTable, lane: int, leaving: Leaving, moved: Sequence[tuple[int, Movable]], now: int
) -> int:
    """Move messages, each to its new lane; how many it was."""
    if not moved:
        return 0
    count = queue.move(tx, lane, moved, now)
    names = {to: name_of(table, to) for to in {to for to, _ in moved}}
    tracking.add_trace(tx, [(row.message_id, now, "moved", f"{leaving.why}: to {names[to]}") for to, row in moved])
    return count


def target(table: RouteTable, lane: int, row: Movable, reach: Reach, now: int, *, again: bool) -> int | None:
    """The lane that takes a message over; None when it stays."""
    known = table.lanes_by_id.get(lane)
    if row.is_begun or (row.in_doubt and known is not None and known.is_idempotent):
        return None
    order = order_of(table, row, now)
    states = {each: table.health(each, row.country).state for each in order}
    to = next_lane(order, lane, Tried.read(row.tried), states, reach, again=again)
    if to is None and lane not in table.lanes_by_id and not order and lane != UNROUTED:
        return UNROUTED
    return to


def order_of(table: RouteTable, row: Movable, now: int) -> tuple[int, ...]:
    """The candidates of a message that waits."""
    kind: Kind = "marketing" if row.priority == MARKETING else "alert"
    router = table.router(Traffic(row.account_id, row.parent_id, kind, bool(row.is_sandbox)))
    return router.order(row.number, row.country, Terms(row.sender or "", row.price_mc), max(now, row.ready_at))


def name_of(table: RouteTable, lane: int) -> str:
    known = table.lanes_by_id.get(lane)
    return f"carrier {known.name}" if known else "no carrier"
