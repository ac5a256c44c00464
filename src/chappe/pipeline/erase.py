"""Erase one person while others send: in small units of work with rests, each of them whole.

What no carrier has seen is taken back first and its credits released. What a carrier may have is ended, so that
nothing tries it again with a number that is gone; a receipt still finds it by the carrier's id. A process that dies
leaves what it has done, and a second run does the rest.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final, TypeVar

from chappe.domain.lifecycle import Dlr, State
from chappe.domain.plans import UNROUTED
from chappe.pipeline.cancel import take_back
from chappe.pipeline.record import Lane, Recorder
from chappe.store import erasure, privacy, queue
from chappe.store.clock import now_ms
from chappe.store.erasure import STEP, Deleted, Standing
from chappe.store.ids import Ids
from chappe.store.privacy import ByAccount, Whom
from chappe.store.sqlite import Store, Tx

T = TypeVar("T")

LATELY: Final[tuple[ByAccount, ...]] = ("recent_send", "contact_answer")
# After each unit of work so many times what it took, so that others have the database meanwhile.
REST: Final = 4.0
# How long a message that is in a gateway's hands is waited for, and a campaign that is being written.
HANDS_S: Final = 15.0
# A look-up that was asked so long ago is answered no more: its process is dead.
LOOKUP_S: Final = 30.0
POLL_S: Final = 0.25


class Eraser:
    """Erases rows that were found, and counts them."""

    def __init__(self, store: Store, ids: Ids, whom: Whom) -> None:
        self._store = store
        self._whom = whom
        # No lane of its own: it only finishes messages.
        self._recorder = Recorder(Lane(UNROUTED, 0), ids)
        self.erased: Counter[str] = Counter()

    async def begin(self) -> None:
        """Overwrite what is deleted from now on."""
        await self._store.write(erasure.overwrite)

    async def contacts(self, list_id: int, ids: Sequence[int]) -> None:
        for at in range(0, len(ids), STEP):
            unit = partial(erasure.delete_contacts, list_id=list_id, ids=ids[at : at + STEP], person=self._whom.person)
            self.erased["contacts"] += await self.unit(unit)

    async def rows(self, table: Deleted, what: str, ids: Sequence[int]) -> None:
        for at in range(0, len(ids), STEP):
            unit = partial(erasure.delete, table=table, ids=ids[at : at + STEP], whom=self._whom)
            self.erased[what] += await self.unit(unit)

    async def lately(self) -> None:
        """Erase what is kept by account and number for a short time."""
        for kind in LATELY:
            delete = partial(privacy.delete, kind=kind, whom=self._whom)
            self.erased["notes of what was sent or answered lately"] += await self.unit(delete)

    async def deliveries(self) -> None:
        """Erase replies that answer nothing and are on their way to a customer over SMPP."""
        self.erased["deliveries over SMPP"] += await self.unit(partial(erasure.delete_deliveries, whom=self._whom))

    async def exclusions(self, *, forgets_optouts: bool) -> None:
        """Erase whom a carrier did not know, and of opt-outs what they do not need, or all."""
        npai = partial(privacy.delete, kind="npai", whom=self._whom)
        self.erased["NPAI entries"] += await self.unit(npai)
        if forgets_optouts:
            blacklist = partial(privacy.delete, kind="blacklist", whom=self._whom)
            self.erased["opt-outs"] += await self.unit(blacklist)
        else:
            await self.unit(partial(privacy.strip_optouts, whom=self._whom))

    async def messages(self, ids: Sequence[int]) -> None:
        """Erase messages; those that a gateway has in its hands are waited for.

        Messages of campaigns that are not accepted yet are left.
        """
        until, left = time.monotonic() + HANDS_S, list(ids)
        while left:
            is_late = time.monotonic() > until
            waiting: list[int] = []
            for at in range(0, len(left), STEP):
                unit = partial(self._erase_messages, ids=left[at : at + STEP], is_late=is_late)
                counts, busy = await self.unit(unit)
                self.erased.update(counts)
                waiting += busy
            if waiting:
                await asyncio.sleep(POLL_S)
            left = waiting

    async def until_written(self, campaigns: Collection[int]) -> set[int]:
        """Wait until campaigns are accepted or given up; those that after a while still are not."""
        until = time.monotonic() + HANDS_S
        while True:
            known = self._store.glance(lambda tx: privacy.being_written(tx, self._whom.account))
            left = known.keys() & set(campaigns)
            if not left or time.monotonic() > until:
                return left
            await asyncio.sleep(POLL_S)

    def _erase_messages(self, tx: Tx, ids: Sequence[int], is_late: bool) -> tuple[dict[str, int], list[int]]:
        standing = [each for each in erasure.standing(tx, ids, self._whom.person) if not each.is_being_written]
        waiting = [each.id for each in standing if each.is_being_sent and not is_late]
        ready = [each for each in standing if each.id not in waiting]
        counts = self._end(tx, ready)
        counts |= erasure.empty_messages(tx, ready, self._whom.person, now_ms())
        return counts, waiting

    def _end(self, tx: Tx, ready: Sequence[Standing]) -> dict[str, int]:
        """Let none of the messages be sent after this."""
        open_ = {each.id for each in ready if each.state == State.ACCEPTED and not each.is_settled_elsewhere}
        cancelled = take_back(tx, queue.unseen_among(tx, open_))
        ended = open_ - set(cancelled)
        self._recorder.give_up(tx, ended, Dlr.NETWORK_ERROR, "erased", now_ms(), may_have_left=True)
        return {"cancelled": len(cancelled), "ended": len(ended)}

    async def lookups(self, ids: Sequence[int]) -> None:
        """Erase look-ups; one that a carrier is being asked about is waited for."""
        while True:
            left = self._store.glance(lambda tx: erasure.open_lookups(tx, ids, self._whom.person))
            await self.rows("lookup", "look-ups", ids)
            if not left:
                return
            before = now_ms() - int(LOOKUP_S * 1000)
            dead = partial(erasure.empty_dead_lookups, ids=left, person=self._whom.person, before=before)
            self.erased["look-ups"] += await self.unit(dead)
            await asyncio.sleep(POLL_S)

    async def unit(self, unit: Callable[[Tx], T]) -> T:
        """Carry out one unit of work and rest."""
        began = time.monotonic()
        result = await self._store.write(unit)
        await asyncio.sleep(REST * (time.monotonic() - began))
        return result
