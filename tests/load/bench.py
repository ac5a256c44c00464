"""Measure Chappe on this machine: `python -m tests.load.bench`, or `make bench`.

Every figure is min / median / max of several runs, each on an installation of its own. Figures of different machines,
or of a machine that does something else beside, do not compare: the share of one core that others took is shown.
"""

import argparse
import contextlib
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import msgspec

from chappe.runtime import telemetry
from tests.load import kannel
from tests.load.meter import Meter
from tests.load.rig import Stuck
from tests.load.scenarios import QUICK, SCENARIOS, Measured, Observer, Scenario, Sizes
from tests.load.spy import Spy

# A run during which others took more of a core than this is made again, as often as there are runs.
BUSY_SHARE = 0.15
QUIET_S = 1.0


class Figure(msgspec.Struct):
    """One figure of one scenario."""

    scenario: str
    name: str
    minimum: float
    median: float
    maximum: float


class Report(msgspec.Struct):
    """All that was measured. Shape: `foreign_share` is by scenario, the largest of its runs."""

    machine: str
    at: str
    runs: int
    figures: list[Figure] = []
    foreign_share: dict[str, float] = {}
    failed: dict[str, str] = {}


@contextlib.contextmanager
def _nobody(scenario: str, processes: dict[str, int]) -> Iterator[None]:
    yield


def measure(
    scenario: Scenario, sizes: Sizes, runs: int, observer: Observer, *, tries: int, patience_s: float
) -> list[Measured]:
    """Run a scenario until it has been undisturbed often enough, `tries` times at most; the calmest runs."""
    found: list[Measured] = []
    while len(found) < tries and sum(one.foreign_share < BUSY_SHARE for one in found) < runs:
        _await_quiet(patience_s)
        found.append(scenario.run(sizes, observer))
        print(f"  {scenario.name} {len(found)}: {_brief(found[-1])}", file=sys.stderr, flush=True)
    return sorted(found, key=lambda one: one.foreign_share)[:runs]


def _await_quiet(patience_s: float) -> None:
    """Wait until others leave the machine alone, or patience ends."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        meter = Meter({}).start()
        time.sleep(QUIET_S)
        if meter.stop().foreign_share < BUSY_SHARE:
            return


def _brief(one: Measured) -> str:
    some = ", ".join(f"{name} {_number(value)}" for name, value in list(one.figures.items())[:4])
    return f"{some}; others took {one.foreign_share:.0%} of a core"


def add(report: Report, scenario: str, runs: list[Measured]) -> None:
    report.foreign_share[scenario] = max(one.foreign_share for one in runs)
    for name in runs[0].figures:
        values = [one.figures[name] for one in runs]
        report.figures.append(Figure(scenario, name, min(values), statistics.median(values), max(values)))


def print_table(report: Report, says: dict[str, str]) -> None:
    print(f"{report.machine}; {report.at}; min / median / max of {report.runs}")
    last = ""
    for figure in report.figures:
        if figure.scenario != last:
            last = figure.scenario
            print(f"\n{last}: {says[last]} (others took up to {report.foreign_share[last]:.0%} of a core)")
        values = [_number(value) for value in (figure.minimum, figure.median, figure.maximum)]
        print(f"  {figure.name:42} {values[0]:>11} / {values[1]:>11} / {values[2]:>11}")
    for name, reason in report.failed.items():
        print(f"\n{name}: FAILED: {reason}")


def print_ratios(report: Report, reference: Report) -> None:
    """Chappe against Kannel; both from this very run, unless a reference was given."""
    medians = {(figure.scenario, figure.name): figure.median for figure in [*reference.figures, *report.figures]}
    print(f"\nagainst Kannel of {reference.at} (1.0 is equal, more is better for Chappe)")
    for name, ours, theirs in kannel.COMPARED:
        if ours in medians and theirs in medians:
            print(f"  {name:60} {medians[ours] / medians[theirs]:6.2f}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    given = _arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)  # every block that started a process ends it
    telemetry.configure("warning", "json")
    with tempfile.TemporaryDirectory(prefix="chappe-bench-code-") as folder:
        # Compiled once for all the processes of all runs, and not into the source tree.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        return _measure_all(given)


def _measure_all(given: argparse.Namespace) -> int:
    chosen = [*SCENARIOS, *(kannel.SCENARIOS if given.kannel else ())]
    if given.only:
        chosen = [scenario for scenario in chosen if any(scenario.name.startswith(name) for name in given.only)]
    spy = Spy() if given.profile else None
    sizes, tries = (QUICK, given.runs) if given.quick else (Sizes(), 2 * given.runs)
    report = Report(_machine(), time.strftime("%Y-%m-%d %H:%M"), given.runs)
    for scenario in chosen:
        print(f"{scenario.name}: {scenario.says}", file=sys.stderr, flush=True)
        try:
            runs = measure(scenario, sizes, given.runs, spy or _nobody, tries=tries, patience_s=given.patience)
            add(report, scenario.name, runs)
        except Stuck as stuck:
            report.failed[scenario.name] = str(stuck)
    print_table(report, {scenario.name: scenario.says for scenario in chosen})
    if given.reference:
        print_ratios(report, msgspec.json.decode(given.reference.read_bytes(), type=Report))
    elif given.kannel:
        print_ratios(report, report)
    for table in spy.tables if spy else ():
        print(f"\n{table}")
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return 1 if report.failed else 0


def _arguments() -> argparse.Namespace:
    names = ", ".join(scenario.name for scenario in (*SCENARIOS, *kannel.SCENARIOS))
    parser = argparse.ArgumentParser(description="Measure Chappe on this machine.", epilog=f"Scenarios: {names}.")
    parser.add_argument("--only", action="append", metavar="NAME", help="scenarios whose names begin so; repeatable")
    parser.add_argument("--runs", type=int, help="runs of each scenario (3; 1 with --quick or --profile)")
    parser.add_argument("--quick", action="store_true", help="small counts: a smoke test, not a measurement")
    parser.add_argument("--profile", action="store_true", help="py-spy on every process in the end-to-end scenarios")
    parser.add_argument("--kannel", action="store_true", help="run Kannel too (Debian's package) and print ratios")
    parser.add_argument(
        "--reference", type=Path, metavar="FILE", help="print ratios to the Kannel figures of this report of --json"
    )
    parser.add_argument(
        "--patience", type=float, default=0.0, metavar="SECONDS", help="wait so long at most for an idle machine"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    given = parser.parse_args()
    given.runs = given.runs or (1 if given.quick or given.profile else 3)
    return given


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
