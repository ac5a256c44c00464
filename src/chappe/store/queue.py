"""The dispatch table: what is still to be handed to a carrier, and whose turn it is.

Fair between accounts: within a priority every account's rows get consecutive turns from where the lane stands,
so two campaigns that wait for one lane advance side by side, whichever came first and whatever their sizes.

The statements on the partial index `dispatch_later` repeat its condition (`state > 0`): SQLite uses a partial index
only where the query says its condition word for word. What they read in order, they read in the order of the index.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec

from chappe.domain.lifecycle import Queue
from chappe.domain.plans import ALERT, MARKETING, SINGLE
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_INSERT = Statement(
    "INSERT INTO dispatch (message_id, lane_id, priority, turn, state, attempts, epoch, ready_at, expires_at, in_doubt)"
    " VALUES (:message, :lane, :priority, :turn, :state, 0, 0, :ready_at, :expires_at, FALSE)"
)
_HEAD = Statement(
    "SELECT turn FROM dispatch WHERE lane_id = :lane AND priority = :priority AND state = 0 ORDER BY turn LIMIT 1"
)
_TURN = Statement("SELECT turn FROM fair_turn WHERE lane_id = :lane AND priority = :priority AND account_id = :account")
_SET_TURN = Statement(
    "INSERT INTO fair_turn (lane_id, priority, account_id, turn) VALUES (:lane, :priority, :account, :turn)"
    " ON CONFLICT (lane_id, priority, account_id) DO UPDATE SET turn = :turn"
)
_CLAIM = Statement(
    "UPDATE dispatch SET state = 1, epoch = :epoch WHERE message_id IN ("
    " SELECT message_id FROM dispatch WHERE lane_id = :lane AND state = 0 ORDER BY priority, turn LIMIT :n)"
    " RETURNING message_id"
)
_CLAIMED = Statement(
    "SELECT m.id, m.number, COALESCE(m.text, c.text), COALESCE(m.sender, c.sender), m.encoding, m.parts,"
    " m.carrier_refs, d.attempts, d.expires_at, m.campaign_id, d.priority, m.account_id, m.country,"
    " EXISTS (SELECT 1 FROM exclusion e WHERE e.account_id = m.account_id AND e.kind = 'blacklist'"
    " AND e.number = m.number)"
    " FROM dispatch d JOIN message m ON m.id = d.message_id"
    " JOIN campaign c ON c.id = m.campaign_id"
    " WHERE d.message_id IN (SELECT value FROM json_each(:ids)) ORDER BY d.priority, d.turn"
)
_WAITING = Statement(
    "SELECT d.message_id, m.number, m.country, m.account_id, m.campaign_id, d.expires_at FROM dispatch d"
    " JOIN message m ON m.id = d.message_id WHERE d.lane_id = :lane AND d.state = 0 AND d.priority = :priority"
    " AND m.carrier_refs IS NULL ORDER BY d.turn LIMIT :n"
)
_HAS_READY = Statement("SELECT 1 FROM dispatch WHERE lane_id = :lane AND state = 0 LIMIT 1")
_HAS_DUE = Statement(
    "SELECT 1 FROM dispatch WHERE lane_id = :lane AND state = :state AND state > 0 AND ready_at <= :now LIMIT 1"
)
_DUE = Statement(
    "SELECT d.message_id, d.priority, m.account_id FROM dispatch d JOIN message m ON m.id = d.message_id"
    " WHERE d.lane_id = :lane AND d.state = 3 AND d.state > 0 AND d.ready_at <= :now"
    " ORDER BY d.ready_at, d.message_id LIMIT :n"
)
# Of the small index `dispatch_alerts`: a million held messages that open at the same time are in the other one.
_ALERTS_DUE = Statement(
    "SELECT d.message_id, d.priority, m.account_id FROM dispatch d JOIN message m ON m.id = d.message_id"
    " WHERE d.lane_id = :lane AND d.state = 3 AND d.priority < 2 AND d.ready_at <= :now"
    " ORDER BY d.ready_at, d.message_id LIMIT :n"
)
_UNKNOWN_DUE = Statement(
    "SELECT message_id, priority, expires_at, resends FROM dispatch"
    " WHERE lane_id = :lane AND state = 2 AND state > 0 AND ready_at <= :now LIMIT :n"
)
_MAKE_READY = Statement("UPDATE dispatch SET state = 0, turn = :turn WHERE message_id = :message")
_AGAIN_NOW = Statement(
    "UPDATE dispatch SET state = 0 WHERE message_id = :message AND epoch = :epoch AND state IN (1, 2)"
)
_AGAIN_LATER = Statement(
    "UPDATE dispatch SET state = 3, ready_at = :ready_at, attempts = attempts + :tries WHERE message_id = :message"
)
_HOLD = Statement(
    "UPDATE dispatch SET state = 3, ready_at = :ready_at, expires_at = :expires_at WHERE message_id = :message"
)
_PROLONG = Statement("UPDATE campaign SET expires_at = :expires_at WHERE id = :campaign AND expires_at < :expires_at")
_UNKNOWN = Statement("UPDATE dispatch SET state = 2, ready_at = :ready_at WHERE message_id = :message")
_UNKNOWN_OF_LANE = Statement(
    "SELECT message_id, priority, expires_at, resends, ready_at FROM dispatch"
    " WHERE lane_id = :lane AND state = 2 AND state > 0"
)
_RESEND = Statement(
    "UPDATE dispatch SET state = 0, attempts = attempts + 1, resends = resends + 1, in_doubt = TRUE"
    " WHERE message_id = :message AND state = 2"
)
_LEAVE = Statement("DELETE FROM dispatch WHERE message_id = :message")
_ORPHANS = Statement(
    "SELECT message_id, priority, expires_at, resends FROM dispatch"
    " WHERE lane_id = :lane AND state = 1 AND state > 0 AND epoch < :epoch"
)
_UNANSWERED_TO = Statement(
    "SELECT d.message_id, d.state, m.parts FROM dispatch d JOIN message m ON m.id = d.message_id"
    " WHERE d.lane_id = :lane AND d.state IN (1, 2) AND d.state > 0 AND m.number = :number LIMIT 2"
)
_STATES = Statement(
    "SELECT message_id, state, attempts, epoch, in_doubt, lane_id, priority, resends FROM dispatch"
    " WHERE message_id IN (SELECT value FROM json_each(:ids))"
)
_MOVE = Statement(
    "UPDATE dispatch SET lane_id = :to_lane, turn = :turn"
    " WHERE message_id = :message AND lane_id = :from_lane AND state IN (0, 3)"
)
_PASS_ON = Statement(
    "UPDATE dispatch SET lane_id = :to_lane, turn = :turn, state = 0, attempts = 0, tried = :tried"
    " WHERE message_id = :message AND lane_id = :from_lane AND epoch = :epoch AND state IN (1, 2)"
)
_UNSENT_OF_CAMPAIGN = Statement(
    "SELECT message_id, lane_id, in_doubt FROM dispatch"
    " WHERE message_id BETWEEN :first AND :last AND state IN (0, 3) LIMIT :n"
)
# A message that is accepted and not in the queue has not come to it yet: its campaign is still being queued.
_MESSAGE = "SELECT m.id FROM message m LEFT JOIN dispatch d ON d.message_id = m.id WHERE m.id"
_IS_UNSEEN = "m.state = 0 AND m.carrier_refs IS NULL AND (d.state IS NULL OR d.state IN (0, 3) AND NOT d.in_doubt)"
_UNSEEN = Statement(f"{_MESSAGE} BETWEEN :first AND :last AND {_IS_UNSEEN}")
_UNSEEN_AMONG = Statement(f"{_MESSAGE} IN (SELECT value FROM json_each(:ids)) AND {_IS_UNSEEN}")
_PIN = Statement("UPDATE dispatch SET tried = :tried WHERE message_id = :message")
_MOVABLE = (
    "SELECT d.message_id, d.priority, d.turn, d.ready_at, d.tried, d.in_doubt, m.carrier_refs IS NOT NULL,"
    " m.number, m.country, m.account_id, a.parent_id, COALESCE(m.sender, c.sender), m.price_mc / m.parts,"
    " a.is_sandbox FROM dispatch d JOIN message m ON m.id = d.message_id JOIN campaign c ON c.id = m.campaign_id"
    " JOIN account a ON a.id = m.account_id"
)
_MOVABLE_READY = Statement(
    f"{_MOVABLE} WHERE d.lane_id = :lane AND d.state = 0 AND d.priority <= :priority"
    " AND (d.priority, d.turn, d.message_id) > (:after_priority, :after_turn, :after_message)"
    " ORDER BY d.priority, d.turn, d.message_id LIMIT :n"
)
_MOVABLE_LATER = Statement(
    f"{_MOVABLE} WHERE d.lane_id = :lane AND d.state = 3 AND d.state > 0 AND d.ready_at <= :until"
    " AND (d.ready_at, d.message_id) > (:after_at, :after_message) ORDER BY d.ready_at, d.message_id LIMIT :n"
)
_MOVABLE_AMONG = Statement(f"{_MOVABLE} WHERE d.message_id IN (SELECT value FROM json_each(:ids))")
_UNANSWERED_OF_CAMPAIGN = Statement(
    "SELECT message_id FROM dispatch WHERE message_id BETWEEN :first AND :last AND (state = 2"
    " OR state = 1 AND lane_id NOT IN (SELECT id FROM carrier WHERE removed_at IS NULL)) LIMIT :n"
)
_NEXT_READY = Statement(
    "SELECT MIN(ready_at) FROM (SELECT ready_at FROM dispatch WHERE lane_id = :lane AND priority = :priority"
    " AND state = 0 ORDER BY turn LIMIT :n) next"
)
_NEXT_LANE = Statement(
    "SELECT MIN(lane) FROM (SELECT MIN(lane_id) AS lane FROM dispatch WHERE state = 0 AND lane_id > :after"
    " UNION ALL SELECT MIN(lane_id) FROM dispatch WHERE state > 0 AND lane_id > :after) lanes"
)
_DEPTH = Statement("SELECT lane_id, state, COUNT(*) FROM dispatch GROUP BY lane_id, state")

# Accounts that wait side by side are interleaved: among so many of the next there is one of the oldest.
NEXT = 100


class Queued(NamedTuple):
    """Where a message stands in the queue. Shape: one that is `in_doubt` may have left by a try nobody answered."""

    message_id: int
    state: int
    attempts: int
    epoch: int
    in_doubt: bool
    lane_id: int
    priority: int
    resends: int


class Unsent(NamedTuple):
    """A message that waits for its turn or its time. Shape: as of `Queued`."""

    message_id: int
    lane_id: int
    in_doubt: bool


class Unanswered(NamedTuple):
    """A message that was written, or may have been, and never answered. Units: milliseconds UTC."""

    message_id: int
    priority: int
    expires_at: int
    resends: int


class Claimed(NamedTuple):
    """A message the lane may hand to its carrier now.

    Shape: `refs` are the carrier's ids of the parts it has already taken, `-` for those it has not; `is_unwanted` when
           its recipient is on the account's blacklist by now.
    """

    message_id: int
    number: int
    text: str
    sender: str | None
    encoding: int
    parts: int
    refs: str | None
    attempts: int
    expires_at: int
    campaign_id: int
    priority: int
    account_id: int
    country: str
    is_unwanted: bool


class Waiting(NamedTuple):
    """A message whose turn has not come yet. Units: milliseconds UTC."""

    message_id: int
    number: int
    country: str
    account_id: int
    campaign_id: int
    expires_at: int


class Movable(NamedTuple):
    """A message that another carrier might take.

    Shape: `tried` are the lanes that could not bring it on, as `domain/failover` writes them; `is_begun` when a carrier
           has taken a part of it; `sender` is what people see, None for the carrier's own.
    Units: milliseconds UTC; thousandths of a credit for a part.
    """

    message_id: int
    priority: int
    turn: int
    ready_at: int
    tried: str | None
    in_doubt: bool
    is_begun: bool
    number: int
    country: str
    account_id: int
    parent_id: int | None
    sender: str | None
    price_mc: int
    is_sandbox: bool


class Held(NamedTuple):
    """A message that may not leave now. Units: milliseconds UTC."""

    ready_at: int
    expires_at: int
    message_id: int
    campaign_id: int


def take_turns(tx: Tx, lane: int, priority: int, account: int, count: int, now_ms: int) -> int:
    """The first of `count` consecutive turns for an account in a lane.

    Turns are microseconds when the lane stands still, so that an account's turns of an earlier rush, one a
    message, always lie behind a later rush's.
    """
    head = tx.row(_HEAD, lane=lane, priority=priority)
    if head is None:
        start = now_ms * 1000
    else:
        mine = tx.row(_TURN, lane=lane, priority=priority, account=account)
        start = max(head[0], mine[0] if mine else 0)
    tx.run(_SET_TURN, lane=lane, priority=priority, account=account, turn=start + count)
    return int(start)


def turns(tx: Tx, lanes: Sequence[int], priority: int, account: int, now_ms: int) -> Iterable[int]:
    """Turns for messages of one account, each in its lane: side by side with what others wait for."""
    starts = {lane: take_turns(tx, lane, priority, account, lanes.count(lane), now_ms) for lane in set(lanes)}
    if len(starts) == 1:
        start = starts[lanes[0]]
        return range(start, start + len(lanes))
    found = []
    for lane in lanes:
        found.append(starts[lane])
        starts[lane] += 1
    return found


def add(
    tx: Tx,
    messages: Sequence[int],
    lanes: Sequence[int],
    priority: int,
    account: int,
    ready: Sequence[int],
    validity_ms: int,
    now: int,
) -> None:
    """Put messages of one account into their lanes, at once or for the time when each is ready.

    Shape: columns of one length. First come first served for single messages, side by side for campaigns; a message
           that is scheduled gets its turn when its time comes.
    """
    at_once = [i for i, at in enumerate(ready) if at <= now]
    turn_of: Iterable[int] = repeat(now * 1000)
    if priority != SINGLE and at_once:
        mine = turns(tx, [lanes[i] for i in at_once], priority, account, now)
        turn_of = mine
        if len(at_once) < len(ready):
            by_place = dict(zip(at_once, mine, strict=True))
            turn_of = [by_place.get(i, now * 1000) for i in range(len(ready))]
    states: Iterable[int] = repeat(int(Queue.READY))
    if len(at_once) < len(ready):
        states = [int(Queue.READY if at <= now else Queue.SCHEDULED) for at in ready]
    expires = [at + validity_ms for at in ready]
    insert(tx, zip(messages, lanes, repeat(priority), turn_of, states, ready, expires, strict=False))


def insert(tx: Tx, rows: Iterable[Sequence[object]]) -> None:
    """Rows: (message, lane, priority, turn, state, ready_at, expires_at)."""
    tx.many(_INSERT, rows)


def claim(tx: Tx, lane: int, epoch: int, n: int) -> list[Claimed]:
    """Mark the next `n` messages of a lane as being sent, and read them. Cost: a few microseconds a message."""
    ids = [row[0] for row in tx.rows(_CLAIM, epoch=epoch, lane=lane, n=n)]
    if not ids:
        return []
    return [Claimed._make(row) for row in tx.rows(_CLAIMED, ids=_array(ids))]


def waiting(tx: Tx, lane: int, priority: int, n: int) -> list[Waiting]:
    """The next `n` messages of a priority, of which no carrier has taken a part, without claiming them."""
    return [Waiting._make(row) for row in tx.rows(_WAITING, lane=lane, priority=priority, n=n)]


def has_ready(tx: Tx, lane: int) -> bool:
    return tx.row(_HAS_READY, lane=lane) is not None


def has_due(tx: Tx, lane: int, state: int, now: int) -> bool:
    """Whether a scheduled message's time, or an unknown one's deadline, has come."""
    return tx.row(_HAS_DUE, lane=lane, state=state, now=now) is not None


def wake_due(tx: Tx, lane: int, now: int, n: int) -> int:
    """Make scheduled messages ready whose time has come, alerts before the others; how many."""
    groups: dict[tuple[int, int], list[int]] = {}
    due = tx.rows(_ALERTS_DUE, lane=lane, now=now, n=n) or tx.rows(_DUE, lane=lane, now=now, n=n)
    for message, priority, account in due:
        groups.setdefault((priority, account), []).append(message)
    for (priority, account), messages in groups.items():
        turn = take_turns(tx, lane, priority, account, len(messages), now)
        tx.many(_MAKE_READY, zip(range(turn, turn + len(messages)), messages, strict=True))
    return sum(map(len, groups.values()))


def unknown_due(tx: Tx, lane: int, now: int, n: int) -> list[Unanswered]:
    """Unknown outcomes that the policy is to decide about now."""
    return [Unanswered._make(row) for row in tx.rows(_UNKNOWN_DUE, lane=lane, now=now, n=n)]


def unknown_of(tx: Tx, lane: int) -> list[tuple[Unanswered, int]]:
    """Every unknown outcome of a lane, and when the policy was to decide about it."""
    return [(Unanswered._make(row[:4]), row[4]) for row in tx.rows(_UNKNOWN_OF_LANE, lane=lane)]


def again_now(tx: Tx, messages: Iterable[int], epoch: int) -> None:
    """Back to their old places: they were never written, or the carrier was only too busy."""
    tx.many(_AGAIN_NOW, [(message, epoch) for message in messages])


def again_later(tx: Tx, rows: Iterable[tuple[int, int, int]]) -> None:
    """Rows: (ready_at, tries used up by this, message)."""
    tx.many(_AGAIN_LATER, rows)


def hold(tx: Tx, rows: Sequence[Held]) -> None:
    """Put off what was never written; its campaign is waited for as long."""
    tx.many(_HOLD, [row[:3] for row in rows])
    last: dict[int, int] = {}
    for row in rows:
        last[row.campaign_id] = max(row.expires_at, last.get(row.campaign_id, 0))
    tx.many(_PROLONG, [(expires_at, campaign, expires_at) for campaign, expires_at in last.items()])


def make_unknown(tx: Tx, rows: Iterable[tuple[int, int]]) -> None:
    """Rows: (when the policy decides, message)."""
    tx.many(_UNKNOWN, rows)


def resend(tx: Tx, messages: Iterable[int]) -> None:
    """Unknown ones go out again, as the carrier's policy has it."""
    tx.many(_RESEND, [(message,) for message in messages])


