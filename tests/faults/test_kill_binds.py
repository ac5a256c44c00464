"""kill -9 of the process that customers bind to: what was answered is there once, and every receipt comes."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.domain.bind_users import BindOptions
from chappe.runtime.bootstrap import opened
from chappe.store.sqlite import Database, Row
from chappe.store.statement import Statement
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER
from chappe.telecom.udh import concatenation_header
from tests.bound import HELLO
from tests.builders import on_loop
from tests.esme import Esme
from tests.server import Server, free_port, prepare

KILLS = 5
CUSTOMERS = 2
# Parts whose others were lost with a link are given up while the test watches.
PART_WAIT_S = 8
CALM_S = 0.4


class Customer:
    """Submits to ever new numbers, each text once, and binds again whenever its link is cut."""

    def __init__(self, port: int, place: int) -> None:
        self._port = port
        self._next = 10_000_000 + place * 10_000_000
        self._dice = random.Random(place)
        self.told: dict[str, int] = {}  # message id -> number
        self.receipts: Counter[str] = Counter()
        self.binds = 0
        self.is_quiet = False
        self.is_done = False

    async def run(self) -> None:
        while not self.is_done:
            try:
                await self._bound()
            except OSError:
                await asyncio.sleep(0.05)

    async def _bound(self) -> None:
        loop = asyncio.get_running_loop()
        _, esme = await loop.create_connection(lambda: Esme(50), "127.0.0.1", self._port)
        esme.session.bind(Bind(BIND_TRANSCEIVER, "shop", "secret"), loop.time())
        esme.flush()
        numbers: dict[int, int] = {}
        while not self.is_done and esme.lost is None and not esme.is_unbound and esme.refused is None:
            if esme.bound and not self.is_quiet and esme.session.free > 20:
                batch = self._texts(len(numbers))
                numbers.update((token, int(body.destination)) for token, body in batch)
                esme.submit(batch)
            self._take(esme, numbers)
            await asyncio.sleep(0.01)
        self._take(esme, numbers)
        self.binds += esme.bound is not None
        esme.transport.abort()

    def _texts(self, first: int) -> list[tuple[int, ShortMessage]]:
        """A few texts, some of them long: with parts that a cut link may tear apart."""
        bodies: list[ShortMessage] = []
        for _ in range(5):
            self._next += 1
            body = HELLO._replace(destination=f"336{self._next:08}")
            if self._dice.random() < 0.2:
                texts = [concatenation_header(self._next & 0xFF, 3, part) + b"part" for part in (1, 2, 3)]
                bodies += [body._replace(esm_class=0x40, short_message=text) for text in texts]
            else:
                bodies.append(body)
        return [(first + i, body) for i, body in enumerate(bodies)]

    def _take(self, esme: Esme, numbers: dict[int, int]) -> None:
        for token, (status, message_id) in esme.answers.items():
            if status == 0:
                self.told[message_id] = numbers[token]
        esme.answers.clear()
        self.receipts.update(receipt.message_id for receipt in esme.receipts())
        esme.deliveries.clear()


def _rows(database: Path, sql: str) -> list[Row]:
    opened_ = Database(database)
    try:
        return opened_.read(lambda tx: tx.rows(Statement(sql)))
    finally:
        opened_.close()


@pytest.mark.timeout(240)
@on_loop
async def test_killing_the_process_with_the_binds_loses_no_answer_and_no_receipt(tmp_path: Path) -> None:
    dice = random.Random(5)
    options = SimulatorOptions(
        port=0, control_port=0, keep="fingerprints", latency_s=0.01, receipt_delay_s=0.2, receipt_spread_s=0.3, seed=5
    )
    async with Simulator(options) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        async with opened(prepared.settings) as chappe:
            account = chappe.use_cases.accounts.find(prepared.account_id)
            await chappe.binds.create(account, "shop", "secret", BindOptions(), "tests")
        port = free_port()
        environment = {"CHAPPE_SMPP_PORT": str(port), "CHAPPE_SMPP_PART_WAIT_S": str(PART_WAIT_S)}
        server = Server(prepared, tmp_path / "log", **environment)
        await server.start()
        customers = [Customer(port, place) for place in range(CUSTOMERS)]
        running = [asyncio.create_task(customer.run()) for customer in customers]
        try:
            await _kill_again_and_again(server, customers, dice)
            for customer in customers:
                customer.is_quiet = True
            await _until_told(customers)
        finally:
            for customer in customers:
                customer.is_done = True
            await asyncio.gather(*running)
            code = await server.stop()
        assert code == 0
        database = prepared.settings.database
        told = {message_id: number for customer in customers for message_id, number in customer.told.items()}
        assert len(told) > 100
        _check_messages(database, told)
        stats = carrier.stats()
        assert stats.doubled == 0
        assert sum(customer.binds for customer in customers) > KILLS


async def _kill_again_and_again(server: Server, customers: list[Customer], dice: random.Random) -> None:
    for _ in range(KILLS):
        before = sum(len(customer.told) for customer in customers)
        while sum(len(customer.told) for customer in customers) < before + 50:
            await asyncio.sleep(0.02)
        await asyncio.sleep(dice.uniform(0.0, CALM_S))
        assert server.kill("smpp")
        if dice.random() < 0.3:
            server.kill("gateway")


async def _until_told(customers: list[Customer]) -> None:
    """Every id that a customer was told gets its receipt, from whichever bind of his it comes."""
    end = asyncio.get_running_loop().time() + 120
    while True:
        came = {message_id for customer in customers for message_id in customer.receipts}
        missing = {message_id for customer in customers for message_id in customer.told} - came
        if not missing:
            return
        assert asyncio.get_running_loop().time() < end, f"{len(missing)} receipts never came, like {min(missing)}"
        await asyncio.sleep(0.2)


def _check_messages(database: Path, told: dict[str, int]) -> None:
    """What was answered is one message each, or a part of one; nothing is there twice, nothing is paid twice."""
    messages: dict[int, int] = dict(_rows(database, "SELECT id, number FROM message"))
    assert len(set(messages.values())) == len(messages), "a number got two messages"
    refs: dict[int, int] = dict(_rows(database, "SELECT ref, message_id FROM bound_ref"))
    lost = [
        message_id for message_id, number in told.items()
        if (found := refs.get(int(message_id), int(message_id))) in messages and messages[found] != number
    ]  # fmt: skip
    assert lost == []
    # A part whose others were lost is given up: its id leads nowhere. Everything else is there.
    single = {int(message_id) for message_id in told} - refs.keys() - messages.keys()
    assert _rows(database, "SELECT COUNT(*) FROM bound_part") == [(0,)]
    given_up = {told[str(each)] for each in single}
    assert given_up.isdisjoint(messages.values()), "a text was sent, and a part of it reported as given up"
    [(cost, captured, reserved)] = _rows(
        database,
        "SELECT (SELECT SUM(price_mc) FROM message), (SELECT SUM(amount_mc) FROM ledger WHERE kind = 'capture'),"
        " (SELECT SUM(reserved_mc) FROM wallet)",
    )
    assert (captured, reserved) == (cost, 0)
