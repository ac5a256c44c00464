"""Messages whose end nobody told: which carriers are to be asked about, how they ended, and which are open now."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# What is counted, and what it means.
WHAT: Final = {
    "unknown": "became unknown",
    "resent": "sent again by the policy",
    "asked": "questions that the carrier answered or let pass",
    "late answer": "settled by an answer after its time",
    "receipt": "settled by a receipt under its own id",
    "receipt by number": "settled by a receipt that named only its number",
    "query": "settled by the answer to a question",
    "given up": "ended without a word from the carrier",
    "by hand": "settled by the operator",
}

_COUNT = Statement(
    "INSERT INTO unknown_count (carrier_id, what, count) VALUES (:carrier, :what, :count)"
    " ON CONFLICT (carrier_id, what) DO UPDATE SET count = count + :count"
)
_COUNTS = Statement("SELECT carrier_id, what, count FROM unknown_count ORDER BY carrier_id, what")
_ASK = Statement(
    "INSERT INTO open_question (carrier_id, ask_at, message_id, asked) VALUES (:carrier, :ask_at, :message, :asked)"
    " ON CONFLICT (carrier_id, ask_at, message_id) DO NOTHING"
)
_HAS_DUE = Statement("SELECT 1 FROM open_question WHERE carrier_id = :carrier AND ask_at <= :now LIMIT 1")
_DUE = Statement(
    "SELECT q.ask_at, q.message_id, q.asked, m.state, m.carrier_id, m.carrier_refs, m.number,"
    " COALESCE(m.sender, c.sender), c.kind"
    " FROM (SELECT ask_at, message_id, asked FROM open_question WHERE carrier_id = :carrier AND ask_at <= :now"
    " ORDER BY ask_at, message_id LIMIT :n) q"
    " LEFT JOIN message m ON m.id = q.message_id LEFT JOIN campaign c ON c.id = m.campaign_id"
)
_TAKE = Statement(
    "DELETE FROM open_question WHERE carrier_id = :carrier AND ask_at = :ask_at AND message_id = :message"
)
_FORGET = Statement("DELETE FROM open_question WHERE carrier_id = :carrier")
_STRAYS = Statement(
    "SELECT DISTINCT carrier_id FROM open_question"
    " WHERE carrier_id NOT IN (SELECT id FROM carrier WHERE removed_at IS NULL)"
)
# Those that become unknown first are decided about first. The newest step that says so tells since when.
_OPEN = Statement(
    "SELECT d.message_id, d.lane_id, k.name, m.account_id, m.number, m.country, d.priority, d.ready_at, d.expires_at,"
    " d.resends, m.carrier_refs,"
    " (SELECT MAX(t.at) FROM trace t WHERE t.message_id = d.message_id AND t.step = 'unknown') AS since"
    " FROM dispatch d JOIN message m ON m.id = d.message_id LEFT JOIN carrier k ON k.id = d.lane_id"
    " WHERE d.state = 2 AND d.state > 0 AND (:carrier IS NULL OR d.lane_id = :carrier)"
    " AND (:before IS NULL OR since <= :before) ORDER BY d.ready_at, d.message_id LIMIT :n"
)


class Silent(NamedTuple):
    """A message that the carrier is to be asked about now.

    Shape: all but the first three are None when the message is there no more; `carrier_refs` as in `message`, of the
           carrier that is `carrier_id`.
    Units: milliseconds UTC.
    """

    ask_at: int
    message_id: int
    asked: int
    state: int | None
    carrier_id: int | None
    carrier_refs: str | None
    number: int | None
    sender: str | None
    kind: str | None


class OpenUnknown(NamedTuple):
    """A message that was written to a carrier and never answered. Units: milliseconds UTC."""

    message_id: int
    carrier_id: int
    carrier: str | None
    account_id: int
    number: int
    country: str
    priority: int
    decides_at: int
    expires_at: int
    resends: int
    carrier_refs: str | None
    since: int | None


def count(tx: Tx, counts: Mapping[tuple[int, str], int]) -> None:
    """Add to the counts. Shape: (carrier, one of WHAT) -> how many."""
    tx.many(_COUNT, [(carrier, what, n, n) for (carrier, what), n in counts.items()])


def counts(tx: Tx) -> dict[int, dict[str, int]]:
    """carrier -> what -> how many, ever."""
    found: dict[int, dict[str, int]] = {}
    for carrier, what, n in tx.rows(_COUNTS):
        found.setdefault(carrier, {})[what] = n
    return found


def ask(tx: Tx, carrier: int, rows: Iterable[tuple[int, int, int]]) -> None:
    """Plan to ask about messages. Rows: (ask_at, message, how often it has been asked)."""
    tx.many(_ASK, [(carrier, *row) for row in rows])


def has_due(tx: Tx, carrier: int, now: int) -> bool:
    """Whether a carrier is to be asked about something now."""
    return tx.row(_HAS_DUE, carrier=carrier, now=now) is not None


def due(tx: Tx, carrier: int, now: int, n: int) -> list[Silent]:
    """The first `n` messages whose time to be asked about has come; they are not planned any more."""
    found = [Silent._make(row) for row in tx.rows(_DUE, carrier=carrier, now=now, n=n)]
    tx.many(_TAKE, [(carrier, each.ask_at, each.message_id) for each in found])
    return found


def forget(tx: Tx, carrier: int) -> None:
    """Ask a carrier nothing."""
    tx.run(_FORGET, carrier=carrier)


def forget_strays(tx: Tx) -> None:
    """Drop the questions to carriers that were removed."""
    for (carrier,) in tx.rows(_STRAYS):
        forget(tx, carrier)


def open_unknowns(tx: Tx, carrier: int | None, before: int | None, n: int) -> list[OpenUnknown]:
    """Messages whose outcome is unknown now, the next to be decided about first.

    Shape: of one carrier; only those that became unknown before a time.
    Cost:  reads every one of them.
    """
    return [OpenUnknown._make(row) for row in tx.rows(_OPEN, carrier=carrier, before=before, n=n)]
