"""Receipts that came over HTTP, between the process that answered the vendor and the gateway that records them."""

from collections.abc import Iterable
from typing import NamedTuple

from chappe.domain.outcomes import ReceiptIn
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_INSERT = Statement(
    "INSERT INTO arrived_receipt (carrier_id, ref, number, dlr, is_final, detail, received_at)"
    " VALUES (:carrier, :ref, :number, :dlr, :is_final, :detail, :at)"
)
_OLDEST = Statement(
    "SELECT id, ref, number, dlr, is_final, detail, received_at FROM arrived_receipt WHERE carrier_id = :carrier"
    " ORDER BY id LIMIT :n"
)
_ANY = Statement("SELECT 1 FROM arrived_receipt WHERE carrier_id = :carrier LIMIT 1")
_SINCE = Statement("SELECT received_at FROM arrived_receipt WHERE carrier_id = :carrier ORDER BY id LIMIT 1")
_DELETE = Statement("DELETE FROM arrived_receipt WHERE id = :id")
_FORGET = Statement("DELETE FROM arrived_receipt WHERE carrier_id = :carrier")


class Arrived(NamedTuple):
    """A receipt that nothing was done about yet."""

    id: int
    receipt: ReceiptIn


def insert(tx: Tx, carrier: int, receipts: Iterable[ReceiptIn], at: int) -> None:
    """Keep receipts for the carrier's gateway."""
    tx.many(_INSERT, [(carrier, *receipt[:5], at) for receipt in receipts])


def has_any(tx: Tx, carrier: int) -> bool:
    """Whether receipts of a carrier wait. Cost: one look into the index."""
    return tx.row(_ANY, carrier=carrier) is not None


def since(tx: Tx, carrier: int) -> int | None:
    """When the one came that waits longest; None without any.

    Units: milliseconds UTC.
    Cost:  one look into the index.
    """
    row = tx.row(_SINCE, carrier=carrier)
    return row[0] if row else None


def oldest(tx: Tx, carrier: int, n: int) -> list[Arrived]:
    """The next receipts of a carrier, in the order in which they came."""
    rows = tx.rows(_OLDEST, carrier=carrier, n=n)
    return [Arrived(r[0], ReceiptIn(r[1], r[2], r[3], bool(r[4]), r[5], r[6])) for r in rows]


def delete(tx: Tx, ids: Iterable[int]) -> None:
    """Forget receipts that are recorded."""
    tx.many(_DELETE, [(id_,) for id_ in ids])


def forget(tx: Tx, carrier: int) -> None:
    """Forget the receipts of a carrier that is gone."""
    tx.run(_FORGET, carrier=carrier)
