"""kill -9 of the api process at any step of a send to a list: all of it or nothing, every message once."""

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.domain.lifecycle import CampaignState
from chappe.pipeline.enqueue import ABANDONED_MS
from chappe.store.clock import now_ms
from chappe.store.sqlite import Database, Row, Tx
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.server import Server, prepare

CONTACTS = 12_000
FIRST = 33_612_000_000
BALANCE = 1_000_000
LIST = 1
SENDS = 5


def _database(server: Server) -> Path:
    return server.prepared.settings.database


def _run(server: Server, sql: str, **values: object) -> None:
    opened = Database(_database(server))
    try:
        opened.write(lambda tx: tx.run(Statement(sql), **values))
    finally:
        opened.close()


def _rows(server: Server, sql: str) -> list[Row]:
    def query(tx: Tx) -> list[Row]:
        return tx.rows(Statement(sql))

    opened = Database(_database(server))
    try:
        return opened.read(query)
    finally:
        opened.close()


def _fill(server: Server) -> None:
    contact = Statement("INSERT INTO contact (list_id, id, number, entry) VALUES (:list, :id, :number, :entry)")
    rows = [(LIST, i, FIRST + i, f"{FIRST + i}\x1fn{i}") for i in range(CONTACTS)]
    _run(server, "INSERT INTO contact_list VALUES (:id, 1, 'everybody', :at, :at, 0)", id=LIST, at=now_ms())
    opened = Database(_database(server))
    try:
        opened.write(lambda tx: tx.many(contact, rows))
    finally:
        opened.close()


async def _send(server: Server, session: aiohttp.ClientSession, key: str) -> dict[str, object] | None:
    body = {"sms": {"message": {"text": f"For {key}"}, "lists": [{"value": LIST}]}}
    headers = {
        "Accept": "application/json",
        "Idempotency-Key": key,
        "Authorization": f"Bearer {server.prepared.token}",
    }
    try:
        async with session.post(f"{server.url}/send/lists", json=body, headers=headers) as response:
            answer: dict[str, object] = await response.json()
            return answer
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return None


async def _insist(server: Server, session: aiohttp.ClientSession, key: str) -> dict[str, object]:
    for _ in range(200):
        answer = await _send(server, session, key)
        if answer is not None and answer.get("status") != -99:
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"{key} was never answered: {server.log()[-2000:]}")


async def _until(server: Server, sql: str, wanted: int, within_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while (found := _rows(server, sql)[0][0]) != wanted:
        assert asyncio.get_running_loop().time() < deadline, f"{sql}: {found}, not {wanted}"
        await asyncio.sleep(0.3)


async def _begun(server: Server, sending: "asyncio.Task[dict[str, object] | None]") -> None:
    """Wait until the send is being written, or is over."""
    for _ in range(2000):
        if sending.done() or _rows(server, "SELECT 1 FROM campaign WHERE state = 1"):
            return
        await asyncio.sleep(0.001)


@pytest.mark.timeout(240)
@on_loop
async def test_a_send_to_a_list_is_all_or_nothing_whenever_the_api_dies(tmp_path: Path) -> None:
    dice = random.Random(3)
    options = SimulatorOptions(port=0, control_port=0, keep="fingerprints", receipt_delay_s=0.2, seed=3)
    async with Simulator(options) as carrier:
        server = Server(await prepare(tmp_path / "data", carrier.port, balance=BALANCE), tmp_path / "log")
        _fill(server)
        await server.start()
        await server.until_ready()
        half_written = half_queued = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            for i in range(SENDS):
                await server.until_ready()
                sending = asyncio.create_task(_send(server, session, f"k{i}"))
                if i % 3 == 2:  # accepted, on its way to the queue
                    await sending
                    await asyncio.sleep(dice.uniform(0, 0.05))
                else:  # while it is being written, or a little later
                    await _begun(server, sending)
                    await asyncio.sleep(dice.uniform(0, 0.1))
                assert server.kill("api")
                await sending
                left = [row[0] for row in _rows(server, "SELECT state FROM campaign WHERE queued_to IS NOT NULL")]
                half_written = max(half_written, left.count(CampaignState.PREPARING))
                half_queued += left.count(CampaignState.ACCEPTED)
            for i in range(SENDS):
                answer = await _insist(server, session, f"k{i}")
                assert answer.get("sent") == answer.get("cost") == CONTACTS, answer
        # What was being written is cleared away once it has stood still for long enough.
        _run(server, "UPDATE campaign SET created_at = created_at - :ms WHERE state = 1", ms=ABANDONED_MS)
        await _until(server, "SELECT COUNT(*) FROM campaign WHERE state <> 0", 0, 60)
        assert _rows(server, "SELECT COUNT(*), SUM(sent) FROM campaign") == [(SENDS, SENDS * CONTACTS)]
        await _until(server, "SELECT COUNT(*) FROM message WHERE state = 2", SENDS * CONTACTS, 120)
        assert await server.stop() == 0, server.log()
        stats = carrier.stats()

    print(f"left half written {half_written}, half queued {half_queued}")
    assert half_written
    assert (stats.distinct, stats.doubled) == (SENDS * CONTACTS, 0)
    assert _rows(server, "SELECT COUNT(*), COUNT(DISTINCT campaign_id) FROM message") == [(SENDS * CONTACTS, SENDS)]
    assert _rows(server, "SELECT DISTINCT open, delivered FROM campaign") == [(0, CONTACTS)]
    assert _rows(server, "SELECT COUNT(*) FROM dispatch") == [(0,)]
    assert _rows(server, "SELECT available_mc, reserved_mc FROM wallet WHERE id = 1") == [
        ((BALANCE - SENDS * CONTACTS) * 1000, 0)
    ]