def leave(tx: Tx, messages: Iterable[int]) -> None:
    """The carrier has answered for good, or nobody will ask it: out of the queue."""
    tx.many(_LEAVE, [(message,) for message in messages])


def orphans(tx: Tx, lane: int, epoch: int) -> list[Unanswered]:
    """What an earlier owner of the lane was sending when it died."""
    return [Unanswered._make(row) for row in tx.rows(_ORPHANS, lane=lane, epoch=epoch)]


def only_unknown_to(tx: Tx, lane: int, number: int) -> int | None:
    """The message of one part to a number whose outcome is unknown; None when it is not the only one to this number
    that the carrier has not answered. Cost: looks at every message of the lane that is not answered.
    """
    rows = tx.rows(_UNANSWERED_TO, lane=lane, number=number)
    return rows[0][0] if len(rows) == 1 and rows[0][1:] == (Queue.UNKNOWN, 1) else None


def states(tx: Tx, messages: Iterable[int]) -> dict[int, Queued]:
    """Where each of these messages stands; those that have left the queue are missing."""
    return {row[0]: Queued._make(row) for row in tx.rows(_STATES, ids=_array(messages))}


def movable_ready(tx: Tx, lane: int, priority: int, after: Movable | None, n: int) -> list[Movable]:
    """The next `n` messages of a lane whose turn has not come, in their order, up to a priority."""
    at = (after.priority, after.turn, after.message_id) if after else (-1, 0, 0)
    rows = tx.rows(
        _MOVABLE_READY, lane=lane, priority=priority, n=n,
        after_priority=at[0], after_turn=at[1], after_message=at[2],
    )  # fmt: skip
    return [Movable._make(row) for row in rows]


