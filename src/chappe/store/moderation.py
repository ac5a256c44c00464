"""Campaigns that wait for a person, and what he decided.

A campaign that is held is in the state MODERATION, with all its messages and none in the queue: `queued_to` is before
the first of them. Approved, it comes to the queue as every accepted one does (`store/preparations.py`). Denied,
`queued_to` is the last of its messages that has been ended, until all have.
"""

from typing import NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# The state is told word for word, as the condition of its partial index.
_CREATED_AT = Statement("SELECT created_at FROM account WHERE id = :account")
_COLUMNS = (
    "c.id, c.account_id, a.email, a.lang, c.kind, c.sender, c.text, c.created_at, c.send_at, c.cost_mc, c.sent, c.open,"
    " c.held_because, c.state, c.decided_at, c.first_message_id, c.last_message_id"
    " FROM campaign c JOIN account a ON a.id = c.account_id"
)
_WAITING = Statement(f"SELECT {_COLUMNS} WHERE c.state = 3 ORDER BY c.id")
_ONE = Statement(f"SELECT {_COLUMNS} WHERE c.id = :id AND c.state IN (0, 3, 4)")
_SOME_NUMBERS = Statement(
    "SELECT number, country FROM message WHERE id BETWEEN :first AND :last AND state = 0 ORDER BY id LIMIT :n"
)
_APPROVE = Statement(
    "UPDATE campaign SET state = 0, decided_at = :now,"
    " send_at = CASE WHEN send_at < :now THEN :now ELSE send_at END,"
    " expires_at = CASE WHEN expires_at < :expires_at THEN :expires_at ELSE expires_at END"
    " WHERE id = :id AND state = 3"
)
_DENY = Statement("UPDATE campaign SET state = 4, decided_at = :now WHERE id = :id AND state = 3")
# Taken back by its owner: there is nothing left to decide about.
_SETTLED = Statement("UPDATE campaign SET state = 0, queued_to = NULL WHERE id = :id AND state = 3 AND open = 0")
_FORGOTTEN = Statement("SELECT id FROM campaign WHERE state = 3 AND created_at < :before ORDER BY id")
_REFUSING = Statement("SELECT id FROM campaign WHERE queued_to IS NOT NULL AND state = 4 ORDER BY id")
_NEXT = Statement(
    "SELECT queued_to, last_message_id FROM campaign WHERE id = :id AND queued_to IS NOT NULL AND state = 4"
)
_OPEN = Statement("SELECT id FROM message WHERE id BETWEEN :first AND :last AND state = 0 ORDER BY id")
_REFUSED_TO = Statement("UPDATE campaign SET queued_to = :upto WHERE id = :id")
_FIGURES = Statement("SELECT COUNT(*), MIN(created_at) FROM campaign WHERE state = 3")


class Held(NamedTuple):
    """A campaign that waits for a person, or that one has decided about.

    Shape: `held_because` is JSON (`domain/moderation.py`), None when nobody was asked; `open` are its messages that are
           not final.
    Units: milliseconds UTC, thousandths of a credit.
    """

    ticket: int
    account_id: int
    email: str
    lang: str
    kind: str
    sender: str | None
    text: str
    created_at: int
    send_at: int
    cost_mc: int
    sent: int
    open: int
    held_because: str | None
    state: int
    decided_at: int | None
    first: int
    last: int


def account_created_at(tx: Tx, account: int) -> int:
    """When an account was opened. Units: milliseconds UTC."""
    return int(tx.one(_CREATED_AT, account=account)[0])


def waiting(tx: Tx) -> list[Held]:
    """The campaigns that wait for a person, the oldest first."""
    return [Held._make(row) for row in tx.rows(_WAITING)]


def one(tx: Tx, ticket: int) -> Held | None:
    """A campaign, whether it waits or not."""
    row = tx.row(_ONE, id=ticket)
    return Held._make(row) if row else None


def some_numbers(tx: Tx, held: Held, n: int) -> list[tuple[int, str]]:
    """(number, country) of the first `n` recipients that are still to be written to."""
    return [(row[0], row[1]) for row in tx.rows(_SOME_NUMBERS, first=held.first, last=held.last, n=n)]


def approve(tx: Tx, ticket: int, now: int, validity_ms: int) -> bool:
    """Let a campaign that waits come to the queue, with its whole validity from now; False when it does not wait."""
    return tx.run(_APPROVE, id=ticket, now=now, expires_at=now + validity_ms) > 0


def deny(tx: Tx, ticket: int, now: int) -> bool:
    """From now on nothing of a campaign that waits will be sent; False when it does not wait."""
    return tx.run(_DENY, id=ticket, now=now) > 0


def settle(tx: Tx, ticket: int) -> None:
    """Take a campaign that has nothing left to be sent out of those that wait."""
    tx.run(_SETTLED, id=ticket)


def forgotten(tx: Tx, before: int) -> list[int]:
    """The campaigns that have waited since before a time."""
    return [row[0] for row in tx.rows(_FORGOTTEN, before=before)]


def refusing(tx: Tx) -> list[int]:
    """The campaigns that are denied and not wholly ended."""
    return [row[0] for row in tx.rows(_REFUSING)]


def next_refused(tx: Tx, ticket: int, n: int) -> tuple[list[int], bool]:
    """The open ones among the next `n` messages of a denied campaign, and whether there are more after them.

    Shape: they count as ended: the caller ends them in the same unit of work.
    """
    row = tx.row(_NEXT, id=ticket)
    if row is None:
        return [], False
    queued_to, last = row
    upto = min(queued_to + n, last)
    messages = [each[0] for each in tx.rows(_OPEN, first=queued_to + 1, last=upto)]
    tx.run(_REFUSED_TO, id=ticket, upto=upto if upto < last else None)
    return messages, upto < last


def figures(tx: Tx) -> tuple[int, int | None]:
    """How many campaigns wait, and since when the oldest does. Units: milliseconds UTC."""
    row = tx.one(_FIGURES)
    return row[0], row[1]
