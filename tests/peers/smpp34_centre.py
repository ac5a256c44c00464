"""A carrier made with smpp34 (Rust, for Python)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import smpp34

from chappe.telecom.smpp import status, tlv
from chappe.telecom.smpp.bodies import ShortMessage
from tests.handset import shown
from tests.server import free_port

_UDHI, _RECEIPT = 0x40, 0x04
_ids = count(1)


@dataclass
class Smpp34Centre:
    """Takes texts and reports each by TLVs alone; refuses numbers that end in 000, throttles when told to.

    Shape: `states` are the message_state and network_error_code that it reports.
    """

    port: int
    submits: list[smpp34.SubmitSmEvent] = field(default_factory=list)
    bound: list[smpp34.Esme] = field(default_factory=list)
    unbound: int = 0
    throttle: int = 0
    states: tuple[int, bytes] = (2, b"\3\0\0")

    async def serve(self, server: smpp34.Server) -> None:
        """Act on what comes, until cancelled."""
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                self.bound.append(event)
            elif isinstance(event, smpp34.SubmitSmEvent):
                await self._submitted(event)
            else:
                self.unbound += 1

    async def _submitted(self, event: smpp34.SubmitSmEvent) -> None:
        if self.throttle:
            self.throttle -= 1
            event.reject(status.ESME_RTHROTTLED)
            return
        self.submits.append(event)
        if event.destination_addr.endswith("000"):
            event.reject(status.ESME_RINVDSTADR)
            return
        message_id = f"m-{next(_ids)}"
        event.accept(message_id)
        state, error = self.states
        await self.bound[-1].deliver_sm(
            event.source_addr,
            b"",
            source_addr=event.destination_addr,
            esm_class=_RECEIPT,
            tlvs=[
                smpp34.Tlv(tlv.RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
                smpp34.Tlv(tlv.MESSAGE_STATE, bytes([state])),
                smpp34.Tlv(tlv.NETWORK_ERROR_CODE, error),
            ],
        )

    def texts(self, number: str) -> list[str]:
        """The texts to a number, as a handset shows them."""
        parts: dict[object, list[ShortMessage]] = {}
        for i, each in enumerate(self.submits):
            if each.destination_addr == number:
                body = ShortMessage(
                    each.source_addr_ton, each.source_addr_npi, each.source_addr, each.dest_addr_ton,
                    each.dest_addr_npi, each.destination_addr, each.esm_class, each.data_coding, each.short_message,
                )  # fmt: skip
                key = each.short_message[3 : each.short_message[0]] if each.esm_class & _UDHI else i
                parts.setdefault(key, []).append(body)
        return [shown(own) for own in parts.values()]

    async def reply(self, source: str, destination: str, octets: bytes, coding: int = 0) -> None:
        """Somebody answers."""
        answer = await self.bound[-1].deliver_sm(
            destination, octets, source_addr=source, source_addr_ton=1, source_addr_npi=1, data_coding=coding
        )
        assert answer.is_success


@asynccontextmanager
async def smpp34_centre() -> AsyncIterator[Smpp34Centre]:
    """A carrier on a port of its own."""
    centre = Smpp34Centre(free_port())
    server = smpp34.Server("127.0.0.1", centre.port, system_id="rust")
    await server.start()
    serving = asyncio.create_task(centre.serve(server))
    try:
        yield centre
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await server.stop()