def movable_later(tx: Tx, lane: int, until: int, after: Movable | None, n: int) -> list[Movable]:
    """The next `n` messages of a lane that wait for a time, in its order, up to a time."""
    at = (after.ready_at, after.message_id) if after else (-1, 0)
    rows = tx.rows(_MOVABLE_LATER, lane=lane, until=until, after_at=at[0], after_message=at[1], n=n)
    return [Movable._make(row) for row in rows]


def movable_among(tx: Tx, messages: Iterable[int]) -> dict[int, Movable]:
    """The same of messages that are known."""
    return {row[0]: Movable._make(row) for row in tx.rows(_MOVABLE_AMONG, ids=_array(messages))}


def unsent_of_campaign(tx: Tx, first: int, last: int, n: int = -1) -> list[Unsent]:
    """The messages of a campaign that no carrier is being given; all of them, or `n` at most."""
    return [Unsent._make(row) for row in tx.rows(_UNSENT_OF_CAMPAIGN, first=first, last=last, n=n)]


def unseen(tx: Tx, first: int, last: int) -> list[int]:
    """The messages of a span that no carrier has seen, nor is being given. Cost: a scan of the span."""
    return [row[0] for row in tx.rows(_UNSEEN, first=first, last=last)]


def unseen_among(tx: Tx, messages: Iterable[int]) -> list[int]:
    """Those of the messages that no carrier has seen, nor is being given."""
    return [row[0] for row in tx.rows(_UNSEEN_AMONG, ids=_array(messages))]


