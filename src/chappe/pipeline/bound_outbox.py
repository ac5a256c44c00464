"""Give customers who bind what waits for them: at least once, and in order for each id they were told.

A row goes when its customer has acknowledged it. What is under way is known in memory only: a process that dies leaves
its rows, and they are given again.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable
from functools import partial
from typing import Final, TypeAlias

import structlog

from chappe.domain.bound_deliveries import BoundReceipt
from chappe.domain.errors import Unavailable
from chappe.store import bind_users, bound_deliveries
from chappe.store.bound_deliveries import DueDelivery
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.binds")

# Waits after a delivery was not taken: a customer who is down for a minute and one who is down for days.
_WAITS_S: Final = (1, 5, 15, 30, 60, 120, 300, 600)
# How soon the database is tried again.
_RETRY_S: Final = 1.0
EXPIRE_EVERY_S: Final = 5.0
STEP: Final = 500
_DAY_MS: Final = 86_400_000

_Key: TypeAlias = tuple[int | None, int]


class Outbox:
    """The queues of all bind users, as the one process sees them that has their binds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: dict[int, dict[int, _Key | None]] = {}
        self._taken: dict[int, int] = {}  # delivery -> user
        self._later: dict[int, tuple[int, int]] = {}  # delivery -> (user, not before)
        self._writing: asyncio.Task[None] | None = None

    def waiting(self, users: Collection[int]) -> list[int]:
        """Those of the users for whom something is due. Cost: a microsecond a user."""
        return self._store.glance(partial(bound_deliveries.with_due, users=users, now=now_ms()))

    def take(self, user: int, n: int) -> list[DueDelivery]:
        """The next deliveries of a user, at most `n`; they are under way until they come back."""
        under_way = self._under_way.setdefault(user, {})
        look = partial(bound_deliveries.due, user=user, now=now_ms(), n=n + len(under_way), without=under_way)
        busy = {key for key in under_way.values() if key is not None}
        found: list[DueDelivery] = []
        for row in self._store.glance(look):
            key = _key(row)
            if key in busy:
                continue
            if key is not None:
                busy.add(key)
            under_way[row.id] = key
            found.append(row)
            if len(found) == n:
                break
        return found

    def give_back(self, user: int, deliveries: Iterable[DueDelivery]) -> None:
        """These never left: they are due as before."""
        under_way = self._under_way.get(user, {})
        for each in deliveries:
            under_way.pop(each.id, None)

    def taken(self, user: int, deliveries: Iterable[DueDelivery]) -> None:
        """The customer has these, or will never take them."""
        for each in deliveries:
            self._taken[each.id] = user
        self._write()

    def not_taken(self, user: int, deliveries: Iterable[DueDelivery]) -> None:
        """The customer did not take these: he is given them again, later each time."""
        now = now_ms()
        for each in deliveries:
            wait_s = _WAITS_S[min(each.attempts, len(_WAITS_S) - 1)]
            self._later[each.id] = (user, now + wait_s * 1000)
        self._write()

    async def close(self) -> None:
        """Write down what has come back."""
        if self._writing is not None:
            await self._writing

    def _write(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_down())

    async def _write_down(self) -> None:
        """Write in groups, whatever came while the last one was written."""
        try:
            while self._taken or self._later:
                taken, later = self._taken, self._later
                self._taken, self._later = {}, {}
                try:
                    await self._store.write(partial(_written, taken=taken, later=later))
                except Exception as error:
                    if isinstance(error, Unavailable):
                        _log.error("database unavailable", reason=str(error))
                    else:
                        _log.exception("bug")
                    self._taken, self._later = taken | self._taken, later | self._later
                    await asyncio.sleep(_RETRY_S)
                    continue
                for delivery, user in [*taken.items(), *((each, user) for each, (user, _) in later.items())]:
                    self._under_way.get(user, {}).pop(delivery, None)
        finally:
            self._writing = None


def _written(tx: Tx, taken: dict[int, int], later: dict[int, tuple[int, int]]) -> None:
    bound_deliveries.delete(tx, taken)
    bound_deliveries.again(tx, [(at, delivery) for delivery, (_, at) in later.items()])


def _key(row: DueDelivery) -> _Key | None:
    """What has to stay in order: what is told about one id."""
    return (row.message_id, row.body.ref) if isinstance(row.body, BoundReceipt) else None


class DeliveryExpirer:
    """The job that gives up what nobody has taken for too long."""

    def __init__(self, store: Store, *, keep_days: int) -> None:
        self._store = store
        self._keep_ms = keep_days * _DAY_MS

    async def once(self) -> None:
        """One round."""
        before = now_ms() - self._keep_ms
        while True:
            rows = self._store.glance(partial(bound_deliveries.oldest, n=STEP))
            old = [row for row in rows if row[2] < before]
            if not old:
                return
            counts = Counter(user for _, user, _ in old)
            await self._store.write(partial(_expire, ids=[row[0] for row in old], counts=counts))
            _log.warning("deliveries given up: nobody took them", deliveries=len(old))


def _expire(tx: Tx, ids: list[int], counts: Counter[int]) -> None:
    bound_deliveries.delete(tx, ids)
    bind_users.count_expired(tx, counts)
