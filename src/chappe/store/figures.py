"""Counts for the metrics."""

from collections import Counter
from typing import NamedTuple

from chappe.store import arrived_receipts, carriers, mails, moderation, quarantine, queue
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
    """How much of everything waits.

    Shape: `queue` has (carrier, state) -> how many, `oldest_ready` how long messages that leave next have been ready,
           `oldest_arrived` the age of receipts over HTTP that are not recorded yet; carriers by their names.
    Units: seconds; 0 where nothing waits.
    """

    queue: Counter[tuple[str, int]]
    oldest_ready: dict[str, float]
    oldest_arrived: dict[str, float]
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
    names, served = carriers.names(tx), {row.id: row for row in carriers.all_carriers(tx)}
    depth: Counter[tuple[str, int]] = Counter()
    for lane, state, count in queue.depth(tx):
        depth[names.get(lane, str(lane)), state] += count
    return Figures(
        depth,
        {names[carrier]: _age_s(queue.oldest_ready(tx, carrier), now) for carrier in served},
        {row.name: _age_s(arrived_receipts.since(tx, row.id), now) for row in served.values() if row.kind == "http"},
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


def _age_s(since: int | None, now: int) -> float:
    return max(0, now - since) / 1000 if since is not None else 0.0
