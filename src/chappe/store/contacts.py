"""The contacts of a list, in the order in which they came.

There is no index by number: it would double what writing a contact costs, and what asks by number (duplicates,
unassigned numbers, a search) asks about the whole list anyway and reads a million rows in a tenth of a second
(docs/decisions/0005-contacts-without-an-index.md). Every call names a list; whose that list is, `contact_lists` says.
"""

from collections.abc import Iterable, Sequence
from itertools import count, repeat
from typing import Final, NamedTuple

import msgspec

from chappe.domain.contact_search import Wanted
from chappe.domain.contacts import Contacts
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

LAST_ID: Final = 2**63 - 1
_FITS: Final = r"(number = :number OR entry LIKE :pattern ESCAPE '\')"
_RANGE: Final = "list_id = :list AND id BETWEEN :first AND :last"

_INSERT = Statement("INSERT INTO contact (list_id, id, number, entry) VALUES (:list, :id, :number, :entry)")
_PAGE = Statement("SELECT id, number, entry FROM contact WHERE list_id = :list ORDER BY id LIMIT :length OFFSET :start")
# Two look-ups: MIN and MAX in one SELECT would read the whole list.
_SPAN = Statement(
    "SELECT (SELECT MIN(id) FROM contact WHERE list_id = :list), (SELECT MAX(id) FROM contact WHERE list_id = :list)"
)
_MATCHING = Statement(
    f"SELECT id, number, entry FROM contact WHERE {_RANGE} AND {_FITS} ORDER BY id LIMIT :length OFFSET :start"
)
_COUNT_MATCHING = Statement(f"SELECT COUNT(*) FROM contact WHERE {_RANGE} AND {_FITS}")
_ONE = Statement("SELECT id, number, entry FROM contact WHERE list_id = :list AND id = :id")
_UPDATE = Statement("UPDATE contact SET number = :number, entry = :entry WHERE list_id = :list AND id = :id")
_DELETE = Statement("DELETE FROM contact WHERE list_id = :list AND id = :id")
_KNOWN = Statement(
    "SELECT DISTINCT number FROM contact WHERE list_id = :list AND number IN (SELECT value FROM json_each(:numbers))"
)
_REPEATED = Statement(
    "SELECT id, first FROM ("
    "SELECT id, MIN(id) OVER (PARTITION BY number) AS first FROM contact"
    " WHERE list_id = :list AND number % :parts = :part) ranked WHERE id > first ORDER BY id"
)
_COUNT_REPEATED = Statement(
    "SELECT COUNT(*) - COUNT(DISTINCT number) FROM contact WHERE list_id = :list AND number % :parts = :part"
)
# The first of a number may have gone since it was found: then this one is the first.
_DELETE_REPEATED = Statement(
    "DELETE FROM contact WHERE list_id = :list AND id = :id AND EXISTS (SELECT 1 FROM contact kept"
    " WHERE kept.list_id = :list AND kept.id = :first AND kept.number = contact.number)"
)
_OF_NPAI: Final = (
    "EXISTS (SELECT 1 FROM exclusion e WHERE e.account_id = :account AND e.kind = 'npai' AND e.number = contact.number)"
)
_UNASSIGNED = Statement(
    f"SELECT id FROM contact WHERE list_id = :list AND id > :after AND {_OF_NPAI} ORDER BY id LIMIT :n"
)
_DELETE_UNASSIGNED = Statement(
    f"DELETE FROM contact WHERE list_id = :list AND id IN (SELECT value FROM json_each(:ids)) AND {_OF_NPAI}"
)
_DELETE_SOME = Statement(
    "DELETE FROM contact WHERE list_id = :list AND id IN (SELECT id FROM contact WHERE list_id = :list LIMIT :n)"
)


class ContactRow(NamedTuple):
    """A contact. Shape: `entry` as `domain/contacts.py` writes it."""

    id: int
    number: int
    entry: str


class Block(NamedTuple):
    """Contacts of a list with neighbouring ids, both ends included."""

    list_id: int
    first: int
    last: int


class Matches(NamedTuple):
    """What a search found in a block: how many there are, and the first of them."""

    block: Block
    fits: int
    head: list[ContactRow]


