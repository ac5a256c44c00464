"""Post events to the customers' webhooks, until they are taken or three days have passed.

The events were written in the transaction of what they tell of; here they are read and posted, and what came
of each post is written down. A post whose outcome could not be written is repeated with the same event id.
"""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Final

import aiohttp
import structlog

from chappe.carriers.guarded_http import PrivateAddress, read_capped
from chappe.domain.errors import Unavailable
from chappe.domain.webhook_schedule import MAX_WAIT_MS, EventState, after_attempt, is_success
from chappe.domain.webhook_signature import signed
from chappe.pipeline.webhook_targets import Target, Targets
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.store.webhooks import (
    AttemptRow,
    DueEvent,
    Outcome,
    PendingRow,
    due_events,
    give_up,
    pending_webhooks,
    record_outcomes,
)

_log = structlog.get_logger("chappe.webhooks")

USER_AGENT: Final = f"Chappe/{version('chappe')}"
# Between two looks at most, whatever the store says of changes.
LOOK_S: Final = 0.25
# Looking takes a fifth of the time at most, however many webhooks have events.
LOOK_SHARE: Final = 4.0
# A look that took longer than this is taken in a reader thread the next time.
LONG_LOOK_S: Final = 0.002
AFTER_FAILURE_S: Final = 1.0
_EVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """How much is done at once.

    Shape: `concurrency` posts on their way, `per_host` of them at one host; `read_ahead` events in memory
           per webhook and `in_memory` in all; so many outcomes as `batch` are written in one unit of work.
    Units: seconds between two steps while posts are on their way (`busy_s`) and while there are none (`idle_s`);
           `drain_s` is how long a stop waits for them.
    """

    concurrency: int = 128
    per_host: int = 16
    read_ahead: int = 512
    in_memory: int = 8192
    batch: int = 256
    busy_s: float = 0.02
    idle_s: float = 0.02
    drain_s: float = 12.0


@dataclass(slots=True)
class NotifyCounts:
    """What the notifier has done since it started. Units: `oldest_ms` is how long the first due event waits."""

    posts: int = 0
    delivered: int = 0
    given_up: int = 0
    oldest_ms: int = 0


