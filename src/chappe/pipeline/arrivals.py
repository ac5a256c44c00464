"""Record receipts that a carrier posted over HTTP: stored by the process that took them, recorded by its lane.

A receipt is deleted in the unit of work that records it, so that it is neither lost nor recorded by two.
"""

from functools import partial

import structlog

from chappe.domain.errors import Unavailable
from chappe.pipeline.record import Lane, Recorded, Recorder
from chappe.store import arrived_receipts, quarantine
from chappe.store.arrived_receipts import Arrived
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.lane")

BATCH = 1000
EVERY_S = 0.2


class Arrivals:
    """The receipts that wait for one lane."""

    def __init__(self, store: Store, lane: Lane, recorder: Recorder) -> None:
        self._store = store
        self._lane = lane
        self._recorder = recorder
        self._may_have = True
        self._look_at = 0.0

    def wake(self) -> None:
        """Another process has committed something: receipts perhaps."""
        self._may_have = True

    async def record(self, now: float) -> bool:
        """Record the next batch of what waits, looking again after EVERY_S even if nobody woke us.

        Shape:  whether there may be more.
        """
        if not self._may_have and now < self._look_at:
            return False
        self._look_at = now + EVERY_S
        self._may_have = False
        try:
            if self._store.glance(lambda tx: arrived_receipts.has_any(tx, self._lane.carrier_id)):
                self._may_have = await self._record() == BATCH
        except Unavailable as error:
            _log.error("database unavailable", lane=self._lane.carrier_id, reason=str(error))
        return self._may_have

    async def _record(self) -> int:
        try:
            recorded, count = await self._store.write(self._unit)
        except Unavailable:
            raise
        except Exception:
            _log.exception("bug in a batch of receipts, recorded one by one", lane=self._lane.carrier_id)
            return await self._record_one_by_one()
        self._told(recorded, count)
        return count

    def _unit(self, tx: Tx) -> tuple[Recorded, int]:
        arrived = arrived_receipts.oldest(tx, self._lane.carrier_id, BATCH)
        return self._recorded(tx, arrived), len(arrived)

    def _recorded(self, tx: Tx, arrived: list[Arrived]) -> Recorded:
        recorded = self._recorder.record(tx, [], [each.receipt for each in arrived], now_ms())
        arrived_receipts.delete(tx, [each.id for each in arrived])
        return recorded

    async def _record_one_by_one(self) -> int:
        """A fault of ours about one receipt must not hold up the others: it is put aside with the unmatched ones."""
        lane = self._lane.carrier_id
        arrived = self._store.glance(lambda tx: arrived_receipts.oldest(tx, lane, BATCH))
        for each in arrived:
            try:
                self._told(await self._store.write(partial(self._recorded, arrived=[each])), 1)
            except Unavailable:
                raise
            except Exception:
                _log.exception("bug", lane=lane, receipt=each.id)
                await self._store.write(partial(self._put_aside, one=each))
        return len(arrived)

    def _put_aside(self, tx: Tx, one: Arrived) -> None:
        quarantine.insert(tx, self._lane.carrier_id, [one.receipt], now_ms())
        arrived_receipts.delete(tx, [one.id])

    def _told(self, recorded: Recorded, count: int) -> None:
        self._recorder.recorded(recorded)
        _log.info(
            "receipts recorded", lane=self._lane.carrier_id, receipts=count, final=recorded.final,
            unmatched=len(recorded.quarantined),
        )  # fmt: skip
