"""All roles on one machine: start a process for each, restart what dies, stop them together."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

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
        self._environment = _environment(settings)
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

    def stop(self) -> None:
        """Tell every process to finish what it does and end."""
        self._stopping.set()

    async def _keep(self, role: Role) -> None:
        wait = FIRST_WAIT_S
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            process = await self._start(role)
            code = await self._until_end(process)
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

    async def _start(self, role: Role) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chappe.runtime.process",
            role,
            stdin=PIPE,  # it ends when we die, whatever kills us
            stdout=DEVNULL,
            env=self._environment,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone; we stop them in order
        )
        _log.info("process started", role=role, pid=process.pid)
        return process

    async def _until_end(self, process: Process) -> int | None:
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            process.terminate()
            await asyncio.wait({ended}, timeout=STOP_S)
        if not ended.done():
            _log.error("process did not stop in time", pid=process.pid)
            process.kill()
        return await ended


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as the processes will read them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for setting in SETTINGS:
        environment[PREFIX + setting.name.upper()] = written(settings, setting)
    environment[UNDER_SUPERVISOR] = "1"
    return environment