def insert(tx: Tx, list_id: int, first_id: int, contacts: Contacts) -> None:
    """Add contacts with ids from `first_id` on. Cost: 1.5 microseconds a contact."""
    tx.many(_INSERT, zip(repeat(list_id), count(first_id), contacts.numbers, contacts.entries))


def page(tx: Tx, list_id: int, start: int, length: int) -> list[ContactRow]:
    """Some contacts in their order. Cost: 40 nanoseconds for each one that is passed over."""
    return [ContactRow._make(row) for row in tx.rows(_PAGE, list=list_id, start=start, length=length)]


def span(tx: Tx, list_id: int) -> tuple[int, int] | None:
    """The ids of the first and the last contact of a list, None when it is empty."""
    first, last = tx.one(_SPAN, list=list_id)
    return None if first is None else (first, last)


def search(tx: Tx, block: Block, wanted: Wanted, heads: int) -> Matches:
    """Count a block's contacts that fit, and read the first of them. Cost: 0.1 microseconds a contact of the block."""
    found = matching(tx, block, wanted, 0, heads)
    fits = len(found)
    if fits == heads:
        rest = block._replace(first=found[-1].id + 1) if found else block
        fits += tx.one(_COUNT_MATCHING, **_asked(rest, wanted))[0]
    return Matches(block, fits, found)


def matching(tx: Tx, block: Block, wanted: Wanted, start: int, length: int) -> list[ContactRow]:
    """Some of a block's contacts that fit, in their order."""
    rows = tx.rows(_MATCHING, **_asked(block, wanted), start=start, length=length)
    return [ContactRow._make(row) for row in rows]


def _asked(block: Block, wanted: Wanted) -> dict[str, object]:
    return {
        "list": block.list_id,
        "first": block.first,
        "last": block.last,
        "pattern": wanted.pattern,
        "number": wanted.number,
    }


def one(tx: Tx, list_id: int, contact: int) -> ContactRow | None:
    row = tx.row(_ONE, list=list_id, id=contact)
    return ContactRow._make(row) if row else None


def update(tx: Tx, list_id: int, contact: int, number: int, entry: str) -> None:
    tx.run(_UPDATE, list=list_id, id=contact, number=number, entry=entry)


def delete(tx: Tx, list_id: int, contact: int) -> bool:
    """Whether the list had this contact."""
    return tx.run(_DELETE, list=list_id, id=contact) > 0


def known(tx: Tx, list_id: int, numbers: Iterable[int]) -> set[int]:
    """Those of the numbers that the list has. Cost: one reading of the list."""
    encoded = msgspec.json.encode(list(numbers)).decode()
    return {row[0] for row in tx.rows(_KNOWN, list=list_id, numbers=encoded)}


def repeated(tx: Tx, list_id: int, part: int, parts: int) -> list[tuple[int, int]]:
    """The contacts whose number an earlier one has, each with the earliest; among one of `parts` of the numbers.

    Cost: one reading of the list, and the memory to sort that part of it.
    """
    return [(row[0], row[1]) for row in tx.rows(_REPEATED, list=list_id, part=part, parts=parts)]


def count_repeated(tx: Tx, list_id: int, part: int, parts: int) -> int:
    """How many contacts `repeated` would find."""
    return int(tx.one(_COUNT_REPEATED, list=list_id, part=part, parts=parts)[0])


def delete_repeated(tx: Tx, list_id: int, found: Sequence[tuple[int, int]]) -> int:
    """Delete contacts that `repeated` found, if the earliest of their number is still there; how many."""
    return tx.many(_DELETE_REPEATED, [(list_id, contact, list_id, first) for contact, first in found])


def unassigned(tx: Tx, account: int, list_id: int, after: int, n: int) -> list[int]:
    """The next contacts whose number is on the account's NPAI list."""
    return [row[0] for row in tx.rows(_UNASSIGNED, account=account, list=list_id, after=after, n=n)]


def delete_unassigned(tx: Tx, account: int, list_id: int, ids: Sequence[int]) -> int:
    """Delete those of the contacts whose number is still on the NPAI list; how many."""
    return tx.run(_DELETE_UNASSIGNED, account=account, list=list_id, ids=msgspec.json.encode(ids).decode())


def delete_some(tx: Tx, list_id: int, n: int) -> int:
    """Delete contacts, whichever come first; how many."""
    return tx.run(_DELETE_SOME, list=list_id, n=n)
