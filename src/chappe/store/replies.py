"""Texts that people sent to the carriers' numbers: as they came, and whose they are."""

from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

import msgspec

from chappe.domain.long_replies import Joined
from chappe.domain.outcomes import ReplyIn
from chappe.domain.replies import StoredReply
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# A repeat is looked for among so many replies that came before.
RECENT: Final = 10_000


class ReplyState(IntEnum):
    """What has been done about a reply. The numbers are stored: never renumber."""

    STORED = 0
    DELIVERED = 1
    NOBODYS = 2
    REPEAT = 3
    FAULTY = 4  # a fault of ours: kept for whoever mends it


class Sighting(NamedTuple):
    """A message that was sent to somebody who replied. Units: milliseconds UTC."""

    id: int
    number: int
    carrier_id: int | None
    submitted_at: int
    account_id: int


class DelayedCampaign(NamedTuple):
    """A campaign that was sent later than it was accepted, and its messages. Units: milliseconds UTC."""

    send_at: int
    first: int
    last: int


class LastMessage(NamedTuple):
    """What a reply's owner is told of the last message to that number."""

    id: int
    account_id: int
    campaign_id: int
    number: int
    country: str
    client_ref: str | None
    infos: str | None


class Given(NamedTuple):
    """To whom a reply is given; all None when it is nobody's."""

    state: ReplyState
    kind: str | None
    account_id: int | None
    campaign_id: int | None
    message_id: int | None
    id: int


_STORED = (
    "id, carrier_id, source, destination, text, received_at, part_of, part, joined, account_id"
    ", ref, doubt_since, doubt_until, state = 3"
)
_INSERT = Statement(
    "INSERT INTO reply (carrier_id, source, destination, text, received_at, part_of, part, ref, doubt_since,"
    " doubt_until) VALUES (:carrier, :source, :destination, :text, :at, :part_of, :part, :ref, :since, :until)"
)
_WHOLE = Statement(f"SELECT {_STORED} FROM reply WHERE state = 0 AND part IS NULL ORDER BY id LIMIT :n")
_PARTS = Statement(f"SELECT {_STORED} FROM reply WHERE state = 0 AND part IS NOT NULL ORDER BY id LIMIT :n")
_RECENT = Statement(
    f"SELECT {_STORED} FROM reply WHERE source IN (SELECT value FROM json_each(:sources)) AND id < :before"
    " AND received_at >= :since AND part IS NULL ORDER BY id DESC LIMIT :n"
)
_NEWEST_PART = Statement("SELECT id FROM reply WHERE state = 0 AND part IS NOT NULL ORDER BY id DESC LIMIT 1")
_PUT_TOGETHER = Statement(
    "UPDATE reply SET text = :text, part = NULL, joined = :joined, missing = :missing WHERE id = :id AND state = 0"
)
_ASSIGN = Statement("UPDATE reply SET state = 0, account_id = :account WHERE id = :id AND state IN (2, 4)")
_DELETE = Statement("DELETE FROM reply WHERE id = :id AND state = 0")
_GIVE = Statement(
    "UPDATE reply SET state = :state, kind = :kind, account_id = :account_id, campaign_id = :campaign_id,"
    " message_id = :message_id WHERE id = :id AND state = 0"
)
_STILL_STORED = Statement("SELECT id FROM reply WHERE state = 0 AND id IN (SELECT value FROM json_each(:ids))")
_SENT_TO = Statement(
    "SELECT id, number, carrier_id, submitted_at, account_id FROM message WHERE id BETWEEN :low AND :high"
    " AND number IN (SELECT value FROM json_each(:numbers)) AND submitted_at IS NOT NULL"
)
_NEWEST_MESSAGE = Statement("SELECT COALESCE(MAX(id), 0) FROM message")
_NEWEST_CAMPAIGN = Statement("SELECT COALESCE(MAX(id), 0) FROM campaign")
_CAMPAIGN_FROM = Statement(
    "SELECT id, created_at, first_message_id FROM campaign WHERE id >= :id AND sent > 0 ORDER BY id LIMIT 1"
)
_DELAYED = Statement(
    "SELECT send_at, first_message_id, last_message_id FROM campaign WHERE send_at > created_at"
    " AND send_at > :after AND send_at <= :until AND sent > 0"
)
_LAST_MESSAGES = Statement(
    "SELECT id, account_id, campaign_id, number, country, client_ref, infos FROM message"
    " WHERE id IN (SELECT value FROM json_each(:ids))"
)
_STOPPED = Statement(
    "SELECT m.value FROM json_each(:messages) m JOIN message ON message.id = m.value"
    " WHERE EXISTS (SELECT 1 FROM reply r WHERE r.campaign_id = message.campaign_id AND r.message_id = message.id"
    " AND r.kind = 'stop')"
)
_COUNT_STOPS = Statement("UPDATE campaign SET stops = stops + :n WHERE id = :campaign")


