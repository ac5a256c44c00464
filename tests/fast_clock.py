"""An event loop whose clock can run faster: what waits half a minute is tried in a second, on real sockets."""

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


class _Hasty(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout / self.speed if timeout else timeout)


class FastLoop(asyncio.SelectorEventLoop):
    """Shape: so many seconds of the loop pass in each second."""

    def __init__(self, speed: float = 1.0) -> None:
        self._hasty = _Hasty()
        self._hasty.speed = speed
        self._began, self._before = time.monotonic(), 0.0
        super().__init__(self._hasty)

    def time(self) -> float:
        return self._before + (time.monotonic() - self._began) * self._hasty.speed

    @contextmanager
    def hurrying(self, speed: float) -> Iterator[None]:
        """Let time pass faster for a while."""
        usual = self._hasty.speed
        self._turn_to(speed)
        try:
            yield
        finally:
            self._turn_to(usual)

    def _turn_to(self, speed: float) -> None:
        self._before, self._began = self.time(), time.monotonic()
        self._hasty.speed = speed


@contextmanager
def hurrying(speed: float) -> Iterator[None]:
    """Let the time of the running `FastLoop` pass faster for a while."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FastLoop)
    with loop.hurrying(speed):
        yield


def run_fast(work: Coroutine[Any, Any, None], speed: float = 1.0) -> None:
    """Run an async test with a clock that is so many times as fast, and may be hurried."""
    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        runner.run(work)
