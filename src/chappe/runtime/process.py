"""One process of Chappe in one role: api, gateway or worker.

Started by the supervisor (`python -m chappe.runtime.process ROLE`, settings in the environment), or by
`chappe serve --role ROLE` itself.
"""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Literal

import structlog
import uvicorn
import uvloop

from chappe import __version__
from chappe.carriers.guarded_http import guarded_session
from chappe.domain.errors import Unavailable
from chappe.pipeline.expire import Expirer
from chappe.pipeline.gateway import Gateway
from chappe.pipeline.notify import Notifier
from chappe.runtime import settings as settings_table
from chappe.runtime import telemetry
from chappe.runtime.bootstrap import Chappe, opened
from chappe.runtime.health import Health
from chappe.runtime.settings import Settings
from chappe.surfaces.http.app import build
from chappe.surfaces.http.smsfactor.limits import RequestLimits

Role = Literal["api", "gateway", "worker"]
ROLES: tuple[Role, ...] = ("api", "gateway", "worker")
_log = structlog.get_logger("chappe.process")

LOCK_WAIT_S = 30.0
GRACE_S = 10
# Set by the supervisor: standard input is a pipe that ends with it.
UNDER_SUPERVISOR = "CHAPPE_SUPERVISED"


class AlreadyRunning(Exception):
    """Another process has this role on this data folder."""


class _Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(role: Role, settings: Settings) -> None:
    """Run one role until SIGTERM, SIGINT, or the end of the supervisor."""
    telemetry.configure(settings.log_level, settings.log_format, role)
    uvloop.run(_run(role, settings))


async def _run(role: Role, settings: Settings) -> None:
    async with opened(settings) as chappe:
        match role:
            case "api":
                await _api(chappe)
            case "gateway":
                async with _only_one(settings.data, role):
                    await _gateway(chappe)
            case "worker":
                async with _only_one(settings.data, role):
                    await _worker(chappe)


async def _api(chappe: Chappe) -> None:
    settings = chappe.settings
    health = Health(chappe.store, chappe.carriers)
    limits = RequestLimits(max_body_bytes=settings.max_body_bytes, max_recipients=settings.max_recipients)
    app = build(chappe.use_cases, problems=health.problems, metrics=health.registry, limits=limits)
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )

    def stop() -> None:
        server.should_exit = True

    metrics = asyncio.create_task(health.run())
    with _stopping(stop):
        _log.info("api starts", host=settings.host, port=settings.port)
        await server.serve()
    metrics.cancel()
    _log.info("api stopped")


async def _gateway(chappe: Chappe) -> None:
    gateway = Gateway(chappe.store, chappe.ids, receipt_wait_s=chappe.settings.receipt_wait_s)
    with _stopping(gateway.stop):
        _log.info("gateway starts")
        await gateway.run()
    _log.info("gateway stopped")


async def _worker(chappe: Chappe) -> None:
    settings = chappe.settings
    session = guarded_session(settings.webhook_allow_networks, user_agent=f"Chappe/{__version__}")
    async with session:
        notifier = Notifier(chappe.store, session)
        expirer = Expirer(chappe.store, chappe.ids, receipt_wait_s=settings.receipt_wait_s)
        stopping: list[asyncio.Task[None]] = []

        def stop() -> None:
            expirer.stop()
            stopping.append(asyncio.create_task(notifier.stop()))

        with _stopping(stop):
            _log.info("worker starts")
            async with asyncio.TaskGroup() as group:
                group.create_task(notifier.run())
                group.create_task(expirer.run())
        await asyncio.gather(*stopping)
    _log.info("worker stopped")


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` once, on a signal or when the supervisor is gone."""
    loop = asyncio.get_running_loop()
    called = False

    def once() -> None:
        nonlocal called
        if not called:
            called = True
            stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, once)
    watches = UNDER_SUPERVISOR in os.environ
    if watches:
        loop.add_reader(sys.stdin.fileno(), once)
    try:
        yield
    finally:
        if watches:
            loop.remove_reader(sys.stdin.fileno())


@asynccontextmanager
async def _only_one(data: Path, role: Role) -> AsyncIterator[None]:
    """Hold the lock of a role on a data folder; the system lets go of it when the process dies.

    Raises: AlreadyRunning when another process does not let go of it.
    """
    deadline = asyncio.get_running_loop().time() + LOCK_WAIT_S
    with _lock_file(data, role) as file:
        while not _locks(file):
            if asyncio.get_running_loop().time() > deadline:
                raise AlreadyRunning(f"another {role} is running on {data}: stop it first")
            await asyncio.sleep(0.1)
        yield


def _lock_file(data: Path, role: Role) -> IO[str]:
    data.mkdir(parents=True, exist_ok=True)
    return (data / f"{role}.lock").open("a")


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> None:
    """The entry of a process that the supervisor started."""
    role = sys.argv[1]
    environment = {name: value for name, value in os.environ.items() if name != UNDER_SUPERVISOR}
    settings = settings_table.load(environment)
    try:
        run(next(known for known in ROLES if known == role), settings)
    except (AlreadyRunning, Unavailable) as error:
        _log.error("cannot run", role=role, reason=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
