"""Everything that a measurement needs, started for real and ended for sure."""

import asyncio
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chappe.domain.bind_users import BindOptions
from chappe.manage.carrier_checks import NewCarrier
from chappe.runtime import settings as settings_table
from chappe.runtime.bootstrap import Chappe, opened
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.load.bind_blast import BindBlastResult
from tests.load.blast import BlastResult
from tests.load.control import ask
from tests.load.hooks import HookCounts
from tests.load.smsc import SmscCounts

START_S = 30.0
STOP_S = 50.0
POLL_S = 0.02
CREDITS = 1_000_000_000
LIST = 50117
FILL = 5_000
TEXT = "Your parcel has arrived. Pick it up today before 7 pm, your code is 4071."
ACCEPTED = '"status":1,'


class Stuck(Exception):
    """Something did not happen in time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a measurement wants around it. Units: seconds, submits per second (0 for no limit)."""

    has_webhook: bool = False
    has_receipts: bool = False
    is_bound: bool = True
    binds: int = 2
    window: int = 500
    rate: int = 0
    latency_s: float = 0.0
    receipt_delay_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Rig:
    """A running Chappe between its load generator, its carrier and its customer's webhook."""

    wanted: Wanted
    api_port: int
    smpp_port: int
    smsc_control: int
    hooks_control: int
    token: str
    supervisor: int
    log: Path

    def smsc(self) -> SmscCounts:
        return ask(self.smsc_control, "/counts", SmscCounts)

    def hooks(self) -> HookCounts:
        return ask(self.hooks_control, "/counts", HookCounts)

    def reset(self) -> None:
        """Let the load tools count from nothing."""
        for control in (self.smsc_control, self.hooks_control):
            ask(control, "/reset", dict)

    def blast(self, count: int, connections: int, *, first: int = 33600000000, rate: float = 0.0) -> BlastResult:
        """Single sends over HTTP. Raises: Stuck when one was not accepted."""
        options = ["--rate", str(rate), "--times"] if rate else []
        result = blast(
            self.api_port, f"/send?text={TEXT.replace(' ', '+')}&sender=BENCH&gsmsmsid=n{{number}}&to={{number}}",
            count, connections, ACCEPTED, "--first", str(first), *options,
            "--header", "Accept: application/json", "--header", f"Authorization: Bearer {self.token}",
        )  # fmt: skip
        if result.accepted != count:
            raise Stuck(f"{count - result.accepted} of {count} were not accepted: {result.sample}")
        return result

    def bind_blast(self, count: int, binds: int, *, first: int, receipts: bool) -> BindBlastResult:
        """Single sends over SMPP. Raises: Stuck when one was not accepted."""
        command = [
            sys.executable, "-m", "tests.load.bind_blast", "--port", str(self.smpp_port), "--count", str(count),
            "--binds", str(binds), "--first", str(first), "--text", TEXT, *(["--receipts"] if receipts else []),
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise Stuck(f"the load generator failed: {done.returncode}")
        result = msgspec.json.decode(done.stdout, type=BindBlastResult)
        if result.accepted != count:
            raise Stuck(f"{count - result.accepted} of {count} were not accepted: {result.sample}")
        return result

    def campaign(self, first: int, count: int) -> float:
        """POST one campaign; how many seconds it took until it was accepted."""
        body = campaign_body(first, count)
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=120)
        try:
            connection.request("POST", "/send", body, self.headers)
            answer = connection.getresponse().read()
        finally:
            connection.close()
        took = time.monotonic() - began
        if b'"status":1,' not in answer or f'"sent":{count},'.encode() not in answer:
            raise Stuck(f"the campaign was not accepted: {answer!r}")
        return took

    def list_of(self, first: int, count: int) -> int:
        """A list with so many contacts, each with a name, written into the database beside the running server."""
        contact = Statement("INSERT INTO contact (list_id, id, number, entry) VALUES (:list, :id, :number, :entry)")
        database = Database(self.log.parent / "data" / "chappe.db")
        now = time.time_ns() // 1_000_000
        create = Statement("INSERT INTO contact_list VALUES (:id, 1, 'everybody', :at, :at, :count)")
        database.write(lambda tx: tx.run(create, id=LIST, at=now, count=count))
        for start in range(0, count, FILL):
            rows = [
                (LIST, start + i, first + start + i, f"{first + start + i}\x1fAna{i}")
                for i in range(min(FILL, count - start))
            ]
            database.write(lambda tx, rows=rows: tx.many(contact, rows))  # type: ignore[misc]
        database.close()
        return LIST

    def send_list(self, list_id: int, text: str, count: int) -> tuple[str, float]:
        """POST a campaign to a list; its ticket, and how many seconds it took until it was accepted."""
        body = {"sms": {"message": {"text": text, "sender": "BENCH"}, "lists": [{"value": list_id}]}}
        began = time.monotonic()
        answer = self._ask("POST", "/send/lists", msgspec.json.encode(body))
        took = time.monotonic() - began
        if answer.get("sent") != count or answer.get("cost") != count:
            raise Stuck(f"the list was not accepted: {answer}")
        return str(answer["ticket"]), took

    def cancel(self, ticket: str) -> float:
        """DELETE a campaign; how many seconds it took."""
        began = time.monotonic()
        answer = self._ask("DELETE", f"/send/{ticket}", b"")
        if answer.get("status") != 1:
            raise Stuck(f"the campaign was not cancelled: {answer}")
        return time.monotonic() - began

    def unqueued(self) -> int:
        """Messages of accepted campaigns that are not in the queue yet."""
        database = Database(self.log.parent / "data" / "chappe.db")
        try:
            return sum(
                last - queued_to
                for last, queued_to in database.read(
                    lambda tx: tx.rows(
                        Statement("SELECT last_message_id, queued_to FROM campaign WHERE queued_to IS NOT NULL")
                    )
                )
            )
        finally:
            database.close()

    def _ask(self, method: str, path: str, body: bytes) -> dict[str, object]:
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=300)
        try:
            connection.request(method, path, body, self.headers)
            answer: dict[str, object] = msgspec.json.decode(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token}",
        }


