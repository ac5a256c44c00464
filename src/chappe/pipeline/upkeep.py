"""What time brings to a lane: schedules that are due, and the policy for outcomes nobody knows."""

import structlog

from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import Dlr, Queue
from chappe.domain.unknown import Unknowns, Verdict
from chappe.pipeline.record import Lane, Recorder
from chappe.store import queue, tracking, unknowns
from chappe.store.clock import now_ms
from chappe.store.queue import Unanswered
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
        now, lane = now_ms(), self._lane.carrier_id
        self._hurry(tx, now)
        orphans = queue.orphans(tx, lane, self._lane.epoch)
        decided = [(self._decides_at(each, now), each.message_id) for each in orphans]
        queue.make_unknown(tx, decided)
        trace = [
            (each.message_id, now, "unknown", self._orphaned(each, at < each.expires_at))
            for each, (at, _) in zip(orphans, decided, strict=True)
        ]
        tracking.add_trace(tx, trace)
        if not self._lane.unknowns.policies.ask:
            unknowns.forget(tx, lane)
        if orphans:
            unknowns.count(tx, {(lane, "unknown"): len(orphans)})
            _log.warning("taken over", lane=lane, unknown=len(orphans))

    def _hurry(self, tx: Tx, now: int) -> None:
        """Let a policy that decides sooner than the one before it decide about what is unknown already, too."""
        sooner = [
            (wanted, each.message_id)
            for each, decides_at in queue.unknown_of(tx, self._lane.carrier_id)
            if (wanted := self._decides_at(each, now)) < decides_at
        ]
        queue.make_unknown(tx, sooner)

    def _decides_at(self, each: Unanswered, now: int) -> int:
        return self._lane.unknowns.decides_at(each.priority, now, each.expires_at, each.resends)

    def _orphaned(self, each: Unanswered, is_valid: bool) -> str:
        known = self._lane.unknowns
        follows = known.follows(each.priority, each.resends, is_valid)
        return f"the gateway stopped while it was being sent; {known.of(each.priority)}: to be {follows}"

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
        now, lane, known = now_ms(), self._lane.carrier_id, self._lane.unknowns
        due = queue.unknown_due(tx, lane, now, BATCH)
        sorted_: dict[Verdict, list[Unanswered]] = {"resend": [], "give up": [], "wait": []}
        since = tracking.unknown_since(tx, [each.message_id for each in due])
        for each in due:
            began = since.get(each.message_id, 0)
            sorted_[known.verdict(each.priority, now, each.expires_at, each.resends, began)].append(each)
        again = sorted_["resend"]
        queue.resend(tx, [each.message_id for each in again])
        tracking.add_trace(tx, [(each.message_id, now, "resent", _resent(each, known)) for each in again])
        unknowns.count(tx, {(lane, "resent"): len(again)} if again else {})
        # Decided by a policy that has changed since.
        later = [(self._decides_at(each, since.get(each.message_id, now)), each.message_id) for each in sorted_["wait"]]
        queue.make_unknown(tx, later)
        over = [each.message_id for each in sorted_["give up"]]
        why = "no receipt came for a submit that was never answered"
        self._recorder.give_up(tx, over, Dlr.NETWORK_ERROR, why, now, may_have_left=True)
        return len(again)


def _resent(each: Unanswered, known: Unknowns) -> str:
    policy = known.unanswered(each.priority)
    return f"by the policy for unknown outcomes, {each.resends + 1} of {policy.times}"
