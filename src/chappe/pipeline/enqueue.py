"""Bring accepted campaigns into the queue piece by piece, and clear away what was not accepted.

The process that accepted a campaign begins at once; the worker finishes what a dead one has left, and deletes what it
was writing when it died.
"""

import asyncio
from functools import partial

import structlog

from chappe.domain.errors import Unavailable
from chappe.pipeline.routing import Routing
from chappe.pipeline.rules import Rules
from chappe.store import preparations
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.enqueue")

EVERY_S = 2.0
# Messages in one unit of work: some 10 ms of the loop.
CHUNK = 2000
# A campaign that has not got on for so long is written by nobody any more. A mistake costs its caller an error.
ABANDONED_MS = 30_000


class Enqueuer:
    """The job that goes on after a campaign for lists was accepted, or was not."""

    def __init__(self, store: Store, rules: Rules, *, validity_s: int) -> None:
        self._store = store
        self._rules = rules
        self._routing = Routing(store)
        self._validity_ms = validity_s * 1000
        self._running: set[asyncio.Task[None]] = set()
        self._seen: dict[int, int] = {}

    def begin(self, ticket: int) -> None:
        """Queue an accepted campaign in the background."""
        task = asyncio.create_task(self._in_background(ticket))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def enqueue(self, ticket: int) -> None:
        """Queue what is left of a campaign."""

        def unit(tx: Tx) -> bool:
            return preparations.enqueue(
                tx, ticket, self._routing.table(), partial(self._planned, tx), self._validity_ms, now_ms(), CHUNK
            )

        while await self._store.write(unit):
            await asyncio.sleep(0)  # let the others write

    def _planned(self, tx: Tx, account: int, kind: str, numbers: list[int], countries: list[str], at: int) -> list[int]:
        ready = self._rules.hours_of(tx, account).ready(numbers, countries, at) if kind == "marketing" else []
        return ready or [at] * len(numbers)

    async def discard(self, ticket: int) -> None:
        """Leave nothing of a campaign that is not accepted."""
        await self._store.write(lambda tx: preparations.discard(tx, ticket))
        while await self._store.write(lambda tx: preparations.delete(tx, ticket, CHUNK)):
            await asyncio.sleep(0)

    async def once(self) -> None:
        """One round: go on with campaigns that have stood still since the last one."""
        standing = self._seen
        self._seen = {each.ticket: each.queued_to for each in self._store.glance(preparations.unqueued)}
        for ticket, queued_to in self._seen.items():
            if standing.get(ticket) == queued_to:
                _log.warning("queued in the place of a process that is gone", ticket=ticket)
                await self.enqueue(ticket)
        for ticket in self._store.glance(lambda tx: preparations.abandoned(tx, now_ms() - ABANDONED_MS)):
            _log.warning("cleared away: it was not accepted", ticket=ticket)
            await self.discard(ticket)

    async def _in_background(self, ticket: int) -> None:
        try:
            await self.enqueue(ticket)
        except Unavailable as error:
            _log.error("database unavailable, left to the worker", ticket=ticket, reason=str(error))
        except Exception:
            _log.exception("bug", ticket=ticket)
