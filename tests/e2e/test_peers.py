"""Both ends of our SMPP against implementations nobody here wrote: node-smpp, smpp34, smpplib, Kannel.

A missing peer is a failure, not a skip: `make peers` installs what can be installed and says what is missing.
"""

import asyncio
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import smpp34
import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
from aiohttp import web

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.telecom import gsm7, receipts
from chappe.telecom.segments import segments
from chappe.telecom.smpp import status, tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.smpp.commands import BIND_RECEIVER, BIND_TRANSMITTER
from chappe.telecom.udh import concatenation_header
from tests.esme import esme, until
from tests.server import free_port

NODE = Path(__file__).parents[1] / "peers" / "node"
SHORT = "Bonjour à tous, prix 10 € [promo]"
LONG = "Chappe carries long texts in parts: " + "0123456789 " * 25
WIDE = "Привет 👋 " + "мир " * 40

Test = Callable[[], Awaitable[None]]


def on_a_loop(test: Test) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 90))

    return run


def parts_of(text: str, destination: str = "33612345678") -> list[ShortMessage]:
    """The submits of one text, as a carrier driver makes them."""
    cut = segments(text)
    is_wide = cut.encoding.value == "ucs2"
    found = []
    for number, part in enumerate(cut.parts, 1):
        octets = part.encode("utf-16-be", "surrogatepass") if is_wide else gsm7.encode(part)
        header = concatenation_header(77, len(cut.parts), number) if len(cut.parts) > 1 else b""
        coding = 8 if is_wide else 0
        esm = 0x40 if header else 0
        found.append(ShortMessage(5, 0, "CHAPPE", 1, 1, destination, esm, coding, header + octets, 1))
    return found


# -- node-smpp -------------------------------------------------------------------------------------------


@dataclass
class Node:
    """A running script of tests/peers/node and what it told so far."""

    process: asyncio.subprocess.Process
    told: list[dict[str, Any]] = field(default_factory=list)

    def facts(self, name: str) -> list[Any]:
        return [fact[name] for fact in self.told if name in fact]

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.told.append(json.loads(line))


