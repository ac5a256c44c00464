"""What is measured: each scenario starts an installation of its own, loads it and tells what came out."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from tests.load import lists, planning
from tests.load.control import ask
from tests.load.meter import Meter, Usage, forget_peak, peak_mb, pss_mb, roles
from tests.load.rig import TEXT, Rig, Stuck, Wanted, rig, until

# Numbers of a French mobile range; each message of a run has its own.
FIRST, FIRST_OF_CAMPAIGN, FIRST_ALERT, FIRST_WARM = 33612000000, 33620000000, 33770000000, 33600000000
WARM = 100
DRAIN_S = 240.0
POST = 10_000
ALERTS_PER_S = 40.0
ROUND_TRIP_S, WINDOW = 0.05, 100


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many messages a scenario takes."""

    singles: int = 20_000
    campaign: int = 100_000
    million: int = 1_000_000
    cycle: int = 20_000
    alerts: int = 200
    window: int = 6_000
    kannel: int = 50_000


QUICK = Sizes(singles=1_000, campaign=5_000, million=20_000, cycle=1_000, alerts=20, window=600, kannel=2_000)


class Observer(Protocol):
    """Watches the processes of a run from inside: the profiler, or nobody."""

    def __call__(self, scenario: str, processes: dict[str, int]) -> contextlib.AbstractContextManager[None]: ...


