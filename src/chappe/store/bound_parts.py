"""Parts of long messages that wait for the others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from chappe.domain.bound_submits import WaitingPart, WaitingSet, decoded, encoded
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement

_COLUMNS: Final = "part_of, set_no, part, ref, received_at, body"
_SETS = Statement(
    "SELECT part_of, set_no, COUNT(*), MAX(received_at) FROM bound_part WHERE bind_user_id = :user"
    " AND part_of IN (SELECT value FROM json_each(:keys)) GROUP BY part_of, set_no"
)
_TAKEN = Statement(
    "SELECT p.part_of, p.set_no, p.part, p.ref, p.digest FROM json_each(:places) w CROSS JOIN bound_part p"
    " ON p.bind_user_id = :user AND p.part_of = w.value ->> 0 AND p.set_no = w.value ->> 1 AND p.part = w.value ->> 2"
)
_KNOWN = Statement(
    "SELECT value FROM json_each(:keys) WHERE EXISTS"
    " (SELECT 1 FROM bound_part WHERE bind_user_id = :user AND part_of = value)"
)
_INSERT = Statement(
    "INSERT INTO bound_part (bind_user_id, part_of, set_no, part, ref, received_at, digest, body)"
    " VALUES (:user, :part_of, :set_no, :part, :ref, :at, :digest, :body)"
)
_TOUCH = Statement(
    "UPDATE bound_part SET received_at = :at WHERE bind_user_id = :user AND part_of = :part_of AND set_no = :set_no"
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


def sets(tx: Tx, user: int, places: Mapping[str, Collection[int]]) -> dict[str, dict[int, WaitingSet]]:
    """The sets that wait under each of these, with what has the places that are asked about.

    Cost: no words are read; some 15 ms at most for 200 places of a user with as many parts as may wait.
    """
    found: dict[str, dict[int, WaitingSet]] = {}
    for part_of, set_no, count, newest in tx.rows(_SETS, user=user, keys=_json(places)):
        found.setdefault(part_of, {})[set_no] = WaitingSet(count, newest)
    wanted = [(part_of, set_no, part) for part_of, own in found.items() for set_no in own for part in places[part_of]]
    for part_of, set_no, part, ref, digest in tx.rows(_TAKEN, user=user, places=_json(wanted)) if wanted else ():
        found[part_of][set_no].taken[part] = (ref, digest)
    return found


def known(tx: Tx, user: int, keys: Collection[str]) -> set[str]:
    """Those of the keys under which something waits."""
    return {row[0] for row in tx.rows(_KNOWN, user=user, keys=_json(keys))}


def insert(tx: Tx, user: int, parts: Sequence[WaitingPart]) -> None:
    rows = [
        (user, p.part_of, p.set_no, p.part, p.ref, p.received_at, p.body.digest, encoded(p.body)) for p in parts
    ]  # fmt: skip
    tx.many(_INSERT, rows)


def touch(tx: Tx, sets: Iterable[PartSet], at: int) -> None:
    """Let sets be as if their parts had come just now."""
    tx.many(_TOUCH, [(at, *each) for each in sets])


def delete(tx: Tx, sets: Iterable[PartSet]) -> None:
    """Forget sets: they are joined, or given up."""
    tx.many(_DELETE, sets)


def count(tx: Tx, user: int, most: int) -> int:
    """How many parts of a user wait; `most` for more."""
    return int(tx.one(_COUNT, user=user, most=most)[0])


def set_of(tx: Tx, user: int, ref: int) -> PartSet | None:
    """The set that waits with the part of an id; None when no part has it."""
    row = tx.row(_SET_OF, user=user, ref=ref)
    return PartSet._make(row) if row is not None else None


def old(tx: Tx, before: int, n: int) -> list[PartSet]:
    """Sets that have got no part since a time."""
    return [PartSet._make(row) for row in tx.rows(_OLD, before=before, n=n)]


def of_set(tx: Tx, of: PartSet) -> list[WaitingPart]:
    return [_part(row) for row in tx.rows(_SET, user=of.bind_user_id, part_of=of.part_of, set_no=of.set_no)]


def _json(values: Iterable[object]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _part(row: Row) -> WaitingPart:
    part_of, set_no, part, ref, at, body = row
    return WaitingPart(part_of, set_no, part, ref, at, decoded(body))