@asynccontextmanager
async def node(script: str, *arguments: str) -> AsyncIterator[Node]:
    """Run one of our scripts on the independent package; it ends with the block."""
    binary = shutil.which("node")
    if binary is None or not (NODE / "node_modules" / "smpp").is_dir():
        pytest.fail("node-smpp is not installed: run `make peers`")
    process = await asyncio.create_subprocess_exec(
        binary, str(NODE / script), *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    peer = Node(process)
    listening = asyncio.create_task(peer.listen())
    try:
        yield peer
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await listening


@asynccontextmanager
async def node_centre() -> AsyncIterator[tuple[Node, int]]:
    async with node("centre.js") as centre:
        await until(lambda: bool(centre.facts("port")), "node-smpp listens")
        yield centre, centre.facts("port")[0]


@on_a_loop
async def test_node_smpp_as_centre_takes_our_texts_and_its_receipts_find_them() -> None:
    async with node_centre() as (centre, port):
        async with esme(port) as customer:
            assert customer.bound is not None
            assert (customer.bound.system_id, customer.bound.interface_version) == ("node", 0x50)
            items = list(enumerate(parts_of(SHORT) + parts_of(LONG) + parts_of(WIDE)))
            customer.submit(items)
            await customer.settle(len(items))
            await until(lambda: len(customer.deliveries) == len(items), "receipts")
            hexes = {receipts.key(message_id) for _, message_id in customer.answers.values()}
            for receipt in customer.receipts():
                assert receipt.dlr_status == 3
                assert dict(receipts.match_keys(receipt.message_id))["hex of decimal"] in hexes
            await until(lambda: len(centre.facts("receipt")) == len(items), "acknowledged")
            assert centre.facts("status") == [0] * len(items)
        await until(lambda: bool(centre.facts("unbind")), "our good-bye")
        assert customer.oddities == []
    assert centre.facts("error") == []
    submits = [fact for fact in centre.told if "submit" in fact]
    assert submits[0]["submit"] == SHORT
    assert "".join(fact["submit"] for fact in submits if fact["data_coding"] == 0)[len(SHORT) :] == LONG
    assert "".join(fact["submit"] for fact in submits if fact["data_coding"] == 8) == WIDE
    assert [fact["udh"][0] for fact in submits[1:4]] == ["00034d0301", "00034d0302", "00034d0303"]
    assert {fact["from"] for fact in submits} == {"CHAPPE"}


@on_a_loop
async def test_node_smpp_refuses_and_we_understand() -> None:
    async with node_centre() as (_, port):
        async with esme(port, password="wrong") as stranger:
            assert stranger.refused is not None
            assert stranger.refused.status == status.ESME_RINVPASWD
        async with esme(port, command=BIND_TRANSMITTER) as customer:
            customer.submit([(1, parts_of(SHORT, "33600000000")[0])])
            await customer.settle(1)
            assert customer.answers == {1: (status.ESME_RINVDSTADR, "")}


@on_a_loop
async def test_node_smpp_answers_our_probe() -> None:
    async with node_centre() as (centre, port), esme(port) as customer:
        customer.tick(ahead_s=31.0)
        await until(lambda: bool(centre.facts("probe")), "the probe")
        customer.submit([(1, parts_of(SHORT)[0])])
        await customer.settle(1)
        assert customer.oddities == []


@on_a_loop
async def test_node_smpp_as_customer_of_our_centre() -> None:
    behaviour = SimulatorOptions(port=0, control_port=0, keep="messages", receipt_form="both", id_format="hex")
    async with Simulator(behaviour) as carrier:
        texts = json.dumps([[SHORT, 0], ["Привет 👋", 8]])  # by itself it writes GSM octets and calls them ASCII
        async with node("customer.js", str(carrier.port), texts) as customer:
            await until(lambda: len(customer.facts("deliver")) == 2, "receipts")
            await until(lambda: bool(customer.facts("probe")), "probe answered")
            carrier.reply("33612345678", "36000", "STOP €")
            await until(lambda: "STOP €" in customer.facts("deliver"), "the reply")
            await until(lambda: carrier.stats().acknowledged == 3, "acknowledged")
            assert customer.process.stdin is not None
            customer.process.stdin.close()
            await until(lambda: bool(customer.facts("unbound")), "good-bye")
        assert customer.facts("error") == []
        assert customer.told[0] == {"bound": 0, "system_id": "simulator", "version": 0x50}
        assert customer.facts("answer") == [0, 0]
        answered = {fact["id"] for fact in customer.told if "answer" in fact}
        assert {fact["id"] for fact in customer.told if fact.get("esm_class") == 4} == answered
        assert {fact["state"] for fact in customer.told if fact.get("esm_class") == 4} == {2}
        assert sorted(message.text for message in carrier.messages()) == sorted([SHORT, "Привет 👋"])
        assert carrier.stats().oddities == {}


# -- smpp34 --------------------------------------------------------------------------------------------


@dataclass
class Smpp34Centre:
    """A centre made with smpp34; it accepts, refuses numbers that end in 000, and reports each message."""

    submits: list[smpp34.SubmitSmEvent] = field(default_factory=list)
    bound: list[smpp34.Esme] = field(default_factory=list)
    unbound: int = 0

    async def serve(self, server: smpp34.Server) -> None:
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                self.bound.append(event)
            elif isinstance(event, smpp34.SubmitSmEvent):
                await self._submitted(event)
            else:
                self.unbound += 1

    async def _submitted(self, event: smpp34.SubmitSmEvent) -> None:
        self.submits.append(event)
        if event.destination_addr.endswith("000"):
            event.reject(status.ESME_RINVDSTADR)
            return
        message_id = f"m-{len(self.submits)}"
        event.accept(message_id)
        await self.bound[-1].deliver_sm(
            event.source_addr,
            b"",
            source_addr=event.destination_addr,
            esm_class=4,
            tlvs=[
                smpp34.Tlv(tlv.RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
                smpp34.Tlv(tlv.MESSAGE_STATE, b"\5"),
                smpp34.Tlv(tlv.NETWORK_ERROR_CODE, b"\3\0\1"),
            ],
        )


@asynccontextmanager
async def smpp34_centre() -> AsyncIterator[tuple[Smpp34Centre, int]]:
    port = free_port()
    server, centre = smpp34.Server("127.0.0.1", port, system_id="rust"), Smpp34Centre()
    await server.start()
    serving = asyncio.create_task(centre.serve(server))
    try:
        yield centre, port
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await server.stop()


@on_a_loop
async def test_smpp34_as_centre_takes_our_texts_and_reports_by_tlv() -> None:
    async with smpp34_centre() as (centre, port):
        async with esme(port) as customer:
            assert customer.bound is not None
            assert customer.bound.system_id == "rust"
            messages = [*parts_of(SHORT), *parts_of(LONG), *parts_of(WIDE), parts_of(SHORT, "33600000000")[0]]
            customer.submit(enumerate(messages))
            await customer.settle(len(messages))
            good = len(messages) - 1
            await until(lambda: len(customer.deliveries) == good, "receipts")
            assert customer.answers[good][0] == status.ESME_RINVDSTADR
            ids = {message_id for state, message_id in customer.answers.values() if state == 0}
            assert {receipt.message_id for receipt in customer.receipts()} == ids
            assert {(receipt.state, receipt.error) for receipt in customer.receipts()} == {("UNDELIV", "001")}
            seen = Counter((s.destination_addr, s.esm_class, s.data_coding, s.short_message) for s in centre.submits)
            assert seen == Counter((m.destination, m.esm_class, m.data_coding, m.short_message) for m in messages)
            customer.tick(ahead_s=31.0)
        assert customer.oddities == []
        await until(lambda: centre.unbound == 1, "our good-bye")


@on_a_loop
async def test_smpp34_as_customer_of_our_centre() -> None:
    async with Simulator(SimulatorOptions(port=0, control_port=0, keep="messages", receipt_form="both")) as carrier:
        client = smpp34.Client("127.0.0.1", carrier.port, "user", "secret", bind_type="TRX")
        centre = await client.connect()
        answers = []
        for message in [*parts_of(LONG), *parts_of(WIDE)]:
            answers.append(
                await centre.submit_sm(
                    message.destination,
                    message.short_message,
                    source_addr=message.source,
                    esm_class=message.esm_class,
                    data_coding=message.data_coding,
                    registered_delivery=1,
                )
            )
        assert all(answer.is_success for answer in answers)
        reported = set()
        for _ in answers:
            event = await centre.next()
            assert isinstance(event, smpp34.DeliverSmEvent)
            raw = {parameter.tag: parameter for parameter in event.tlvs}
            reported.add(raw[tlv.RECEIPTED_MESSAGE_ID].as_string())
            assert receipts.parse(event.short_message).dlr_status == 3
        assert reported == {answer.message_id for answer in answers}
        shown = carrier.messages()
        assert "".join(message.text for message in shown if message.data_coding == 0) == LONG
        assert "".join(message.text for message in shown if message.data_coding == 8) == WIDE
        await centre.unbind()
        await client.stop()
        assert carrier.stats().oddities == {}


# -- smpplib -------------------------------------------------------------------------------------------


class Smpplib:
    """A customer made with smpplib: blocking, so it runs in a thread."""

    def __init__(self, port: int) -> None:
        self.answers: list[tuple[int, str]] = []
        self.texts: list[bytes] = []
        self.client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True, timeout=10)
        self.client.set_message_sent_handler(self._answered)
        self.client.set_message_received_handler(self._delivered)

    def _answered(self, pdu: Any, **_: Any) -> None:
        self.answers.append((pdu.status, (pdu.message_id or b"").decode()))

    def _delivered(self, pdu: Any, **_: Any) -> int:
        self.texts.append(pdu.short_message)
        return 0

    def send(self, text: str) -> int:
        """Submit all parts of a text; the number of parts."""
        parts, coding, esm_class = smpplib.gsm.make_parts(text)
        for part in parts:
            self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
                source_addr="LIB",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr="33612345678",
                short_message=part,
                data_coding=coding,
                esm_class=esm_class,
                registered_delivery=True,
            )
        return len(parts)

    def converse(self) -> None:
        """Bind, submit a long and a wide text, take answers and receipts, unbind."""
        self.client.connect()
        self.client.bind_transceiver(system_id="user", password="secret")
        count = self.send(LONG) + self.send(WIDE)
        while len(self.texts) < count or len(self.answers) < count:
            self.client.read_once()
        self.client.unbind()
        self.client.disconnect()

    def refused(self) -> str:
        """Bind and tell how it was refused."""
        self.client.connect()
        try:
            self.client.bind_receiver(system_id="user", password="wrong")
        except smpplib.exceptions.PDUError as error:
            return str(error)
        finally:
            self.client.disconnect()
        return ""


