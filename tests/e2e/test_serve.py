"""`chappe serve` with its real processes: ready, restarted, stopped, and the whole way from curl to webhook."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
from aiohttp import web

from chappe.carriers.simulator import Simulator
from chappe.runtime.process import ROLES
from chappe.store.sqlite import Database
from tests.builders import on_loop
from tests.esme import esme
from tests.sending import simulated, until
from tests.server import CHAPPE, Server, free_port, prepare, serving


async def get(url: str, **params: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, params=params) as response:
        return response.status, await response.text()


@on_loop
async def test_a_message_goes_from_the_customer_to_the_carrier_and_its_receipt_to_his_webhook(tmp_path: Path) -> None:
    told: list[dict[str, object]] = []

    async def hook(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/dlr", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(
            tmp_path / "data", carrier.port, webhook=f"http://127.0.0.1:{runner.addresses[0][1]}/dlr"
        )
        async with serving(prepared, tmp_path / "log", CHAPPE_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8") as server:
            _, answer = await get(
                f"{server.url}/send", token=prepared.token, to="0612345678", text="Bonjour", gsmsmsid="m-1"
            )
            assert "<status>1</status>" in answer
            await until(lambda: told, "the webhook")
            assert (told[0]["status"], told[0]["destination"], told[0]["message_id"]) == (3, "33612345678", "m-1")
            code, metrics = await get(f"{server.url}/metrics")
            assert code == 200
            assert 'chappe_oldest_ready_seconds{carrier="carrier"}' in metrics
        log = server.log()
    await runner.cleanup()
    assert "Traceback" not in log
    assert log.count("stop_number is still the example") == 1
    for private in ("33612345678", "0612345678", "Bonjour", prepared.token):
        assert private not in log


@on_loop
async def test_it_is_ready_only_when_it_can_accept_and_dispatch(tmp_path: Path) -> None:
    prepared = await prepare(tmp_path / "data", 0)
    server = Server(prepared, tmp_path / "log")
    await server.start()
    deadline = asyncio.get_running_loop().time() + 20
    try:
        while True:
            try:
                assert (await get(f"{server.url}/health/live"))[0] == 200
                break
            except aiohttp.ClientError:
                assert asyncio.get_running_loop().time() < deadline, server.log()
                await asyncio.sleep(0.1)
        code, body = await get(f"{server.url}/health/ready")
        assert code == 503
        assert "carrier add" in json.loads(body)["problems"][0]
    finally:
        assert await server.stop() == 0


@on_loop
async def test_a_second_server_on_the_same_database_says_so_and_ends(tmp_path: Path) -> None:
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        async with serving(prepared, tmp_path / "log"):
            for port, says in ((free_port(), "another server is running"), (prepared.settings.port, "is in use")):
                second = await asyncio.create_subprocess_exec(
                    CHAPPE, "serve", "--data", str(prepared.settings.data), "--port", str(port),
                    stderr=asyncio.subprocess.PIPE,
                )  # fmt: skip
                _, told = await asyncio.wait_for(second.communicate(), 30)
                assert second.returncode == 1
                assert says in told.decode()
                assert "Traceback" not in told.decode()


@on_loop
async def test_a_dead_process_is_restarted(tmp_path: Path) -> None:
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        async with serving(prepared, tmp_path / "log") as server:
            before = server.pids()
            for role in ROLES:
                assert server.kill(role)
            await until(
                lambda: set(server.pids()) == set(before) and not set(server.pids().values()) & _others(before),
                "new pids",
            )
            await server.until_ready()


@on_loop
async def test_when_the_nursery_dies_its_processes_end_and_all_start_anew(tmp_path: Path) -> None:
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        async with serving(prepared, tmp_path / "log") as server:
            before = server.pids()
            assert server.kill("nursery")
            await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in _others(before)), "the old ones' end")
            await until(lambda: set(server.pids()) == set(before), "new pids")
            await server.until_ready()


def _others(pids: dict[str, int]) -> set[int]:
    return {pid for role, pid in pids.items() if role in ROLES}


@on_loop
async def test_sigterm_finishes_what_is_in_flight_and_unbinds(tmp_path: Path) -> None:
    async with Simulator(simulated(latency_s=0.3, receipt_delay_s=30)) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        async with serving(prepared, tmp_path / "log") as server:
            numbers = ",".join(f'{{"value":"336{i:08d}"}}' for i in range(10_000_000, 10_000_060))
            body = f'{{"sms":{{"message":{{"text":"Hello"}},"recipients":{{"gsm":[{numbers}]}}}}}}'
            headers = {"Authorization": f"Bearer {prepared.token}", "Accept": "application/json"}
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{server.url}/send", data=body, headers=headers) as response,
            ):
                assert (await response.json())["sent"] == 60
            await until(lambda: carrier.stats().received >= 20, "submits in flight")
            assert await server.stop() == 0
        stats = carrier.stats()
        assert "unbound" in server.log() or not stats.binds
        states = _counts(prepared.settings.database, "message")
        queued = _counts(prepared.settings.database, "dispatch")
        assert states.get(1, 0) == stats.accepted, "everything that was submitted was answered and recorded"
        assert set(queued) <= {0}, "nothing is left in the middle"
        assert states.get(1, 0) + queued.get(0, 0) == 60


def _counts(path: Path, table: str) -> dict[int, int]:
    """How many rows of a table are in each state."""
    database = Database(path)
    try:
        rows = database.connection.execute(f"SELECT state, COUNT(*) FROM {table} GROUP BY state").fetchall()
        return {int(str(state)): int(str(count)) for state, count in rows}
    finally:
        database.close()


@on_loop
async def test_the_demo_shows_a_message_being_delivered_and_finds_its_data_again(tmp_path: Path) -> None:
    port, carrier_port, smpp_port = free_port(), free_port(), free_port()
    for tickets in (1, 2):
        demo = await asyncio.create_subprocess_exec(
            CHAPPE, "demo", "--port", str(port), "--carrier-port", str(carrier_port), "--smpp-port", str(smpp_port),
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert demo.stdout is not None
        shown = await _read_until(demo.stdout, "Ctrl-C")
        password = shown.partition("system_id demo, password ")[2].partition(",")[0]
        (curl,) = [line.strip() for line in shown.splitlines() if line.strip().startswith("curl -G")]
        pasted = await asyncio.create_subprocess_shell(curl, stdout=asyncio.subprocess.PIPE)
        answer, _ = await pasted.communicate()
        assert f"<ticket>{tickets}</ticket>".encode() in answer
        shown = await _read_until(demo.stdout, "delivered (3 DELIVERED)")
        assert f"ticket {tickets}: accepted 1 of 1" in shown
        assert f"ticket {tickets}: submitted" in shown
        async with esme(smpp_port, "demo", password) as bound:
            assert bound.bound is not None
        demo.send_signal(signal.SIGINT)
        assert "Stopped." in await _read_until(demo.stdout, "Stopped.")
        assert await asyncio.wait_for(demo.wait(), 30) == 0


async def _read_until(stream: asyncio.StreamReader, word: str) -> str:
    """The lines up to the one that contains a word."""
    lines = []
    async with asyncio.timeout(60):
        while True:
            line = (await stream.readline()).decode()
            lines.append(line)
            assert line, "".join(lines)
            if word in line:
                return "".join(lines)
