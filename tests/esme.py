"""A customer of an SMPP centre on a real socket, as small as can be: for tests of either end."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import cast

from chappe.telecom import receipts
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER, BOUND
from chappe.telecom.smpp.events import (
    Answers,
    BindRefused,
    Bound,
    Congestion,
    Deliveries,
    Event,
    LinkLost,
    Oddity,
    ProtocolError,
    Responded,
    TimedOut,
    UnbindRequested,
    Unbound,
)
from chappe.telecom.smpp.session import ClientSession

DEADLINE_S = 20.0


async def until(happened: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for something in this process, looking every few milliseconds."""
    end = time.monotonic() + deadline_s
    while not happened():
        assert time.monotonic() < end, f"in {deadline_s:.0f} s it never happened: {what}"
        await asyncio.sleep(0.005)


class Esme(asyncio.Protocol):
    """Submits with numbers as tokens, acknowledges deliveries with `acknowledge_with` unless that is None."""

    def __init__(self, window: int = 100) -> None:
        self.session = ClientSession[int](asyncio.get_running_loop().time(), window=window)
        self.bound: Bound | None = None
        self.refused: BindRefused | None = None
        self.answers: dict[int, tuple[int, str]] = {}
        self.answered_in_order: list[int] = []
        self.late: dict[int, tuple[int, str]] = {}
        self.timed_out: list[int] = []
        self.lost: LinkLost[int] | None = None
        self.deliveries: list[ShortMessage] = []
        self.responses: dict[int, Responded[int]] = {}
        self.oddities: list[str] = []
        self.congestion: list[int] = []
        self.order: list[str] = []
        self.acknowledge_with: int | None = 0
        self.is_unbound = False
        self._todo: deque[tuple[int, ShortMessage]] = deque()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._handle(self.session.receive(data, asyncio.get_running_loop().time()))

    def connection_lost(self, exc: Exception | None) -> None:
        self._handle(self.session.connection_lost(asyncio.get_running_loop().time()))

    # -- what tests do

    def bind(
        self, system_id: str, password: str, command: int = BIND_TRANSCEIVER, interface_version: int = 0x34
    ) -> None:
        request = Bind(command, system_id, password, interface_version=interface_version)
        self.session.bind(request, asyncio.get_running_loop().time())
        self.flush()

    def submit(self, items: Iterable[tuple[int, ShortMessage]]) -> None:
        self._todo.extend(items)
        self._pump()

    async def settle(self, count: int) -> None:
        """Wait until so many submits are answered."""
        await until(lambda: len(self.answers) >= count, f"{count} answers")

    def receipts(self) -> list[receipts.Receipt]:
        return [
            receipts.parse(message.short_message or tlv.find(message.tlvs, tlv.MESSAGE_PAYLOAD) or b"", message.tlvs)
            for message in self.deliveries
            if receipts.is_receipt(message.esm_class, message.short_message, message.tlvs)
        ]

    def tick(self, ahead_s: float = 0.0) -> None:
        """Let the session's timers run as if so much more time had passed."""
        self._handle(self.session.tick(asyncio.get_running_loop().time() + ahead_s))

    def flush(self) -> None:
        data = self.session.data_to_send()
        if data:
            self.transport.write(data)

    # -- inside

    def _pump(self) -> None:
        count = min(self.session.free, len(self._todo))
        if count:
            items = [self._todo.popleft() for _ in range(count)]
            assert self.session.submit(items, asyncio.get_running_loop().time()) == []
        self.flush()

    def _handle(self, events: list[Event[int]]) -> None:
        for event in events:
            self._one(event)
        self._pump()

    def _one(self, event: Event[int]) -> None:
        self.order.append(type(event).__name__)
        match event:
            case Answers(items, late):
                (self.late if late else self.answers).update({token: (state, name) for token, state, name in items})
                self.answered_in_order += [token for token, _, _ in items]
            case Deliveries(messages):
                self.deliveries += [message for _, message in messages]
                if self.acknowledge_with is not None:
                    self.session.acknowledge([sequence for sequence, _ in messages], self.acknowledge_with)
            case Bound():
                self.bound = event
            case BindRefused():
                self.refused = event
            case TimedOut(tokens):
                self.timed_out += tokens
            case LinkLost():
                self.lost = event
            case Responded(token):
                self.responses[token] = event
            case Oddity(name):
                self.oddities.append(name)
            case Congestion(percent):
                self.congestion.append(percent)
            case ProtocolError(detail):
                self.oddities.append(detail)
            case Unbound() | UnbindRequested():
                self.flush()
                self.is_unbound = True
                self.transport.close()
            case _:
                raise AssertionError(event)


@asynccontextmanager
async def esme(
    port: int,
    system_id: str = "user",
    password: str = "secret",
    command: int = BIND_TRANSCEIVER,
    window: int = 100,
    interface_version: int = 0x34,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Esme]:
    """A bound (or refused) customer; says good-bye at the end."""
    loop = asyncio.get_running_loop()
    _, customer = await loop.create_connection(lambda: Esme(window), "127.0.0.1", port, ssl=tls)
    try:
        customer.bind(system_id, password, command, interface_version)
        await until(lambda: bool(customer.bound or customer.refused or customer.lost), "an answer to the bind")
        yield customer
        if customer.session.state in BOUND:
            customer.session.unbind(loop.time())
            customer.flush()
            await until(lambda: customer.is_unbound or customer.lost is not None, "unbind answered")
    finally:
        customer.transport.abort()
        await until(lambda: customer.lost is not None, "the connection closed")
