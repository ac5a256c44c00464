"""Whom an account does not write to any more: its blacklist (who said STOP) and its NPAI list (who does not exist)."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from chappe.domain.plans import NOBODY, Excluded
from chappe.domain.privacy import ERASED
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

Kind = Literal["blacklist", "npai"]

# Who is listed already keeps the date and the campaign of the first time.
_ADD = Statement(
    "INSERT INTO exclusion (account_id, kind, number, infos, campaign_id, created_at)"
    " VALUES (:account, :kind, :number, :infos, :campaign, :at) ON CONFLICT (account_id, kind, number) DO NOTHING"
)
_ADD_RECIPIENTS = Statement(
    "INSERT INTO exclusion (account_id, kind, number, infos, campaign_id, created_at)"
    " SELECT account_id, :kind, number, infos, campaign_id, :at FROM message"
    f" WHERE id IN (SELECT value FROM json_each(:messages)) AND number <> {ERASED}"
    " ON CONFLICT (account_id, kind, number) DO NOTHING"
)
_REMOVE = Statement("DELETE FROM exclusion WHERE account_id = :account AND kind = :kind AND number = :number")
_AMONG = Statement(
    "SELECT e.number FROM json_each(:numbers) n JOIN exclusion e"
    " ON e.account_id = :account AND e.kind = :kind AND e.number = n.value"
)
_HAS_ANY = Statement("SELECT 1 FROM exclusion WHERE account_id = :account AND kind = :kind LIMIT 1")
_EXCLUDES_ANY = Statement("SELECT 1 FROM exclusion WHERE account_id = :account LIMIT 1")
_COUNT = Statement("SELECT COUNT(*) FROM exclusion WHERE account_id = :account AND kind = :kind")
_PAGE = Statement(
    "SELECT number, infos, campaign_id, created_at FROM exclusion WHERE account_id = :account AND kind = :kind"
    " ORDER BY number LIMIT :length OFFSET :start"
)


class NewExclusion(NamedTuple):
    """Somebody who is not to be written to. Shape: `infos` as `domain/infos.py` joins them."""

    number: int
    infos: str | None = None
    campaign_id: int | None = None


class ExclusionRow(NamedTuple):
    """Somebody who is not written to. Units: milliseconds UTC."""

    number: int
    infos: str | None
    campaign_id: int | None
    created_at: int


def add(tx: Tx, account: int, kind: Kind, rows: Iterable[NewExclusion], at: int) -> int:
    """List people; how many were not there before. Cost: a few microseconds a row."""
    return tx.many(_ADD, [(account, kind, row.number, row.infos, row.campaign_id, at) for row in rows])


def add_recipients(tx: Tx, kind: Kind, messages: Iterable[int], at: int) -> int:
    """List whom these messages were to, each for the account that sent it; how many were not there before."""
    encoded = msgspec.json.encode(list(messages)).decode()
    return tx.run(_ADD_RECIPIENTS, kind=kind, messages=encoded, at=at)


def remove(tx: Tx, account: int, kind: Kind, number: int) -> bool:
    """Whether the account had listed this number."""
    return tx.run(_REMOVE, account=account, kind=kind, number=number) > 0


def among(tx: Tx, account: int, kind: Kind, numbers: Iterable[int]) -> set[int]:
    """Those of the numbers that are listed. Cost: below a microsecond a number, nothing for an empty list."""
    if tx.row(_HAS_ANY, account=account, kind=kind) is None:
        return set()
    encoded = msgspec.json.encode(list(numbers)).decode()
    return {row[0] for row in tx.rows(_AMONG, account=account, kind=kind, numbers=encoded)}


def excluded(tx: Tx, account: int, numbers: Iterable[int]) -> Excluded:
    """Whom of these numbers a send leaves out. Cost: one look-up for an account that lists nobody."""
    if tx.row(_EXCLUDES_ANY, account=account) is None:
        return NOBODY
    numbers = list(numbers)
    return Excluded(among(tx, account, "blacklist", numbers), among(tx, account, "npai", numbers))


def page(tx: Tx, account: int, kind: Kind, start: int, length: int) -> tuple[list[ExclusionRow], int]:
    """Some of the listed in the order of their numbers, and how many there are."""
    rows = tx.rows(_PAGE, account=account, kind=kind, start=start, length=length)
    total: int = tx.one(_COUNT, account=account, kind=kind)[0]
    return [ExclusionRow._make(row) for row in rows], total
