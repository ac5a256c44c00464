"""Messages on their way, loaded and written back in batches, with everything that hangs on their state."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from chappe.domain.outcomes import NO_REF, Tracked, rollups, settled
from chappe.store import wallets
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement
from chappe.store.wallets import Settlement

_LOAD = Statement(
    "SELECT m.id, m.campaign_id, m.account_id, c.wallet_id, m.number, m.country, m.client_ref, m.parts, m.price_mc,"
    " m.state, m.dlr, m.carrier_refs, m.submitted_at, m.done_at, c.send_at"
    " FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE m.id IN (SELECT value FROM json_each(:ids))"
)
_PARTS = Statement(
    "SELECT message_id, seq, dlr FROM part WHERE carrier_id = :carrier"
    " AND ref_key IN (SELECT value FROM json_each(:keys))"
)
_FIND = Statement(
    "SELECT p.ref_key, p.message_id, p.seq, p.dlr, m.number FROM part p JOIN message m ON m.id = p.message_id"
    " WHERE p.carrier_id = :carrier AND p.ref_key IN (SELECT value FROM json_each(:keys)) ORDER BY p.message_id"
)
_NEW_PART = Statement(
    "INSERT INTO part (carrier_id, ref_key, message_id, seq, dlr) VALUES (:carrier, :key, :message, :seq, 0)"
    " ON CONFLICT (carrier_id, ref_key, message_id, seq) DO NOTHING"
)
_PART_DLR = Statement(
    "UPDATE part SET dlr = :dlr WHERE carrier_id = :carrier AND ref_key = :key AND message_id = :message AND seq = :seq"
)
_SAVE = Statement(
    "UPDATE message SET state = :state, dlr = :dlr, carrier_id = COALESCE(:carrier, carrier_id),"
    " carrier_refs = :refs, submitted_at = :submitted_at, done_at = :done_at WHERE id = :id"
)
_ROLLUP = Statement(
    "UPDATE campaign SET open = open + :opened, delivered = delivered + :delivered, failed = failed + :failed,"
    " expired = expired + :expired, network_error = network_error + :network_error,"
    " cancelled = cancelled + :cancelled, unassigned = unassigned + :unassigned WHERE id = :campaign"
)
_TRACE = Statement("INSERT INTO trace (message_id, at, step, detail) VALUES (:message, :at, :step, :detail)")
_UNKNOWN_SINCE = Statement(
    "SELECT message_id, MAX(at) FROM trace WHERE message_id IN (SELECT value FROM json_each(:ids))"
    " AND step = 'unknown' GROUP BY message_id"
)


class FoundPart(NamedTuple):
    """A part that a carrier's id may belong to. Shape: `dlr` is its receipt so far, 0 for none."""

    ref_key: str
    message_id: int
    seq: int
    dlr: int
    number: int


def load(tx: Tx, ids: Collection[int]) -> dict[int, Tracked]:
    """message -> its facts. Cost: about 2 µs a message."""
    found = {}
    for row in tx.rows(_LOAD, ids=msgspec.json.encode(list(ids)).decode()):
        (
            id_,
            campaign,
            account,
            wallet,
            number,
            country,
            ref,
            parts,
            price,
            state,
            dlr,
            refs,
            submitted,
            done,
            send_at,
        ) = row
        found[id_] = Tracked(
            id_, campaign, account, wallet, number, country, ref, parts, price, state, state, dlr,
            refs.split(" ") if refs else [NO_REF] * parts, submitted, done, {}, dlr,
            send_at=send_at,
        )  # fmt: skip
    return found


def find_parts(tx: Tx, carrier: int, keys: Collection[str]) -> dict[str, list[FoundPart]]:
    """The parts under each of these ids of a carrier, oldest first."""
    found: dict[str, list[FoundPart]] = {}
    for row in tx.rows(_FIND, carrier=carrier, keys=msgspec.json.encode(list(keys)).decode()):
        found.setdefault(row[0], []).append(FoundPart._make(row))
    return found


def load_part_dlrs(tx: Tx, carrier: int, message: Tracked, keys: Collection[str]) -> None:
    """Fill in the receipts that a long message's parts have so far; `keys` are its refs, normalised."""
    for message_id, seq, dlr in tx.rows(_PARTS, carrier=carrier, keys=msgspec.json.encode(list(keys)).decode()):
        if message_id == message.id:
            message.part_dlrs[seq] = dlr


def add_parts(tx: Tx, rows: Iterable[tuple[int, str, int, int]]) -> None:
    """Rows: (carrier, normalised id, message, seq)."""
    tx.many(_NEW_PART, rows)


def save_part_dlrs(tx: Tx, rows: Iterable[tuple[int, int, str, int, int]]) -> None:
    """Rows: (dlr, carrier, normalised id, message, seq)."""
    tx.many(_PART_DLR, rows)


def add_trace(tx: Tx, rows: Iterable[tuple[int, int, str, str]]) -> None:
    """Rows: (message, at, step, detail): what the other columns do not tell."""
    tx.many(_TRACE, rows)


def unknown_since(tx: Tx, messages: Iterable[int]) -> dict[int, int]:
    """message -> when it last became unknown, of those whose steps are still kept. Cost: reads the steps of each."""
    ids = msgspec.json.encode(list(messages)).decode()
    return {row[0]: row[1] for row in tx.rows(_UNKNOWN_SINCE, ids=ids)}


def save(
    tx: Tx,
    messages: Iterable[Tracked],
    at: int,
    *,
    carrier: int | None = None,
    may_have_left: Collection[int] = (),
) -> None:
    """Write what changed: the messages, their campaigns' counters, their money.

    `may_have_left` are messages that were written to a carrier whose answer nobody saw.
    """
    touched = [message for message in messages if message.is_touched]
    if not touched:
        return
    tx.many(
        _SAVE,
        [
            (
                m.state,
                m.dlr,
                carrier,
                " ".join(m.refs) if m.has_refs else None,
                m.submitted_at,
                m.done_at,
                m.id,
            )
            for m in touched
        ],
    )
    tx.many(_ROLLUP, [(*move, campaign) for campaign, move in rollups(touched).items()])
    wallets.settle(tx, _settlements(touched, may_have_left), at)


def _settlements(messages: list[Tracked], may_have_left: Collection[int]) -> list[Settlement]:
    """One settlement a campaign: the ledger grows with batches, not with messages."""
    sums: dict[int, list[int]] = {}
    for message in messages:
        captured, released = settled(message, may_have_left=message.id in may_have_left)
        if captured or released:
            entry = sums.setdefault(message.campaign_id, [message.wallet_id, message.account_id, 0, 0])
            entry[2] += captured
            entry[3] += released
    return [Settlement(e[0], e[1], campaign, e[2], e[3]) for campaign, e in sums.items()]
