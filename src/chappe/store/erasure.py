"""Take one person out of the database, in rows that were found before (`store/privacy.py`).

Messages keep their rows, because campaigns, bills and carriers' receipts count on them; who they were to and what they
said is gone.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from chappe.domain.lifecycle import CampaignState, Queue, State
from chappe.domain.privacy import ERASED, Person
from chappe.store import bound_messages
from chappe.store.privacy import Whom
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# Messages of one step.
STEP: Final = 250

_IDS = "(SELECT value FROM json_each(:ids))"
_OVERWRITE = Statement("PRAGMA secure_delete = ON")
_DELETE_CONTACTS = Statement(f"DELETE FROM contact WHERE list_id = :list AND id IN {_IDS} AND number = :number")
# `used_at` stays: a list is not kept for longer because somebody was taken off it.
_COUNT_OFF = Statement("UPDATE contact_list SET contacts = contacts - :n WHERE id = :list")
_STANDING = Statement(
    "SELECT m.id, m.campaign_id, m.state, c.state, d.state FROM message m JOIN campaign c ON c.id = m.campaign_id"
    f" LEFT JOIN dispatch d ON d.message_id = m.id WHERE m.id IN {_IDS} AND m.number = :number"
)
_EMPTY = Statement(
    f"UPDATE message SET number = {ERASED}, text = '', infos = NULL, client_ref = NULL, sender = NULL"
    f" WHERE id IN {_IDS} AND number = :number"
)
_OF_MESSAGES = {
    "steps": Statement(f"DELETE FROM trace WHERE message_id IN {_IDS}"),
    "clicks": Statement(f"DELETE FROM click WHERE message_id IN {_IDS}"),
    "deliveries over SMPP": Statement(f"DELETE FROM bound_delivery WHERE message_id IN {_IDS}"),
    "webhook attempts": Statement(
        f"DELETE FROM attempt WHERE event_id IN (SELECT id FROM event WHERE message_id IN {_IDS})"
    ),
    "webhook events": Statement(f"DELETE FROM event WHERE message_id IN {_IDS}"),
}
# A campaign whose every message is erased was written to nobody else: its text is what they were told. One that waits
# for a person has nothing left to decide about.
_EMPTY_CAMPAIGNS = Statement(
    "UPDATE campaign SET text = '', held_because = NULL,"
    " queued_to = CASE state WHEN 3 THEN NULL ELSE queued_to END,"
    " decided_at = CASE state WHEN 3 THEN :now ELSE decided_at END, state = CASE state WHEN 3 THEN 4 ELSE state END"
    f" WHERE id IN {_IDS} AND NOT EXISTS (SELECT 1 FROM message m"
    f" WHERE m.id BETWEEN campaign.first_message_id AND campaign.last_message_id AND m.number <> {ERASED})"
    " RETURNING id"
)
# Replies that answer no message are on their way under their sender's number only.
_DELIVERIES = Statement(
    "DELETE FROM bound_delivery WHERE message_id IS NULL AND instr(body, CAST(:digits AS BLOB)) > 0"
    " AND (:account IS NULL OR bind_user_id IN (SELECT id FROM bind_user WHERE account_id = :account))"
)
_EMPTY_LINKS = Statement(f"UPDATE link SET url = '' WHERE campaign_id IN {_IDS}")
_ATTEMPTS = Statement(f"DELETE FROM attempt WHERE event_id IN {_IDS}")
_DELETE: Final = {
    "reply": Statement(f"DELETE FROM reply WHERE id IN {_IDS} AND state <> 0"),
    "event": Statement(f"DELETE FROM event WHERE id IN {_IDS}"),
    # One that is being asked is settled by who asks.
    "lookup": Statement(f"DELETE FROM lookup WHERE id IN {_IDS} AND state <> 0 AND number = :number"),
    "unmatched_receipt": Statement(f"DELETE FROM unmatched_receipt WHERE id IN {_IDS}"),
}
# Who asked is dead: the worker gives the price back to a row without a number.
_EMPTY_LOOKUPS = Statement(
    f"UPDATE lookup SET number = {ERASED} WHERE id IN {_IDS} AND state = 0 AND number = :number AND asked_at < :before"
)
_OPEN_LOOKUPS = Statement(f"SELECT id FROM lookup WHERE id IN {_IDS} AND state = 0 AND number = :number")

Deleted = Literal["reply", "event", "lookup", "unmatched_receipt"]


class Standing(NamedTuple):
    """A message that is to be erased, and where it is."""

    id: int
    campaign_id: int
    state: State
    campaign_state: int
    queue_state: int | None

    @property
    def is_being_written(self) -> bool:
        """Its campaign is not accepted yet, and may be in a moment."""
        return self.campaign_state == CampaignState.PREPARING

    @property
    def is_being_sent(self) -> bool:
        """A gateway has it in its hands."""
        return self.queue_state == Queue.SENDING

    @property
    def is_settled_elsewhere(self) -> bool:
        """Nothing was reserved for its campaign, or who denied it gives that back."""
        return self.campaign_state in (CampaignState.DISCARDED, CampaignState.DENIED)


def overwrite(tx: Tx) -> None:
    """From now on this connection writes zeros over what it deletes, also over whole pages."""
    tx.run(_OVERWRITE)


def delete_contacts(tx: Tx, list_id: int, ids: Sequence[int], person: Person) -> int:
    """Take a person off a list; how many times he was on it."""
    count = tx.run(_DELETE_CONTACTS, list=list_id, ids=_array(ids), number=person.number)
    tx.run(_COUNT_OFF, list=list_id, n=count)
    return count


def standing(tx: Tx, ids: Sequence[int], person: Person) -> list[Standing]:
    """Where the person's messages are; those that are not his, or no more, are missing."""
    rows = tx.rows(_STANDING, ids=_array(ids), number=person.number)
    return [Standing(row[0], row[1], State(row[2]), row[3], row[4]) for row in rows]


