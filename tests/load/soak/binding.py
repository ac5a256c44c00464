"""A customer who sends over SMPP, whose link breaks now and then, and who never submits twice what he is unsure of."""

import asyncio
import random
from collections.abc import Iterator
from typing import cast

from chappe.telecom import receipts
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER, BOUND
from chappe.telecom.smpp.events import Answers, Bound, Deliveries, Event, LinkLost, TimedOut, UnbindRequested, Unbound
from chappe.telecom.smpp.session import ClientSession
from tests.load.soak.notebook import Notebook
from tests.load.soak.pace import Pace

SYSTEM_ID, PASSWORD = "soak", "soaksoak"
TEXT = b"Your parcel has arrived. Pick it up today before 7 pm."
WINDOW = 50
LINKS = 2
TICK_S = 0.5
AGAIN_S = 0.3


class _Link(asyncio.Protocol):
    """One connection. Tokens are numbers."""

    def __init__(self, customer: "Binding") -> None:
        self._customer = customer
        self.session = ClientSession[int](asyncio.get_running_loop().time(), window=WINDOW)
        self.is_over = asyncio.Event()

    @property
    def is_bound(self) -> bool:
        return self.session.state in BOUND and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.session.bind(Bind(BIND_TRANSCEIVER, SYSTEM_ID, PASSWORD), asyncio.get_running_loop().time())
        self.flush()

    def data_received(self, data: bytes) -> None:
        self._handle(self.session.receive(data, asyncio.get_running_loop().time()))

    def connection_lost(self, exc: Exception | None) -> None:
        self._handle(self.session.connection_lost(asyncio.get_running_loop().time()))
        self.is_over.set()

    def submit(self, number: int) -> None:
        text = ShortMessage(5, 0, "SOAK", 1, 1, str(number), 0, 0, TEXT, 1)
        for _ in self.session.submit([(number, text)], asyncio.get_running_loop().time()):
            raise ValueError("a submit that cannot be written")
        self.flush()

    def tick(self) -> None:
        self._handle(self.session.tick(asyncio.get_running_loop().time()))

    def flush(self) -> None:
        data = self.session.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _handle(self, events: list[Event[int]]) -> None:
        for event in events:
            match event:
                case Answers(items):
                    self._customer.answered(items)
                case Deliveries(messages):
                    self._customer.delivered([message for _, message in messages])
                    self.session.acknowledge([sequence for sequence, _ in messages])
                case TimedOut(tokens):
                    self._customer.doubted(tokens)
                case LinkLost(_, written, unwritten):
                    self._customer.doubted([*written, *unwritten])
                case Unbound() | UnbindRequested():
                    self.flush()
                    self.transport.close()
                case Bound():
                    self._customer.binds += 1
                case _:
                    pass
        self.flush()


class Binding:
    """The customer over a few links; `is_sending` ends before `is_over`, so that he still takes receipts."""

    def __init__(self, port: int, notebook: Notebook, dice: random.Random) -> None:
        self._port = port
        self._notebook = notebook
        self._dice = dice
        self._links: list[_Link] = []
        self.is_sending, self.is_over = True, False
        self.binds = 0

    async def run(self, cut_every_s: float) -> None:
        """Stay bound, but for links that are cut about so often; none with 0, and none when sending has ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(LINKS):
                group.create_task(self._stay(cut_every_s))

    async def _stay(self, cut_every_s: float) -> None:
        loop = asyncio.get_running_loop()
        while not self.is_over:
            try:
                _, link = await loop.create_connection(lambda: _Link(self), "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(AGAIN_S)
                continue
            self._links.append(link)
            cut_at = loop.time() + self._dice.uniform(0.5, 1.5) * cut_every_s if cut_every_s else float("inf")
            while not link.is_over.is_set() and not self.is_over:
                await asyncio.sleep(TICK_S)
                link.tick()
                if self.is_sending and loop.time() > cut_at:
                    link.transport.abort()
            self._links.remove(link)
            link.transport.close()
            await asyncio.wait_for(link.is_over.wait(), 10)
            await asyncio.sleep(AGAIN_S)

    async def submit(self, pace: Pace, numbers: Iterator[int]) -> None:
        while self.is_sending:
            await pace.turn()
            free = [link for link in self._links if link.is_bound and link.session.free]
            if free:
                self._dice.choice(free).submit(next(numbers))
            else:
                await asyncio.sleep(0.01)

    def answered(self, items: list[tuple[int, int, str]]) -> None:
        for number, status, ref in items:
            self._notebook.asked(number, "smpp", "refused" if status else "accepted", ref, str(status or ""))

    def doubted(self, numbers: list[int]) -> None:
        for number in numbers:
            self._notebook.asked(number, "smpp", "doubtful")

    def delivered(self, messages: list[ShortMessage]) -> None:
        for message in messages:
            receipt = receipts.parse(message.short_message, message.tlvs)
            self._notebook.told(receipt.message_id, receipt.state)
