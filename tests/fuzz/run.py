"""`make fuzz`: look for octets that break the SMPP decoder, one target after the other, led by the coverage they reach.

    make fuzz                             three minutes
    make fuzz ARGS="--runs 10000000"      so many executions
    make fuzz ARGS="--target delivery --minutes 10"
    make fuzz ARGS="--minimise"           put what the last runs found into tests/fuzz/corpus, as little as covers it

What is found stays in `.fuzz`. An input that breaks a law is kept there; with the mistake mended it belongs into the
corpus: `cp .fuzz/crashes/delivery-crash-... tests/fuzz/corpus/delivery/`.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from tests.fuzz.minimise import minimise
from tests.fuzz.seeds import seeds, words
from tests.fuzz.targets import CORPUS, FOLDERS, TARGETS

ROOT: Final = Path(__file__).parents[2]
SCRATCH: Final = ROOT / ".fuzz"
CRASHES: Final = SCRATCH / "crashes"
SHARES: Final = {
    "session": 30,
    "cuts": 15,
    "bodies": 20,
    "receipt": 12,
    "delivery": 12,
    "submit": 12,
    "header": 4,
    "tlvs": 3,
}
REST: Final = 1
USUAL_BYTES: Final = 1024  # some twenty PDUs: more of them make a run slower and find nothing more
MOST_BYTES: Final = 4096  # for what may be long in itself
LONG: Final = ("delivery", "submit", "tlvs")
_STEP: Final = re.compile(r"^#\d+\t\w+ +cov: (\d+) ft: (\d+) corp: (\d+)", re.MULTILINE)
_RUNS: Final = re.compile(r"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
_CRASH: Final = re.compile(r"^.*Test unit written to (\S+)", re.MULTILINE)


class Result(NamedTuple):
    """What one process did. Shape: `crash` is the input that broke a law, if one did."""

    target: str
    runs: int
    seconds: float
    edges: int
    features: int
    inputs: int
    crash: str
    output: str


def main() -> int:
    """Run the targets and say what came of it; 1 when a law broke."""
    options = _options()
    _prepare()
    if options.minimise:
        for folder, (kept, octets) in minimise(SCRATCH / "found").items():
            print(f"{folder:10} {kept:5} inputs {octets:8} octets")
        return 0
    wanted = options.target or list(TARGETS)
    total = sum(SHARES.get(target, REST) for target in wanted)
    print(
        f"{'target':10} {'executions':>12} {'seconds':>9} {'per second':>11} {'edges':>6} {'features':>9} {'inputs':>7}"
    )
    results = []
    for target in wanted:
        share = SHARES.get(target, REST) / total
        limit = f"-runs={int(options.runs * share)}" if options.runs else f"-max_total_time={_seconds(options, share)}"
        results.append(_fuzz(target, limit, options.seed))
        _show(results[-1])
    runs, seconds = sum(result.runs for result in results), sum(result.seconds for result in results)
    crashes = [result for result in results if result.crash]
    print(f"{'all':10} {runs:12,} {seconds:9.1f} {runs / max(seconds, 1e-9):11,.0f}   {len(crashes)} crashes")
    return 1 if crashes else 0


def _options() -> argparse.Namespace:
    given = argparse.ArgumentParser(prog="make fuzz", description=__doc__.partition("\n")[0])
    given.add_argument("--target", action="append", choices=list(TARGETS), help="only this one; may be repeated")
    given.add_argument("--minutes", type=float, default=3.0, help="for all targets together (default 3)")
    given.add_argument("--runs", type=int, default=0, help="so many executions instead, for all targets together")
    given.add_argument("--seed", type=int, default=0, help="of the fuzzer's dice (default: another one each time)")
    given.add_argument("--minimise", action="store_true", help="put what was found into the corpus and end")
    return given.parse_args()


def _seconds(options: argparse.Namespace, share: float) -> int:
    minutes: float = options.minutes
    return max(1, round(minutes * 60 * share))


def _prepare() -> None:
    """Write the seeds and the words where the fuzzer finds them."""
    for target, inputs in seeds().items():
        folder = SCRATCH / "seeds" / FOLDERS.get(target, target)
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (folder / str(number)).write_bytes(data)
    CRASHES.mkdir(exist_ok=True)
    lines = ["".join(f"\\x{octet:02x}" for octet in word) for word in words()]
    (SCRATCH / "words").write_text("".join(f'"{line}"\n' for line in lines))


def _fuzz(target: str, limit: str, seed: int) -> Result:
    folder = FOLDERS.get(target, target)
    found = SCRATCH / "found" / folder
    for path in (found, CORPUS / folder):
        path.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "tests.fuzz.one", target, str(found), str(CORPUS / folder)),
        *(str(SCRATCH / "seeds" / folder), limit, f"-seed={seed}", "-timeout=120"),
        f"-max_len={MOST_BYTES if target in LONG else USUAL_BYTES}",
        *("-rss_limit_mb=1024", "-print_final_stats=1", "-reload=0"),
        *(f"-artifact_prefix={CRASHES}/{target}-", f"-dict={SCRATCH / 'words'}"),
    ]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace")
    seconds = time.monotonic() - began
    runs, crash = _RUNS.search(output), _CRASH.search(output)
    edges, features, inputs = map(int, (_STEP.findall(output) or [(0, 0, 0)])[-1])
    name = crash[1] if crash else "" if done.returncode == 0 else f"process ended with {done.returncode}"
    return Result(target, int(runs[1]) if runs else 0, seconds, edges, features, inputs, name, output)


def _show(result: Result) -> None:
    target, runs, seconds, edges, features, inputs, crash, output = result
    rate = runs / max(seconds, 1e-9)
    print(f"{target:10} {runs:12,} {seconds:9.1f} {rate:11,.0f} {edges:6} {features:9} {inputs:7}", flush=True)
    if crash:
        kept = [line for line in output.splitlines() if not line.startswith(("#", "INFO:", "WARNING:"))]
        print("\n".join(kept[:40]))
        print(f"  crash: {crash}\n  again: python -m tests.fuzz.one {target} {crash}")


if __name__ == "__main__":
    sys.exit(main())
