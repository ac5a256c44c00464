"""Soak Chappe: `python -m tests.load.soak.run`, or `make soak`.

Customers send at a rate over HTTP and SMPP while carriers misbehave, links break and, with --kill, processes die. Then
the faults stop, everything drains, and what is in the database is held against what customers and carriers saw.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import shutil
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from chappe.carriers.simulator.language import ready_scripts
from chappe.runtime import telemetry
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.load.control import ask
from tests.load.hooks import HookCounts
from tests.load.soak import proofs
from tests.load.soak.binding import Binding
from tests.load.soak.memory import Memory
from tests.load.soak.notebook import Notebook
from tests.load.soak.pace import Pace
from tests.load.soak.posting import Posting
from tests.load.soak.proofs import Verdict
from tests.load.soak.report import Report, read_log, show
from tests.load.soak.site import CARRIERS, Site, site
from tests.load.soak.weather import weather

# What each way gets of the rate.
SHARES = {"single": 0.6, "campaign": 0.25, "smpp": 0.15}
# Where the numbers of each way begin, the digits before them by turns: a French and a Spanish mobile.
FIRST = {"single": 10_000_000, "campaign": 40_000_000, "smpp": 70_000_000}
PREFIXES = ("336", "346")
CUT_EVERY_S = 40.0
DRAIN_S = 900.0
# Memory is judged when caches have had the time to fill.
JUDGED_MINUTES = 10.0
_OPEN = Statement(
    "SELECT (SELECT COUNT(*) FROM dispatch WHERE state <> 2) + (SELECT COUNT(*) FROM event WHERE state = 0)"
    " + (SELECT COUNT(*) FROM bound_delivery) + (SELECT COUNT(*) FROM campaign WHERE queued_to IS NOT NULL)"
)


def numbers(way: str) -> Iterator[int]:
    """Mobile numbers that nobody else sends to."""
    for number in itertools.count(FIRST[way]):
        yield int(f"{PREFIXES[number % len(PREFIXES)]}{number}")


async def soak(given: argparse.Namespace, folder: Path) -> Report:
    dice = random.Random(given.seed)
    seconds = int(given.minutes * 60)
    scripts = {name: weather(dice, seconds) for name in CARRIERS}
    scripts[CARRIERS[0]] += ready_scripts()["bad-day"]
    notebook = Notebook(folder / "notebook.db")
    async with site(folder, scripts, given.seed) as running:
        memory = Memory(running.server)
        binding = Binding(running.smpp_port, notebook, dice)
        bound = asyncio.create_task(binding.run(CUT_EVERY_S))
        killed, took_s = await _load(given, running, notebook, binding, memory, dice)
        faults = {name: _faults(control) for name, control in running.carriers.items()}
        _say("faults stop; waiting until everything is drained")
        drained_s = await _drained(running)
        binding.is_over = True
        await bound
        await running.server.stop()
        hooks = ask(running.hooks_control, "/counts", HookCounts)
        for name, control in running.carriers.items():
            notebook.taken(name, _tally(control))
    notebook.flush()
    return _concluded(given, folder, notebook, memory, hooks, faults, killed, took_s, drained_s)


async def _load(
    given: argparse.Namespace, running: Site, notebook: Notebook, binding: Binding, memory: Memory, dice: random.Random
) -> tuple[Counter[str], float]:
    """Send for as long as was asked; who was killed, and how many seconds it took."""
    posting = Posting(running.server.prepared.settings.port, notebook, dice)
    pace = {way: Pace(given.rate * share) for way, share in SHARES.items()}
    watching = asyncio.create_task(memory.watch())
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(posting.singles(running.tokens["single"], pace["single"], numbers("single")))
        group.create_task(posting.campaigns(running.tokens["campaign"], pace["campaign"], numbers("campaign")))
        group.create_task(binding.submit(pace["smpp"], numbers("smpp")))
        killing = group.create_task(_kill(running, dice, given.minutes * 60 if given.kill else 0))
        for minute in range(int(given.minutes * 2)):
            await asyncio.sleep(30)
            _say(f"{(minute + 1) / 2:g} min: " + ", ".join(f"{' '.join(k)} {v}" for k, v in notebook.counts.items()))
        posting.is_over, binding.is_sending = True, False
        killed = await killing
    watching.cancel()
    return killed, time.monotonic() - began


async def _kill(running: Site, dice: random.Random, for_s: float) -> Counter[str]:
    """Kill -9 a process now and then, the last one a while before the end."""
    killed: Counter[str] = Counter()
    end = time.monotonic() + for_s - 20
    while time.monotonic() < end:
        await asyncio.sleep(dice.uniform(5, 20))
        role = dice.choice(("api", "gateway", "worker", "smpp"))
        killed[role] += running.server.kill(role)
    return killed


async def _drained(running: Site) -> float:
    """End the faults and wait until only what is unknown is open; after how many seconds."""
    for control in running.carriers.values():
        await asyncio.to_thread(_post, control, "/script")
    began = time.monotonic()
    database = Database(running.server.prepared.settings.database)
    calm = 0
    try:
        while calm < 5 and time.monotonic() < began + DRAIN_S:
            waiting = 0
            for control in running.carriers.values():
                waiting += (await asyncio.to_thread(_get, control, "/stats"))["waiting"]
            is_calm = not waiting and not database.read(lambda tx: tx.one(_OPEN)[0])
            calm = calm + 1 if is_calm else 0
            await asyncio.sleep(1)
    finally:
        database.close()
    return time.monotonic() - began


def _concluded(
    given: argparse.Namespace, folder: Path, notebook: Notebook, memory: Memory, hooks: HookCounts,
    faults: dict[str, dict[str, int]], killed: Counter[str], took_s: float, drained_s: float,
) -> Report:  # fmt: skip
    book = notebook.connection
    proofs.prepare(book, folder / "data" / "chappe.db")
    found = proofs.verdicts(book)
    [(events,)] = book.execute("SELECT COUNT(*) FROM chappe.event")
    posted_once = hooks.distinct == events and (hooks.posts == events or bool(killed))
    found.append(
        Verdict("the sink saw each event once", int(not posted_once), [f"{events} events, the sink saw {hooks}"])
    )
    log, is_clean = read_log(folder / "chappe.log")
    found.append(is_clean)
    growth = memory.growth()
    if given.minutes >= JUDGED_MINUTES and not given.kill:
        grown = [f"{each.role}: {each.middle:.1f} -> {each.last:.1f} MB" for each in growth if not each.is_flat]
        found.append(Verdict("memory is flat", len(grown), grown))
    asked = proofs.counts(book, proofs.ASKED)
    accepted = sum(count for name, count in asked.items() if name.endswith("accepted"))
    noted = proofs.counts(book, proofs.TOLD_MORE)
    return Report(
        given.minutes, given.rate, accepted / took_s, given.seed, dict(killed), drained_s, asked,
        proofs.counts(book, proofs.STATES), noted, faults, growth, log, found,
    )  # fmt: skip


def _faults(control: int) -> dict[str, int]:
    stats = _get(control, "/stats")
    return {str(line): int(hits) for line, hits in stats["faults"].items()}


def _get(control: int, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{control}{path}", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _post(control: int, path: str) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{control}{path}", b"", timeout=30).close()


def _tally(control: int) -> Iterator[tuple[str, ...]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{control}/tally", timeout=60) as answer:
        next(answer)
        for line in answer:
            yield tuple(line.decode().split())


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def main() -> int:
    given = _arguments()
    telemetry.configure("warning", "json")
    folder = Path(tempfile.mkdtemp(prefix="chappe-soak-"))
    _say(f"seed {given.seed}, in {folder}")
    try:
        report = asyncio.run(soak(given, folder))
    except BaseException:
        _say(f"everything is kept in {folder}")
        raise
    show(report)
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if report.holds and not given.keep:
        shutil.rmtree(folder)
    else:
        print(f"everything is kept in {folder}")
    return 0 if report.holds else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long customers send (30)")
    parser.add_argument("--rate", type=float, default=500.0, help="messages a second (500)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="draws the faults; any by default"
    )
    parser.add_argument("--kill", action="store_true", help="kill -9 the processes of Chappe now and then as well")
    parser.add_argument("--keep", action="store_true", help="keep databases, log and scripts also when all holds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here as well")
    return parser.parse_args()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
