"""Jobs of the worker that are done again and again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from chappe.domain.errors import Unavailable

_log = structlog.get_logger("chappe.worker")


class Rounds:
    """One job, done in rounds until it is told to stop.

    A database that is away, and a fault of ours, end the round and not the job: the next one may go well.
    """

    def __init__(self, name: str, once: Callable[[], Awaitable[object]], *, every_s: float) -> None:
        self._name = name
        self._once = once
        self._every_s = every_s
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Do rounds, each `every_s` after the end of the last one, until `stop`."""
        while not self._stopping.is_set():
            try:
                await self._once()
            except Unavailable as error:
                _log.error("database unavailable", job=self._name, reason=str(error))
            except Exception:
                _log.exception("bug", job=self._name)
            try:
                async with asyncio.timeout(self._every_s):
                    await self._stopping.wait()
            except TimeoutError:
                pass

    def stop(self) -> None:
        """Let the round that is going on be the last."""
        self._stopping.set()
