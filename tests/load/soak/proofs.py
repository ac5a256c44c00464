"""What must hold when a soak is over: each proof is a question in SQL whose answer has to be empty.

`kept` are the messages that Chappe has, `asked` those that customers asked for, `taken` what the carriers took.
"""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

_EXAMPLES: Final = 5

_KEPT: Final = """
CREATE TABLE kept AS
    SELECT m.id, m.number, m.state, m.dlr, m.campaign_id AS campaign, m.price_mc AS price, m.parts,
           m.submitted_at IS NOT NULL AS has_left, m.carrier_refs LIKE '%none.%' AS is_nameless, d.state AS queue
    FROM chappe.message m LEFT JOIN chappe.dispatch d ON d.message_id = m.id;
CREATE INDEX kept_by_number ON kept (number);
CREATE INDEX kept_by_campaign ON kept (campaign);
CREATE TABLE paid AS
    SELECT campaign_id AS campaign, SUM(amount_mc) FILTER (WHERE kind = 'reserve') AS reserved,
           COALESCE(SUM(amount_mc) FILTER (WHERE kind = 'capture'), 0) AS captured,
           COALESCE(SUM(amount_mc) FILTER (WHERE kind = 'release'), 0) AS released
    FROM chappe.ledger WHERE campaign_id IS NOT NULL GROUP BY campaign_id;
CREATE UNIQUE INDEX paid_by_campaign ON paid (campaign);
CREATE TABLE counted AS
    SELECT campaign, COUNT(*) AS total, SUM(price) AS cost, SUM(state < 2) AS open, SUM(state = 2) AS delivered,
           SUM(state = 3 AND dlr NOT IN (11, 12)) AS failed, SUM(state = 3 AND dlr = 12) AS expired,
           SUM(state = 3 AND dlr = 11) AS network_error,
           SUM(CASE WHEN state IN (1, 2) OR (state = 3 AND has_left) THEN price ELSE 0 END) AS left_mc,
           SUM(CASE WHEN state = 3 AND NOT has_left THEN price ELSE 0 END) AS stayed_mc
    FROM kept GROUP BY campaign;
CREATE UNIQUE INDEX counted_by_campaign ON counted (campaign);
"""


class Proof(NamedTuple):
    """Something that must hold. Shape: `query` selects what breaks it."""

    name: str
    query: str


