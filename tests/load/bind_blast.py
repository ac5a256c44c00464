"""Submit an exact number of messages over SMPP, each to a number of its own, as fast as the window lets.

python -m tests.load.bind_blast --port 2775 --count 20000 --binds 2 --window 500 --first 33600000000
"""

import argparse
import asyncio
import gc
import sys
import time
from typing import Final, cast

import msgspec
import uvloop

from chappe.telecom import receipts
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER
from chappe.telecom.smpp.events import Answers, BindRefused, Bound, Deliveries, LinkLost
from chappe.telecom.smpp.pdu import SubmitTemplate
from chappe.telecom.smpp.session import ClientSession

DEADLINE_S: Final = 240.0
QUIET_S: Final = 5.0


class BindBlastResult(msgspec.Struct):
    """What came of a blast. Units: seconds; `*_at` of the monotonic clock. Shape: the receipts of distinct ids."""

    count: int = 0
    accepted: int = 0
    receipts: int = 0
    doubled: int = 0
    first_at: float = 0.0
    answered_at: float = 0.0
    last_receipt_at: float = 0.0
    median_s: float = 0.0
    p99_s: float = 0.0
    sample: str = ""

    @property
    def per_second(self) -> float:
        return self.count / max(self.answered_at - self.first_at, 1e-9)


class Work:
    """What is to be sent, and what has come back."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.numbers = iter(range(given.first, given.first + given.count))
        self.text: bytes = given.text.encode()
        registered = int(given.receipts)
        self.template = SubmitTemplate(ShortMessage(5, 0, "BENCH", 1, 1, "", 0, 0, b"", registered))
        self.result = BindBlastResult()
        self.left: int = given.count
        self.waits_for: int = given.count if given.receipts else 0
        self.sent_at: dict[int, float] = {}
        self.took: list[float] = []
        self.ids: set[str] = set()
        self.done = asyncio.Event()

    def check(self) -> None:
        if not self.left and len(self.ids) >= self.waits_for:
            self.done.set()


class Customer(asyncio.Protocol):
    """One bind."""

    def __init__(self, work: Work, window: int, system_id: str, password: str) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._session = ClientSession[int](self._loop.time(), window=window, response_s=120.0)
        self._session.bind(Bind(BIND_TRANSCEIVER, system_id, password), self._loop.time())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._session.data_to_send())

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        for event in self._session.receive(data, now):
            match event:
                case Answers(items):
                    self._answered(items, now)
                case Deliveries(items):
                    self._delivered(items)
                case BindRefused(status):
                    self._work.result.sample = f"bind refused: {status}"
                    self._work.done.set()
                case LinkLost(reason):
                    self._work.result.sample = reason
                    self._work.done.set()
                case Bound():
                    self._work.result.first_at = self._work.result.first_at or time.monotonic()
                case _:
                    pass
        self._fill()

    def _answered(self, items: list[tuple[int, int, str]], now: float) -> None:
        work = self._work
        work.left -= len(items)
        for number, status, _ in items:
            work.took.append(now - work.sent_at.pop(number))
            if status:
                work.result.sample = f"status {status}"
            else:
                work.result.accepted += 1
        work.result.answered_at = time.monotonic()
        work.check()

    def _delivered(self, items: list[tuple[int, ShortMessage]]) -> None:
        work = self._work
        for _, message in items:
            found = receipts.parse(message.short_message, message.tlvs)
            work.result.doubled += found.message_id in work.ids
            work.ids.add(found.message_id)
        work.result.last_receipt_at = time.monotonic()
        self._session.acknowledge([sequence for sequence, _ in items])
        work.check()

    def _fill(self) -> None:
        now, work = self._loop.time(), self._work
        rows = []
        for _ in range(self._session.free):
            number = next(work.numbers, None)
            if number is None:
                break
            work.sent_at[number] = now
            rows.append((number, str(number), work.text))
        if rows:
            self._session.submit_from(work.template, rows, now)
        if data := self._session.data_to_send():
            self._transport.write(data)


async def _run(given: argparse.Namespace) -> BindBlastResult:
    work, loop = Work(given), asyncio.get_running_loop()
    for _ in range(given.binds):
        await loop.create_connection(
            lambda: Customer(work, given.window, given.system_id, given.password), "127.0.0.1", given.port
        )
    async with asyncio.timeout(DEADLINE_S):
        await work.done.wait()
    result = work.result
    took = sorted(work.took) or [0.0]
    result.count, result.receipts = given.count, len(work.ids)
    result.median_s, result.p99_s = took[len(took) // 2], took[max(0, -(-len(took) * 99 // 100) - 1)]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--binds", type=int, default=1)
    parser.add_argument("--window", type=int, default=500)
    parser.add_argument("--first", type=int, default=33600000000)
    parser.add_argument("--text", default="Your parcel has arrived.")
    parser.add_argument("--receipts", action="store_true", help="ask for receipts and wait for them")
    parser.add_argument("--system-id", default="bench")
    parser.add_argument("--password", default="bench")
    given = parser.parse_args()
    gc.freeze()
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_run(given))))


if __name__ == "__main__":
    main()
