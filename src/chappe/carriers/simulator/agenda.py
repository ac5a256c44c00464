"""Things to do later, gathered into slots so that a million of them need few timers."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_SLOTS_PER_S: Final = 200


class Agenda(Generic[T]):
    """Hands items to `due` in batches, up to 5 ms after their time, never before."""

    def __init__(self, due: Callable[[list[T]], None]) -> None:
        self._due = due
        self._loop = asyncio.get_running_loop()
        self._slots: dict[int, list[T]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def add(self, delay_s: float, items: Iterable[T]) -> None:
        """Hand these items over when the delay is over."""
        slot = int((self._loop.time() + delay_s) * _SLOTS_PER_S) + 1
        waiting = self._slots.get(slot)
        if waiting is None:
            self._slots[slot] = list(items)
            self._timers[slot] = self._loop.call_at(slot / _SLOTS_PER_S, self._fire, slot)
        else:
            waiting.extend(items)

    def __len__(self) -> int:
        return sum(len(items) for items in self._slots.values())

    def close(self) -> None:
        """Forget what waits."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._slots.clear()

    def _fire(self, slot: int) -> None:
        del self._timers[slot]
        self._due(self._slots.pop(slot))
