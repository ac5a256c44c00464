"""Delete what is kept no longer: by account and age, and by age alone what belongs to nobody.

Everything goes in steps of a few hundred rows, so that whoever calls decides how much one unit of work does. Nothing
here scans a table: the messages of a campaign are one range of ids, ids without an owner rise with their time.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.domain.outcomes import NO_REF
from chappe.store import bound_messages
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement
from chappe.telecom.receipts import key

# Rows of one step.
STEP: Final = 250
# Campaigns that are looked at together.
PAGE: Final = 2000

_IDS = "(SELECT value FROM json_each(:ids))"
_WITH_MESSAGES = Statement(
    "SELECT id, first_message_id, last_message_id, send_at, open > 0 OR queued_to IS NOT NULL FROM campaign"
    " WHERE account_id = :account AND send_at >= :after_at AND send_at < :before"
    " AND (send_at, id) > (:after_at, :after_id)"
    " AND (messages_deleted_at IS NULL OR first_message_id <= last_message_id) ORDER BY send_at, id LIMIT :n"
)
_MESSAGES = Statement(f"DELETE FROM message WHERE id IN {_IDS} RETURNING id, carrier_id, carrier_refs, parts")
_MESSAGES_GONE = Statement(
    "UPDATE campaign SET messages_deleted_at = COALESCE(messages_deleted_at, :now), first_message_id = :next"
    " WHERE id = :campaign"
)
_PARTS = Statement("DELETE FROM part WHERE carrier_id = :carrier AND ref_key = :key AND message_id = :message")
_CARRIERS = Statement("SELECT id FROM carrier")
_OF_MESSAGES = (
    Statement(f"DELETE FROM trace WHERE message_id IN {_IDS}"),
    Statement(f"DELETE FROM click WHERE message_id IN {_IDS}"),
    # An event that is still due is posted first, and goes as a finished one.
    Statement(
        f"DELETE FROM attempt WHERE event_id IN (SELECT id FROM event WHERE message_id IN {_IDS} AND state <> 0)"
    ),
    Statement(f"DELETE FROM event WHERE message_id IN {_IDS} AND state <> 0"),
)
# What of an account is old enough to go, the oldest first.
_OF_ACCOUNT: Final = {
    "campaign": Statement(
        "SELECT id FROM campaign WHERE account_id = :account AND send_at < :before AND messages_deleted_at IS NOT NULL"
        " AND first_message_id > last_message_id ORDER BY send_at LIMIT :n"
    ),
    "reply": Statement(
        "SELECT id FROM reply WHERE account_id = :account AND received_at < :before ORDER BY received_at LIMIT :n"
    ),
    "lookup": Statement(
        "SELECT id FROM lookup WHERE account_id = :account AND asked_at < :before AND state <> 0"
        " ORDER BY asked_at LIMIT :n"
    ),
}
_LISTS = Statement("SELECT id FROM contact_list WHERE account_id = :account AND used_at < :before ORDER BY id")
_NOBODYS_REPLIES = Statement(
    "SELECT id FROM reply WHERE account_id IS NULL AND received_at < :before AND state > 1"
    " ORDER BY received_at LIMIT :n"
)
# (id, when it came, whether it may go), in the order of the ids, which is that of the time.
_IN_ORDER: Final = {
    "unmatched_receipt": Statement(
        "SELECT id, received_at, TRUE FROM unmatched_receipt WHERE id > :after ORDER BY id LIMIT :n"
    ),
    "event": Statement("SELECT id, created_at, state <> 0 FROM event WHERE id > :after ORDER BY id LIMIT :n"),
    "mail": Statement("SELECT id, created_at, state <> 0 FROM mail WHERE id > :after ORDER BY id LIMIT :n"),
}
_DELETE: Final = {
    table: Statement(f"DELETE FROM {table} WHERE id IN {_IDS}")
    for table in ("campaign", "reply", "lookup", "unmatched_receipt", "event", "mail")
}
_WITH_IT: Final = {
    "campaign": Statement(f"DELETE FROM link WHERE campaign_id IN {_IDS}"),
    "event": Statement(f"DELETE FROM attempt WHERE event_id IN {_IDS}"),
}

OfAccount = Literal["campaign", "reply", "lookup"]
Ownerless = Literal["unmatched_receipt", "event", "mail", "reply"]


class Span(NamedTuple):
    """The messages of a campaign. Units: milliseconds UTC. Shape: nothing of it may go while it `is_open`."""

    campaign: int
    first: int
    last: int
    send_at: int
    is_open: bool


def with_messages(tx: Tx, account: int, before: int, after: tuple[int, int]) -> list[Span]:
    """The next campaigns of an account that were sent before a time and still have messages, the oldest first.

    Shape: `after` is the send time and the id of the last one that was read.
    """
    rows = tx.rows(_WITH_MESSAGES, account=account, before=before, after_at=after[0], after_id=after[1], n=PAGE)
    return [Span(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


def delete_messages(tx: Tx, spans: deque[Span], now: int) -> int:
    """A step of the messages of some campaigns, with all that hangs on them; how many it were.

    Shape: what is done is taken off `spans`. From its first step on a campaign counts as one without messages; a
           process that dies goes on where it was.
    """
    ids: list[int] = []
    cut: list[tuple[int, int, int]] = []
    while spans and len(ids) < STEP:
        span = spans.popleft()
        last = min(span.last, span.first + STEP - len(ids) - 1)
        ids += range(span.first, last + 1)
        cut.append((now, last + 1, span.campaign))
        if last < span.last:
            spans.appendleft(span._replace(first=last + 1))
    array = msgspec.json.encode(ids).decode()
    found = tx.rows(_MESSAGES, ids=array)
    _delete_parts(tx, found)
    for statement in _OF_MESSAGES:
        tx.run(statement, ids=array)
    bound_messages.delete(tx, ids)
    tx.many(_MESSAGES_GONE, cut)
    return len(found)


def _delete_parts(tx: Tx, messages: Sequence[tuple[int, int | None, str | None, int]]) -> None:
    """The carriers' ids of some messages. A long message may have gone to one carrier in part, to another in part."""
    rows = []
    every: list[int] = []
    for message, carrier, refs, parts in messages:
        if carrier is None or refs is None:
            continue
        if parts > 1 and not every:
            every = [row[0] for row in tx.rows(_CARRIERS)]
        keys = {key(ref) for ref in refs.split(" ") if ref != NO_REF}
        rows += [(each, ref_key, message) for ref_key in keys for each in (every if parts > 1 else (carrier,))]
    tx.many(_PARTS, rows)


