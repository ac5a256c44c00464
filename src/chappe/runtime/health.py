"""Is this installation able to do its work, and how is it doing: readiness and metrics."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import Queue
from chappe.manage.bind_users import BindUsers, BindView
from chappe.manage.carrier_status import CarrierStatus
from chappe.manage.carriers import Carriers
from chappe.manage.lane_health import Vitals, vitals
from chappe.store import figures
from chappe.store.clock import now_ms
from chappe.store.figures import Figures
from chappe.store.sqlite import Store

_log = structlog.get_logger("chappe.health")
WRITE_S = 2.0
REFRESH_S = 5.0
HOUR_MS = 3_600_000


class Health:
    """Readiness on request, metrics from a snapshot that is refreshed every few seconds."""

    def __init__(self, store: Store, carriers: Carriers) -> None:
        self._store = store
        self._carriers = carriers
        self._binds = BindUsers(store)
        self.registry = CollectorRegistry()
        self._snapshot = _Snapshot()
        self.registry.register(self._snapshot)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    async def problems(self) -> list[str]:
        """What keeps it from accepting messages or from handing them on; empty when it is ready."""
        try:
            async with asyncio.timeout(WRITE_S):
                await self._store.write(lambda tx: None)
            statuses = await self._carriers.list()
        except (TimeoutError, Unavailable) as error:
            return [f"the database cannot be written: {error or 'no answer'}"]
        if not statuses:
            return ["no carrier is set up: use `chappe carrier add`"]
        # The carrier of demo accounts is always there, and hands nothing on; unless there is nothing but demo.
        statuses = [status for status in statuses if status.kind != "sandbox"] or statuses
        if any(status.is_bound for status in statuses):
            return []
        return [f"carrier {status.name} is not bound: {_why(status)}" for status in statuses]

    async def run(self) -> None:
        """Refresh the metrics until cancelled."""
        while True:
            try:
                self._snapshot.figures = await self._store.read(figures.read)
                self._snapshot.carriers = await self._carriers.list()
                self._snapshot.vitals = await vitals(self._store, now_ms() - HOUR_MS)
                self._snapshot.bind_users = await self._binds.list()
                self._snapshot.commits, self._snapshot.units = self._store.commits, self._store.units
            except Unavailable as error:
                _log.error("database unavailable", reason=str(error))
            except Exception:
                _log.exception("bug")
            await asyncio.sleep(REFRESH_S)


def _why(status: CarrierStatus) -> str:
    if not status.binds:
        return "no gateway serves it"
    return "; ".join(f"{bind.state} {bind.detail}".strip() for bind in status.binds)


class _Snapshot(Collector):
    """The metrics that come from the database."""

    def __init__(self) -> None:
        self.figures: Figures | None = None
        self.carriers: list[CarrierStatus] = []
        self.vitals: list[Vitals] = []
        self.bind_users: list[BindView] = []
        self.commits = 0
        self.units = 0

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        commits = CounterMetricFamily("chappe_commits", "Group commits of this process.")
        commits.add_metric([], self.commits)
        units = CounterMetricFamily("chappe_units", "Units of work in those commits.")
        units.add_metric([], self.units)
        yield from (commits, units)
        yield from self._of_carriers()
        yield from _of_customers(self.bind_users)
        if self.figures is not None:
            yield from _of_queue(self.figures)

    def _of_carriers(self) -> Iterable[Metric]:
        binds = GaugeMetricFamily("chappe_binds", "Connections to carriers by state.", labels=["carrier", "state"])
        flying = GaugeMetricFamily("chappe_in_flight", "Submits that wait for their answer.", labels=["carrier"])
        unknown = GaugeMetricFamily(
            "chappe_unknown_messages", "Messages that the carrier never answered and that are open.", labels=["carrier"]
        )
        happened = CounterMetricFamily(
            "chappe_unknown_outcomes", "What happened to messages whose end nobody told.", labels=["carrier", "what"]
        )
        odd = CounterMetricFamily(
            "chappe_carrier_oddities", "How often carriers bent which rule.", labels=["carrier", "name"]
        )
        for carrier in self.carriers:
            counts = Counter[str]()
            for bind in carrier.binds:
                counts.update(bind.oddities)
            for name, count in counts.items():
                odd.add_metric([carrier.name, name], count)
            unknown.add_metric([carrier.name], carrier.unknown)
            for what, count in carrier.unknown_counts.items():
                happened.add_metric([carrier.name, what], count)
            states = [bind.state for bind in carrier.binds]
            for state in sorted(set(states)):
                binds.add_metric([carrier.name, state], states.count(state))
            flying.add_metric([carrier.name], sum(bind.in_flight for bind in carrier.binds))
        yield from (binds, flying, unknown, happened, odd)
        yield from _of_lanes(self.vitals)


def _of_lanes(found: list[Vitals]) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "chappe_lane_health", "How carriers are doing: 1 for the state.", labels=["carrier", "state"]
    )
    became = GaugeMetricFamily(
        "chappe_carrier_messages",
        "What became of the messages that carriers got in the last hour.",
        labels=["carrier", "outcome"],
    )
    delay = GaugeMetricFamily(
        "chappe_carrier_delay_seconds",
        "Half of the deliveries of an hour took no longer.",
        labels=["carrier"],
    )
    for each in found:
        state.add_metric([each.carrier, each.health.state], 1)
        for outcome in ("sent", "refused", "unknown", "delivered", "failed"):
            became.add_metric([each.carrier, outcome], getattr(each.figures, outcome))
        if each.figures.delivered:
            delay.add_metric([each.carrier], each.figures.median_delay_s)
    yield from (state, became, delay)


def _of_customers(users: list[BindView]) -> Iterable[Metric]:
    who = ["system_id"]
    binds = GaugeMetricFamily("chappe_customer_binds", "Connections of customers over SMPP.", labels=[*who, "mode"])
    waiting = GaugeMetricFamily("chappe_deliveries_waiting", "Receipts and replies for who binds.", labels=who)
    oldest = GaugeMetricFamily("chappe_oldest_delivery_seconds", "Age of the one that waits longest.", labels=who)
    expired = CounterMetricFamily("chappe_deliveries_expired", "Those that nobody took in time.", labels=who)
    now = now_ms()
    for view in users:
        name = view.user.system_id
        for mode, count in Counter(session.mode for session in view.sessions).items():
            binds.add_metric([name, mode], count)
        waiting.add_metric([name], view.waiting.waiting if view.waiting else 0)
        oldest.add_metric([name], (now - view.waiting.oldest_at) / 1000 if view.waiting else 0.0)
        expired.add_metric([name], view.user.expired)
    yield from (binds, waiting, oldest, expired)


def _of_queue(found: Figures) -> Iterable[Metric]:
    queued = GaugeMetricFamily(
        "chappe_queue_messages", "Messages that no carrier has answered for.", labels=["carrier", "state"]
    )
    for (carrier, state), count in found.queue.items():
        queued.add_metric([carrier, Queue(state).name.lower()], count)
    ready = GaugeMetricFamily(
        "chappe_oldest_ready_seconds",
        "For how long the oldest of the messages that leave next has been ready.",
        labels=["carrier"],
    )
    for carrier, seconds in found.oldest_ready.items():
        ready.add_metric([carrier], seconds)
    arrived = GaugeMetricFamily(
        "chappe_oldest_arrived_receipt_seconds",
        "Age of the receipt over HTTP that waits longest to be recorded.",
        labels=["carrier"],
    )
    for carrier, seconds in found.oldest_arrived.items():
        arrived.add_metric([carrier], seconds)
    yield from (queued, ready, arrived)
    for name, help_, value in (
        (
            "chappe_unqueued_messages",
            "Messages of accepted campaigns that are on their way to the queue.",
            found.unqueued,
        ),
        ("chappe_unmatched_receipts", "Receipts that belong to no known message.", found.unmatched_receipts),
        ("chappe_events_due", "Webhook events that are due and not posted.", found.events_due),
        ("chappe_oldest_event_seconds", "Age of the longest waiting due event.", found.oldest_event_s),
        ("chappe_overdue_campaigns", "Campaigns with open messages long after their validity.", found.overdue),
        ("chappe_held_campaigns", "Campaigns that wait for a person to approve or refuse them.", found.held),
        ("chappe_oldest_held_seconds", "Age of the campaign that waits longest for a person.", found.oldest_held_s),
        ("chappe_mails_due", "Mails that wait to be sent.", found.mails_due),
        ("chappe_oldest_mail_seconds", "Age of the mail that waits longest.", found.oldest_mail_s),
    ):
        yield GaugeMetricFamily(name, help_, value=value)