@on_a_loop
async def test_smpplib_as_customer_of_our_centre() -> None:
    behaviour = SimulatorOptions(port=0, control_port=0, keep="messages", outcomes={"expired": 1})
    async with Simulator(behaviour) as carrier:
        customer = Smpplib(carrier.port)
        await asyncio.to_thread(customer.converse)
        assert {state for state, _ in customer.answers} == {0}
        found = [receipts.parse(text) for text in customer.texts]
        assert {receipt.message_id for receipt in found} == {message_id for _, message_id in customer.answers}
        assert {receipt.dlr_status for receipt in found} == {12}
        shown = carrier.messages()
        assert "".join(message.text for message in shown if message.data_coding == 0) == LONG
        assert "".join(message.text for message in shown if message.data_coding == 8) == WIDE
        assert carrier.stats().oddities == {}


@on_a_loop
async def test_smpplib_understands_our_refusal() -> None:
    async with Simulator(SimulatorOptions(port=0, control_port=0, accounts={"user": "secret"})) as carrier:
        assert "Invalid Password" in await asyncio.to_thread(Smpplib(carrier.port).refused)


# -- Kannel --------------------------------------------------------------------------------------------

KANNEL = """
group = core
admin-port = {admin}
admin-password = secret
smsbox-port = {box}
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
log-level = 1

group = smsc
smsc = smpp
smsc-id = chappe
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = user
smsc-password = secret
system-type = ""
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1
enquire-link-interval = 1
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
log-level = 1

group = sendsms-user
username = user
password = secret
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:{web}/reply?from=%p&to=%P&text=%b&coding=%c"
"""


