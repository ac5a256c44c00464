"""Own the lanes: one runner per carrier, started, restarted and stopped as carriers come, change and go."""

import asyncio
import socket
import uuid
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import structlog

from chappe.carriers.connection import Address, LinkState
from chappe.carriers.http.access import callbacks_at
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.kinds import decode_options, may_stay
from chappe.carriers.options import CarrierOptions
from chappe.domain.errors import Unavailable
from chappe.domain.lane_health import USUAL
from chappe.domain.unknown import Unknowns
from chappe.pipeline.dispatch import LaneRunner
from chappe.pipeline.lane_health import HealthWatch, Seen
from chappe.pipeline.record import Lane
from chappe.pipeline.routing import Routing
from chappe.pipeline.rules import Rules
from chappe.store import carriers, leases, unknowns
from chappe.store.carriers import BindRow, CarrierRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.gateway")

# How soon a commit of another process is noticed: most of the delay of a single message on an idle system.
POLL_S = 0.006
# How often carriers are looked at, leases renewed and bind states reported.
HEARTBEAT_S = 1.0
LEASE_S = 10
STOP_S = 25.0


@dataclass(slots=True)
class _Served:
    row: CarrierRow
    options: CarrierOptions
    epoch: int
    runner: LaneRunner
    task: asyncio.Task[None]


class _LeftOut(NamedTuple):
    """A carrier that has no lane, and why. Shape: `version` is that of the carriers when it was last tried."""

    name: str
    version: int
    why: str
    since_at: int