@dataclass(slots=True)
class Measured:
    """What one run showed. Shape: figure -> value, the unit in the figure's name; `foreign_share` of one core."""

    figures: dict[str, float] = field(default_factory=dict)
    foreign_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is measured."""

    name: str
    says: str
    run: Callable[[Sizes, Observer], Measured]


@contextlib.contextmanager
def metered(groups: dict[str, int], measured: Measured, count: int) -> Iterator[None]:
    """Add what a message cost, in all and in each group of processes: a name and the pid of its root."""
    meter = Meter(groups).start()
    yield
    usage: Usage = meter.stop()
    measured.foreign_share = usage.foreign_share
    measured.figures["CPU µs/message"] = sum(usage.of.values()) / count * 1e6
    for name in sorted(groups):
        measured.figures[f"CPU µs/message {name}"] = usage.of[name] / count * 1e6


def _warm_up(running: Rig) -> None:
    """Let a few messages go all the way, and count from there."""
    running.blast(WARM, 8, first=FIRST_WARM)
    wanted = running.wanted
    if wanted.is_bound:
        until("the first messages left", DRAIN_S, lambda: running.smsc().submits >= WARM)
    if wanted.has_receipts:
        until("their receipts came", DRAIN_S, lambda: running.smsc().receipts_taken >= WARM)
    if wanted.has_webhook:
        until("their webhooks came", DRAIN_S, lambda: running.hooks().distinct >= WARM)
    running.reset()


def _accept(connections: int) -> Callable[[Sizes, Observer], Measured]:
    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured, count = Measured(), sizes.singles
        with rig(Wanted()) as running:
            _warm_up(running)
            with metered(roles(running.supervisor), measured, count):
                result = running.blast(count, connections, first=FIRST)
            measured.figures = {
                "accepted /s": result.per_second,
                "answer ms, median": result.median_s * 1e3,
                "answer ms, p99": result.p99_s * 1e3,
                **measured.figures,
            }
            until("all were submitted", DRAIN_S, lambda: running.smsc().submits == count)
        return measured

    return run


def _accept_bound(binds: int) -> Callable[[Sizes, Observer], Measured]:
    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured, count = Measured(), sizes.singles
        with rig(Wanted()) as running:
            _warm_up(running)
            processes = roles(running.supervisor)
            with metered(processes, measured, count), observer(f"bind-{binds}", processes):
                result = running.bind_blast(count, binds, first=FIRST, receipts=False)
            measured.figures = {
                "accepted /s": result.per_second,
                "answer ms, median": result.median_s * 1e3,
                "answer ms, p99": result.p99_s * 1e3,
                **measured.figures,
            }
            until("all were submitted", DRAIN_S, lambda: running.smsc().submits == count)
        return measured

    return run


def _cycle_bound(sizes: Sizes, observer: Observer) -> Measured:
    measured, count = Measured(), sizes.cycle
    with rig(Wanted(has_receipts=True)) as running:
        _warm_up(running)
        processes = roles(running.supervisor)
        with metered(processes, measured, count), observer("bind-cycle", processes):
            result = running.bind_blast(count, 2, first=FIRST, receipts=True)
        if result.receipts != count or result.doubled:
            raise Stuck(f"{count} messages: {result.receipts} receipts, {result.doubled} of them twice")
        measured.figures = {
            "accepted /s": result.per_second,
            "receipts delivered /s": count / (result.last_receipt_at - result.first_at),
            **measured.figures,
        }
    return measured


def _campaign(sizes: Sizes, observer: Observer) -> Measured:
    measured, count = Measured(), sizes.campaign
    with rig(Wanted()) as running:
        with metered(roles(running.supervisor), measured, count):
            took = running.campaign(FIRST_OF_CAMPAIGN, count)
        measured.figures = {f"s to accept {count:,} in one POST": took, **measured.figures}
    return measured


def _million(sizes: Sizes, observer: Observer) -> Measured:
    """Recipients accepted per second, and the memory while they all wait."""
    measured, count = Measured(), sizes.million
    with rig(Wanted(is_bound=False)) as running:
        empty = pss_mb(roles(running.supervisor).values())
        with metered(roles(running.supervisor), measured, count):
            began = time.monotonic()
            for first in range(FIRST_OF_CAMPAIGN, FIRST_OF_CAMPAIGN + count, POST):
                running.campaign(first, POST)
            took = time.monotonic() - began
        time.sleep(2.0)  # what is seen is the installation at rest, not in the middle of its last commit
        processes = roles(running.supervisor)
        by_role = {f"PSS MB {role}": pss_mb([pid]) for role, pid in sorted(processes.items())}
        measured.figures = {
            "recipients/s": count / took,
            f"PSS MB with {count:,} queued": pss_mb([running.supervisor, *processes.values()]),
            "PSS MB before": empty,
            **by_role,
            **measured.figures,
        }
    return measured


def _list(text: str) -> Callable[[Sizes, Observer], Measured]:
    """A list accepted, queued and cancelled, and what single sends that come meanwhile wait for their answers."""

    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured, count = Measured(), sizes.million
        with rig(Wanted(is_bound=False)) as running:
            list_id = running.list_of(FIRST_OF_CAMPAIGN, count)
            running.blast(WARM, 8, first=FIRST_WARM)
            api = roles(running.supervisor)["api"]
            before = pss_mb([api])
            forget_peak(api)
            with ThreadPoolExecutor(1) as threads, metered(roles(running.supervisor), measured, count):
                sending = threads.submit(running.send_list, list_id, text, count)
                result = running.blast(sizes.alerts, 4, first=FIRST_ALERT, rate=ALERTS_PER_S)
                ticket, took = sending.result()
                until("all are in the queue", DRAIN_S, lambda: running.unqueued() == 0)
            peak = peak_mb(api)
            cancelled_in = running.cancel(ticket)
        measured.figures = {
            f"s to accept a list of {count:,}": took,
            "api peak RSS MB": peak,
            "api PSS MB before": before,
            "answer ms of single sends meanwhile, median": result.median_s * 1e3,
            "answer ms of single sends meanwhile, p99": result.p99_s * 1e3,
            "s to cancel it": cancelled_in,
            **measured.figures,
        }
        return measured

    return run


def _cycle(name: str, *, is_campaign: bool, has_webhook: bool) -> Callable[[Sizes, Observer], Measured]:
    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured = Measured()
        count = sizes.campaign if is_campaign else sizes.cycle
        with rig(Wanted(has_webhook=has_webhook, has_receipts=True)) as running:
            _warm_up(running)
            processes = roles(running.supervisor)
            with metered(processes, measured, count), observer(name, processes):
                began = time.monotonic()
                if is_campaign:
                    running.campaign(FIRST_OF_CAMPAIGN, count)
                    accepted = time.monotonic() - began
                else:
                    result = running.blast(count, 32, first=FIRST)
                    began, accepted = result.first_at, result.last_at - result.first_at
                until("all receipts are recorded", DRAIN_S, lambda: running.smsc().receipts_taken >= count)
                if has_webhook:
                    until("all webhooks are received", DRAIN_S, lambda: running.hooks().distinct >= count)
            measured.figures = {**_rates(running, count, began, accepted, has_webhook), **measured.figures}
        return measured

    return run


def _rates(running: Rig, count: int, began: float, accepted_s: float, has_webhook: bool) -> dict[str, float]:
    """Messages per second to each station. Raises: Stuck when the carrier saw a message twice, or not at all."""
    smsc, hooks = running.smsc(), running.hooks()
    if not smsc.submits == smsc.distinct == count:
        raise Stuck(f"{count} messages: {smsc.submits} submits to {smsc.distinct} destinations")
    figures = {
        "accepted /s": count / accepted_s,
        "submitted /s": count / (smsc.last_submit_at - began),
        "receipts recorded /s": count / (smsc.last_receipt_at - began),
    }
    if has_webhook:
        figures["webhooks received /s"] = count / (hooks.last_at - began)
    return figures


def _alerts(*, beside_campaign: bool) -> Callable[[Sizes, Observer], Measured]:
    def run(sizes: Sizes, observer: Observer) -> Measured:
        measured, count = Measured(), sizes.alerts
        with rig(Wanted()) as running:
            ask(running.smsc_control, f"/set?watch={FIRST_ALERT // 10**6}", dict)
            _warm_up(running)
            if beside_campaign:
                running.campaign(FIRST_OF_CAMPAIGN, sizes.campaign)
            with metered(roles(running.supervisor), measured, count):
                result = running.blast(count, 4, first=FIRST_ALERT, rate=ALERTS_PER_S)
                left = sizes.campaign + count - running.smsc().submits if beside_campaign else 0
            until("the alerts arrive", DRAIN_S, lambda: len(_arrivals(running)) == count)
            arrivals = _arrivals(running)
        from_accept = [arrivals[number] - at for number, at in result.answered_at.items()]
        from_request = [arrivals[number] - at for number, at in result.sent_at.items()]
        measured.figures = {
            "ms accept to submit_sm, median": statistics.median(from_accept) * 1e3,
            "ms accept to submit_sm, p99": _p99(from_accept) * 1e3,
            "ms request to submit_sm, median": statistics.median(from_request) * 1e3,
            "ms request to submit_sm, p99": _p99(from_request) * 1e3,
        }
        if beside_campaign:
            measured.figures["campaign messages left at the end"] = left
        return measured

    return run


def _arrivals(running: Rig) -> dict[str, float]:
    return ask(running.smsc_control, "/arrivals", dict[str, float])


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)]


def _window(sizes: Sizes, observer: Observer) -> Measured:
    """One bind that answers after 50 ms: how much of its window is kept filled."""
    measured, count = Measured(), sizes.window
    with (
        rig(Wanted(binds=1, window=WINDOW, latency_s=ROUND_TRIP_S)) as running,
        metered(roles(running.supervisor), measured, count),
    ):
        running.campaign(FIRST_OF_CAMPAIGN, count)
        until("all were submitted", DRAIN_S, lambda: running.smsc().submits == count)
        smsc = running.smsc()
    rate = (count - WINDOW) / (smsc.last_submit_at - smsc.first_submit_at)
    measured.figures = {
        "submitted /s": rate,
        "% of window / round trip": rate / (WINDOW / ROUND_TRIP_S) * 100,
        **measured.figures,
    }
    return measured


def _lists(sizes: Sizes, observer: Observer) -> Measured:
    return Measured(*lists.measure(sizes.million))


def _planning(sizes: Sizes, observer: Observer) -> Measured:
    return Measured(*planning.measure(sizes.campaign))


def _cycles() -> list[Scenario]:
    found = []
    for kind, is_campaign in (("single", False), ("campaign", True)):
        for suffix, has_webhook in (("", True), ("-no-webhook", False)):
            name = f"cycle-{kind}{suffix}"
            what = "one campaign" if is_campaign else "single sends, 32 connections"
            says = f"end to end: {what}, receipts after 0.5 s{', webhooks' if has_webhook else ''}"
            found.append(Scenario(name, says, _cycle(name, is_campaign=is_campaign, has_webhook=has_webhook)))
    return found


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("accept-32", "single sends over HTTP, 32 connections, carrier bound", _accept(32)),
    Scenario("accept-64", "single sends over HTTP, 64 connections, carrier bound", _accept(64)),
    Scenario("bind-1", "single sends over SMPP, one bind with a window of 500, carrier bound", _accept_bound(1)),
    Scenario("bind-4", "the same with four binds", _accept_bound(4)),
    Scenario("bind-cycle", "end to end over SMPP: two binds, receipts after 0.5 s delivered to them", _cycle_bound),
    Scenario("campaign", "one campaign in one POST, carrier bound", _campaign),
    Scenario("million", "campaigns in posts of 10,000 recipients, no carrier reachable", _million),
    Scenario("list", "one campaign for a list, no carrier reachable, single sends meanwhile", _list(TEXT)),
    Scenario("list-personal", "the same with a name in each text", _list(f"Dear [info1], {TEXT}")),
    *_cycles(),
    Scenario("alert", f"{ALERTS_PER_S:.0f} single sends a second, nothing else to do", _alerts(beside_campaign=False)),
    Scenario(
        "alert-busy",
        f"{ALERTS_PER_S:.0f} single sends a second while a campaign is sent",
        _alerts(beside_campaign=True),
    ),
    Scenario("window", "one bind, window 100, answers after 50 ms", _window),
    Scenario("planning", "the decision alone, in process: five countries, a text for each, at night", _planning),
    Scenario("lists", "a list: imported from a file, searched, posted, deduplicated, deleted", _lists),
)
