"""The binds of customers, as the process that has them last reported them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# A bind that was not reported for so long is over: its process has died.
STALE_MS: Final = 15_000

_COLUMNS: Final = (
    "id, bind_user_id, address, mode, version, is_tls, in_flight, received, refused, delivered, oddities, bound_at,"
    " seen_at"
)
_REPORT = Statement(
    f"INSERT INTO bind_session ({_COLUMNS}) VALUES (:id, :bind_user_id, :address, :mode, :version, :is_tls, :in_flight,"
    " :received, :refused, :delivered, :oddities, :bound_at, :seen_at) ON CONFLICT (id) DO UPDATE SET"
    " in_flight = excluded.in_flight, received = excluded.received, refused = excluded.refused,"
    " delivered = excluded.delivered, oddities = excluded.oddities, seen_at = excluded.seen_at"
)
_FORGET_OTHERS = Statement("DELETE FROM bind_session WHERE id NOT IN (SELECT value FROM json_each(:ids))")
_LIVE = Statement(f"SELECT {_COLUMNS} FROM bind_session WHERE seen_at > :since ORDER BY bound_at, id")


class BindSession(NamedTuple):
    """A connection of a customer. Units: milliseconds UTC. Shape: `oddities` is JSON: name -> how often."""

    id: str
    bind_user_id: int
    address: str
    mode: str
    version: int
    is_tls: bool
    in_flight: int
    received: int
    refused: int
    delivered: int
    oddities: str | None
    bound_at: int
    seen_at: int


def report(tx: Tx, sessions: Sequence[BindSession], living: Sequence[str]) -> None:
    """Write down what has changed, and forget every bind that is not among the living."""
    tx.many(_REPORT, sessions)
    tx.run(_FORGET_OTHERS, ids=msgspec.json.encode(living).decode())


def live(tx: Tx, now: int) -> list[BindSession]:
    """The binds there are, the oldest first."""
    rows = tx.rows(_LIVE, since=now - STALE_MS)
    return [BindSession._make((*row[:5], bool(row[5]), *row[6:])) for row in rows]
