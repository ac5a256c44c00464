"""A counting sink for webhooks: answers every request with 200 at once and remembers which events it saw.

    python -m tests.load.hooks --port 9776 --control-port 9777

Control, all GET: /counts, /reset.
"""

import argparse
import asyncio
import gc
import re
import signal
import time
from typing import Any, Final

import msgspec
import uvloop

from tests.load.control import serve_control

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
_LENGTH: Final = re.compile(rb"(?i)\ncontent-length: *(\d+)")
# Chappe's header, or the `id` that a Kannel callback was asked to carry.
_EVENT: Final = re.compile(rb"(?i)(?:\nx-chappe-event: *|[?&]id=)(\d+)")


class HookCounts(msgspec.Struct):
    """What has arrived. Units: seconds of the monotonic clock. Shape: `distinct` events, by their ids."""

    posts: int = 0
    distinct: int = 0
    first_at: float = 0.0
    last_at: float = 0.0


class Sink:
    """What the connections share."""

    def __init__(self) -> None:
        self.counts = HookCounts()
        self.events: set[bytes] = set()

    def control(self, path: str, query: dict[str, str]) -> object:
        match path:
            case "/counts":
                self.counts.distinct = len(self.events)
                return self.counts
            case "/reset":
                self.counts, self.events = HookCounts(), set()
                return {}
        raise LookupError(path)


class Hook(asyncio.Protocol):
    """One connection of a poster, kept alive as long as he likes."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        posts = 0
        while (head_end := data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(data, 0, head_end)
            end = head_end + 4 + (int(length[1]) if length else 0)
            if len(data) < end:
                break
            if event := _EVENT.search(data, 0, head_end):
                self._sink.events.add(event[1])
            posts += 1
            data = data[end:]
        self._rest = data
        if posts:
            counts, now = self._sink.counts, time.monotonic()
            counts.posts += posts
            counts.first_at = counts.first_at or now
            counts.last_at = now
            self._transport.write(_OK * posts)


async def run(port: int, control_port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    sink = Sink()
    server = await loop.create_server(lambda: Hook(sink), "127.0.0.1", port, backlog=1024)
    control = await serve_control(control_port, sink.control)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gc.freeze()
    gc.disable()
    await stop.wait()
    server.close()
    control.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A counting sink for webhooks.")
    parser.add_argument("--port", type=int, default=9776)
    parser.add_argument("--control-port", type=int, default=9777)
    given = parser.parse_args()
    uvloop.run(run(given.port, given.control_port))


if __name__ == "__main__":
    main()
