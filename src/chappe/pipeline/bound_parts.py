"""Keep the parts of long messages until all are there; give up what stays unfinished."""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_submits import BoundSubmit, Place, Reason, WaitingPart, WaitingSet, set_for
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
# Texts between the same addresses, with one reference and as many parts, that wait at the same time.
MAX_SETS: Final = 10
SETS: Final = 200
# Parts that are given up in one unit of work: some 10 ms of the loop.
PARTS: Final = 1000
EVERY_S: Final = 5.0
# A set that is whole is being sent; one that still is there after so long was left by a process that died.
_LEFT_MS: Final = 600_000


class Kept(NamedTuple):
    """A part that is on the disk. Shape: `is_last` says that with this one all parts of its text are there."""

    ref: int
    of: PartSet
    is_last: bool = False


def keep(tx: Tx, ids: Ids, user: BindUser, parts: Sequence[BoundSubmit], now: int) -> list[Kept | Reason]:
    """Write parts down, as far as there is room for them.

    Shape: one that is there already keeps its id, and completes its message once more if all parts are there.
    """
    room = MAX_WAITING - bound_parts.count(tx, user.id, MAX_WAITING)
    places = [(part.part_of, _place(part)) for part in parts]
    asked: dict[str, set[int]] = {}
    for part_of, place in places:
        asked.setdefault(part_of, set()).add(place.part)
    waiting = bound_parts.sets(tx, user.id, asked)
    mint = ids.take(tx, "message", len(parts))
    kept: list[Kept | Reason] = []
    new: list[WaitingPart] = []
    whole: set[PartSet] = set()
    for part, (part_of, place) in zip(parts, places, strict=True):
        sets = waiting.setdefault(part_of, {})
        digest = part.digest
        set_no, ref = set_for(sets, place.part, digest, now)
        of = PartSet(user.id, part_of, set_no)
        if ref is None:
            if len(new) >= room or (set_no not in sets and len(sets) >= MAX_SETS):
                kept.append("too_many_parts")
                continue
            ref = mint + len(new)
            own = sets.setdefault(set_no, WaitingSet(0, now))
            own.count, own.newest = own.count + 1, now
            own.taken[place.part] = (ref, digest)
            new.append(WaitingPart(part_of, set_no, place.part, ref, now, part))
        elif sets[set_no].count == place.total:
            whole.add(of)
        kept.append(Kept(ref, of, sets[set_no].count == place.total))
    bound_parts.insert(tx, user.id, new)
    if whole:  # sent once more: no time to give it up
        bound_parts.touch(tx, whole, now)
    return kept


def _place(part: BoundSubmit) -> Place:
    if part.place is None:
        raise ValueError("a whole text is no part")
    return part.place


class PartExpirer:
    """The job that gives up parts whose others never came. Units: seconds."""

    def __init__(self, store: Store, *, wait_s: int) -> None:
        self._store = store
        self._wait_ms = wait_s * 1000

    async def once(self) -> None:
        """One round."""
        before = now_ms() - self._wait_ms
        while sets := self._store.glance(lambda tx: bound_parts.old(tx, before, SETS)):
            count = await self._store.write(partial(self._give_up, sets=sets, before=before))
            if not count:
                return
            _log.info("parts given up", messages=count)

    def _give_up(self, tx: Tx, sets: Sequence[PartSet], before: int) -> int:
        """How many sets. Shape: what got a part since it was found stays, and so does what is being sent."""
        now = now_ms()
        messages = done = 0
        for each in sets:
            parts = bound_parts.of_set(tx, each)
            newest = max([part.received_at for part in parts], default=before)
            is_whole = bool(parts) and len(parts) == _place(parts[0].body).total
            if newest < (before - _LEFT_MS if is_whole else before):
                give_up(tx, each, parts, Dlr.EXPIRED, now)
                messages += 1
            done += len(parts)
            if done >= PARTS:
                break
        return messages


def give_up(tx: Tx, of: PartSet, parts: Sequence[WaitingPart], dlr: Dlr, now: int) -> None:
    """Forget parts that will never be a message, with a receipt for each that wants one."""
    if not parts:
        return
    first = parts[0]
    told = [(part.ref, part.body.registered) for part in parts]
    tell_rejected(tx, of.bind_user_id, told, first.body.source, first.body.destinations[0], first.received_at, dlr, now)
    bound_parts.delete(tx, [of])