def unanswered_of_campaign(tx: Tx, first: int, last: int, n: int) -> list[int]:
    """Messages whose outcome is unknown, also those that a carrier since removed was being given."""
    return [row[0] for row in tx.rows(_UNANSWERED_OF_CAMPAIGN, first=first, last=last, n=n)]


def lanes_in_use(tx: Tx) -> list[int]:
    """The lanes that have rows. Cost: a look-up for each, however many rows they have."""
    lanes: list[int] = []
    while row := tx.row(_NEXT_LANE, after=lanes[-1] if lanes else -1):
        if row[0] is None:
            break
        lanes.append(row[0])
    return lanes


def oldest_ready(tx: Tx, lane: int) -> int | None:
    """Since when the oldest is ready of the messages that leave next, NEXT of each priority; None when none is.

    Units: milliseconds UTC.
    Cost:  one step in the index and one look-up for each of these, however long the queue.
    """
    found = [tx.one(_NEXT_READY, lane=lane, priority=priority, n=NEXT)[0] for priority in (SINGLE, ALERT, MARKETING)]
    return min((at for at in found if at is not None), default=None)


def move(tx: Tx, lane: int, rows: Sequence[tuple[int, Movable]], now: int) -> int:
    """Give what waits in a lane to others; how many it was. Rows: (new lane, message)."""
    turns = _new_turns(tx, rows, now)
    return tx.many(_MOVE, [(to, turns[row.message_id], row.message_id, lane) for to, row in rows])


