"""A customer made with smpp34 (Rust, for Python)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import smpp34

from chappe.telecom.smpp.bodies import ShortMessage
from tests.peers.cut import cut
from tests.peers.program import THROTTLED, Answer, Heard

SENDER: Final = "RUST34"
AGAIN_S: Final = 0.2
BIND_S: Final = 20.0


class Smpp34Customer:
    """Binds again whenever its link is lost, and submits again what was refused for its pace."""

    def __init__(self, port: int, system_id: str, password: str, patience_s: float = BIND_S) -> None:
        self.heard = Heard()
        self.refusals: list[str] = []
        self.delivered_tlvs: list[dict[int, bytes]] = []
        self._who = (system_id, password)
        self._port = port
        self._patience_ms = int(patience_s * 1000)
        self._centre: smpp34.Smsc | None = None
        self._bound = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Bind, and hear what comes, until cancelled."""
        while True:
            client = smpp34.Client(
                "127.0.0.1", self._port, *self._who, bind_type="TRX", connect_timeout_ms=self._patience_ms
            )
            try:
                self._centre = await client.connect()
            except smpp34.SmppError as error:
                self.refusals.append(str(error))
                await client.stop()  # or what it gave up stays bound, and takes what nobody reads
                await asyncio.sleep(AGAIN_S)
                continue
            self.heard.binds.append(0)
            self._bound.set()
            try:
                await self._hear(self._centre)
            finally:
                self._bound.clear()
                with contextlib.suppress(smpp34.SmppError):
                    await self._centre.unbind()
                await client.stop()

    async def _hear(self, centre: smpp34.Smsc) -> None:
        while True:
            event = await centre.next()
            if not isinstance(event, smpp34.DeliverSmEvent):
                return
            self.delivered_tlvs.append({each.tag: each.value for each in event.tlvs})
            self.heard.delivered(
                ShortMessage(
                    event.source_addr_ton, event.source_addr_npi, event.source_addr, event.dest_addr_ton,
                    event.dest_addr_npi, event.destination_addr, event.esm_class, event.data_coding,
                    event.short_message,
                )
            )  # fmt: skip

    async def send(self, number: str, text: str, *, form: str = "udh") -> None:
        """Submit a text; long ones as parts (`udh`, `sar`) or whole (`payload`)."""
        for part in cut(text, form):
            task = asyncio.create_task(self._submit(number, *part))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _submit(
        self, number: str, esm_class: int, coding: int, octets: bytes, tlvs: list[tuple[int, bytes]]
    ) -> None:
        while True:
            await self._bound.wait()
            assert self._centre is not None
            answer = await self._centre.submit_sm(
                number, octets, source_addr=SENDER, source_addr_ton=5, dest_addr_ton=1, dest_addr_npi=1,
                esm_class=esm_class, data_coding=coding, registered_delivery=1,
                tlvs=[smpp34.Tlv(*each) for each in tlvs],
            )  # fmt: skip
            self.heard.answers.append(Answer(number, answer.command_status, answer.message_id or ""))
            if answer.command_status != THROTTLED:
                return
            await asyncio.sleep(AGAIN_S)


@asynccontextmanager
async def smpp34_customer(
    port: int, system_id: str, password: str, *, patience_s: float = BIND_S
) -> AsyncIterator[Smpp34Customer]:
    """A customer who is bound, or tries to be, and says good-bye at the end."""
    customer = Smpp34Customer(port, system_id, password, patience_s)
    living = asyncio.create_task(customer.live())
    try:
        yield customer
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
