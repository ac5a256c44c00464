"""kill -9 of any process at any moment: every accepted message is sent once or shown as unknown, and paid for once."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.store.sqlite import Database, Row, Tx
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.server import Server, prepare

KILLS = 8
SENDERS = 6
CREDITS = 100_000
# So short that the test sees the end of messages whose outcome stays unknown.
VALIDITY_S, RECEIPT_WAIT_S = 25, 5


class Customer:
    """Sends messages to ever new numbers and insists until each is answered, with one idempotency key for each."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._next = 10_000_000
        self.accepted: dict[str, str] = {}
        self.refusals: list[object] = []
        self.is_done = False

    async def run(self, session: aiohttp.ClientSession) -> None:
        while not self.is_done:
            self._next += 1
            number = f"336{self._next:08d}"
            answer = await self._insist(session, number)
            if answer.get("status") == 1:
                self.accepted[number] = str(answer["ticket"])
            else:
                self.refusals.append(answer)

    async def _insist(self, session: aiohttp.ClientSession, number: str) -> dict[str, object]:
        token = self._server.prepared.token
        params = {"token": token, "to": number, "text": f"For {number}", "gsmsmsid": number}
        headers = {"Accept": "application/json", "Idempotency-Key": number}
        for _ in range(600):
            try:
                async with session.get(f"{self._server.url}/send", params=params, headers=headers) as response:
                    answer: dict[str, object] = await response.json()
                    if answer.get("status") != -99:
                        return answer
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass
            await asyncio.sleep(0.05)
        raise AssertionError(f"{number} was never answered")


async def _kill_at_random(server: Server, dice: random.Random) -> Counter[str]:
    """Kill a process, sometimes two in a row; between the rounds everything comes up and works for a moment."""
    killed: Counter[str] = Counter()
    roles = ["api", "gateway", "worker", "gateway", "supervisor"]
    while killed.total() < KILLS:
        if dice.random() < 0.8:
            await server.until_ready()
        await asyncio.sleep(dice.uniform(0.1, 1.0))
        role = dice.choice(roles)
        if server.kill(role):
            killed[role] += 1
        if role == "supervisor":
            assert server.process is not None
            await server.process.wait()
            await server.start()
    return killed


def _rows(database: Path, sql: str) -> list[Row]:
    def query(tx: Tx) -> list[Row]:
        return tx.rows(Statement(sql))

    opened = Database(database)
    try:
        return opened.read(query)
    finally:
        opened.close()


async def _until_all_final(database: Path) -> None:
    deadline = asyncio.get_running_loop().time() + VALIDITY_S + RECEIPT_WAIT_S + 30
    while left := _rows(database, "SELECT COUNT(*) FROM message WHERE state IN (0, 1)")[0][0]:
        assert asyncio.get_running_loop().time() < deadline, f"{left} messages are not final"
        await asyncio.sleep(0.5)


async def _until_posted(database: Path) -> None:
    deadline = asyncio.get_running_loop().time() + 30
    while left := _rows(database, "SELECT COUNT(*) FROM event WHERE state = 0")[0][0]:
        assert asyncio.get_running_loop().time() < deadline, f"{left} events are not posted"
        await asyncio.sleep(0.2)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1])
@on_loop
async def test_killing_processes_at_random_loses_nothing_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    told: Counter[str] = Counter()

    async def hook(request: web.Request) -> web.Response:
        told[(await request.json())["message_id"]] += 1
        return web.Response()

    app = web.Application()
    app.router.add_post("/dlr", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hooks_port = runner.addresses[0][1]
    options = SimulatorOptions(
        port=0,
        control_port=0,
        keep="fingerprints",
        latency_s=0.01,
        latency_jitter_s=0.03,
        receipt_delay_s=0.2,
        seed=seed,
    )
    async with Simulator(options) as carrier:
        prepared = await prepare(
            tmp_path / "data", carrier.port, balance=CREDITS, webhook=f"http://127.0.0.1:{hooks_port}/dlr"
        )
        server = Server(
            prepared, tmp_path / "log",
            CHAPPE_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8",
            CHAPPE_VALIDITY_S=str(VALIDITY_S), CHAPPE_RECEIPT_WAIT_S=str(RECEIPT_WAIT_S),
        )  # fmt: skip
        await server.start()
        await server.until_ready()
        customer = Customer(server)
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            senders = [asyncio.create_task(customer.run(session)) for _ in range(SENDERS)]
            killed = await _kill_at_random(server, dice)
            await asyncio.sleep(1)
            customer.is_done = True
            await asyncio.gather(*senders)
        database = prepared.settings.database
        await _until_all_final(database)
        await _until_posted(database)
        assert await server.stop() == 0, server.log()
        await runner.cleanup()
        stats = carrier.stats()

    assert killed.total() == KILLS
    assert customer.refusals == []
    messages = _rows(database, "SELECT client_ref, state, dlr, price_mc FROM message")
    accepted = Counter(row[0] for row in messages)
    assert set(accepted) == set(customer.accepted), "what was answered OK is there, and nothing else"
    assert set(accepted.values()) == {1}, "an insisting customer gets one message for each key"
    assert stats.doubled == 0
    delivered = sum(row[1] == 2 for row in messages)
    unknown = sum((row[1], row[2]) == (3, 11) for row in messages)
    assert delivered + unknown == len(messages)
    assert delivered <= stats.distinct <= len(messages)
    ((available, reserved),) = _rows(database, "SELECT available_mc, reserved_mc FROM wallet WHERE id = 1")
    assert (available, reserved) == (CREDITS * 1000 - sum(row[3] for row in messages), 0)
    assert set(told) == set(accepted), "every message's end was told"
    print(f"{len(messages)} accepted, {delivered} delivered, {unknown} unknown, killed {dict(killed)}")
