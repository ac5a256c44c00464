"""Keep the parts of long messages until all are there; give up what stays unfinished."""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_submits import BoundSubmit, WaitingPart, set_for
from chappe.domain.lifecycle import Dlr
from chappe.pipeline.bound_events import tell_rejected
from chappe.store import bound_parts
from chappe.store.bound_parts import PartSet
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.binds")

# Parts of one user that wait: beyond it he is told to come later.
MAX_WAITING: Final = 20_000
SETS: Final = 200
EVERY_S: Final = 5.0


class Kept(NamedTuple):
    """A part that was kept. Shape: `whole` has all parts, in their order, when this one completed its message."""

    ref: int
    of: PartSet
    whole: list[WaitingPart] | None = None


def keep(tx: Tx, ids: Ids, user: BindUser, parts: Sequence[BoundSubmit], now: int) -> list[Kept] | None:
    """Write parts down; None, with nothing written, when too many of this user wait.

    Shape: one that is there already keeps its id, and completes its message once more if all parts are there.
    """
    if bound_parts.count(tx, user.id, MAX_WAITING) + len(parts) > MAX_WAITING:
        return None
    waiting = bound_parts.waiting(tx, user.id, {part.part_of for part in parts})
    mint = ids.take(tx, "message", len(parts))
    kept: list[Kept] = []
    new: list[WaitingPart] = []
    for i, part in enumerate(parts):
        if part.place is None:
            raise ValueError("a whole text is no part")
        there = waiting.setdefault(part.part_of, [])
        found = set_for(there, part, part.place.part, now)
        if not isinstance(found, WaitingPart):
            found = WaitingPart(part.part_of, found, part.place.part, mint + i, now, part)
            there.append(found)
            new.append(found)
        own = sorted([each for each in there if each.set_no == found.set_no], key=lambda each: each.part)
        of = PartSet(user.id, found.part_of, found.set_no)
        kept.append(Kept(found.ref, of, own if len(own) == part.place.total else None))
    bound_parts.insert(tx, user.id, new)
    return kept


class PartExpirer:
    """The job that gives up parts whose others never came. Units: seconds."""

    def __init__(self, store: Store, *, wait_s: int) -> None:
        self._store = store
        self._wait_ms = wait_s * 1000

    async def once(self) -> None:
        """One round."""
        before = now_ms() - self._wait_ms
        while sets := self._store.glance(lambda tx: bound_parts.old(tx, before, SETS)):
            await self._store.write(partial(self._give_up, sets=sets))
            _log.info("parts given up", messages=len(sets))

    def _give_up(self, tx: Tx, sets: Sequence[PartSet]) -> None:
        now = now_ms()
        for each in sets:
            give_up(tx, each, bound_parts.of_set(tx, each), Dlr.EXPIRED, now)


def give_up(tx: Tx, of: PartSet, parts: Sequence[WaitingPart], dlr: Dlr, now: int) -> None:
    """Forget parts that will never be a message, with a receipt for each that wants one."""
    if not parts:
        return
    first = parts[0]
    told = [(part.ref, part.body.registered) for part in parts]
    tell_rejected(tx, of.bind_user_id, told, first.body.source, first.body.destinations[0], first.received_at, dlr, now)
    bound_parts.delete(tx, [of])