class Gateway:
    """Every lane this process owns.

    Shape: the caller has made sure that no other gateway of this database is alive (it holds a lock on the data
           folder), so a lane is taken over at once and the epoch fences what a dead owner left.
    """

    def __init__(self, store: Store, ids: Ids, rules: Rules, *, receipt_wait_s: int, public_url: str = "") -> None:
        self._store = store
        self._ids = ids
        self._rules = rules
        self._receipt_wait_s = receipt_wait_s
        self._public_url = public_url
        self._owner = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self._served: dict[int, _Served] = {}
        self._routing = Routing(store)
        self._health = HealthWatch(store)
        self._ending: dict[int, asyncio.Task[None]] = {}
        self._left_out: dict[int, _LeftOut] = {}
        self._stopping = asyncio.Event()
        self._oddities: dict[int, list[dict[str, int]]] = {}  # of lanes that ended, by bind

    async def run(self) -> None:
        """Serve until `stop`, then let every lane finish what is in flight."""
        await self._store.write(unknowns.forget_strays)
        poller = asyncio.create_task(self._poll())
        try:
            while not self._stopping.is_set():
                try:
                    await self._heartbeat()
                except Unavailable as error:
                    _log.error("database unavailable", reason=str(error))
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await self._stopping.wait()
                except TimeoutError:
                    pass
        finally:
            poller.cancel()
            await asyncio.gather(*self._ending.values(), *(self._end(served) for served in self._served.values()))

    def stop(self) -> None:
        self._stopping.set()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                if self._store.has_changed():
                    self._wake_all()
                continue
            except Unavailable as error:
                _log.error("database unavailable", reason=str(error))
            except Exception:
                _log.exception("bug")
            await asyncio.sleep(HEARTBEAT_S)

    def _wake_all(self) -> None:
        for served in self._served.values():
            served.runner.wake()

    async def _heartbeat(self) -> None:
        self._wake_all()  # a change that was overlooked waits no longer than this
        version = self._store.glance(carriers.version)
        wanted = {row.id: row for row in self._store.glance(carriers.all_carriers)}
        for carrier, served in list(self._served.items()):
            if served.task.done():
                self._failed(carrier, served)
            elif wanted.get(carrier) != served.row:
                self._change(served, wanted.get(carrier))
        self._ending = {carrier: task for carrier, task in self._ending.items() if not task.done()}
        self._left_out = {carrier: left for carrier, left in self._left_out.items() if carrier in wanted}
        for carrier, row in wanted.items():
            if carrier in self._served or carrier in self._ending:
                continue
            if carrier not in self._left_out or self._left_out[carrier].version != version:
                await self._begin(row, version)
        await self._store.write(self._report)
        seen = {carrier: Seen(left.name, False, False, USUAL) for carrier, left in self._left_out.items()}
        seen |= {carrier: _seen(served, self._public_url) for carrier, served in self._served.items()}
        await self._health.look(seen)

    def _change(self, served: _Served, row: CarrierRow | None) -> None:
        """Let a lane take other settings, or end it: it begins anew with them, if they are still there."""
        try:
            if row is not None and self._takes_live(served, row):
                _log.info("lane changed", lane=row.id, carrier=row.name)
                return
        except Exception as error:  # it begins anew with them, or is left out
            _log.warning("settings not taken", carrier=served.row.name, reason=str(error))
        del self._served[served.row.id]
        # The other lanes go on meanwhile.
        self._ending[served.row.id] = asyncio.create_task(self._end(served))

    def _takes_live(self, served: _Served, row: CarrierRow) -> bool:
        """Let a lane take settings that need no new connection; whether these are such. Raises: as `_runner`."""
        options = _live_options(served, row)
        if options is None:
            return False
        served.runner.reconfigure(self._address(row, options), options, row.rate, is_paused=row.paused_at is not None)
        served.row, served.options = row, options
        return True

    def _failed(self, carrier: int, served: _Served) -> None:
        """A lane that ended by a fault of ours begins anew; what it was sending becomes unknown."""
        error = served.task.exception()
        _log.error("lane failed", lane=carrier, exc_info=error)
        del self._served[carrier]
        self._keep_oddities(served)

    def _keep_oddities(self, served: _Served) -> None:
        self._oddities[served.row.id] = [state.oddities for state in served.runner.carrier.states]

    def _count_on(self, carrier: int, states: list[LinkState]) -> None:
        """What a carrier bent counts on when its lane begins anew; with fewer binds, at the last of them."""
        for bind, counts in enumerate(self._oddities.pop(carrier, ())):
            known = states[min(bind, len(states) - 1)].oddities
            for name, count in counts.items():
                known[name] = known.get(name, 0) + count

    async def _begin(self, row: CarrierRow, version: int) -> None:
        """Take a lane over. A carrier whose settings cannot be read is left out, so that the others go on."""
        epoch = await self._store.write(
            lambda tx: leases.take(tx, f"lane:{row.id}", self._owner, now_ms(), LEASE_S * 1000)
        )
        try:
            options = decode_options(row.kind, row.options)
            runner = self._runner(row, options, epoch)
        except Exception as error:
            self._leave_out(row, version, f"its settings cannot be read: {error}")
            return
        self._left_out.pop(row.id, None)
        self._count_on(row.id, runner.carrier.states)
        self._served[row.id] = _Served(row, options, epoch, runner, asyncio.create_task(runner.run()))
        _log.info("lane taken", lane=row.id, carrier=row.name, epoch=epoch)

    def _leave_out(self, row: CarrierRow, version: int, why: str) -> None:
        known = self._left_out.get(row.id)
        if known is None or known.why != why:
            _log.error("carrier left out", lane=row.id, carrier=row.name, reason=why)
        self._left_out[row.id] = _LeftOut(row.name, version, why, known.since_at if known else now_ms())

    def _runner(self, row: CarrierRow, options: CarrierOptions, epoch: int) -> LaneRunner:
        """Raises: BadData, or whatever else is wrong with the settings."""
        known = Unknowns(options.unknown, self._receipt_wait_s, options.is_idempotent)
        lane = Lane(row.id, epoch, known, options.message_ids)
        return LaneRunner(
            self._store, self._ids, self._rules, lane, self._address(row, options), options, row.rate,
            routing=self._routing, is_paused=row.paused_at is not None,
        )  # fmt: skip

    def _address(self, row: CarrierRow, options: CarrierOptions) -> Address:
        secret = options.callback_secret if isinstance(options, HttpOptions) else ""
        callbacks = callbacks_at(self._public_url, row.name, secret)
        return Address(
            row.name, row.host, row.port, row.system_id, row.password, bool(row.tls), row.binds, row.window, callbacks
        )

    async def _end(self, served: _Served) -> None:
        served.runner.stop()
        done, _ = await asyncio.wait([served.task], timeout=STOP_S)
        if not done:
            served.task.cancel()
        await asyncio.gather(served.task, return_exceptions=True)
        self._keep_oddities(served)
        try:
            await self._store.write(self._report)
        except Unavailable as error:
            _log.error("database unavailable", reason=str(error))

    def _report(self, tx: Tx) -> None:
        """Renew the leases and tell the operator how the binds are."""
        now, clock = now_ms(), asyncio.get_running_loop().time()
        for carrier, served in self._served.items():
            leases.renew(tx, f"lane:{carrier}", self._owner, served.epoch, now + LEASE_S * 1000)
            link = served.runner.carrier
            rows = [
                BindRow(
                    carrier, i, state.state, state.detail, link.in_flight(i), state.submitted,
                    now - int((clock - state.since) * 1000) if state.since else now, now,
                    msgspec.json.encode(state.oddities).decode() if state.oddities else None, state.mode, state.version,
                    None if state.answer_s is None else round(state.answer_s * 1000),
                )
                for i, state in enumerate(link.states)
            ]  # fmt: skip
            carriers.report_binds(tx, carrier, rows)
            carriers.report_pace(tx, served.runner.report(carrier, now))
        for carrier, left in self._left_out.items():
            carriers.report_binds(tx, carrier, [BindRow(carrier, 0, "not running", left.why, 0, 0, left.since_at, now)])


def _seen(served: _Served, public_url: str) -> Seen:
    runner = served.runner
    carrier, options = runner.carrier, served.options
    thresholds = options.thresholds
    if isinstance(options, HttpOptions) and not public_url:  # the vendor does not know where to report to
        thresholds = thresholds._replace(is_told=False)
    return Seen(served.row.name, carrier.is_served, runner.is_held_back, thresholds, carrier.is_unproven)


def _live_options(served: _Served, after: CarrierRow) -> CarrierOptions | None:
    """The options after a change that needs no new connection; None when it does."""
    live = {name: getattr(after, name) for name in ("window", "rate", "options", "profile", "paused_at")}
    if served.row._replace(**live) != after:
        return None
    options = decode_options(after.kind, after.options)
    return options if may_stay(after.kind, served.options, options) else None