def insert(tx: Tx, carrier: int, replies: Iterable[ReplyIn], at: int) -> None:
    """Store replies as they came."""
    tx.many(
        _INSERT,
        [
            (carrier, *each[:3], at if each.at is None else each.at, each.part_of, each.part, each.ref,
             *(each.doubt or (None, None)))
            for each in replies
        ],
    )  # fmt: skip


def stored(tx: Tx, n: int) -> list[StoredReply]:
    """The next whole replies that nothing was done about. Cost: no more than there are."""
    return _made(tx.rows(_WHOLE, n=n))


def parts(tx: Tx, n: int) -> list[StoredReply]:
    """Parts of long replies that wait for the others."""
    return _made(tx.rows(_PARTS, n=n))


def recent(tx: Tx, before: int, since: int, sources: Collection[str]) -> list[StoredReply]:
    """Whole replies of these people that came before a reply and not before a time, oldest first.

    Cost: reads what these people wrote, RECENT of it at the most, newest first.
    """
    return _made(tx.rows(_RECENT, before=before, n=RECENT, since=since, sources=_json(sources)))[::-1]


def newest_part(tx: Tx) -> int:
    """The part that came last of those that wait; 0 when none does."""
    row = tx.row(_NEWEST_PART)
    return int(row[0]) if row else 0


def put_together(tx: Tx, whole: Iterable[Joined], merged: Iterable[int]) -> None:
    """Write long texts into the first of their parts' rows, and delete the rows of the others."""
    tx.many(_PUT_TOGETHER, whole)
    tx.many(_DELETE, [(each,) for each in merged])


def still_stored(tx: Tx, ids: Collection[int]) -> set[int]:
    """Those that nothing was done about."""
    return {row[0] for row in tx.rows(_STILL_STORED, ids=_json(ids))}


def give(tx: Tx, given: Iterable[Given]) -> None:
    """Say whose replies are."""
    tx.many(_GIVE, given)


def assign(tx: Tx, reply: int, account: int) -> bool:
    """Give an account what was nobody's, with all that follows from it; False when it is somebody's."""
    return tx.run(_ASSIGN, id=reply, account=account) > 0


def newest_message(tx: Tx) -> int:
    return int(tx.one(_NEWEST_MESSAGE)[0])


def oldest_message(tx: Tx, since: int) -> int:
    """The first message accepted at a time or later; past the newest when there is none.

    Cost: some twenty look-ups: ids of campaigns grow with the time.
    """
    low, high = 1, int(tx.one(_NEWEST_CAMPAIGN)[0])
    first = newest_message(tx) + 1
    while low <= high:
        row = tx.row(_CAMPAIGN_FROM, id=(low + high) // 2)
        if row is None:
            high = (low + high) // 2 - 1
        elif row[1] >= since:
            first, high = min(first, row[2]), (low + high) // 2 - 1
        else:
            low = row[0] + 1
    return first


def sent_to(tx: Tx, low: int, high: int, numbers: Sequence[int]) -> list[Sighting]:
    """The messages of a span that left for one of these numbers. Cost: reads the whole span."""
    return [Sighting._make(row) for row in tx.rows(_SENT_TO, low=low, high=high, numbers=_json(numbers))]


def delayed(tx: Tx, after: int, until: int) -> list[DelayedCampaign]:
    """The campaigns with a delay that were sent in a period."""
    return [DelayedCampaign._make(row) for row in tx.rows(_DELAYED, after=after, until=until)]


def last_messages(tx: Tx, ids: Collection[int]) -> dict[int, LastMessage]:
    return {row[0]: LastMessage._make(row) for row in tx.rows(_LAST_MESSAGES, ids=_json(ids))}


def stopped(tx: Tx, messages: Collection[int]) -> set[int]:
    """Those of the messages that somebody has answered with an opt-out before."""
    return {row[0] for row in tx.rows(_STOPPED, messages=_json(messages))}


def count_stops(tx: Tx, by_campaign: dict[int, int]) -> None:
    tx.many(_COUNT_STOPS, [(n, campaign) for campaign, n in by_campaign.items()])


def _made(rows: Iterable[Sequence[Any]]) -> list[StoredReply]:
    return [StoredReply._make((*row[:-1], bool(row[-1]))) for row in rows]


def _json(values: Collection[object]) -> str:
    return msgspec.json.encode(list(values)).decode()
