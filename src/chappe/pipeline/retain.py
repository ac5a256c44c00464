"""Delete what is kept no longer: an account's data by the account's periods, what belongs to nobody by the operator's.

Done with patience: short units of work with rests between them, a few seconds in each round, and the next round goes
on where this one stopped. An open message is never deleted: `expire` ends it first.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, get_args

import structlog

from chappe.domain.retention import Period, kept_since
from chappe.store import contact_answers, contact_lists, deletions, retention
from chappe.store.clock import now_ms
from chappe.store.deletions import PAGE, STEP, OfAccount, Ownerless, Span
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.retain")
T = TypeVar("T")

# How often everything is looked over, and how soon a round that was not through with it goes on.
SWEEP_S: Final = 300.0
EVERY_S: Final = 20.0
# A round stops after so long, also because a process that is told to stop waits for it.
ROUND_S: Final = 5.0
# One unit of work; it rests afterwards for so many times what it took, so that others have the database meanwhile.
UNIT_S: Final = 0.008
REST: Final = 4.0
_DAY_MS: Final = 86_400_000
_START: Final = (0, 0)
_PLURALS: Final[dict[OfAccount | Ownerless, str]] = {
    "campaign": "campaigns",
    "reply": "replies",
    "lookup": "lookups",
    "unmatched_receipt": "unmatched_receipts",
    "event": "events",
    "mail": "mails",
}


class _RoundOver(Exception):
    """The time of this round is used up."""


class Retainer:
    """The job that deletes. One per database."""

    def __init__(self, store: Store, *, event_keep_days: int) -> None:
        self._store = store
        self._keep_ms = event_keep_days * _DAY_MS
        self._account = 0  # the last one that is done with
        # account -> where its campaigns with messages begin: those before it need not be looked at again
        self._begin: dict[int, tuple[int, int]] = {}
        self._until = 0.0
        self._rests_until = 0.0
        self._deleted: Counter[str] = Counter()

    async def round(self) -> None:
        """What the worker does every `EVERY_S`: go on with what is not done, or begin again when it is time."""
        if time.monotonic() >= self._rests_until and await self.once():
            self._rests_until = time.monotonic() + SWEEP_S

    async def once(self) -> bool:
        """Delete for a few seconds at most; whether everything that is due has gone."""
        self._until = time.monotonic() + ROUND_S
        self._deleted.clear()
        try:
            await self._accounts()
            for kind in get_args(Ownerless):
                await self._ownerless(kind)
            await self._contact_answers()
            return True
        except _RoundOver:
            return False
        finally:
            if deleted := +self._deleted:  # without the zeros
                _log.info("deleted what is kept no longer", **deleted)

    async def _accounts(self) -> None:
        while (account := self._store.glance(lambda tx: retention.next_account(tx, self._account))) is not None:
            self._check_time()
            await self._account_data(account)
            self._account = account
        self._account = 0

    async def _account_data(self, account: int) -> None:
        now = now_ms()
        kept = self._store.glance(lambda tx: retention.read(tx, account))
        messages = _since(kept.message, now)
        await self._messages(account, messages)
        # A campaign goes after its messages, so it is kept for as long as they are at least.
        await self._rows("campaign", account, min(messages, _since(kept.campaign, now)))
        await self._rows("reply", account, _since(kept.reply, now))
        await self._rows("lookup", account, _since(kept.lookup, now))
        await self._lists(account, _since(kept.list, now))

    async def _messages(self, account: int, before: int) -> None:
        after = self._begin.get(account, _START)
        first_open: tuple[int, int] | None = None
        while True:
            look = partial(deletions.with_messages, account=account, before=before, after=after)
            page = await self._store.read(look)
            done = []
            for span in page:
                if not span.is_open:
                    done.append(span)
                elif first_open is None:
                    first_open = after
                after = (span.send_at, span.campaign)
            await self._delete_spans(done)
            self._begin[account] = first_open or after
            if len(page) < PAGE:
                return

    async def _delete_spans(self, spans: list[Span]) -> None:
        def unit(tx: Tx) -> tuple[list[Span], int]:
            until = time.perf_counter() + UNIT_S
            left, deleted = deque(spans), 0
            while left:
                deleted += deletions.delete_messages(tx, left, now_ms())
                if time.perf_counter() > until:
                    break
            return list(left), deleted

        while spans:
            spans, deleted = await self._unit(unit)
            self._deleted["messages"] += deleted

    async def _rows(self, kind: OfAccount, account: int, before: int) -> None:
        while ids := self._store.glance(lambda tx: deletions.old(tx, kind, account, before)):
            self._deleted[_PLURALS[kind]] += await self._unit(lambda tx: deletions.delete(tx, kind, ids))

    async def _lists(self, account: int, before: int) -> None:
        def unit(tx: Tx) -> int:
            # Asked again within the unit: a list may have been used since.
            idle = deletions.idle_lists(tx, account, before)[:STEP]
            return sum(contact_lists.disown(tx, account, list_id) for list_id in idle)

        while self._store.glance(lambda tx: deletions.idle_lists(tx, account, before)):
            self._deleted["lists"] += await self._unit(unit)

    async def _ownerless(self, kind: Ownerless) -> None:
        before, after = now_ms() - self._keep_ms, 0
        while True:
            look = partial(deletions.old_ownerless, kind=kind, before=before, after=after)
            ids, next_ = self._store.glance(look)
            if ids:
                unit = partial(deletions.delete, kind=kind, ids=ids)
                self._deleted[_PLURALS[kind]] += await self._unit(unit)
            if next_ is None:
                return
            after = next_

    async def _contact_answers(self) -> None:
        """Whoever was told yesterday whom messages are from may be told again."""
        before = now_ms() - _DAY_MS
        if self._store.glance(partial(contact_answers.has_old, before=before)):
            self._deleted["contact_answers"] += await self._unit(partial(contact_answers.forget, before=before))

    async def _unit(self, unit: Callable[[Tx], T]) -> T:
        """Carry out one unit of work and rest. Raises: _RoundOver when there is no time for another."""
        self._check_time()
        began = time.monotonic()
        result = await self._store.write(unit)
        await asyncio.sleep(REST * (time.monotonic() - began))
        return result

    def _check_time(self) -> None:
        if time.monotonic() > self._until:
            raise _RoundOver


def _since(kept: Period, now: int) -> int:
    since = kept_since(kept, now)
    return 0 if since is None else since
