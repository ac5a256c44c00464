"""Wallets and their ledger: what may be spent, what is reserved, and every movement that led there.

available = top-ups + adjustments + transfers - reservations + releases
reserved  = reservations - captures - releases
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from chappe.domain.accounts import Account
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_RESERVE = Statement(
    "UPDATE wallet SET available_mc = available_mc - :amount, reserved_mc = reserved_mc + :amount"
    " WHERE id = :wallet AND available_mc - :amount >= -postpaid_limit_mc RETURNING available_mc"
)
_SETTLE = Statement(
    "UPDATE wallet SET reserved_mc = reserved_mc - :captured - :released, available_mc = available_mc + :released"
    " WHERE id = :wallet"
)
_ADD = Statement(
    "UPDATE wallet SET available_mc = available_mc + :amount"
    " WHERE id = :wallet AND available_mc + :amount >= -postpaid_limit_mc RETURNING available_mc"
)
_LIMIT = Statement(
    "UPDATE wallet SET postpaid_limit_mc = :limit WHERE id = :wallet AND available_mc >= -:limit RETURNING id"
)
_CAPTURED = Statement(
    "SELECT account_id, SUM(amount_mc) FROM ledger WHERE kind = 'capture'"
    " AND account_id IN (SELECT value FROM json_each(:accounts)) AND at >= :from_at AND at < :to_at"
    " GROUP BY account_id"
)
_ENTRIES = Statement(
    "SELECT at, kind, amount_mc, account_id, campaign_id, note FROM ledger WHERE wallet_id = :wallet"
    " ORDER BY id DESC LIMIT :n"
)
_AVAILABLE = Statement("SELECT available_mc, reserved_mc, postpaid_limit_mc FROM wallet WHERE id = :wallet")
_LEDGER = Statement(
    "INSERT INTO ledger (wallet_id, account_id, kind, amount_mc, campaign_id, at, note)"
    " VALUES (:wallet, :account, :kind, :amount, :campaign, :at, :note)"
)


class Wallet(NamedTuple):
    """The state of a wallet. Units: thousandths of a credit."""

    available_mc: int
    reserved_mc: int
    postpaid_limit_mc: int


class Entry(NamedTuple):
    """A movement in the ledger. Units: milliseconds UTC, thousandths of a credit."""

    at: int
    kind: str
    amount_mc: int
    account_id: int
    campaign_id: int | None
    note: str | None


class Settlement(NamedTuple):
    """What one campaign's messages, or look-ups (no campaign), cost or did not cost in the end. Units: as `Wallet`."""

    wallet_id: int
    account_id: int
    campaign_id: int | None
    captured_mc: int
    released_mc: int


def read(tx: Tx, wallet_id: int) -> Wallet:
    row = tx.row(_AVAILABLE, wallet=wallet_id)
    return Wallet(*row) if row else Wallet(0, 0, 0)


def reserve(tx: Tx, wallet_id: int, account_id: int, campaign_id: int | None, amount_mc: int, at: int) -> int | None:
    """Set the cost of a campaign, or of look-ups, aside; what is left to spend then.

    Shape: None, and nothing written, when it is not covered.
    """
    row = tx.row(_RESERVE, amount=amount_mc, wallet=wallet_id)
    if row is None:
        return None
    if amount_mc:
        tx.many(_LEDGER, [(wallet_id, account_id, "reserve", amount_mc, campaign_id, at, None)])
    return int(row[0])


def reserve_all(tx: Tx, wallet_id: int, account_id: int, costs: Sequence[tuple[int, int]], at: int) -> list[int | None]:
    """Set the costs of campaigns aside, as (campaign, cost); what is left to spend after each, None where it is not
    covered.

    Cost: one look at the wallet when all are covered.
    """
    if len(costs) > 1:
        total = sum(cost for _, cost in costs)
        if (row := tx.row(_RESERVE, amount=total, wallet=wallet_id)) is not None:
            tx.many(_LEDGER, [(wallet_id, account_id, "reserve", c, campaign, at, None) for campaign, c in costs if c])
            return [int(row[0])] * len(costs)
    return [reserve(tx, wallet_id, account_id, campaign, cost, at) for campaign, cost in costs]


def settle(tx: Tx, settlements: Iterable[Settlement], at: int) -> None:
    """Turn reservations into captures and releases. The caller sees to it that each message settles once."""
    entries: list[tuple[object, ...]] = []
    totals: dict[int, tuple[int, int]] = {}
    for wallet, account, campaign, captured, released in settlements:
        so_far = totals.get(wallet, (0, 0))
        totals[wallet] = (so_far[0] + captured, so_far[1] + released)
        if captured:
            entries.append((wallet, account, "capture", captured, campaign, at, None))
        if released:
            entries.append((wallet, account, "release", released, campaign, at, None))
    if entries:
        tx.many(_LEDGER, entries)
        tx.many(
            _SETTLE,
            [(captured, released, released, wallet) for wallet, (captured, released) in totals.items()],
        )


def add(
    tx: Tx,
    wallet_id: int,
    account_id: int,
    kind: Literal["topup", "adjust"],
    amount_mc: int,
    at: int,
    note: str | None,
) -> int | None:
    """Give credits, or take some back with a negative `adjust`; what is there then.

    Shape: None, and nothing written, when the wallet would fall below its limit.
    """
    row = tx.row(_ADD, amount=amount_mc, wallet=wallet_id)
    if row is None:
        return None
    tx.many(_LEDGER, [(wallet_id, account_id, kind, amount_mc, None, at, note)])
    return int(row[0])


def transfer(tx: Tx, giver: Account, taker: Account, amount_mc: int, at: int) -> tuple[int, int] | None:
    """Move credits between two wallets; what both have then.

    Shape: None, and nothing written, when the giver would fall below his limit.
    """
    left = tx.row(_ADD, amount=-amount_mc, wallet=giver.wallet_id)
    if left is None:
        return None
    there = tx.one(_ADD, amount=amount_mc, wallet=taker.wallet_id)
    rows = [
        (giver.wallet_id, giver.id, "transfer", -amount_mc, None, at, f"to account {taker.id}"),
        (taker.wallet_id, taker.id, "transfer", amount_mc, None, at, f"from account {giver.id}"),
    ]
    tx.many(_LEDGER, rows)
    return left[0], there[0]


def set_limit(tx: Tx, wallet_id: int, limit_mc: int) -> bool:
    """How far below nothing the wallet may go; False, and nothing changed, when it is lower already."""
    return tx.row(_LIMIT, wallet=wallet_id, limit=limit_mc) is not None


def captured(tx: Tx, accounts: Iterable[int], from_at: int, to_at: int) -> dict[int, int]:
    """account -> what it spent from one time to before another, in thousandths of a credit."""
    encoded = msgspec.json.encode(list(accounts)).decode()
    return dict(tx.rows(_CAPTURED, accounts=encoded, from_at=from_at, to_at=to_at))


def entries(tx: Tx, wallet_id: int, n: int) -> list[Entry]:
    """The last `n` movements, the newest first."""
    return [Entry._make(row) for row in tx.rows(_ENTRIES, wallet=wallet_id, n=n)]
