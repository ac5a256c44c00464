"""Receipts that belong to no message we know, kept until one turns up."""

from collections.abc import Iterable
from typing import NamedTuple

from chappe.domain.outcomes import ReceiptIn
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_INSERT = Statement(
    "INSERT INTO unmatched_receipt (carrier_id, ref, number, dlr, is_final, detail, received_at)"
    " VALUES (:carrier, :ref, :number, :dlr, :is_final, :detail, :at) RETURNING id"
)
_DELETE = Statement("DELETE FROM unmatched_receipt WHERE id = :id")
_NEWEST = Statement(
    "SELECT id, ref, number, dlr, is_final, detail, received_at FROM unmatched_receipt WHERE carrier_id = :carrier"
    " ORDER BY id DESC LIMIT :n"
)
_COUNT = Statement("SELECT COUNT(*) FROM unmatched_receipt")


class Quarantined(NamedTuple):
    """A receipt that waits for its message. Units: `at` is when it came, in milliseconds UTC."""

    id: int
    ref: str
    number: int | None
    dlr: int
    is_final: bool
    detail: str
    at: int


def insert(tx: Tx, carrier: int, receipts: Iterable[ReceiptIn], at: int) -> list[Quarantined]:
    """Keep receipts that came now."""
    kept = []
    for ref, number, dlr, is_final, detail, _, _ in receipts:
        row = tx.one(_INSERT, carrier=carrier, ref=ref, number=number, dlr=dlr, is_final=is_final, detail=detail, at=at)
        kept.append(Quarantined(row[0], ref, number, dlr, is_final, detail, at))
    return kept


def delete(tx: Tx, ids: Iterable[int]) -> None:
    tx.many(_DELETE, [(id_,) for id_ in ids])


def newest(tx: Tx, carrier: int, n: int) -> list[Quarantined]:
    """The last `n` that came, oldest first."""
    rows = tx.rows(_NEWEST, carrier=carrier, n=n)
    return [Quarantined(r[0], r[1], r[2], r[3], bool(r[4]), r[5], r[6]) for r in reversed(rows)]


def count(tx: Tx) -> int:
    return int(tx.one(_COUNT)[0])