def pin(tx: Tx, message: int, tried: str) -> None:
    """Say who has tried a message already, or that only its own lane may."""
    tx.run(_PIN, message=message, tried=tried)


def pass_on(tx: Tx, lane: int, epoch: int, rows: Sequence[tuple[int, str | None, Movable]], now: int) -> None:
    """Give what a carrier has refused to others. Rows: (new lane, who has tried it, message)."""
    turns = _new_turns(tx, [(to, row) for to, _, row in rows], now)
    tx.many(_PASS_ON, [(to, turns[row.message_id], tried, row.message_id, lane, epoch) for to, tried, row in rows])


def _new_turns(tx: Tx, rows: Sequence[tuple[int, Movable]], now: int) -> dict[int, int]:
    """message -> its turn in its new lane: side by side with what waits there, single alerts as they came."""
    found = {row.message_id: row.turn for _, row in rows}
    groups: dict[tuple[int, int, int], list[int]] = {}
    for to, row in rows:
        if row.priority != SINGLE:
            groups.setdefault((to, row.priority, row.account_id), []).append(row.message_id)
    for (to, priority, account), messages in groups.items():
        start = take_turns(tx, to, priority, account, len(messages), now)
        found.update(zip(messages, range(start, start + len(messages)), strict=True))
    return found


def depth(tx: Tx) -> list[tuple[int, int, int]]:
    """(lane, state, how many)."""
    return [(row[0], row[1], row[2]) for row in tx.rows(_DEPTH)]


def _array(ids: Iterable[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
