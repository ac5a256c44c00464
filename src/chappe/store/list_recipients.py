"""The contacts of lists as recipients of a campaign."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from chappe.domain.infos import SEPARATOR
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_OWNED = Statement(
    "SELECT id FROM contact_list WHERE account_id = :account AND id IN (SELECT value FROM json_each(:lists))"
)
_COUNT = Statement("SELECT COUNT(*) FROM contact WHERE list_id = :list")
_NEXT = Statement("SELECT id, number, entry FROM contact WHERE list_id = :list AND id > :after ORDER BY id LIMIT :n")
_TOUCH = Statement(
    "UPDATE contact_list SET used_at = :at WHERE account_id = :account"
    " AND id IN (SELECT value FROM json_each(:lists)) AND used_at < :at"
)

BEFORE_ALL = -1  # less than the id of any contact


class Contacts(NamedTuple):
    """Some contacts of a list in the order of their ids, as columns.

    Shape: `numbers` are international with a plus, `infos` as `domain/infos.py` joins them; `last` is the greatest id.
    """

    last: int
    numbers: list[str]
    infos: list[str | None]


def foreign(tx: Tx, account: int, lists: Iterable[int]) -> list[int]:
    """Those of the lists that the account does not have."""
    wanted = list(lists)
    own = {row[0] for row in tx.rows(_OWNED, account=account, lists=_array(wanted))}
    return [each for each in wanted if each not in own]


def count(tx: Tx, lists: Iterable[int]) -> int:
    """How many contacts they have together. Cost: a scan of them."""
    return sum(tx.one(_COUNT, list=each)[0] for each in lists)


def following(tx: Tx, list_id: int, after: int, n: int) -> Contacts | None:
    """The next contacts after an id, `n` at most; None when there are no more."""
    rows = tx.rows(_NEXT, list=list_id, after=after, n=n)
    if not rows:
        return None
    infos = [entry.partition(SEPARATOR)[2] or None for _, _, entry in rows]
    return Contacts(rows[-1][0], [f"+{number}" for _, number, _ in rows], infos if any(infos) else [])


def touch(tx: Tx, account: int, lists: Iterable[int], at: int) -> None:
    """The lists were sent to: their time of disuse begins anew."""
    tx.run(_TOUCH, account=account, lists=_array(lists), at=at)


def _array(ids: Iterable[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
