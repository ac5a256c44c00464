"""Look-ups as rows: asked and reserved, then answered and captured, or failed and released."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

ASKED, ANSWERED, FAILED = 0, 1, 2

_ADD = Statement(
    "INSERT INTO lookup (id, account_id, wallet_id, carrier_id, number, price_mc, state, asked_at)"
    f" VALUES (:id, :account, :wallet, :carrier, :number, :price, {ASKED}, :at)"
)
# Only one that is still open is settled: whoever comes second changes nothing.
_SETTLE = Statement(f"UPDATE lookup SET state = :state, result = :result WHERE id = :id AND state = {ASKED}")
_OPEN = Statement(
    f"SELECT id, account_id, wallet_id, price_mc FROM lookup WHERE state = {ASKED} AND asked_at < :before"
    " ORDER BY asked_at LIMIT :n"
)
_SPAN: Final = f" FROM lookup WHERE account_id = :account AND state = {ANSWERED}"
_MATCH: Final = (
    _SPAN + " AND (:from_at IS NULL OR asked_at >= :from_at) AND (:to_at IS NULL OR asked_at <= :to_at)"
    " AND (:number IS NULL OR instr(CAST(number AS TEXT), :number) > 0)"
)
_PAGE = Statement(
    f"SELECT id, number, price_mc, asked_at, result{_MATCH} ORDER BY asked_at DESC, id DESC LIMIT :length OFFSET :start"
)
_MATCHING = Statement(f"SELECT COUNT(*){_MATCH}")
_TOTAL = Statement(f"SELECT COUNT(*){_SPAN}")


class NewLookup(NamedTuple):
    """A number that is being asked about. Units: thousandths of a credit, milliseconds UTC."""

    id: int
    account_id: int
    wallet_id: int
    carrier_id: int
    number: int
    price_mc: int
    at: int


class OpenLookup(NamedTuple):
    """A number whose price is still reserved."""

    id: int
    account_id: int
    wallet_id: int
    price_mc: int


class LookupRow(NamedTuple):
    """A look-up that was answered. Shape: `result` is JSON. Units: thousandths of a credit, milliseconds UTC."""

    id: int
    number: int
    price_mc: int
    asked_at: int
    result: str


def add(tx: Tx, rows: Iterable[NewLookup]) -> None:
    tx.many(_ADD, rows)


def settle(tx: Tx, lookup: int, state: int, result: str | None) -> bool:
    """Whether the look-up was open until now."""
    return tx.run(_SETTLE, id=lookup, state=state, result=result) > 0


def open_before(tx: Tx, before: int, n: int) -> list[OpenLookup]:
    """Look-ups that were asked before some moment and never settled, the oldest first."""
    return [OpenLookup._make(row) for row in tx.rows(_OPEN, before=before, n=n)]


def page(
    tx: Tx, account: int, from_at: int | None, to_at: int | None, number: str | None, start: int, length: int
) -> tuple[list[LookupRow], int, int]:
    """A page of the answered look-ups, how many there are, how many match."""
    wanted = {"account": account, "from_at": from_at, "to_at": to_at, "number": number}
    rows = [LookupRow._make(row) for row in tx.rows(_PAGE, start=start, length=length, **wanted)]
    return rows, tx.one(_TOTAL, account=account)[0], tx.one(_MATCHING, **wanted)[0]
