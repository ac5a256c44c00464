"""Customers who bind to a real `chappe serve`: its processes, its commands, TLS, and a program nobody here wrote."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
from click.testing import CliRunner

from chappe.carriers.simulator import Simulator
from chappe.domain.bind_users import BindOptions
from chappe.runtime.bootstrap import opened
from chappe.runtime.cli import cli
from chappe.telecom import receipts
from tests.authority import Authority
from tests.bound import HELLO
from tests.builders import on_loop
from tests.esme import Esme, esme, until
from tests.sending import simulated
from tests.server import Server, free_port, prepare, serving

LONG = "Chappe joins what comes in parts: " + "0123456789 " * 25
WIDE = "Привет 👋 " + "мир " * 40
BIND_FAILED, INVALID_PASSWORD = 0x0D, 0x0E
LISTENS_S = 40.0


@dataclass(frozen=True, slots=True)
class Site:
    """A server that customers can bind to, and its carrier."""

    carrier: Simulator
    server: Server
    port: int
    data: Path

    async def run(self, *words: str) -> str:
        """A command of the operator's; what it prints."""
        done = await asyncio.to_thread(CliRunner().invoke, cli, [*words, "--data", str(self.data)])
        assert done.exit_code == 0, done.output
        return done.output


@asynccontextmanager
async def site(folder: Path, options: BindOptions | None = None, **environment: str) -> AsyncIterator[Site]:
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(folder / "data", carrier.port)
        async with opened(prepared.settings) as chappe:
            account = chappe.use_cases.accounts.find(prepared.account_id)
            await chappe.binds.create(account, "shop", "secret", options or BindOptions(), "tests")
        port = free_port()
        async with serving(prepared, folder / "log", CHAPPE_SMPP_PORT=str(port), **environment) as server:
            await until_listening(port)
            yield Site(carrier, server, port, folder / "data")


async def until_listening(port: int) -> None:
    end = asyncio.get_running_loop().time() + LISTENS_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert asyncio.get_running_loop().time() < end, "nobody listens"
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


@on_loop
async def test_a_text_goes_to_the_carrier_and_its_receipt_comes_back(tmp_path: Path) -> None:
    async with site(tmp_path) as running, esme(running.port, "shop", "secret") as customer:
        customer.submit([(1, HELLO)])
        await customer.settle(1)
        status, message_id = customer.answers[1]
        assert status == 0
        await until(lambda: bool(customer.deliveries), "a receipt")
        [receipt] = customer.receipts()
        assert (receipt.message_id, receipt.state, receipt.error) == (message_id, "DELIVRD", "000")
        assert "secret" not in running.server.log()
        assert "33612345678" not in running.server.log()


@on_loop
async def test_the_operator_makes_watches_changes_and_ends_binds_of_a_running_server(tmp_path: Path) -> None:
    async with site(tmp_path) as running:
        words = ["--account", "shop@example.org", "--system-id", "branch", "--password", "s3cret"]
        said = await running.run("bind", "create", *words, "--rate", "5", "--network", "127.0.0.0/8")
        assert said.startswith("branch may bind for account")
        async with esme(running.port, "branch", "s3cret") as customer:
            assert customer.bound is not None
            customer.submit([(1, HELLO)])
            await customer.settle(1)
            await until(lambda: bool(customer.deliveries), "a receipt")
            await _until_shown(running, "received 1, refused 0, delivered 1")
            shown = await running.run("bind", "list")
            assert "transceiver 3.4 from 127.0.0.1 since" in shown
            assert "5/s" in shown
            views = {each["system_id"]: each for each in json.loads(await running.run("bind", "list", "--json"))}
            assert (views["branch"]["waiting"], views["branch"]["binds"][0]["received"]) == (0, 1)
            await _until_measured(running, 'chappe_customer_binds{mode="transceiver",system_id="branch"} 1.0')
            assert await running.run("bind", "kick", "branch") == "1 bind of branch ends now.\n"
            await until(lambda: customer.is_unbound, "the bind ends")
        await running.run("bind", "set", "branch", "--password", "other", "--no-replies", "--network", "any")
        async with esme(running.port, "branch", "s3cret") as customer:
            assert customer.refused is not None
            assert customer.refused.status == INVALID_PASSWORD
        async with esme(running.port, "branch", "other") as customer:
            assert customer.bound is not None
            assert await running.run("bind", "remove", "branch") == "branch is removed.\n"
            await until(lambda: customer.is_unbound, "the bind ends")
        audit = await running.run("audit", "list")
        assert [word for word in ("bind.create", "bind.kick", "bind.set", "bind.remove") if word not in audit] == []
        assert "other" not in audit


async def _until_shown(running: Site, words: str) -> None:
    for _ in range(100):
        if words in await running.run("bind", "list"):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(await running.run("bind", "list"))