PROOFS: Final = (
    Proof(
        "every accepted message is there once",
        "SELECT a.number, a.way, COUNT(k.id) AS copies FROM asked a LEFT JOIN kept k USING (number)"
        " WHERE a.outcome = 'accepted' GROUP BY a.number HAVING copies <> 1",
    ),
    Proof(
        "nothing is there that nobody asked for, or that was refused",
        "SELECT k.number, a.way, a.outcome FROM kept k LEFT JOIN asked a USING (number)"
        " WHERE a.outcome IS NULL OR a.outcome = 'refused'",
    ),
    Proof("nobody was refused", "SELECT number, way, said FROM asked WHERE outcome = 'refused'"),
    Proof(
        "each is delivered, failed, or shown as unknown or without receipt",
        "SELECT id, number, state, dlr, queue FROM kept WHERE NOT (state IN (2, 3) AND queue IS NULL"
        " OR state IN (0, 1) AND queue = 2 OR state = 1 AND queue IS NULL)",
    ),
    Proof(
        "carriers took nothing that was not accepted",
        "SELECT number, carrier FROM taken WHERE taken > 0 AND number NOT IN (SELECT number FROM kept)",
    ),
    Proof(
        "no carrier took anything twice, nor did two take the same",
        "SELECT number, print, SUM(taken) AS times, GROUP_CONCAT(carrier) FROM taken GROUP BY number, print"
        " HAVING times > 1",
    ),
    Proof(
        "what is sent or delivered was taken",
        "SELECT id, number, state FROM kept WHERE state IN (1, 2)"
        " AND (SELECT COUNT(*) FROM taken t WHERE t.number = kept.number AND taken > 0) < parts",
    ),
    Proof(
        "what failed without having left was not taken",
        "SELECT id, number, dlr FROM kept WHERE state = 3 AND NOT has_left"
        " AND EXISTS (SELECT 1 FROM taken t WHERE t.number = kept.number AND taken > 0)",
    ),
    Proof(
        # A receipt cannot name what the carrier took without giving it an id, and of a long message it settles no part
        # that was not answered.
        "what all receipts were taken of is final",
        "SELECT id, number, state, queue FROM kept WHERE state < 2 AND NOT COALESCE(is_nameless, 0)"
        " AND (parts = 1 OR queue IS NULL)"
        " AND (SELECT COUNT(*) FROM taken t WHERE t.number = kept.number AND acknowledged > 0) >= parts",
    ),
    Proof(
        "the ledger adds up to the wallets",
        "SELECT w.id, w.available_mc, w.reserved_mc, x.available, x.reserved FROM chappe.wallet w LEFT JOIN (SELECT"
        " wallet_id, SUM(CASE kind WHEN 'reserve' THEN -amount_mc WHEN 'capture' THEN 0 ELSE amount_mc END) AS"
        " available, SUM(CASE kind WHEN 'reserve' THEN amount_mc WHEN 'capture' THEN -amount_mc WHEN 'release' THEN"
        " -amount_mc ELSE 0 END) AS reserved FROM chappe.ledger GROUP BY wallet_id) x ON x.wallet_id = w.id"
        " WHERE (w.available_mc, w.reserved_mc) <> (COALESCE(x.available, 0), COALESCE(x.reserved, 0))",
    ),
    Proof(
        "captured is what left, released what did not, reserved the rest",
        "SELECT c.campaign, c.cost, c.left_mc, c.stayed_mc, p.* FROM counted c LEFT JOIN paid p USING (campaign)"
        " WHERE p.campaign IS NULL OR (p.reserved, p.captured, p.released) <> (c.cost, c.left_mc, c.stayed_mc)",
    ),
    Proof(
        "nothing is reserved for a campaign that is over",
        "SELECT c.id, p.* FROM chappe.campaign c JOIN paid p ON p.campaign = c.id"
        " WHERE c.open = 0 AND p.reserved <> p.captured + p.released",
    ),
    Proof(
        "the counters of campaigns are the counts of their messages",
        "SELECT c.id, n.* FROM chappe.campaign c LEFT JOIN counted n ON n.campaign = c.id WHERE n.campaign IS NULL OR"
        " (c.total, c.sent, c.open, c.delivered, c.failed, c.expired, c.network_error) <>"
        " (n.total, n.total, n.open, n.delivered, n.failed, n.expired, n.network_error)",
    ),
    Proof(
        "each end was posted to its webhook, as one event",
        "SELECT k.id, k.state, COUNT(e.id) AS events FROM kept k LEFT JOIN chappe.event e"
        " ON e.message_id = k.id AND e.state = 1 GROUP BY k.id HAVING events <> (k.state IN (2, 3))",
    ),
    Proof(
        "each end of what came over SMPP was told there, and told right",
        "SELECT a.number, a.ref, k.state, t.state FROM asked a JOIN kept k USING (number) LEFT JOIN told t"
        " ON t.ref = a.ref WHERE a.way = 'smpp' AND a.outcome = 'accepted' AND k.state IN (2, 3)"
        " AND (t.ref IS NULL OR (t.state = 'DELIVRD') <> (k.state = 2))",
    ),
    Proof(
        "no receipt over SMPP is about a message that has not ended",
        "SELECT t.ref, k.state FROM told t JOIN asked a ON a.ref = t.ref AND a.way = 'smpp' JOIN kept k USING (number)"
        " WHERE k.state < 2",
    ),
    Proof("no receipt waits for a customer over SMPP", "SELECT id, message_id FROM chappe.bound_delivery"),
)


class Verdict(msgspec.Struct, frozen=True):
    """A proof and what breaks it, the first few of it."""

    name: str
    broken: int
    examples: list[str] = []

    @property
    def holds(self) -> bool:
        return not self.broken


def prepare(connection: sqlite3.Connection, database: Path) -> None:
    """Bring Chappe's database beside the notebook. Nobody else may have it open."""
    connection.execute("ATTACH DATABASE ? AS chappe", (str(database),))
    connection.executescript("CREATE INDEX asked_by_ref ON asked (ref);" + _KEPT)


def verdicts(connection: sqlite3.Connection) -> list[Verdict]:
    return [_verdict(connection, proof) for proof in PROOFS]


def _verdict(connection: sqlite3.Connection, proof: Proof) -> Verdict:
    found = connection.execute(proof.query)
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    some = [", ".join(f"{n} {v}" for n, v in zip(names, row, strict=True)) for row in rows[:_EXAMPLES]]
    return Verdict(proof.name, len(rows), some)


def counts(connection: sqlite3.Connection, query: str) -> dict[str, int]:
    """The answer to a question for words and their counts."""
    return {str(word): int(count) for word, count in connection.execute(query)}


STATES: Final = (
    "SELECT CASE WHEN state = 2 THEN 'delivered' WHEN state = 3 AND has_left THEN 'failed'"
    " WHEN state = 3 THEN 'failed, never left' WHEN queue = 2 THEN 'unknown' ELSE 'sent, no receipt' END, COUNT(*)"
    " FROM kept GROUP BY 1 ORDER BY 2 DESC"
)
ASKED: Final = "SELECT way || ' ' || outcome, COUNT(*) FROM asked GROUP BY 1 ORDER BY 1"
TOLD_MORE: Final = "SELECT 'receipts over SMPP that came again', COUNT(*) FROM told WHERE times > 1"