class Notifier:
    """Posts due events. One notifier per database: two would post the same event twice.

    Shape: the session is a `guarded_session`, and the caller's to close.
    """

    def __init__(self, store: Store, session: aiohttp.ClientSession, settings: NotifySettings | None = None) -> None:
        self._store = store
        self._session = session
        self._settings = settings = settings or NotifySettings()
        self._targets = Targets(
            per_host=settings.per_host, read_ahead=settings.read_ahead, in_memory=settings.in_memory
        )
        self._outcomes: list[Outcome] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._stopped: asyncio.Future[None] | None = None
        self._look_at = self._free_at = 0.0
        self._refill_at = 0
        self._is_long_look = False
        self.counts = NotifyCounts()

    async def run(self) -> None:
        """Post until `stop` is called. Raises: only what is a fault of this program."""
        self._stopped = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as group:
                while not self._is_stopping:
                    try:
                        pause = await self._step(group)
                    except Unavailable:
                        pause = AFTER_FAILURE_S
                    await self._sleep(pause)
                await self._drain()
        finally:
            self._stopped.set_result(None)

    async def stop(self) -> None:
        """Take no more events, wait a little for the posts on their way, write down what came of them."""
        self._is_stopping = True
        self._wake.set()
        if self._stopped is not None:
            await asyncio.shield(self._stopped)

    async def _step(self, group: asyncio.TaskGroup) -> float:
        """Write outcomes, read due events, start posts; how long to rest then."""
        await self._record()
        now = time.monotonic()
        is_due = now >= self._look_at or self._targets.held < self._refill_at
        if now >= self._free_at and (self._store.has_changed() or is_due):
            await self._look(now)
        self._launch(group)
        return self._settings.busy_s if self._workers else self._settings.idle_s

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _look(self, now: float) -> None:
        """Read which webhooks have events, and those that are due and fit into memory."""
        began = now_ms()
        if self._is_long_look:
            rows = await self._store.read(pending_webhooks)
        else:
            rows = self._store.glance(pending_webhooks)
        self._targets.update(rows)
        self._store.glance(lambda tx: self._read(tx, rows, began, now))
        await self._end_hopeless(rows, began)
        first = min((row.next_at for row in rows if row.is_live), default=_EVER)
        self.counts.oldest_ms = max(0, began - first)
        took = time.monotonic() - now
        self._is_long_look = took > LONG_LOOK_S and len(rows) > self._settings.concurrency
        self._free_at = time.monotonic() + LOOK_SHARE * took
        later = (first - began) / 1000
        self._look_at = now + (later if 0 < later < LOOK_S else LOOK_S)

    def _read(self, tx: Tx, rows: list[PendingRow], at: int, now: float) -> None:
        has_more = False
        for target, limit in self._targets.wanting(rows, at, now):
            events = due_events(tx, target.webhook_id, now=at, limit=limit)
            self._targets.add(target, events, limit)
            has_more = has_more or len(events) == limit
        if has_more:
            self._refill_at = self._targets.held // 2
        elif self._targets.held < self._refill_at:
            self._refill_at = 0

    async def _end_hopeless(self, rows: list[PendingRow], at: int) -> None:
        """Give up events of deleted webhooks, and those that waited too long for a paused or dead one."""
        too_old = at - MAX_WAIT_MS
        for row in rows:
            is_idle = not row.is_live or self._targets.is_resting(row.webhook_id)
            if row.url is None:
                before = _EVER
            elif row.next_at < too_old and is_idle:
                before = too_old
            else:
                continue
            unit = partial(give_up, webhook_id=row.webhook_id, before=before)
            self.counts.given_up += await self._store.write(unit)

    def _launch(self, group: asyncio.TaskGroup) -> None:
        now = time.monotonic()
        while len(self._workers) < self._settings.concurrency and (taken := self._take(now)):
            worker = group.create_task(self._work(*taken))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, target: Target, event: DueEvent) -> None:
        """Post one event after the other while there are any that may be posted."""
        taken: tuple[Target, DueEvent] | None = (target, event)
        while taken is not None:
            await self._post(*taken, began=time.monotonic())
            taken = self._take(time.monotonic())

    def _take(self, now: float) -> tuple[Target, DueEvent] | None:
        # Outcomes that cannot be written down are posts that would be repeated: make no more of them.
        if self._is_stopping or len(self._outcomes) > 4 * self._settings.batch:
            return None
        return self._targets.take(now)

    async def _post(self, target: Target, event: DueEvent, *, began: float) -> None:
        number = event.attempts + 1
        headers = {**target.headers, "X-Chappe-Event": str(event.id), "X-Chappe-Attempt": str(number)}
        at = now_ms()
        body = event.payload.encode()
        if target.signature is not None:
            headers["X-Chappe-Signature"] = signed(target.signature, at // 1000, body)
        http_code: int | None = None
        error: str | None = None
        got_through = True
        try:
            async with self._session.post(target.url, data=body, headers=headers, allow_redirects=False) as response:
                http_code = response.status
                await read_capped(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as raised:
            if http_code is None:  # the status is the answer; a body that breaks off changes nothing
                error, got_through = _why(raised)
        except BaseException:
            self._targets.abandoned(target)
            raise
        now = time.monotonic()
        self._targets.finished(
            target,
            began=began,
            now=now,
            is_success=is_success(http_code),
            got_through=got_through,
            answered=http_code is not None,
        )
        state, delay = after_attempt(http_code, attempts=number, jitter=random.random())
        attempt = AttemptRow(number, at, http_code, error, int((now - began) * 1000))
        self._outcomes.append(Outcome(target.webhook_id, event.id, state, now_ms() + delay, attempt))
        if len(self._outcomes) == self._settings.batch:
            self._wake.set()

    async def _record(self) -> None:
        """Write down the outcomes that are in. Raises: Unavailable; they are kept then."""
        while self._outcomes:
            some = self._outcomes[: self._settings.batch]
            await self._store.write(partial(record_outcomes, outcomes=some))
            del self._outcomes[: len(some)]
            for outcome in some:
                self._targets.recorded(outcome.webhook_id, outcome.event_id)
            self._count(some)
            if len(some) < self._settings.batch:
                return

    def _count(self, outcomes: list[Outcome]) -> None:
        """One line in the log for a batch, with the reasons of what failed."""
        done = sum(outcome.state is EventState.DONE for outcome in outcomes)
        given_up = sum(outcome.state is EventState.GIVEN_UP for outcome in outcomes)
        self.counts.posts += len(outcomes)
        self.counts.delivered += done
        self.counts.given_up += given_up
        failed = [outcome for outcome in outcomes if outcome.state is not EventState.DONE]
        reasons = Counter(f"webhook {o.webhook_id}: {o.attempt.error or o.attempt.http_code}" for o in failed)
        log = _log.warning if failed else _log.info
        log("posted", events=len(outcomes), accepted=done, given_up=given_up, failures=dict(reasons.most_common(5)))

    async def _drain(self) -> None:
        if self._workers:
            await asyncio.wait(set(self._workers), timeout=self._settings.drain_s)
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(set(self._workers))
        try:
            await self._record()
        except Unavailable:
            return  # what was not written is still due, and will be posted again


def _why(error: Exception) -> tuple[str, bool]:
    """What to tell the customer about a post without an answer, and whether it reached his server."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "name not found", False
        case aiohttp.ClientConnectorCertificateError():
            return "certificate not accepted", False
        case aiohttp.ClientConnectorError(os_error=PrivateAddress()):
            return "address not allowed", False
        case aiohttp.ClientConnectorError():
            return "cannot connect", False
        case aiohttp.ConnectionTimeoutError():
            return "no connection in time", False
        case TimeoutError():
            return "no answer in time", True
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return "address cannot be used", False
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return "answer cannot be read", True
        case aiohttp.ClientConnectionError():
            return "connection closed without an answer", True
        case _:
            return "request cannot be made", False
