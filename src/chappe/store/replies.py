"""Texts that people sent to the carriers' numbers."""

from collections.abc import Iterable

from chappe.domain.outcomes import ReplyIn
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_INSERT = Statement(
    "INSERT INTO reply (carrier_id, source, destination, text, received_at)"
    " VALUES (:carrier, :source, :destination, :text, :at)"
)


def insert(tx: Tx, carrier: int, replies: Iterable[ReplyIn], at: int) -> None:
    tx.many(_INSERT, [(carrier, *reply, at) for reply in replies])
