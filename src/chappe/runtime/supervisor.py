"""All roles on one machine: start a process for each, restart what dies, stop them together."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any, NamedTuple, cast

import structlog

from chappe.runtime.process import ROLES, UNDER_SUPERVISOR, Role, only_one
from chappe.runtime.settings import PREFIX, SETTINGS, Settings, written
from chappe.store.migrations import migrate

_log = structlog.get_logger("chappe.supervisor")

FIRST_WAIT_S, MAX_WAIT_S = 0.2, 10.0
# A process that ran this long is taken as healthy: its next restart is quick again.
HEALTHY_S = 30.0
STOP_S = 40.0


class Supervisor:
    """The parent of one process per role."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nursery = _Nursery(_environment(settings))
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run every role until `stop`, a signal's or the caller's.

        Raises: AlreadyRunning when another server has the database.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        async with only_one(self._settings.database, "server", wait_s=FIRST_WAIT_S):
            migrate(self._settings.database)
            async with asyncio.TaskGroup() as group:
                for role in ROLES:
                    group.create_task(self._keep(role))
            await self._nursery.close()

    def stop(self) -> None:
        """Tell every process to finish what it does and end."""
        self._stopping.set()

    async def _keep(self, role: Role) -> None:
        wait = FIRST_WAIT_S
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            child = await self._nursery.start(role)
            if child is not None:
                _log.info("process started", role=role, pid=child.pid)
            code = await self._until_end(child) if child is not None else None
            if self._stopping.is_set():
                return
            if asyncio.get_running_loop().time() - began > HEALTHY_S:
                wait = FIRST_WAIT_S
            _log.error("process ended", role=role, code=code, restart_in_s=wait)
            try:
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
            except TimeoutError:
                wait = min(wait * 2, MAX_WAIT_S)

    async def _until_end(self, child: "_Child") -> int | None:
        stopping = asyncio.create_task(self._stopping.wait())
        ends: list[asyncio.Future[Any]] = [child.ended, stopping]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not child.ended.done():
            child.signal(signal.SIGTERM)
            await asyncio.wait({child.ended}, timeout=STOP_S)
        if not child.ended.done():
            _log.error("process did not stop in time", pid=child.pid)
            child.signal(signal.SIGKILL)
        return await child.ended


class _Child(NamedTuple):
    """A process of a role. Shape: `ended` becomes its exit code, None when the nursery went before it."""

    pid: int
    ended: asyncio.Future[int | None]

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class _Nursery:
    """Processes by role from `nursery.py`, which is started when it is not there."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._expected: dict[Role, asyncio.Future[_Child | None]] = {}
        self._children: dict[int, _Child] = {}

    async def start(self, role: Role) -> _Child | None:
        """A new process; None when there could not be one."""
        async with self._starting:
            process = await self._running()
            expected: asyncio.Future[_Child | None] = asyncio.get_running_loop().create_future()
            self._expected[role] = expected
            with suppress(ConnectionError):
                _stdin(process).write(f"{role}\n".encode())
        return await expected

    async def close(self) -> None:
        """End it, once its processes have ended."""
        if self._process is not None and self._hearing is not None:
            _stdin(self._process).close()
            await self._hearing

    async def _running(self) -> Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chappe.runtime.nursery",
                stdin=PIPE,  # it ends when we die, whatever kills us, and so do those that come from it
                stdout=PIPE,
                env=self._environment,
                start_new_session=True,  # Ctrl-C in a terminal reaches us alone; we stop them in order
            )
            self._hearing = asyncio.create_task(self._hear(self._process))
        return self._process

    async def _hear(self, process: Process) -> None:
        while line := await cast(asyncio.StreamReader, process.stdout).readline():
            what, role, pid, *code = line.decode().split()
            if what == "began":
                child = _Child(int(pid), asyncio.get_running_loop().create_future())
                self._children[child.pid] = child
                self._expected.pop(_role(role)).set_result(child)
            else:
                self._children.pop(int(pid)).ended.set_result(int(code[0]))
        # Those that came from it end by themselves now, and say so to nobody.
        code_of_it = await process.wait()
        self._process = None
        for child in self._children.values():
            child.ended.set_result(None)
        for expected in self._expected.values():
            expected.set_result(None)
        if self._children or self._expected:
            _log.error("nursery ended", code=code_of_it)
        self._children.clear()
        self._expected.clear()


def _stdin(process: Process) -> asyncio.StreamWriter:
    return cast(asyncio.StreamWriter, process.stdin)


def _role(name: str) -> Role:
    return next(role for role in ROLES if role == name)


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as the processes will read them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for setting in SETTINGS:
        environment[PREFIX + setting.name.upper()] = written(settings, setting)
    environment[UNDER_SUPERVISOR] = "1"
    return environment
