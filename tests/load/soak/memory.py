"""The memory of each process over the run, and whether it grew."""

import asyncio
import statistics
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.server import Server

EVERY_S = 10.0
# What the last third may be above the middle one: a share, and what allocators and caches do anyhow.
SHARE, NOISE_MB = 0.05, 3.0


class Growth(msgspec.Struct, frozen=True):
    """A process over the run. Units: 10^6 bytes of its own memory; medians of the thirds of the run."""

    role: str
    samples: int
    first: float
    middle: float
    last: float
    most: float

    @property
    def is_flat(self) -> bool:
        return self.last <= self.middle * (1 + SHARE) + NOISE_MB


@dataclass(frozen=True, slots=True)
class Sample:
    role: str
    pid: int
    mb: float


class Memory:
    """Looks at every process every ten seconds."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.samples: list[Sample] = []

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            for role, pid in self._server.pids().items():
                if (mb := own_mb(pid)) is not None:
                    self.samples.append(Sample(role, pid, mb))
            await asyncio.sleep(EVERY_S)

    def growth(self) -> list[Growth]:
        """Of every process that lived long enough for three samples in each third; one that was killed began anew."""
        lives: dict[tuple[str, int], list[float]] = {}
        for each in self.samples:
            lives.setdefault((each.role, each.pid), []).append(each.mb)
        return [_growth(role, values) for (role, _), values in lives.items() if len(values) >= 9]


def _growth(role: str, values: list[float]) -> Growth:
    third = len(values) // 3
    first, middle, last = values[:third], values[third : 2 * third], values[2 * third :]
    median = statistics.median
    return Growth(role, len(values), median(first), median(middle), median(last), max(values))


def own_mb(pid: int) -> float | None:
    """The memory that a process has in RAM and that is no file's; None when it has ended. Units: 10^6 bytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("RssAnon:")), None)
