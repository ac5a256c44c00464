"""Bring every message to an end in time: what no carrier took, and what no receipt came for.

Also the small housekeeping of the same kind: answers to old idempotency keys.
"""

import asyncio

import structlog

from chappe.domain.lifecycle import Dlr
from chappe.domain.plans import UNROUTED
from chappe.pipeline.record import Lane, Recorder
from chappe.store import campaigns, idempotency, queue
from chappe.store.campaigns import Overdue
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.queue import Unsent
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.expire")

EVERY_S = 2.0
CAMPAIGNS = 50
MESSAGES = 2000


class Expirer:
    """The job that ends what nothing else has ended."""

    def __init__(self, store: Store, ids: Ids, *, receipt_wait_s: int) -> None:
        self._store = store
        self._receipt_wait_ms = receipt_wait_s * 1000
        # No lane of its own: it only finishes messages.
        self._recorder = Recorder(Lane(UNROUTED, 0), ids)

    async def once(self) -> None:
        """One round over everything."""
        last: Overdue | None = None
        while found := await self._overdue(last):
            for campaign in found:
                await self._end_campaign(campaign)
            last = found[-1]
        await self._store.write(lambda tx: idempotency.forget_old(tx, now_ms()))

    async def _overdue(self, after: Overdue | None) -> list[Overdue]:
        now = now_ms()
        return await self._store.read(
            lambda tx: campaigns.overdue(tx, now, now - self._receipt_wait_ms, after, CAMPAIGNS)
        )

    async def _end_campaign(self, campaign: Overdue) -> None:
        while await self._store.write(lambda tx: self._end_unsent(tx, campaign)) == MESSAGES:
            await asyncio.sleep(0)  # let the others write
        if campaign.expires_at + self._receipt_wait_ms <= now_ms():
            while await self._store.write(lambda tx: self._end_silent(tx, campaign)) == MESSAGES:
                await asyncio.sleep(0)

    def _end_unsent(self, tx: Tx, campaign: Overdue) -> int:
        unsent = queue.unsent_of_campaign(tx, campaign.first, campaign.last, MESSAGES)
        ends: dict[tuple[Dlr, str, bool], list[int]] = {}
        for each in unsent:
            ends.setdefault(_end(each), []).append(each.message_id)
        for (dlr, why, may_have_left), messages in ends.items():
            self._recorder.give_up(tx, messages, dlr, why, now_ms(), may_have_left=may_have_left)
        return self._told("expired unsent", campaign, len(unsent))

    def _end_silent(self, tx: Tx, campaign: Overdue) -> int:
        silent = campaigns.waiting_for_receipt(tx, campaign.first, campaign.last, MESSAGES)
        why = "the carrier took it and no receipt came in time"
        self._recorder.give_up(tx, silent, Dlr.EXPIRED, why, now_ms(), may_have_left=True)
        unanswered = queue.unanswered_of_campaign(tx, campaign.first, campaign.last, MESSAGES - len(silent))
        why = "it was written to a carrier that never answered, and no receipt came in time"
        self._recorder.give_up(tx, unanswered, Dlr.NETWORK_ERROR, why, now_ms(), may_have_left=True)
        return self._told("no receipt", campaign, len(silent) + len(unanswered))

    def _told(self, what: str, campaign: Overdue, count: int) -> int:
        if count:
            _log.info(what, ticket=campaign.id, messages=count)
        return count


def _end(unsent: Unsent) -> tuple[Dlr, str, bool]:
    """How a message ends that waited too long, why, and whether it may have left all the same."""
    if unsent.in_doubt:
        return Dlr.NETWORK_ERROR, "no carrier answered for it, and its validity was over before the next try", True
    if unsent.lane_id == UNROUTED:
        return Dlr.ROUTE_NOT_AVAILABLE, "no carrier serves its country", False
    return Dlr.EXPIRED, "its validity was over before a carrier could take it", False
