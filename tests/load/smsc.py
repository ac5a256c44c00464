"""A neutral carrier for load tests: it takes every message, sends receipts, and costs next to nothing.

Bytes are read in whatever amounts they come, only the fields that are needed are looked at (one regular expression
for a submit_sm), and each batch is answered with one write. Nothing of Chappe is used, so that a fault of ours is not
made twice.

    python -m tests.load.smsc --port 2775 --control-port 9775 --receipts --receipt-delay 0.5

Control, all GET: /counts, /reset, /set?latency_s=0.05&receipts=1&watch=3377, /arrivals (of watched destinations).
"""

import argparse
import asyncio
import gc
import re
import signal
import struct
import time
from collections import deque
from typing import Any, Final

import msgspec
import uvloop

from tests.load.control import serve_control

_HEAD: Final = struct.Struct(">IIII")
_LENGTH_AND_COMMAND: Final = struct.Struct(">II")
_GENERIC_NACK, _INVALID_COMMAND, _INVALID_LENGTH = 0x80000000, 0x03, 0x02
_BINDS: Final = frozenset({0x01, 0x02, 0x09})
_SUBMIT_SM, _DELIVER_SM, _UNBIND, _ENQUIRE_LINK = 0x04, 0x05, 0x06, 0x15
_RESPONSE = 0x80000000
_MAX_PDU = 70_000
# Sequence number, source, destination, registered_delivery; addresses with their type, plan and final zero.
# Source: SMPP 3.4, 4.4.1.
_SUBMIT_FIELDS: Final = re.compile(rb".{12}(.{4})[^\0]*\0(..[^\0]*\0)(..[^\0]*\0).{3}[^\0]*\0[^\0]*\0(.)", re.DOTALL)
_RECEIPT_TEXT: Final = b"id:%b sub:001 dlvrd:001 submit date:%b done date:%b stat:DELIVRD err:000 text:-"
_MAX_SEQUENCE = 0x7FFFFFFF


class Settings(msgspec.Struct):
    """What the carrier does. Units: seconds. Shape: `watch` begins the destinations whose arrivals are kept."""

    latency_s: float = 0.0
    receipts: bool = False
    receipt_delay_s: float = 0.5
    receipt_window: int = 1000
    watch: str = ""


class SmscCounts(msgspec.Struct):
    """What has happened since the start or the last reset. Units: `*_at` in seconds of the monotonic clock."""

    submits: int = 0
    distinct: int = 0
    first_submit_at: float = 0.0
    last_submit_at: float = 0.0
    receipts: int = 0
    receipts_taken: int = 0
    receipts_refused: int = 0
    receipts_lost: int = 0
    last_receipt_at: float = 0.0
    binds: int = 0


Receipt = tuple[bytes, bytes, bytes]
"""Message id, source and destination of the submit."""


