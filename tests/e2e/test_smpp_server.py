"""Customers who bind: real `chappe serve`, simulated carrier, real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chappe.carriers.simulator import Simulator
from chappe.domain.bind_users import BindOptions
from chappe.runtime.bootstrap import opened
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from tests.builders import on_loop
from tests.esme import esme, until
from tests.sending import simulated
from tests.server import Server, free_port, prepare, serving

HELLO = ShortMessage(5, 0, "SHOP", 1, 1, "33612345678", 0, 0, b"Hello", 1)


@dataclass(frozen=True, slots=True)
class Site:
    carrier: Simulator
    server: Server
    port: int


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
            yield Site(carrier, server, port)


async def until_listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError("nobody listens")


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
        [delivery] = customer.deliveries
        assert delivery[:6] == (1, 1, "33612345678", 5, 0, "SHOP")
        assert tlv.find_text(delivery.tlvs, tlv.RECEIPTED_MESSAGE_ID) == message_id
