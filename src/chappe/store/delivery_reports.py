"""What became of the messages of one campaign, to be pulled by who gets no webhook."""

from typing import NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_CAMPAIGN = Statement(
    "SELECT first_message_id, last_message_id FROM campaign WHERE id = :ticket AND account_id = :account"
    " AND state IN (0, 3, 4)"
)
_MATCH = " FROM message WHERE id BETWEEN :first AND :last AND (:reference IS NULL OR client_ref = :reference)"
_COUNT = Statement(f"SELECT COUNT(*){_MATCH}")
_PAGE = Statement(
    f"SELECT number, client_ref, dlr, COALESCE(done_at, submitted_at){_MATCH} ORDER BY id LIMIT :length OFFSET :start"
)
# No index leads from a reference to its message, so that no index is written per message: the account's campaigns
# of a period are searched.
_TICKETS_OF_REFERENCE = Statement(
    "SELECT c.id FROM campaign c WHERE c.account_id = :account AND c.state IN (0, 3, 4) AND c.send_at >= :since"
    " AND EXISTS"
    " (SELECT 1 FROM message m WHERE m.id BETWEEN c.first_message_id AND c.last_message_id"
    " AND m.client_ref = :reference) ORDER BY c.send_at DESC, c.id DESC LIMIT 1"
)


class Report(NamedTuple):
    """A message's delivery status. Units: milliseconds UTC; `at` is None while no carrier has it."""

    number: int
    client_ref: str | None
    dlr: int
    at: int | None


def page(
    tx: Tx, account: int, ticket: int, reference: str | None, start: int, length: int
) -> tuple[list[Report], int] | None:
    """A page of a campaign's reports and how many there are; None when the account has no such campaign."""
    span = tx.row(_CAMPAIGN, ticket=ticket, account=account)
    if span is None:
        return None
    wanted = {"first": span[0], "last": span[1], "reference": reference}
    rows = tx.rows(_PAGE, **wanted, start=start, length=length)
    return [Report._make(row) for row in rows], tx.one(_COUNT, **wanted)[0]


def newest_ticket_of(tx: Tx, account: int, reference: str, since: int) -> int | None:
    """The newest campaign with a message of that reference. Cost: a scan of the account's messages since then."""
    row = tx.row(_TICKETS_OF_REFERENCE, account=account, reference=reference, since=since)
    return row[0] if row else None