class Carrier:
    """What the connections share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.counts = SmscCounts()
        self.destinations: set[bytes] = set()
        self.arrivals: dict[str, float] = {}
        self.next_id = 1

    def control(self, path: str, query: dict[str, str]) -> object:
        match path:
            case "/counts":
                self.counts.distinct = len(self.destinations)
                return self.counts
            case "/arrivals":
                return self.arrivals
            case "/reset":
                self.counts = SmscCounts(binds=self.counts.binds)
                self.destinations, self.arrivals = set(), {}
                return {}
            case "/set":
                known = msgspec.structs.asdict(self.settings)
                self.settings = msgspec.convert({**known, **query}, Settings, strict=False)
                return self.settings
        raise LookupError(path)


class Bind(asyncio.Protocol):
    """One connection of a customer."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._is_bound = False
        self._due: deque[Receipt] = deque()
        self._unacknowledged = 0
        self._sequence = 0

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._unbind()
        self._carrier.counts.receipts_lost += len(self._due) + self._unacknowledged
        self._due.clear()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        answers: list[bytes] = []
        submits: list[tuple[bytes, bytes, bytes, bytes]] = []
        acknowledged = 0
        while end - at >= 16:
            length, command = _LENGTH_AND_COMMAND.unpack_from(data, at)
            if not 16 <= length <= _MAX_PDU:
                self._transport.close()
                return
            if at + length > end:
                break
            if command == _SUBMIT_SM and (found := _SUBMIT_FIELDS.match(data, at)):
                submits.append(found.groups())  # type: ignore[arg-type]
            elif command == _DELIVER_SM | _RESPONSE:
                acknowledged += 1
                self._carrier.counts.receipts_refused += data[at + 8 : at + 12] != b"\0\0\0\0"
            else:
                answers.append(self._other(command, data[at + 12 : at + 16]))
            at += length
        self._rest = data[at:]
        if answers:
            self._transport.write(b"".join(answers))
        if submits:
            self._take(submits)
        if acknowledged:
            self._acknowledged(acknowledged)

    def _other(self, command: int, sequence: bytes) -> bytes:
        number = int.from_bytes(sequence, "big")
        if command in _BINDS:
            self._carrier.counts.binds += not self._is_bound
            self._is_bound = True
            return _HEAD.pack(21, command | _RESPONSE, 0, number) + b"LOAD\0"
        if command in (_UNBIND, _ENQUIRE_LINK):
            if command == _UNBIND:
                self._unbind()
            return _HEAD.pack(16, command | _RESPONSE, 0, number)
        return b"" if command & _RESPONSE else _HEAD.pack(16, _GENERIC_NACK, _INVALID_COMMAND, number)

    def _unbind(self) -> None:
        self._carrier.counts.binds -= self._is_bound
        self._is_bound = False

    def _take(self, submits: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
        carrier, now = self._carrier, time.monotonic()
        settings, counts = carrier.settings, carrier.counts
        first = carrier.next_id
        carrier.next_id += len(submits)
        ids = [b"%010d" % number for number in range(first, carrier.next_id)]
        head = struct.pack(">III", 27, _SUBMIT_SM | _RESPONSE, 0)
        answer = b"".join([head + fields[0] + id_ + b"\0" for fields, id_ in zip(submits, ids, strict=True)])
        if settings.latency_s:
            self._loop.call_later(settings.latency_s, self._write, answer)
        else:
            self._transport.write(answer)
        counts.submits += len(submits)
        counts.first_submit_at = counts.first_submit_at or now
        counts.last_submit_at = now
        carrier.destinations.update([fields[2] for fields in submits])
        if settings.watch:
            numbers = [fields[2][2:-1].decode("latin-1") for fields in submits]
            carrier.arrivals.update({number: now for number in numbers if number.startswith(settings.watch)})
        if settings.receipts:
            pairs = zip(submits, ids, strict=True)
            wanted = [(id_, source, to) for (_, source, to, asked), id_ in pairs if asked[0] & 3]
            self._loop.call_later(settings.latency_s + settings.receipt_delay_s, self._receipts_due, wanted)

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _receipts_due(self, receipts: list[Receipt]) -> None:
        if self._transport.is_closing():
            self._carrier.counts.receipts_lost += len(receipts)
            return
        self._due.extend(receipts)
        self._deliver()

    def _acknowledged(self, count: int) -> None:
        self._unacknowledged -= count
        self._carrier.counts.receipts_taken += count
        self._carrier.counts.last_receipt_at = time.monotonic()
        self._deliver()

    def _deliver(self) -> None:
        """Send the receipts that are due, as many as the window has room for, in one write."""
        room = min(self._carrier.settings.receipt_window - self._unacknowledged, len(self._due))
        if room <= 0:
            return
        stamp = time.strftime("%y%m%d%H%M", time.gmtime()).encode()
        out: list[bytes] = []
        for _ in range(room):
            id_, source, destination = self._due.popleft()
            self._sequence = self._sequence % _MAX_SEQUENCE + 1
            text = _RECEIPT_TEXT % (id_, stamp, stamp)
            body = b"\0%b%b\x04\0\0\0\0\0\0\0\0%c%b\0\x1e\0%c%b\0\x04\x27\0\1\2" % (
                destination, source, len(text), text, len(id_) + 1, id_,
            )  # fmt: skip
            out.append(_HEAD.pack(16 + len(body), _DELIVER_SM, 0, self._sequence))
            out.append(body)
        self._unacknowledged += room
        self._carrier.counts.receipts += room
        self._transport.write(b"".join(out))


async def run(port: int, control_port: int, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    carrier = Carrier(settings)
    server = await loop.create_server(lambda: Bind(carrier), "127.0.0.1", port)
    control = await serve_control(control_port, carrier.control)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gc.freeze()
    gc.disable()  # no cycles are made for a message, and a pause here would be counted as the system's
    await stop.wait()
    server.close()
    control.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A neutral carrier for load tests.")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--control-port", type=int, default=9775)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until a submit is answered")
    parser.add_argument("--receipts", action="store_true", help="send receipts to who asks for them")
    parser.add_argument("--receipt-delay", type=float, default=0.5, help="seconds from the answer to the receipt")
    parser.add_argument("--receipt-window", type=int, default=1000, help="unacknowledged receipts of a connection")
    given = parser.parse_args()
    settings = Settings(given.latency, given.receipts, given.receipt_delay, given.receipt_window)
    uvloop.run(run(given.port, given.control_port, settings))


if __name__ == "__main__":
    main()