@dataclass
class Kannel:
    """A running Kannel and what it told our web server."""

    send_port: int
    reports: list[dict[str, str]] = field(default_factory=list)
    replies: list[dict[str, str]] = field(default_factory=list)
    web_port: int = 0

    async def report(self, request: web.Request) -> web.Response:
        self.reports.append(dict(request.query))
        return web.Response()

    async def reply(self, request: web.Request) -> web.Response:
        self.replies.append(dict(request.query))
        return web.Response()

    async def send(self, **query: str) -> None:
        """Give it one text to send, reports wanted."""
        report = f"http://127.0.0.1:{self.web_port}/report?status=%d&answer=%A"
        query |= {"username": "user", "password": "secret", "dlr-mask": "31", "dlr-url": report}
        url = f"http://127.0.0.1:{self.send_port}/cgi-bin/sendsms"
        async with aiohttp.ClientSession() as http, http.get(url, params=query) as answer:
            assert answer.status == 202, await answer.text()


@asynccontextmanager
async def daemon(*command: str, log: Path) -> AsyncIterator[None]:
    """One of Kannel's boxes, ended by its own pid."""
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(*command, stdout=sink, stderr=sink)
        try:
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def kannel(carrier: Simulator, folder: Path) -> AsyncIterator[Kannel]:
    """Bearerbox and smsbox on high loopback ports, bound to our centre."""
    boxes = [shutil.which(box) for box in ("bearerbox", "smsbox")]
    if None in boxes:
        pytest.fail("Kannel is not installed: `make peers` says how")
    gateway = Kannel(send_port=free_port())
    app = web.Application()
    app.add_routes([web.get("/report", gateway.report), web.get("/reply", gateway.reply)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.web_port = runner.addresses[0][1]
    ports = {"admin": free_port(), "box": free_port(), "smpp": carrier.port, "web": gateway.web_port}
    conf = folder / "kannel.conf"
    conf.write_text(KANNEL.format(send=gateway.send_port, **ports))
    try:
        async with daemon(str(boxes[0]), str(conf), log=folder / "bearerbox.log"):
            await until(lambda: bool(carrier.stats().binds), "Kannel bound")
            async with daemon(str(boxes[1]), str(conf), log=folder / "smsbox.log"):
                await open_port(gateway.send_port)
                yield gateway
    finally:
        await runner.cleanup()


async def open_port(port: int) -> None:
    """Wait until something listens."""
    for _ in range(400):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
    pytest.fail(f"nothing listens on port {port}")


def test_kannel_as_customer_of_our_centre(tmp_path: Path) -> None:
    @on_a_loop
    async def kannel_converses() -> None:
        behaviour = SimulatorOptions(port=0, control_port=0, keep="messages", accounts={"user": "secret"})
        async with Simulator(behaviour) as carrier, kannel(carrier, tmp_path) as gateway:
            await gateway.send(**{"from": "KANNEL", "to": "33611111111", "text": LONG, "charset": "UTF-8"})
            await gateway.send(
                **{"from": "KANNEL", "to": "33622222222", "text": WIDE, "charset": "UTF-8", "coding": "2"}
            )
            parts = len(segments(LONG).parts) + len(segments(WIDE).parts)
            await until(lambda: len(carrier.messages()) >= parts, "all parts submitted")
            for number, text in (("33611111111", LONG), ("33622222222", WIDE)):
                shown = sorted(carrier.messages(number), key=lambda message: message.part)
                assert "".join(message.text for message in shown) == text
                assert [message.part for message in shown] == list(range(1, len(shown) + 1))
            await until(lambda: {r["status"] for r in gateway.reports} >= {"1", "8"}, "accepted, then delivered")
            await until(lambda: carrier.stats().acknowledged == 2, "receipts acknowledged: it asks for one a text")
            carrier.reply("33612345678", "36000", "STOP")
            carrier.reply("33612345678", "36000", "Да")
            await until(lambda: len(gateway.replies) == 2, "replies")
            assert {reply["text"] for reply in gateway.replies} >= {"STOP"}
            assert {reply["coding"] for reply in gateway.replies} == {"0", "2"}
            assert carrier.stats().oddities == {}

    kannel_converses()


def test_kannel_learns_that_a_text_was_refused(tmp_path: Path) -> None:
    @on_a_loop
    async def kannel_learns() -> None:
        behaviour = SimulatorOptions(port=0, control_port=0, refuse={"ESME_RINVDSTADR": 100})
        async with Simulator(behaviour) as carrier, kannel(carrier, tmp_path) as gateway:
            await gateway.send(**{"from": "KANNEL", "to": "33611111111", "text": "Hello"})
            await until(lambda: [r["status"] for r in gateway.reports] == ["16"], "the refusal")
            assert carrier.stats().refused == {"ESME_RINVDSTADR": 1}

    kannel_learns()


def test_kannel_rebinds_after_we_cut_the_link_and_gets_what_waited(tmp_path: Path) -> None:
    @on_a_loop
    async def kannel_rebinds() -> None:
        behaviour = SimulatorOptions(port=0, control_port=0, keep="messages", receipt_delay_s=0.5)
        async with Simulator(behaviour) as carrier, kannel(carrier, tmp_path) as gateway:
            await gateway.send(**{"from": "KANNEL", "to": "33611111111", "text": "Hello"})
            await until(lambda: carrier.stats().accepted == 1, "the submit")
            await until(lambda: {r["status"] for r in gateway.reports} == {"8"}, "accepted by the centre")
            carrier.drop()
            await until(lambda: carrier.stats().binds_accepted == 2, "bound again")
            await until(lambda: {r["status"] for r in gateway.reports} == {"1", "8"}, "delivered")
            assert carrier.stats().accepted == 1

    kannel_rebinds()


@on_a_loop
async def test_a_receiver_of_node_smpp_may_not_submit() -> None:
    async with node_centre() as (_, port), esme(port, command=BIND_RECEIVER) as customer:
        assert customer.bound is not None
        assert customer.session.free == 0