async def _until_measured(running: Site, line: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            async with session.get(f"{running.server.url}/metrics") as answer:
                text = await answer.text()
            if line in text:
                assert 'chappe_deliveries_waiting{system_id="branch"}' in text
                assert 'chappe_deliveries_expired_total{system_id="branch"} 0.0' in text
                return
            await asyncio.sleep(0.1)
    raise AssertionError(text)


@on_loop
async def test_customers_bind_over_tls_and_show_their_certificate_where_they_must(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.issue("sms.example")
    tls_port = free_port()
    environment = {
        "CHAPPE_SMPP_TLS_PORT": str(tls_port),
        "CHAPPE_SMPP_TLS_CERTIFICATE": str(certificate),
        "CHAPPE_SMPP_TLS_KEY": str(key),
        "CHAPPE_SMPP_TLS_CLIENT_CA": str(theirs.file),
    }
    context = ours.client()
    async with site(tmp_path, BindOptions(certificate="shop.example", tls=True), **environment) as running:
        await until_listening(tls_port)
        await running.run("bind", "create", "--account", "1", "--system-id", "plain", "--password", "secret")

        async def bound(port: int, system_id: str, name: str | None = None) -> int | None:
            mine = ours.client()
            if name is not None:
                mine.load_cert_chain(*theirs.issue(name))
            async with esme(port, system_id, "secret", tls=mine if port == tls_port else None) as customer:
                assert customer.lost is None
                return customer.refused.status if customer.refused else None

        assert await bound(tls_port, "plain") is None
        assert await bound(running.port, "plain") is None
        assert await bound(tls_port, "shop", "shop.example") is None
        assert await bound(tls_port, "shop", "other.example") == BIND_FAILED
        assert await bound(tls_port, "shop") == BIND_FAILED
        assert await bound(running.port, "shop") == BIND_FAILED
        # Who is signed by somebody else is not even let in.
        context.load_cert_chain(*ours.issue("shop.example"))
        loop = asyncio.get_running_loop()
        _, stranger = await loop.create_connection(Esme, "127.0.0.1", tls_port, ssl=context)
        stranger.bind("shop", "secret")
        await until(lambda: stranger.lost is not None, "the connection ends")
        assert stranger.bound is None


@on_loop
async def test_a_port_that_is_taken_is_told_and_taken_over_and_nothing_else_suffers(tmp_path: Path) -> None:
    port = free_port()
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        environment = {"CHAPPE_SMPP_PORT": str(port), "CHAPPE_SMPP_TLS_CERTIFICATE": str(garbage)}
        environment["CHAPPE_SMPP_TLS_PORT"] = str(free_port())
        with socket.create_server(("127.0.0.1", port)):
            server = Server(prepared, tmp_path / "log", **environment)
            await server.start()
            try:
                await server.until_ready()
                told = f"cannot listen for SMPP: 127.0.0.1 port {port}"
                await until(lambda: told in server.log(), "it is told", LISTENS_S)
                assert "no SMPP over TLS" in server.log()
                assert "process ended" not in server.log()
            except BaseException:
                await server.stop()
                raise
        try:
            await until_listening(port)
        finally:
            assert await server.stop() == 0


class Smpplib:
    """A customer made with smpplib: blocking, so it runs in a thread."""

    def __init__(self, port: int) -> None:
        self.answers: list[tuple[int, str]] = []
        self.texts: list[bytes] = []
        self.client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True, timeout=30)
        self.client.set_message_sent_handler(self._answered)
        self.client.set_message_received_handler(self._delivered)

    def _answered(self, pdu: Any, **_: Any) -> None:
        self.answers.append((pdu.status, (pdu.message_id or b"").decode()))

    def _delivered(self, pdu: Any, **_: Any) -> int:
        self.texts.append(pdu.short_message)
        return 0

    def _send(self, text: str) -> int:
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
        self.client.bind_transceiver(system_id="shop", password="secret")
        count = self._send(LONG) + self._send(WIDE)
        while len(self.texts) < count or len(self.answers) < count:
            self.client.read_once()
        self.client.unbind()
        self.client.disconnect()


@on_loop
async def test_a_program_made_with_smpplib_sends_long_texts_and_gets_a_receipt_for_each_part(tmp_path: Path) -> None:
    async with site(tmp_path) as running:
        customer = Smpplib(running.port)
        await asyncio.to_thread(customer.converse)
        assert {status for status, _ in customer.answers} == {0}
        found = [receipts.parse(text) for text in customer.texts]
        assert {receipt.message_id for receipt in found} == {message_id for _, message_id in customer.answers}
        assert {receipt.state for receipt in found} == {"DELIVRD"}
        shown = running.carrier.messages()
        assert "".join(message.text for message in shown if message.data_coding == 0) == LONG
        assert "".join(message.text for message in shown if message.data_coding == 8) == WIDE
        await _until_shown(running, "not bound")
