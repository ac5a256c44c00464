"""What contact lists cost: a file of a million imported, searched, added to and tidied over HTTP."""

import http.client
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

from tests.load.meter import Meter, roles
from tests.load.rig import Rig, Stuck, Wanted, rig

SEARCHES = ("martin97", "33612345", "nantes", "06 12 34 56 78", "nobody")
TIMES = 5
# Among a million random numbers of this many, some 6,000 come twice.
NUMBERS = 86_000_000
FIRST = 612_000_000
POST = 100_000
_NAMES = ("Ana", "Bruno", "Chloé", "David", "Émile", "Farid")


def measure(contacts: int) -> tuple[dict[str, float], float]:
    """Figures of one installation with a list of so many contacts, and what others took of a core while it searched."""
    with rig(Wanted(is_bound=False)) as running:
        imported = _import(running, contacts)
        meter = Meter(roles(running.supervisor)).start()
        searched = _search(running)
        share = meter.stop().foreign_share
        return {**imported, **searched, **_post(running, min(POST, contacts)), **_tidy(running)}, share


def _import(running: Rig, contacts: int) -> dict[str, float]:
    folder = running.log.parent
    _write_file(folder / "people.csv", contacts)
    chappe = str(Path(sys.executable).with_name("chappe"))
    command = [chappe, "list", "import", "people.csv", "--account", "1", "--data", str(folder / "data"), "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAPPE_")}
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    if status:
        raise Stuck("the import failed")
    return {
        f"s to import {contacts:,} rows of CSV": took,
        "s of CPU for it": usage.ru_utime + usage.ru_stime,
        "MB of memory for it, at most": usage.ru_maxrss / 1024,
    }


def _write_file(path: Path, contacts: int) -> None:
    made = random.Random(5)
    forms = ("33{0}", "0{0}", "+33{0}", "+33 {1} {2} {3} {4} {5}")
    with path.open("w") as file:
        file.write("Prénom;Nom;Téléphone portable;Ville;Année\n")
        for i in range(contacts):
            digits = str(FIRST + made.randrange(NUMBERS))
            pairs = (digits[0], digits[1:3], digits[3:5], digits[5:7], digits[7:9])
            number = forms[i % 4].format(digits, *pairs)
            file.write(f"{_NAMES[i % 6]};Martin{i % 977};{number};Nantes;{1950 + i % 60}\n")


def _search(running: Rig) -> dict[str, float]:
    figures = {"ms GET /list/:id, last page": _ms(running, "/list/1?start=999900&length=100")}
    for search in SEARCHES:
        figures[f"ms search {search!r}"] = _ms(running, f"/list/1?search={search.replace(' ', '%20')}")
    figures["ms search 'nantes', page deep in it"] = _ms(running, "/list/1?search=nantes&start=500000&length=1000")
    return figures


def _ms(running: Rig, target: str) -> float:
    """The median of some requests, each from its first octet to the answer's last."""
    times = []
    for _ in range(TIMES):
        began = time.monotonic()
        _ask(running, "GET", target)
        times.append(time.monotonic() - began)
    return statistics.median(times) * 1e3


def _post(running: Rig, contacts: int) -> dict[str, float]:
    """One large request, and how long others wait meanwhile."""
    gsm = [{"value": f"33{FIRST + i}", "info1": "Ana", "info2": f"Martin{i}"} for i in range(contacts)]
    body = msgspec.json.encode({"list": {"name": "posted", "contacts": {"gsm": gsm}}})
    waits, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            began = time.monotonic()
            _ask(running, "GET", "/credits")
            waits.append(time.monotonic() - began)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        _ask(running, "POST", "/list", body)
        took = time.monotonic() - began
        began = time.monotonic()
        one = msgspec.json.encode({"list": {"listId": "1", "contacts": {"gsm": {"value": "33612345678"}}}})
        _ask(running, "POST", "/list", one)
        added = time.monotonic() - began
    finally:
        done.set()
        watcher.join()
    return {
        f"s to POST {contacts:,} contacts": took,
        "ms GET /credits meanwhile, at most": max(waits) * 1e3,
        "ms to add one contact to the large list": added * 1e3,
    }


def _tidy(running: Rig) -> dict[str, float]:
    began = time.monotonic()
    removed = _ask(running, "PUT", "/list/deduplicate/1")["removed"]
    deduplicated = time.monotonic() - began
    began = time.monotonic()
    _ask(running, "DELETE", "/list/1")
    return {
        "s to deduplicate the large list": deduplicated,
        "contacts that came twice": float(str(removed)),
        "ms to delete it": (time.monotonic() - began) * 1e3,
    }


def _ask(running: Rig, method: str, target: str, body: bytes = b"") -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", running.api_port, timeout=120)
    try:
        connection.request(method, target, body, running.headers)
        answer: dict[str, object] = msgspec.json.decode(connection.getresponse().read())
    finally:
        connection.close()
    if answer["status"] != 1:
        raise Stuck(f"{method} {target}: {answer}")
    return answer
