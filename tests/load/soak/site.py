"""An installation for a soak: two carriers in bad weather, three customers, a sink for what they are told."""

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chappe.domain.bind_users import BindOptions
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.routes import NewRoute
from chappe.runtime import settings as settings_table
from chappe.runtime.bootstrap import Chappe, opened
from tests.load.rig import CREDITS, START_S, listens, running, until
from tests.load.soak.binding import PASSWORD, SYSTEM_ID
from tests.server import CHAPPE, Prepared, Server, free_port

WAYS = ("single", "campaign", "smpp")
CARRIERS = ("north", "south")


@dataclass(frozen=True, slots=True)
class Site:
    """What runs. Shape: `carriers` are ports of control; `tokens` by the way the customer sends."""

    server: Server
    smpp_port: int
    carriers: dict[str, int]
    hooks_control: int
    tokens: dict[str, str]
    log: Path


@contextlib.contextmanager
def _carrier(name: str, script: Path, seed: int, folder: Path) -> Iterator[tuple[int, int]]:
    """A simulated carrier of its own process: (SMPP port, control port)."""
    smpp, control = free_port(), free_port()
    command = [
        CHAPPE, "simulator", "--port", str(smpp), "--control-port", str(control), "--script", str(script),
        "--keep", "fingerprints", "--seed", str(seed), "--latency", "0.005", "--latency-jitter", "0.02",
        "--receipt-delay", "0.3", "--receipt-spread", "1", "--waiting-most", "2000000", "--name", name,
    ]  # fmt: skip
    with running(command, log=folder / f"{name}.log"):
        until(f"carrier {name} starts", START_S, lambda: listens(control))
        yield smpp, control


@contextlib.contextmanager
def _sink() -> Iterator[tuple[int, int]]:
    port, control = free_port(), free_port()
    command = [sys.executable, "-m", "tests.load.hooks", "--port", str(port), "--control-port", str(control)]
    with running(command):
        until("the sink starts", START_S, lambda: listens(control))
        yield port, control


@asynccontextmanager
async def site(folder: Path, scripts: dict[str, str], seed: int) -> AsyncIterator[Site]:
    """All of it, on a new data folder; ended with the block."""
    with contextlib.ExitStack() as stack:
        ports = {}
        for number, (name, script) in enumerate(scripts.items()):
            (folder / f"{name}.txt").write_text(script)
            ports[name] = stack.enter_context(_carrier(name, folder / f"{name}.txt", seed + number, folder))
        hook, hooks_control = stack.enter_context(_sink())
        prepared, tokens = await _furnish(folder, {name: smpp for name, (smpp, _) in ports.items()}, hook)
        smpp, log = free_port(), folder / "chappe.log"
        server = Server(
            prepared, log, CHAPPE_SMPP_PORT=str(smpp), CHAPPE_LOG_FORMAT="json", CHAPPE_LOG_LEVEL="warning",
            CHAPPE_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8",
        )  # fmt: skip
        await server.start()
        try:
            await server.until_ready()
            yield Site(
                server, smpp, {name: control for name, (_, control) in ports.items()}, hooks_control, tokens, log
            )
        finally:
            await server.stop()


async def _furnish(folder: Path, carriers: dict[str, int], hook: int) -> tuple[Prepared, dict[str, str]]:
    settings = settings_table.load({}, data=folder / "data", port=free_port())
    async with opened(settings) as chappe:
        tokens = {way: await _customer(chappe, way, hook) for way in WAYS}
        for name, port in carriers.items():
            await chappe.carriers.add(NewCarrier(name, "127.0.0.1", port, "chappe", "secret", binds=3, window=200))
        for name in carriers:  # half of the messages each, and all of them when the other cannot
            await chappe.routes.add(name, NewRoute(weight=1))
    return Prepared(settings, 1, tokens["single"]), tokens


async def _customer(chappe: Chappe, way: str, hook: int) -> str:
    """An account that hears of its messages; the token."""
    account = await chappe.use_cases.accounts.create(f"{way}@example.org", "soaksoak", "FR", CREDITS, None, False)
    await chappe.use_cases.webhooks.create(account, type="DLR", url=f"http://127.0.0.1:{hook}/{way}", signature=None)
    if way == "smpp":
        await chappe.binds.create(account, SYSTEM_ID, PASSWORD, BindOptions(window=100), "soak")
    return (await chappe.use_cases.tokens.create(account, "soak")).token