def empty_messages(tx: Tx, messages: Sequence[Standing], person: Person, now: int) -> dict[str, int]:
    """Empty messages with all that hangs on them; how many rows of what it were."""
    ids = _array([message.id for message in messages])
    counts = {"messages": tx.run(_EMPTY, ids=ids, number=person.number)}
    counts |= {what: tx.run(statement, ids=ids) for what, statement in _OF_MESSAGES.items()}
    counts["addresses over SMPP"] = bound_messages.delete(tx, [message.id for message in messages])
    campaigns = tx.rows(_EMPTY_CAMPAIGNS, now=now, ids=_array({message.campaign_id for message in messages}))
    tx.run(_EMPTY_LINKS, ids=_array([row[0] for row in campaigns]))
    return counts


def delete(tx: Tx, table: Deleted, ids: Sequence[int], whom: Whom) -> int:
    """Delete rows of a person; how many there still were, without what is still being done about him."""
    array = _array(ids)
    if table == "event":
        tx.run(_ATTEMPTS, ids=array)
    return tx.run(_DELETE[table], ids=array, **whom.values())


def delete_deliveries(tx: Tx, whom: Whom) -> int:
    """Delete what is on its way over SMPP about a person and no message; how many. Cost: reads all that is."""
    return tx.run(_DELIVERIES, **whom.values())


def open_lookups(tx: Tx, ids: Sequence[int], person: Person) -> list[int]:
    """Those of the look-ups that are not answered yet."""
    return [row[0] for row in tx.rows(_OPEN_LOOKUPS, ids=_array(ids), number=person.number)]


def empty_dead_lookups(tx: Tx, ids: Sequence[int], person: Person, before: int) -> int:
    """Empty look-ups that were asked before a time and can be answered no more; how many it were."""
    return tx.run(_EMPTY_LOOKUPS, ids=_array(ids), number=person.number, before=before)


def _array(ids: Collection[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
