"""Carry out what a person decided about a campaign that was held: let it go, or end all of it.

A decision is one small unit of work; what it leads to is done in chunks, by whoever decided and by the worker where
that one has died over it.
"""

import asyncio
from typing import Final

import structlog

from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import CampaignState, Dlr
from chappe.domain.notices import refusal_notice
from chappe.domain.plans import UNROUTED
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.record import Lane, Recorder
from chappe.store import audit, mails, moderation
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.moderation import Held
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.moderation")

EVERY_S: Final = 2.0
# Messages in one unit of work: some 10 ms of the loop.
CHUNK: Final = 1000
# Who decides when nobody does.
NOBODY: Final = "chappe"
_DAY_MS: Final = 86_400_000
_WHY: Final = "the campaign was refused by moderation"


class Moderator:
    """What approves and refuses, and the job that finishes it and refuses what nobody decides about."""

    def __init__(self, store: Store, ids: Ids, enqueuer: Enqueuer, *, validity_s: int, moderation_days: int) -> None:
        self._store = store
        self._ids = ids
        self._enqueuer = enqueuer
        self._validity_ms = validity_s * 1000
        self._days = moderation_days
        # No lane of its own: it only finishes messages.
        self._recorder = Recorder(Lane(UNROUTED, 0), ids)

    async def approve(self, ticket: int, actor: str, note: str) -> bool:
        """Let a held campaign go; one whose time has come goes at once. False when it was approved before.

        Raises: NotFound; BadData when it was refused, cancelled, or never held.
        """
        now = now_ms()

        def unit(tx: Tx) -> bool:
            held = _decidable(tx, ticket, CampaignState.ACCEPTED)
            if not moderation.approve(tx, ticket, now, self._validity_ms):
                return False
            audit.add(tx, Entry(now, actor, "moderation.approve", held.account_id, f"campaign {ticket}", note=note))
            return True

        is_new = await self._store.write(unit)
        if is_new:
            _log.info("approved", ticket=ticket, actor=actor)
        await self._enqueuer.enqueue(ticket)
        return is_new

    async def refuse(self, ticket: int, actor: str, note: str, told: str = "") -> bool:
        """End every message of a held campaign, give its credits back and tell its account by mail.

        Shape: the note is for the audit log, `told` for the account. False when it was refused before.
        Raises: NotFound; BadData when it was approved, cancelled, or never held.
        """
        now = now_ms()

        def unit(tx: Tx) -> bool:
            held = _decidable(tx, ticket, CampaignState.DENIED)
            if not moderation.deny(tx, ticket, now):
                return False
            notice = refusal_notice(held.lang, held.email, ticket, held.open, held.created_at, told)
            mails.write(tx, held.account_id, held.email, notice.subject, notice.body, now)
            audit.add(tx, Entry(now, actor, "moderation.refuse", held.account_id, f"campaign {ticket}", told, note))
            return True

        is_new = await self._store.write(unit)
        if is_new:
            _log.info("refused", ticket=ticket, actor=actor)
        await self._end(ticket)
        return is_new

    async def once(self) -> None:
        """One round: refuse what nobody has decided about for too long, and finish what was begun."""
        before = now_ms() - self._days * _DAY_MS
        for ticket in self._store.glance(lambda tx: moderation.forgotten(tx, before)):
            try:
                await self.refuse(ticket, NOBODY, f"nobody decided about it in {self._days} days (moderation_days)")
            except BadData:  # somebody just has
                continue
        for ticket in self._store.glance(moderation.refusing):
            await self._end(ticket)

    async def _end(self, ticket: int) -> None:
        """End what is left of a refused campaign; others may do so at the same time."""

        def unit(tx: Tx) -> bool:
            messages, is_more = moderation.next_refused(tx, ticket, CHUNK)
            if messages:
                self._recorder.give_up(tx, messages, Dlr.NOT_ALLOWED, _WHY, now_ms(), may_have_left=False)
            return is_more

        while await self._store.write(unit):
            await asyncio.sleep(0)  # let the others write


def _decidable(tx: Tx, ticket: int, wanted: CampaignState) -> Held:
    """A campaign that waits for a decision, or about which the wanted one was made. Raises: NotFound, BadData."""
    held = moderation.one(tx, ticket)
    if held is None:
        raise NotFound(f"there is no campaign {ticket}", field="ticket")
    if held.state == CampaignState.MODERATION or (held.state == wanted and held.decided_at is not None):
        return held
    if held.state == CampaignState.DENIED:
        raise BadData(f"campaign {ticket} was refused already", field="ticket")
    if held.decided_at is not None:
        raise BadData(f"campaign {ticket} was approved already", field="ticket")
    if held.held_because is not None:
        raise BadData(f"campaign {ticket} was cancelled by its owner", field="ticket")
    raise BadData(f"campaign {ticket} was never held", field="ticket")
