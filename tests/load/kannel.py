"""The same load on Kannel, for ratios from one run: Debian's package `kannel`, one bearerbox and one smsbox."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.load.blast import BlastResult
from tests.load.control import ask
from tests.load.hooks import HookCounts
from tests.load.rig import START_S, TEXT, Stuck, Wanted, blast, carrier_and_sink, free_ports, listens, running, until
from tests.load.scenarios import DRAIN_S, FIRST, FIRST_WARM, WARM, Measured, Observer, Scenario, Sizes, metered
from tests.load.smsc import SmscCounts

# Kannel's binds and windows are those of the scenarios of Chappe.
BINDS, WINDOW = 2, 500
ACCEPTED = "0: Accepted for delivery"
# Source: Kannel's user guide 1.4.5, chapters on bearerbox, smsbox and sendsms.
_CORE = """
group = core
admin-port = {admin}
admin-password = bench
smsbox-port = {box}
log-level = 4
sms-outgoing-queue-limit = 2000000
sms-incoming-queue-limit = 2000000
{storage}
"""
_CARRIER = """
group = smsc
smsc = smpp
smsc-id = load{n}
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = bench{n}
smsc-password = bench
system-type = ""
max-pending-submits = {window}
log-level = 4
"""
_BOX = """
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {http}
global-sender = BENCH
log-level = 4
http-request-retry = 0

group = sendsms-user
username = bench
password = bench
max-messages = 10
user-allow-ip = "127.0.0.1"

group = sms-service
keyword = default
max-messages = 0
text = "none"
"""

COMPARED: tuple[tuple[str, tuple[str, str], tuple[str, str]], ...] = (
    ("accepted /s, single sends (Kannel: in memory)", ("accept-32", "accepted /s"), ("kannel-accept", "accepted /s")),
    ("accepted /s (Kannel: queue on disk)", ("accept-32", "accepted /s"), ("kannel-accept-disk", "accepted /s")),
    (
        "full cycle /s, single sends (Kannel: in memory)",
        ("cycle-single", "webhooks received /s"),
        ("kannel-cycle", "webhooks received /s"),
    ),
    (
        "full cycle /s (Kannel: queue and receipts on disk)",
        ("cycle-single", "webhooks received /s"),
        ("kannel-cycle-disk", "webhooks received /s"),
    ),
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running Kannel between its load generator, its carrier and the callbacks."""

    port: int
    hook: int
    hooks_control: int
    smsc_control: int
    processes: dict[str, int]

    def blast(self, count: int, connections: int, first: int, *, has_receipts: bool) -> BlastResult:
        target = f"/cgi-bin/sendsms?username=bench&password=bench&to={{number}}&text={TEXT.replace(' ', '+')}"
        if has_receipts:
            target += f"&dlr-mask=3&dlr-url=http%3A%2F%2F127.0.0.1%3A{self.hook}%2Fhook%3Fid%3D{{number}}"
        result = blast(self.port, target, count, connections, ACCEPTED, "--first", str(first))
        if result.accepted != count:
            raise Stuck(f"{count - result.accepted} of {count} were not accepted: {result.sample}")
        return result

    def warm_up(self, *, has_receipts: bool) -> None:
        """Let a few messages go all the way, and count from there."""
        self.blast(WARM, 8, FIRST_WARM, has_receipts=has_receipts)
        until("the first messages left", DRAIN_S, lambda: self.smsc().submits >= WARM)
        if has_receipts:
            until("their callbacks came", DRAIN_S, lambda: self.hooks().distinct >= WARM)
        for control in (self.smsc_control, self.hooks_control):
            ask(control, "/reset", dict)

    def smsc(self) -> SmscCounts:
        return ask(self.smsc_control, "/counts", SmscCounts)

    def hooks(self) -> HookCounts:
        return ask(self.hooks_control, "/counts", HookCounts)


@contextlib.contextmanager
def gateway(wanted: Wanted, *, is_on_disk: bool) -> Iterator[Gateway]:
    """Kannel with its queue, and its table of receipts, in memory or on the disk."""
    if not (shutil.which("bearerbox") and shutil.which("smsbox")):
        raise Stuck("Kannel is not installed: apt-get install kannel")
    folder = Path(tempfile.mkdtemp(prefix="kannel-bench-"))
    admin, box, http = free_ports(3)
    try:
        with carrier_and_sink(wanted) as (smpp, smsc_control, hook, hooks_control):
            storage = _storage(folder) if is_on_disk else "dlr-storage = internal"
            configuration = folder / "kannel.conf"
            carriers = "".join(_CARRIER.format(n=n, smpp=smpp, window=WINDOW) for n in range(BINDS))
            core = _CORE.format(admin=admin, box=box, storage=storage)
            configuration.write_text(core + carriers + _BOX.format(box=box, http=http))
            with contextlib.ExitStack() as stack:
                first = stack.enter_context(running(["bearerbox", "-v", "4", str(configuration)]))
                until("bearerbox starts", START_S, lambda: listens(box))
                second = stack.enter_context(running(["smsbox", "-v", "4", str(configuration)]))
                until("smsbox starts", START_S, lambda: listens(http))
                processes = {"bearerbox": first.pid, "smsbox": second.pid}
                found = Gateway(http, hook, hooks_control, smsc_control, processes)
                until("the carrier is bound", START_S, lambda: found.smsc().binds == BINDS)
                yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _storage(folder: Path) -> str:
    (folder / "receipts").mkdir()
    return f"store-type = file\nstore-location = {folder}/store\ndlr-storage = spool\ndlr-spool = {folder}/receipts"


def _accept(*, is_on_disk: bool) -> Callable[[Sizes, Observer], Measured]:
    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured, count = Measured(), sizes.kannel
        with gateway(Wanted(), is_on_disk=is_on_disk) as kannel:
            kannel.warm_up(has_receipts=False)
            with metered(kannel.processes, measured, count):
                result = kannel.blast(count, 32, FIRST, has_receipts=False)
            until("all were submitted", DRAIN_S, lambda: kannel.smsc().submits >= count)
            measured.figures = {"accepted /s": result.per_second, **measured.figures}
        return measured

    return run


def _cycle(*, is_on_disk: bool) -> Callable[[Sizes, Observer], Measured]:
    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured, count = Measured(), sizes.kannel
        with gateway(Wanted(has_receipts=True), is_on_disk=is_on_disk) as kannel:
            kannel.warm_up(has_receipts=True)
            with metered(kannel.processes, measured, count):
                result = kannel.blast(count, 32, FIRST, has_receipts=True)
                until("all callbacks are received", DRAIN_S, lambda: kannel.hooks().distinct >= count)
            smsc, hooks, began = kannel.smsc(), kannel.hooks(), result.first_at
            measured.figures = {
                "accepted /s": result.per_second,
                "submitted /s": count / (smsc.last_submit_at - began),
                "receipts recorded /s": count / (smsc.last_receipt_at - began),
                "webhooks received /s": count / (hooks.last_at - began),
                **measured.figures,
            }
        return measured

    return run


SCENARIOS = (
    Scenario("kannel-accept", "Kannel: single sends, 32 connections, queue in memory", _accept(is_on_disk=False)),
    Scenario("kannel-accept-disk", "Kannel: the same, queue on disk", _accept(is_on_disk=True)),
    Scenario("kannel-cycle", "Kannel: end to end with callbacks, all in memory", _cycle(is_on_disk=False)),
    Scenario("kannel-cycle-disk", "Kannel: the same, queue and receipts on disk", _cycle(is_on_disk=True)),
)
