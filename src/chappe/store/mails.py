"""The outbox of mails."""

from typing import NamedTuple

from chappe.domain.mails import MailState
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_INSERT = Statement(
    "INSERT INTO mail (account_id, recipient, subject, body, created_at, attempts, state, next_at)"
    " VALUES (:account, :recipient, :subject, :body, :at, 0, 0, :at)"
)
_DUE = Statement(
    "SELECT id, recipient, subject, body, created_at, attempts FROM mail"
    " WHERE state = 0 AND next_at <= :now ORDER BY next_at LIMIT :n"
)
_SETTLE = Statement(
    "UPDATE mail SET state = :state, attempts = :attempts, next_at = :next_at, error = :error WHERE id = :id"
)
_GIVE_UP = Statement(
    "UPDATE mail SET state = 2, error = :error WHERE id IN"
    " (SELECT id FROM mail WHERE state = 0 AND next_at <= :now AND created_at <= :before ORDER BY next_at LIMIT :n)"
)
_WAITING = Statement("SELECT COUNT(*), MIN(created_at) FROM mail WHERE state = 0")


class DueMail(NamedTuple):
    """A mail to be sent now. Units: milliseconds UTC."""

    id: int
    recipient: str
    subject: str
    body: str
    created_at: int
    attempts: int


class MailOutcome(NamedTuple):
    """One try and where it leaves the mail. Units: milliseconds UTC."""

    state: MailState
    attempts: int
    next_at: int
    error: str | None


def write(tx: Tx, account: int | None, recipient: str, subject: str, body: str, at: int) -> None:
    """Put a mail into the outbox, due at once."""
    tx.run(_INSERT, account=account, recipient=recipient, subject=subject, body=body, at=at)


def due(tx: Tx, now: int, n: int) -> list[DueMail]:
    """The mails to be sent now, the longest waiting first."""
    return [DueMail._make(row) for row in tx.rows(_DUE, now=now, n=n)]


def settle(tx: Tx, mail: int, outcome: MailOutcome) -> None:
    """Write down what came of a try."""
    tx.run(
        _SETTLE,
        state=outcome.state.value,
        attempts=outcome.attempts,
        next_at=outcome.next_at,
        error=outcome.error,
        id=mail,
    )


def give_up_before(tx: Tx, before: int, now: int, error: str, n: int) -> int:
    """End mails that were written before a time and are due; how many it were."""
    return tx.run(_GIVE_UP, before=before, now=now, error=error, n=n)


def waiting(tx: Tx) -> tuple[int, int | None]:
    """How many mails wait to be sent, and when the oldest was written. Units: milliseconds UTC."""
    row = tx.one(_WAITING)
    return row[0], row[1]
