"""One process of Chappe in one role: api, gateway, worker or smpp. Each role is a module of this package.

Started for the supervisor by `nursery.py`, settings in the environment, or by `chappe serve --role ROLE` itself.
"""

import asyncio
import fcntl
import gc
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal

import structlog
import uvloop

from chappe.domain.countries import country
from chappe.domain.errors import Unavailable
from chappe.domain.public_holidays import Holidays, holidays_of
from chappe.runtime import settings as settings_table
from chappe.runtime import telemetry
from chappe.runtime.settings import Settings
from chappe.store.migrations import migrate
from chappe.store.sqlite import Store

Role = Literal["api", "gateway", "worker", "smpp"]
ROLES: tuple[Role, ...] = ("api", "gateway", "worker", "smpp")
_log = structlog.get_logger("chappe.process")

LOCK_WAIT_S = 30.0
MAX_FILES = 65_536
# Set by the supervisor: standard input is a pipe that ends with it.
UNDER_SUPERVISOR = "CHAPPE_SUPERVISED"


class AlreadyRunning(Exception):
    """Another process has this role on this data folder."""


def run(role: Role, settings: Settings) -> None:
    """Run one role until SIGTERM, SIGINT, or the end of the supervisor."""
    telemetry.configure(settings.log_level, settings.log_format)
    # By name, so that a role loads only what it needs: the gateway no web framework, the API no SMPP.
    module = import_module(f"chappe.runtime.{role}")
    _spare_the_collector()
    _allow_many_connections()
    uvloop.run(_with_calendar(module.run(settings)))


async def _with_calendar(role: Coroutine[Any, Any, None]) -> None:
    """Run a role; load what the legal hours need meanwhile, a third of a second that no request should wait for."""
    loading = asyncio.create_task(asyncio.to_thread(_load_calendar))
    await role
    await loading


def _load_calendar() -> None:
    holidays_of(Holidays("FR"), date.today().year)
    country("FR")


def _spare_the_collector() -> None:
    """Keep Python's search for cycles away from what lives as long as the process, and from batches in flight.

    A batch makes thousands of objects and no cycles, and each of them counted towards a search of all that was
    loaded: a fifth of the gateway's time in a campaign, and pauses of 30 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _allow_many_connections() -> None:
    """Open as many files as the system lets us: 1,024, its usual limit, are fewer than the connections we take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The database alone, created or upgraded when needed, for roles that need no use case."""
    migrate(settings.database)
    store = Store(settings.database)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
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
async def only_one(database: Path, what: str, wait_s: float = LOCK_WAIT_S) -> AsyncIterator[None]:
    """Be the only one of a kind on a database; the system lets go of the lock when the process dies.

    Raises: AlreadyRunning when another process does not let go of it.
    """
    deadline = asyncio.get_running_loop().time() + wait_s
    with _lock_file(database, what) as file:
        while not _locks(file):
            if asyncio.get_running_loop().time() > deadline:
                raise AlreadyRunning(f"another {what} is running on {database}: stop it first")
            await asyncio.sleep(0.1)
        yield


def _lock_file(database: Path, what: str) -> IO[str]:
    path = database.with_name(f"{what}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        raise Unavailable(f"cannot create {path}: {error.strerror}") from error


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def supervised(role: Role) -> None:
    """Run a role for the supervisor, and end the process with what became of it."""
    environment = {name: value for name, value in os.environ.items() if name != UNDER_SUPERVISOR}
    settings = settings_table.load(environment)
    try:
        run(role, settings)
    except (AlreadyRunning, Unavailable) as error:
        _log.error("cannot run", role=role, reason=str(error))
        sys.exit(1)
