"""A customer made with rusmppyc (Rust, for Python), which binds as 5.0."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import rusmppyc as wire
from rusmppyc.exceptions import RusmppycException, UnexpectedResponseException

from chappe.telecom import gsm7
from chappe.telecom.smpp.bodies import ShortMessage
from tests.peers.program import THROTTLED, Answer, Heard

SENDER: Final = "RUST50"
AGAIN_S: Final = 0.2
_RECEIPT: Final = wire.RegisteredDelivery(
    wire.MCDeliveryReceipt.McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure()
)


class RusmppycCustomer:
    """Binds again whenever its link is lost, and submits again what was refused for its pace."""

    def __init__(self, port: int, system_id: str, password: str) -> None:
        self.heard = Heard()
        self.refusals: list[str] = []
        self.versions: list[str] = []
        self.delivered_tlvs: list[list[str]] = []
        self._who = (system_id, password)
        self._port = port
        self._client: Any = None
        self._bound = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._references = iter(range(1, 255))

    async def live(self) -> None:
        """Bind, and hear what comes, until cancelled."""
        while True:
            try:
                client, events = await wire.Client.connect(
                    f"smpp://127.0.0.1:{self._port}",
                    enquire_link_interval=500,
                    enquire_link_response_timeout=20_000,
                    response_timeout=20_000,
                )
                answer = await client.bind_transceiver(*self._who)
            except RusmppycException as error:
                self.refusals.append(str(error))
                await asyncio.sleep(AGAIN_S)
                continue
            self.versions.append(str(answer.sc_interface_version))
            self.heard.binds.append(0)
            self._client = client
            self._bound.set()
            try:
                await self._hear(client, events)
            finally:
                self._bound.clear()
                with contextlib.suppress(RusmppycException):
                    await client.unbind()
                    await client.close()

    async def _hear(self, client: Any, events: Any) -> None:
        async for event in events:
            match event:
                case wire.Event.Incoming(command):
                    await self._came(client, command)
                case _:
                    return

    async def _came(self, client: Any, command: Any) -> None:
        match command.pdu:
            case wire.Pdu.DeliverSm(body):
                self._delivered(body)
                await client.deliver_sm_resp(command.sequence_number)
            case _ if isinstance(command.id, wire.CommandId.Unbind):
                await client.unbind_resp(command.sequence_number)

    def _delivered(self, body: Any) -> None:
        self.delivered_tlvs.append([str(each) for each in body.tlvs])
        is_receipt = isinstance(body.esm_class.message_type, wire.MessageType.ShortMessageContainsMCDeliveryReceipt)
        has_header = isinstance(body.esm_class.gsm_features, wire.GsmFeatures.UdhiIndicator)
        coding = 8 if isinstance(body.data_coding, wire.DataCoding.Ucs2) else 0
        esm_class = (0x04 if is_receipt else 0) | (0x40 if has_header else 0)
        source, destination = (_text(each) for each in (body.source_addr, body.destination_addr))
        octets = bytes(body.short_message)
        self.heard.delivered(ShortMessage(0, 0, source, 0, 0, destination, esm_class, coding, octets))

    async def send(self, number: str, text: str, *, form: str = "udh") -> None:
        """Submit a text, cut by the library's own helper, or whole as message_payload (`payload`)."""
        encoder: Any = wire.Encoder.Gsm7BitUnpacked(wire.Gsm7BitUnpacked.default())
        if not gsm7.DEFAULT.has(text):
            encoder = wire.Encoder.Ucs2(wire.Ucs2())
        addresses: dict[str, Any] = {
            "source_addr_ton": wire.Ton.Alphanumeric(),
            "source_addr": SENDER,
            "dest_addr_ton": wire.Ton.International(),
            "dest_addr_npi": wire.Npi.Isdn(),
            "destination_addr": number,
            "registered_delivery": _RECEIPT,
        }
        submits: list[tuple[tuple[Any, ...], dict[str, Any]]]
        if form == "payload":
            payload = wire.MessageSubmissionRequestTlvValue.MessagePayload(wire.MessagePayload(gsm7.encode(text)))
            own = wire.MessageSubmissionRequestTlvValue.UserMessageReference(wire.UserMessageReference(4711))
            submits = [((), {**addresses, "tlvs": [payload, own]})]
        else:
            reference = next(self._references)
            parts = wire.Client.submit_sm_multipart(text, encoder=encoder, reference=reference, **addresses)
            submits = [((part,), {}) for part in parts]
        for given, named in submits:
            task = asyncio.create_task(self._submit(number, given, named))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _submit(self, number: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        while True:
            await self._bound.wait()
            try:
                answer = await self._client.submit_sm(*given, **named)
            except UnexpectedResponseException as error:
                status = THROTTLED if "status: EsmeRthrottled" in str(error) else -1
                self.heard.answers.append(Answer(number, status, ""))
                if status != THROTTLED:
                    self.refusals.append(str(error))
                    return
                await asyncio.sleep(AGAIN_S)
            else:
                self.heard.answers.append(Answer(number, 0, _text(answer.message_id)))
                return


def _text(octets: Any) -> str:
    return bytes(octets).rstrip(b"\0").decode("ascii")


@asynccontextmanager
async def rusmppyc_customer(port: int, system_id: str, password: str) -> AsyncIterator[RusmppycCustomer]:
    """A customer who is bound, or tries to be, and says good-bye at the end."""
    customer = RusmppycCustomer(port, system_id, password)
    living = asyncio.create_task(customer.live())
    try:
        yield customer
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
