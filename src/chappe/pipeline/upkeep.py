"""What time brings to a lane: schedules that are due, and the policy for outcomes nobody knows."""

import structlog

from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import Dlr, Queue
from chappe.pipeline.record import Lane, Recorder
from chappe.store import queue, tracking
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.lane")

# How often schedules and unknown outcomes are looked at.
EVERY_S = 0.2
BATCH = 2000


class Upkeep:
    """The timed jobs of one lane."""

    def __init__(self, store: Store, lane: Lane, recorder: Recorder) -> None:
        self._store = store
        self._lane = lane
        self._recorder = recorder
        self._next = 0.0

    def take_over(self, tx: Tx) -> None:
        """What an earlier owner was sending when it died may have left or not: unknown."""
        now = now_ms()
        policy = self._lane.policy
        orphans = queue.orphans(tx, self._lane.carrier_id, self._lane.epoch)
        queue.make_unknown(
            tx, [(policy.decides_at(now, each.expires_at, each.attempts), each.message_id) for each in orphans]
        )
        detail = f"the gateway stopped while it was being sent; policy: {policy.kind}"
        tracking.add_trace(tx, [(each.message_id, now, "unknown", detail) for each in orphans])
        if orphans:
            _log.warning("taken over", lane=self._lane.carrier_id, unknown=len(orphans))

    async def run(self, now: float) -> bool:
        """Do what is due, at most every EVERY_S; whether messages have become ready by it."""
        if now < self._next:
            return False
        self._next = now + EVERY_S
        lane, at = self._lane.carrier_id, now_ms()

        def due(tx: Tx) -> tuple[bool, bool]:
            return queue.has_due(tx, lane, Queue.SCHEDULED, at), queue.has_due(tx, lane, Queue.UNKNOWN, at)

        scheduled, unknown = self._store.glance(due)
        woken = resent = 0
        try:
            if scheduled:
                woken = await self._store.write(lambda tx: queue.wake_due(tx, lane, at, BATCH))
                if woken == BATCH:
                    self._next = now  # there are more of them
            if unknown:
                resent = await self._store.write(self._settle_unknown)
        except Unavailable as error:
            _log.error("database unavailable", lane=lane, reason=str(error))
        return bool(woken or resent)

    def _settle_unknown(self, tx: Tx) -> int:
        """The policy decides about outcomes that nothing has settled; how many are sent again."""
        now = now_ms()
        due = queue.unknown_due(tx, self._lane.carrier_id, now, BATCH)
        again = [message for message, tries in due if self._lane.policy.resends(tries)]
        queue.resend(tx, again)
        detail = "by the policy for unknown outcomes"
        tracking.add_trace(tx, [(message, now, "resent", detail) for message in again])
        over = [message for message, tries in due if not self._lane.policy.resends(tries)]
        why = "no receipt came for a submit that was never answered"
        self._recorder.give_up(tx, over, Dlr.NETWORK_ERROR, why, now, may_have_left=True)
        return len(again)
