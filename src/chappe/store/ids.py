"""Ids minted in blocks of consecutive numbers, small enough to be read aloud."""

from typing import Literal

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

IdKind = Literal[
    "account",
    "token",
    "campaign",
    "message",
    "webhook",
    "event",
    "carrier",
    "route",
    "list",
    "contact",
    "lookup",
    "sender",
]

_TAKE = Statement(
    "INSERT INTO id_block (kind, next) VALUES (:kind, 1 + :n)"
    " ON CONFLICT (kind) DO UPDATE SET next = next + :n RETURNING next - :n"
)


class Ids:
    """The mint of every id that is written down before its row exists."""

    def take(self, tx: Tx, kind: IdKind, n: int = 1) -> int:
        """The first of `n` consecutive ids; a unit that is rolled back gives them back."""
        row = tx.one(_TAKE, kind=kind, n=n)
        return int(row[0])
