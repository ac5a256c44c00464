"""An event loop whose clock runs faster: what waits half a minute is tried in a second, on real sockets."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Hasty(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout / self.speed if timeout else timeout)


class FastLoop(asyncio.SelectorEventLoop):
    """Shape: `speed` seconds of the loop pass in each second."""

    def __init__(self, speed: float) -> None:
        selector = _Hasty()
        selector.speed = speed
        self._speed = speed
        super().__init__(selector)

    def time(self) -> float:
        return super().time() * self._speed


def run_fast(work: Coroutine[Any, Any, None], speed: float) -> None:
    """Run an async test with a clock that is so many times as fast."""
    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        runner.run(work)
