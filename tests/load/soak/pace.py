"""How fast customers send, all of them together."""

import asyncio


class Pace:
    """Lets messages go one after the other at a rate.

    Shape: what could not go in time is not made up for but for a second.
    Units: messages a second.
    """

    def __init__(self, rate: float) -> None:
        self._every_s = 1 / rate
        self._next_at = 0.0

    async def turn(self, messages: int = 1) -> None:
        """Wait until so many messages may go."""
        now = asyncio.get_running_loop().time()
        at = max(self._next_at, now - 1)
        self._next_at = at + messages * self._every_s
        if at > now:
            await asyncio.sleep(at - now)
