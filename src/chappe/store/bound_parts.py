"""Parts of long messages that wait for the others."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from chappe.domain.bound_submits import WaitingPart, decoded, encoded
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_COLUMNS: Final = "part_of, set_no, part, ref, received_at, body"
_WAITING = Statement(
    f"SELECT {_COLUMNS} FROM bound_part WHERE bind_user_id = :user"
    " AND part_of IN (SELECT value FROM json_each(:keys)) ORDER BY part_of, set_no, part"
)
_INSERT = Statement(
    "INSERT INTO bound_part (bind_user_id, part_of, set_no, part, ref, received_at, body)"
    " VALUES (:user, :part_of, :set_no, :part, :ref, :at, :body)"
)
_DELETE = Statement("DELETE FROM bound_part WHERE bind_user_id = :user AND part_of = :part_of AND set_no = :set_no")
_COUNT = Statement("SELECT COUNT(*) FROM (SELECT 1 FROM bound_part WHERE bind_user_id = :user LIMIT :most)")
_SET_OF = Statement("SELECT bind_user_id, part_of, set_no FROM bound_part WHERE bind_user_id = :user AND ref = :ref")
# A set is as old as its newest part.
_OLD = Statement(
    "SELECT DISTINCT bind_user_id, part_of, set_no FROM bound_part p WHERE received_at < :before AND NOT EXISTS"
    " (SELECT 1 FROM bound_part q WHERE q.bind_user_id = p.bind_user_id AND q.part_of = p.part_of"
    " AND q.set_no = p.set_no AND q.received_at >= :before) LIMIT :n"
)
_SET = Statement(
    f"SELECT {_COLUMNS} FROM bound_part WHERE bind_user_id = :user AND part_of = :part_of AND set_no = :set_no"
    " ORDER BY part"
)


class PartSet(NamedTuple):
    """What parts of one message have in common."""

    bind_user_id: int
    part_of: str
    set_no: int


def waiting(tx: Tx, user: int, keys: Collection[str]) -> dict[str, list[WaitingPart]]:
    """What waits under each of these, in the order of the sets."""
    found: dict[str, list[WaitingPart]] = {}
    for row in tx.rows(_WAITING, user=user, keys=msgspec.json.encode(list(keys)).decode()):
        found.setdefault(row[0], []).append(_part(row))
    return found


def insert(tx: Tx, user: int, parts: Sequence[WaitingPart]) -> None:
    tx.many(_INSERT, [(user, p.part_of, p.set_no, p.part, p.ref, p.received_at, encoded(p.body)) for p in parts])


def delete(tx: Tx, sets: Iterable[PartSet]) -> None:
    """Forget sets: they are joined, or given up."""
    tx.many(_DELETE, sets)


def count(tx: Tx, user: int, most: int) -> int:
    """How many parts of a user wait; `most` for more."""
    return int(tx.one(_COUNT, user=user, most=most)[0])


def set_of(tx: Tx, user: int, ref: int) -> PartSet | None:
    """The set that waits with the part of an id; None when no part has it. Cost: looks through the user's parts."""
    row = tx.row(_SET_OF, user=user, ref=ref)
    return PartSet._make(row) if row is not None else None


def old(tx: Tx, before: int, n: int) -> list[PartSet]:
    """Sets that have got no part since a time."""
    return [PartSet._make(row) for row in tx.rows(_OLD, before=before, n=n)]


def of_set(tx: Tx, of: PartSet) -> list[WaitingPart]:
    return [_part(row) for row in tx.rows(_SET, user=of.bind_user_id, part_of=of.part_of, set_no=of.set_no)]


def _part(row: Row) -> WaitingPart:
    part_of, set_no, part, ref, at, body = row
    return WaitingPart(part_of, set_no, part, ref, at, decoded(body))
