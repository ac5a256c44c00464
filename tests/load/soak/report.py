"""What a soak found, for people and for programs."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.load.soak.memory import NOISE_MB, SHARE, Growth
from tests.load.soak.proofs import Verdict

# A bug of ours leaves one of these in the log.
_BUGS = ("Traceback", '"exception"', '"bug')


class Report(msgspec.Struct):
    """Units: minutes of load; messages a second, as they were accepted. Shape: `faults` by carrier and line."""

    minutes: float
    wanted_rate: float
    rate: float
    seed: int
    killed: dict[str, int]
    drained_s: float
    asked: dict[str, int]
    states: dict[str, int]
    noted: dict[str, int]
    faults: dict[str, dict[str, int]]
    memory: list[Growth]
    log: dict[str, int]
    verdicts: list[Verdict]

    @property
    def holds(self) -> bool:
        return all(verdict.holds for verdict in self.verdicts)


def read_log(path: Path) -> tuple[dict[str, int], Verdict]:
    """How often which warning or error was logged, and whether any was a fault of ours."""
    counts: dict[str, int] = {}
    bugs = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            said = msgspec.json.decode(line, type=dict[str, object])
            name = f"{said.get('level')}: {said.get('event')}"
        except msgspec.MsgspecError:
            name = f"not JSON: {line[:60]}"
        counts[name[:100]] = counts.get(name[:100], 0) + 1
        if any(word in line for word in _BUGS):
            bugs.append(line[:2000])
    return dict(sorted(counts.items(), key=lambda each: -each[1])), Verdict("the log shows no bug", len(bugs), bugs[:5])


def show(report: Report) -> None:
    console = Console(highlight=False)
    console.print(
        f"\n[bold]{report.minutes:g} minutes, seed {report.seed}[/]: {report.rate:,.0f} messages/s accepted"
        f" ({report.wanted_rate:g} wanted); drained in {report.drained_s:.0f} s"
    )
    if report.killed:
        console.print("killed: " + ", ".join(f"{role} {times}" for role, times in report.killed.items()))
    console.print(_counts("asked for", report.asked), _counts("became", {**report.states, **report.noted}))
    for carrier, faults in report.faults.items():
        console.print(_counts(f"faults of {carrier}", faults))
    console.print(_memory(report.memory))
    if report.log:
        console.print(_counts("logged", report.log))
    proofs = Table("proof", "", title="proofs", title_justify="left")
    for verdict in report.verdicts:
        proofs.add_row(verdict.name, "[green]holds[/]" if verdict.holds else f"[red]broken by {verdict.broken}[/]")
    console.print(proofs)
    for verdict in report.verdicts:
        for example in verdict.examples if not verdict.holds else ():
            console.print(f"[red]{verdict.name}[/]: ", end="")
            console.print(example, markup=False)


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table(title, "", show_edge=False)
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def _memory(memory: list[Growth]) -> Table:
    table = Table("memory (MB)", "samples", "first third", "second", "last", "most", "", show_edge=False)
    for each in memory:
        flat = "flat" if each.is_flat else f"grew by more than {SHARE:.0%} and {NOISE_MB:g} MB"
        values = [f"{value:.1f}" for value in (each.first, each.middle, each.last, each.most)]
        table.add_row(each.role, str(each.samples), *values, flat)
    return table
