"""Keep the clicks on short links and tell customers of them, after those who clicked have been answered.

Clicks wait in memory for a moment and are written in batches. A process that is killed loses those of the last
moment; one that is stopped writes them first.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from chappe.domain.clicks import Click, Device, clicker_payload
from chappe.domain.devices import device_of
from chappe.domain.errors import Unavailable
from chappe.pipeline.events import News, announce_payloads
from chappe.store import links
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.clicks")

# How long the first click of a batch waits for others.
GATHER_S: Final = 0.05
BATCH: Final = 500
# How long a database that is away is left alone.
AFTER_FAILURE_S: Final = 1.0
# Clicks kept in memory while the database is away; later ones are lost, and counted.
MAX_WAITING: Final = 50_000


class Clicks:
    """Records clicks in the background."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._waiting: list[Click] = []
        self._recording: asyncio.Task[None] | None = None
        self._is_closing = asyncio.Event()
        self.lost = 0

    def note(self, click: Click) -> None:
        """Keep a click. Cost: nothing that its caller would wait for."""
        if len(self._waiting) >= MAX_WAITING:
            self.lost += 1
            return
        self._waiting.append(click)
        if self._recording is None:
            self._recording = asyncio.create_task(self._record_all())

    async def close(self) -> None:
        """Write what waits; clicks that come later are not kept."""
        self._is_closing.set()
        if self._recording is not None:
            await self._recording

    async def _record_all(self) -> None:
        try:
            await self._rest(GATHER_S)
            while self._waiting:
                batch = self._waiting[:BATCH]
                try:
                    await self._record(batch)
                except Unavailable as error:
                    _log.error("database unavailable", clicks=len(self._waiting), reason=str(error))
                    if self._is_closing.is_set():
                        return
                    await self._rest(AFTER_FAILURE_S)
                    continue
                except Exception:
                    _log.exception("bug", clicks=len(batch))
                del self._waiting[: len(batch)]
            if self.lost:
                _log.warning("clicks lost", clicks=self.lost)
                self.lost = 0
        finally:
            self._recording = None

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._is_closing.wait()
        except TimeoutError:
            pass

    async def _record(self, clicks: list[Click]) -> None:
        # In a thread: the first look at a user agent takes tenths of a second.
        devices = await asyncio.to_thread(lambda: [device_of(click.user_agent) for click in clicks])
        await self._store.write(lambda tx: record(tx, self._ids, clicks, devices, now_ms()))


def record(tx: Tx, ids: Ids, clicks: Sequence[Click], devices: Sequence[Device], now: int) -> None:
    """Keep clicks, count them, and queue an event for each webhook that wants them.

    A click on a link whose message has been deleted, or whose recipient was erased, is only counted: nothing is known
    any more of who it was.
    """
    links.count_clicks(tx, Counter((click.campaign_id, click.position) for click in clicks))
    recipients = links.recipients(tx, [click.message_id for click in clicks])
    known = [pair for pair in zip(clicks, devices, strict=True) if pair[0].message_id in recipients]
    if not known:
        return
    counts = links.counts(tx, recipients)
    links.add_clicks(tx, [click for click, _ in known], [device for _, device in known])
    news = [
        News(
            click.account_id,
            clicker_payload(click, device, recipients[click.message_id], _count(counts, click)),
            click.message_id,
        )
        for click, device in known
    ]
    announce_payloads(tx, ids, "CLICKER", news, now)


def _count(counts: dict[tuple[int, int], int], click: Click) -> int:
    """The recipient's clicks on the link, with this one."""
    place = (click.message_id, click.position)
    counts[place] = count = counts.get(place, 0) + 1
    return count
