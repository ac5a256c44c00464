"""`chappe serve` as a user runs it: real processes on a data folder, to be watched, killed and started again."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chappe.manage.carrier_checks import NewCarrier
from chappe.runtime import settings as settings_table
from chappe.runtime.bootstrap import opened
from chappe.runtime.process import ROLES
from chappe.runtime.settings import Settings

CHAPPE = str(Path(sys.executable).with_name("chappe"))
READY_S = 60.0
STOP_S = 40.0
# Not the one of `random`, which is seeded alike in every worker.
_chance = random.SystemRandom()


def free_port() -> int:
    """A port that is free, with the one after it.

    Below the range the system takes for outgoing connections: one of those may take any port of it at any moment.
    Each worker of a test run has a range of its own: a port that one of them keeps shut must not be opened by another.
    """
    first = 20_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 6 * 2_000
    for _ in range(100):
        port = first + _chance.randrange(2_000)
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                return port
        except OSError:
            continue
    raise AssertionError("no free port")


@dataclass(frozen=True, slots=True)
class Prepared:
    """An installation with an account, a token and a carrier."""

    settings: Settings
    account_id: int
    token: str


async def prepare(data: Path, carrier_port: int, *, balance: int = 100_000, webhook: str | None = None) -> Prepared:
    """Set an installation up as the command line would."""
    settings = settings_table.load({}, data=data, port=free_port())
    async with opened(settings) as chappe:
        account = await chappe.use_cases.accounts.create("shop@example.org", "open-sesame", "FR", balance)
        token = (await chappe.use_cases.tokens.create(account, "tests", None, None)).token
        if carrier_port:
            await chappe.carriers.add(NewCarrier("carrier", "127.0.0.1", carrier_port, "chappe", "secret", window=20))
        if webhook:
            await chappe.use_cases.webhooks.create(account, type="DLR", url=webhook, signature=None)
    return Prepared(settings, account.id, token)


class Server:
    """One `chappe serve`."""

    def __init__(self, prepared: Prepared, log: Path, **environment: str) -> None:
        self.prepared = prepared
        self.url = f"http://127.0.0.1:{prepared.settings.port}"
        self._log = log
        # Without a port for SMPP unless a test asks for one: servers of other tests run at the same time.
        self._environment = {"CHAPPE_SMPP_PORT": "0", "CHAPPE_SMPP_TLS_PORT": "0", **os.environ, **environment}
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        settings = self.prepared.settings
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                CHAPPE, "serve", "--data", str(settings.data), "--port", str(settings.port),
                env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip

    async def until_ready(self, path: str = "/health/ready") -> None:
        """Wait until readiness says yes; without a carrier it never does, and `/health/live` is enough."""
        deadline = asyncio.get_running_loop().time() + READY_S
        while await self._get(path) != 200:
            assert asyncio.get_running_loop().time() < deadline, self.log()
            await asyncio.sleep(0.1)

    async def _get(self, path: str) -> int:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.prepared.settings.port)
        except OSError:
            return 0
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
            await reader.read()
            return int(line.split()[1]) if line else 0
        except (OSError, ValueError, IndexError):
            return 0
        finally:
            writer.close()

    def pids(self) -> dict[str, int]:
        """The processes that run now, by role; the supervisor and the nursery too."""
        if self.process is None or self.process.returncode is not None:
            return {}
        found = {"supervisor": self.process.pid}
        for pid in _descendants(self.process.pid):
            for role in ("nursery", *ROLES):
                if _name(pid) == f"chappe-{role}":
                    found[role] = pid
        return found

    def kill(self, role: str) -> bool:
        """kill -9 one process; False when it is not running."""
        pid = self.pids().get(role)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), STOP_S)

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@asynccontextmanager
async def serving(prepared: Prepared, log: Path, **environment: str) -> AsyncIterator[Server]:
    """A server that is ready, and gone afterwards."""
    server = Server(prepared, log, **environment)
    await server.start()
    try:
        await server.until_ready()
        yield server
    finally:
        await server.stop()


def _descendants(parent: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            found += [int(pid) for pid in task.read_text().split()]
        except OSError:
            continue
    return found + [each for pid in found for each in _descendants(pid)]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
