"""For how long each account's data is kept, as rows."""

from typing import Final

from chappe.domain.retention import Retention, What, stored_period
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_WHAT: Final[tuple[What, ...]] = ("message", "reply", "list", "survey", "campaign", "lookup")
_READ = Statement("SELECT message, reply, list, survey, campaign, lookup FROM retention WHERE account_id = :account")
_WRITE = Statement(
    "INSERT INTO retention (account_id, message, reply, list, survey, campaign, lookup)"
    " VALUES (:account, :message, :reply, :list, :survey, :campaign, :lookup)"
    " ON CONFLICT (account_id) DO UPDATE SET message = :message, reply = :reply, list = :list, survey = :survey,"
    " campaign = :campaign, lookup = :lookup"
)
_NEXT_ACCOUNT = Statement("SELECT MIN(id) FROM account WHERE id > :after")


def read(tx: Tx, account: int) -> Retention:
    """The account's periods; the defaults where it has set none."""
    row = tx.row(_READ, account=account) or (None,) * len(_WHAT)
    return Retention(**{what: stored_period(text, what) for what, text in zip(_WHAT, row, strict=True)})


def change(tx: Tx, account: int, periods: dict[What, str]) -> Retention:
    """Set some of the periods and leave the others; all of them as they are then."""
    row = tx.row(_READ, account=account) or (None,) * len(_WHAT)
    tx.run(_WRITE, account=account, **{**dict(zip(_WHAT, row, strict=True)), **periods})
    return read(tx, account)


def next_account(tx: Tx, after: int) -> int | None:
    """The account after this one, None after the last."""
    found: int | None = tx.one(_NEXT_ACCOUNT, after=after)[0]
    return found
