"""Where the time of a run goes: py-spy on every process, read back as a table of functions."""

import contextlib
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

RATE_PER_S = 250
MAX_S = 240
_TOP = 18
STOP_S = 20


class Spy:
    """Records the processes of a scenario and keeps the tables."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    @contextlib.contextmanager
    def __call__(self, scenario: str, processes: dict[str, int]) -> Iterator[None]:
        with tempfile.TemporaryDirectory(prefix="chappe-spy-") as folder, contextlib.ExitStack() as stack:
            spies = {role: _start(pid, Path(folder) / role) for role, pid in processes.items()}
            stack.callback(_stop, list(spies.values()))
            yield
            stack.close()
            for role in spies:
                file = Path(folder) / role
                if file.exists():
                    self.tables.append(table(f"{scenario}: {role}", file.read_text()))


def _start(pid: int, file: Path) -> subprocess.Popen[bytes]:
    command = [
        str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--rate", str(RATE_PER_S),
        "--duration", str(MAX_S), "--format", "raw", "--output", str(file), "--nonblocking",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def _stop(spies: list[subprocess.Popen[bytes]]) -> None:
    for spy in spies:
        spy.send_signal(2)  # it writes its file on SIGINT
    for spy in spies:
        try:
            spy.wait(STOP_S)
        except subprocess.TimeoutExpired:
            spy.kill()
            spy.wait()


def table(title: str, raw: str) -> str:
    """The functions that take most of the time, by themselves and with all they call.

    Shape: `raw` has a line per stack, frames from the outermost separated by semicolons, then how often it was seen.
    """
    alone: Counter[str] = Counter()
    with_calls: Counter[str] = Counter()
    total = 0
    for line in raw.splitlines():
        stack, _, seen = line.rpartition(" ")
        if not seen.isdigit():
            continue
        frames = [_function(frame) for frame in stack.split(";")]
        total += int(seen)
        alone[frames[-1]] += int(seen)
        for frame in set(frames):
            with_calls[frame] += int(seen)
    lines = [f"{title} ({total} samples at {RATE_PER_S}/s)", f"{'self':>6}  {'':60} {'with calls':>10}"]
    total = total or 1
    rows = zip(alone.most_common(_TOP), with_calls.most_common(_TOP), strict=False)
    for (own, own_seen), (whole, whole_seen) in rows:
        lines.append(f"{own_seen / total:6.1%}  {own:60.60} {whole_seen / total:10.1%}  {whole}")
    return "\n".join(lines)


def _function(frame: str) -> str:
    """`name (path/file.py:12)` without the line and without the long part of the path."""
    name, _, place = frame.partition(" (")
    path = place.rstrip(")").partition(":")[0]
    return f"{name} {'/'.join(Path(path).parts[-2:])}"
