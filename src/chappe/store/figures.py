"""Counts for the metrics."""

from typing import NamedTuple

from chappe.store import mails, moderation, quarantine, queue
from chappe.store.clock import now_ms
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_EVENTS = Statement("SELECT COUNT(*), MIN(next_at) FROM event WHERE state = 0 AND next_at <= :now")
_UNQUEUED = Statement(
    "SELECT COALESCE(SUM(last_message_id - queued_to), 0) FROM campaign WHERE queued_to IS NOT NULL AND state = 0"
)
_OVERDUE = Statement("SELECT COUNT(*) FROM campaign WHERE open > 0 AND state = 0 AND expires_at < :before")
# Longer than any receipt is waited for by default: an open campaign this old means that a job does not run.
_OVERDUE_MS = 3 * 24 * 3600 * 1000


class Figures(NamedTuple):
    """How much of everything waits. Shape: `queue` rows are (lane, state, count)."""

    queue: list[tuple[int, int, int]]
    unmatched_receipts: int
    events_due: int
    oldest_event_s: float
    overdue: int
    mails_due: int
    oldest_mail_s: float
    unqueued: int
    held: int
    oldest_held_s: float


def read(tx: Tx) -> Figures:
    """Cost: a scan of the queue's index."""
    now = now_ms()
    due, oldest = tx.one(_EVENTS, now=now)
    mails_due, oldest_mail = mails.waiting(tx)
    held, oldest_held = moderation.figures(tx)
    return Figures(
        queue.depth(tx),
        quarantine.count(tx),
        due,
        (now - oldest) / 1000 if oldest is not None else 0.0,
        tx.one(_OVERDUE, before=now - _OVERDUE_MS)[0],
        mails_due,
        (now - oldest_mail) / 1000 if oldest_mail is not None else 0.0,
        tx.one(_UNQUEUED)[0],
        held,
        (now - oldest_held) / 1000 if oldest_held is not None else 0.0,
    )
