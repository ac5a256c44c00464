"""What a measurement cost: CPU by process and by everybody else, and memory, read from /proc."""

import os
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_ROLES = ("api", "gateway", "worker", "smpp")


class Process(NamedTuple):
    """One line of the process table. Units: seconds of CPU, user and system."""

    pid: int
    parent: int
    cpu_s: float


def processes() -> dict[int, Process]:
    """Every process of the machine."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # it has just ended
        fields = stat[stat.rindex(")") + 2 :].split()
        pid = int(entry.name)
        found[pid] = Process(pid, int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS)
    return found


def descendants(root: int, table: dict[int, Process]) -> set[int]:
    """A process and everything it started that is still alive."""
    found = {root} & table.keys()
    while more := {process.pid for process in table.values() if process.parent in found} - found:
        found |= more
    return found


def roles(supervisor: int) -> dict[str, int]:
    """role -> pid of the processes under `chappe serve`."""
    found = {}
    for pid in descendants(supervisor, processes()) - {supervisor}:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        for role in _ROLES:
            if name == f"chappe-{role}":
                found[role] = pid
    return found


def pss_mb(pids: Iterable[int]) -> float:
    """The memory of some processes, what they share counted once. Units: 10^6 bytes."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total / 1e6


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory be counted from now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    """The most memory a process had in RAM. Units: 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"no peak of {pid}")


def _machine_busy_s() -> float:
    with Path("/proc/stat").open() as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


@dataclass(slots=True)
class Usage:
    """CPU seconds between two moments. Shape: `of` is by group; `foreign_share` is of one core."""

    wall_s: float
    of: dict[str, float]
    foreign_share: float


@dataclass(slots=True)
class Meter:
    """Reads the CPU of groups of processes, given as a name and a root each, and of everybody else."""

    groups: dict[str, int]
    _at: float = 0.0
    _busy_s: float = 0.0
    _own_s: float = 0.0
    _of: dict[str, float] = field(default_factory=dict)

    def start(self) -> "Meter":
        self._at, self._busy_s, self._own_s, self._of = self._read()
        return self

    def stop(self) -> Usage:
        at, busy, own, of = self._read()
        wall = max(at - self._at, 1e-9)
        foreign = max(busy - self._busy_s - (own - self._own_s), 0.0)
        return Usage(wall, {name: of[name] - self._of[name] for name in of}, foreign / wall)

    def _read(self) -> tuple[float, float, float, dict[str, float]]:
        table = processes()
        of = {name: sum(table[pid].cpu_s for pid in descendants(root, table)) for name, root in self.groups.items()}
        own = sum(table[pid].cpu_s for pid in descendants(os.getpid(), table) - {os.getpid()})
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)  # children that were waited for, like the generator
        mine = resource.getrusage(resource.RUSAGE_SELF)
        own += ended.ru_utime + ended.ru_stime + mine.ru_utime + mine.ru_stime
        return time.monotonic(), _machine_busy_s(), own, of