def old(tx: Tx, kind: OfAccount, account: int, before: int) -> list[int]:
    """A step of what an account has from before a time: campaigns without messages, replies, answered look-ups."""
    return [row[0] for row in tx.rows(_OF_ACCOUNT[kind], account=account, before=before, n=STEP)]


def idle_lists(tx: Tx, account: int, before: int) -> list[int]:
    """The lists of an account that were neither changed nor sent to since then."""
    return [row[0] for row in tx.rows(_LISTS, account=account, before=before)]


def old_ownerless(tx: Tx, kind: Ownerless, before: int, after: int) -> tuple[list[int], int | None]:
    """A step of what came before a time and has no owner to say for how long it is kept.

    Shape: the ids to delete, without what is still due, and the id to go on after; None when the rest is younger.
    """
    if kind == "reply":
        ids = [row[0] for row in tx.rows(_NOBODYS_REPLIES, before=before, n=STEP)]
        return ids, after if len(ids) == STEP else None
    rows = [row for row in tx.rows(_IN_ORDER[kind], after=after, n=STEP) if row[1] < before]
    return [row[0] for row in rows if row[2]], rows[-1][0] if len(rows) == STEP else None


def delete(tx: Tx, kind: OfAccount | Ownerless, ids: Sequence[int]) -> int:
    """Delete rows with what hangs on them; how many there still were."""
    array = msgspec.json.encode(ids).decode()
    if kind in _WITH_IT:
        tx.run(_WITH_IT[kind], ids=array)
    return tx.run(_DELETE[kind], ids=array)
