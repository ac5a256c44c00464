"""Send an exact number of HTTP requests over keep-alive connections, each to a number of its own.

Each connection sends its next request when the last one is answered; nothing is pipelined. `{number}` in the target
becomes the destination: `--first` and the numbers after it.

    python -m tests.load.blast --port 8000 --count 20000 --connections 32 --first 33600000000 \\
        --target '/send?text=Hello&to={number}' --header 'Authorization: Bearer ...' --expect '"status":1'
"""

import argparse
import asyncio
import gc
import math
import re
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import uvloop

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class BlastResult(msgspec.Struct):
    """What came of a blast.

    Units: seconds; `*_at` of the monotonic clock.
    Shape: `accepted` answers had the expected words, `sample` is one that had not; the maps are from number to time
           and filled with `--times` only: when a request was written, when its answer was read.
    """

    count: int = 0
    accepted: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    median_s: float = 0.0
    p99_s: float = 0.0
    sample: str = ""
    sent_at: dict[str, float] = {}
    answered_at: dict[str, float] = {}

    @property
    def per_second(self) -> float:
        return self.count / max(self.last_at - self.first_at, 1e-9)


class Work:
    """What is to be sent, and what has come back."""

    def __init__(self, given: argparse.Namespace) -> None:
        heads = "".join(f"{header}\r\n" for header in given.header)
        request = f"GET {given.target} HTTP/1.1\r\nHost: 127.0.0.1:{given.port}\r\n{heads}\r\n"
        self._request = request.replace("%", "%%").replace("{number}", "%(number)d").encode()
        self._numbers = iter(range(given.first, given.first + given.count))
        self._expected: bytes = given.expect.encode()
        self._interval_s = 1 / given.rate if given.rate else 0.0
        self._keeps_times: bool = given.times
        self._due_at = 0.0
        self._times: list[float] = []
        self.result = BlastResult()
        self.left: int = given.count
        self.done = asyncio.Event()

    def requests(self) -> Iterator[tuple[int, bytes]]:
        """Numbers and their requests; every connection draws from the same ones."""
        for number in self._numbers:
            yield number, self._request % {b"number": number}

    def pause_s(self) -> float:
        """How long to wait before the next request, for the rate that was asked for."""
        if not self._interval_s:
            return 0.0
        now = time.monotonic()
        self._due_at = max(self._due_at + self._interval_s, now)
        return self._due_at - now

    def answered(self, number: int, sent_at: float, answer: bytes) -> None:
        now = time.monotonic()
        result = self.result
        result.count += 1
        result.first_at = min(result.first_at or sent_at, sent_at)
        result.last_at = now
        if self._expected in answer:
            result.accepted += 1
        elif not result.sample:
            result.sample = answer.decode("latin-1")
        self._times.append(now - sent_at)
        if self._keeps_times:
            result.sent_at[str(number)] = sent_at
            result.answered_at[str(number)] = now
        self.left -= 1
        if not self.left:
            self.done.set()

    def finish(self) -> BlastResult:
        """The result with its median and its 99th percentile."""
        times = sorted(self._times)
        if times:
            self.result.median_s = times[len(times) // 2]
            self.result.p99_s = times[math.ceil(len(times) * 0.99) - 1]
        return self.result


class Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._requests = work.requests()
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._number = 0
        self._sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        self._next()

    def _next(self) -> None:
        pause = self._work.pause_s()
        if pause > 0:
            self._loop.call_later(pause, self._send)
        else:
            self._send()

    def _send(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            return
        self._number, request = following
        self._sent_at = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head_end)
        if length is not None and len(self._buffer) < head_end + 4 + int(length[1]):
            return
        answer, self._buffer = self._buffer, b""
        self._work.answered(self._number, self._sent_at, answer)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._work.left and next(self._requests, None) is not None:
            raise ConnectionError("the server hung up: it does not keep connections alive")


async def run(given: argparse.Namespace) -> BlastResult:
    """Send everything. Raises: TimeoutError when answers fail to come."""
    work = Work(given)
    loop = asyncio.get_running_loop()
    gc.freeze()
    gc.disable()
    for _ in range(min(given.connections, given.count)):
        await loop.create_connection(lambda: Connection(work), "127.0.0.1", given.port)
    async with asyncio.timeout(given.timeout):
        await work.done.wait()
    return work.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description="An exact number of HTTP requests over keep-alive connections.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", required=True, help="path and query; {number} is the destination")
    parser.add_argument("--header", action="append", default=[], help="'Name: value', repeatable")
    parser.add_argument("--expect", default="", help="words that an answer has when the message was accepted")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=33600000000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 for as fast as answers come")
    parser.add_argument("--times", action="store_true", help="tell the times of every request")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for everything")
    result = uvloop.run(run(parser.parse_args()))
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")


if __name__ == "__main__":
    main()
