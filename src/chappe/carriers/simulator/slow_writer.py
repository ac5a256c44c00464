"""A carrier that takes its time to write."""

import asyncio
from typing import Final

_TURNS_PER_S: Final = 20


class SlowWriter:
    """Lets octets through at a rate; what waits leaves at once when it stops.

    Units: `waiting` in octets.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.octets_per_s = 1.0
        self._transport = transport
        self._loop = loop
        self._held = bytearray()
        self._allowance = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How much has not left yet."""
        return len(self._held)

    def write(self, data: bytes) -> None:
        """Write when there is time."""
        self._held += data
        if self._timer is None:
            self._turn()

    def stop(self) -> None:
        """Let what waits leave."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held and not self._transport.is_closing():
            self._transport.write(bytes(self._held))
        self._held.clear()

    def _turn(self) -> None:
        self._timer = None
        self._allowance += self.octets_per_s / _TURNS_PER_S
        count = min(int(self._allowance), len(self._held))
        if count and not self._transport.is_closing():
            self._transport.write(bytes(self._held[:count]))
            del self._held[:count]
            self._allowance -= count
        if self._held:
            self._timer = self._loop.call_later(1 / _TURNS_PER_S, self._turn)
        else:
            self._allowance = 0.0