def campaign_body(first: int, count: int) -> bytes:
    """A campaign in JSON, as the API wants it: every recipient with a reference of its own."""
    recipients = [{"value": str(number), "gsmsmsid": f"n{number}"} for number in range(first, first + count)]
    message = {"text": TEXT, "pushtype": "alert", "sender": "BENCH"}
    return msgspec.json.encode({"sms": {"message": message, "recipients": {"gsm": recipients}}})


def until(what: str, deadline_s: float, happened: Callable[[], bool]) -> None:
    """Wait until something has happened. Raises: Stuck."""
    end = time.monotonic() + deadline_s
    while not happened():
        if time.monotonic() > end:
            raise Stuck(f"{what}: not within {deadline_s:.0f} s")
        time.sleep(POLL_S)


def blast(port: int, target: str, count: int, connections: int, expect: str, *options: str) -> BlastResult:
    """Run the load generator as a process of its own."""
    command = [
        sys.executable, "-m", "tests.load.blast", "--port", str(port), "--target", target, "--count", str(count),
        "--connections", str(connections), "--expect", expect, *options,
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Stuck(f"the load generator failed: {done.returncode}")
    return msgspec.json.decode(done.stdout, type=BlastResult)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def running(
    command: list[str], *, log: Path | None = None, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block, by its pid."""
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        # In a session of its own, so that Ctrl-C reaches the benchmark alone, which ends it in order.
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def carrier_and_sink(wanted: Wanted) -> Iterator[tuple[int, int, int, int]]:
    """A carrier and a webhook sink: (SMPP port, its control port, HTTP port, its control port)."""
    smpp, smsc_control, hook, hooks_control = free_ports(4)
    smsc = [sys.executable, "-m", "tests.load.smsc", "--port", str(smpp), "--control-port", str(smsc_control)]
    smsc += ["--latency", str(wanted.latency_s), "--receipt-delay", str(wanted.receipt_delay_s)]
    smsc += ["--receipts"] if wanted.has_receipts else []
    hooks = [sys.executable, "-m", "tests.load.hooks", "--port", str(hook), "--control-port", str(hooks_control)]
    with running(smsc), running(hooks):
        until("the load tools start", START_S, lambda: listens(smsc_control) and listens(hooks_control))
        yield smpp, smsc_control, hook, hooks_control


@contextlib.contextmanager
def rig(wanted: Wanted) -> Iterator[Rig]:
    """Chappe on a new data folder with an account, a token, a carrier and, when wanted, a webhook."""
    folder = Path(tempfile.mkdtemp(prefix="chappe-bench-"))
    try:
        with carrier_and_sink(wanted) as (smpp, smsc_control, hook, hooks_control):
            api, bound = free_ports(2)
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("CHAPPE_")},
                "CHAPPE_DATA": str(folder / "data"),
                "CHAPPE_PORT": str(api),
                "CHAPPE_SMPP_PORT": str(bound),
                "CHAPPE_LOG_FORMAT": "json",
                "CHAPPE_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            }
            url = f"http://127.0.0.1:{hook}/hook" if wanted.has_webhook else None
            token = asyncio.run(_furnish(environment, wanted, smpp if wanted.is_bound else free_ports(1)[0], url))
            serve = [str(Path(sys.executable).with_name("chappe")), "serve"]
            log = folder / "chappe.log"
            with running(serve, log=log, environment=environment) as process:
                found = Rig(wanted, api, bound, smsc_control, hooks_control, token, process.pid, log)
                until("Chappe starts", START_S, lambda: _is_up(process, log, api, wanted.is_bound))
                until("the SMPP server listens", START_S, lambda: listens(bound))
                if wanted.is_bound:
                    until("the carrier is bound", START_S, lambda: found.smsc().binds == wanted.binds)
                yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _furnish(environment: dict[str, str], wanted: Wanted, smpp: int, url: str | None) -> str:
    """Set up an installation; the token."""
    async with opened(settings_table.load(environment)) as chappe:
        return await _set_up(chappe, wanted, smpp, url)


async def _set_up(chappe: Chappe, wanted: Wanted, smpp: int, url: str | None) -> str:
    account = await chappe.use_cases.accounts.create("bench@example.org", "benchmark", "FR", CREDITS, None, False)
    await chappe.binds.create(account, "bench", "bench", BindOptions(deliveries=500), "bench")
    issued = await chappe.use_cases.tokens.create(account, "bench")
    if url:
        await chappe.use_cases.webhooks.create(account, type="DLR", url=url, signature=None)
    carrier = NewCarrier(
        "load", "127.0.0.1", smpp, "bench", "bench", binds=wanted.binds, window=wanted.window, rate=wanted.rate
    )
    await chappe.carriers.add(carrier)
    return issued.token


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _is_up(process: subprocess.Popen[bytes], log: Path, port: int, is_bound: bool) -> bool:
    if process.poll() is not None:
        raise Stuck(f"Chappe ended: {log.read_text()[-500:]}")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", f"/health/{'ready' if is_bound else 'live'}")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
