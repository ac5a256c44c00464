"""Who is behind an account, its sub-accounts, and what they spend."""

from dataclasses import dataclass
from datetime import datetime

from chappe.domain.accounts import Account, LockRule, Profile
from chappe.domain.delay import PARIS
from chappe.domain.errors import NotFound
from chappe.domain.pricing import cost_credits
from chappe.domain.sender_shape import plain_sender
from chappe.store import accounts, wallets
from chappe.store.accounts import AccountRow
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

PAGE = 500


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account as its owner, its parent or an operator reads it.

    Units: whole credits spent in this calendar month of Paris and in the one before.
    Shape: `is_usable` unless it is closed, or locked after wrong passwords.
    """

    row: AccountRow
    is_usable: bool
    spent_this_month: int
    spent_last_month: int


class Profiles:
    """The accounts' details."""

    def __init__(self, store: Store, rule: LockRule | None = None) -> None:
        self._store = store
        self._rule = rule or LockRule()

    def of(self, account: Account) -> AccountDetails:
        """The account itself. Raises: NotFound."""

        def query(tx: Tx) -> AccountDetails:
            row = accounts.details(tx, account.id)
            if row is None:
                raise NotFound(f"there is no account {account.id}", field="id")
            return self._details(tx, [row])[0]

        return self._store.glance(query)

    async def children(self, parent: Account) -> list[AccountDetails]:
        """The sub-accounts, the oldest first."""
        return await self._store.read(lambda tx: self._details(tx, accounts.children(tx, parent.id)))

    def child(self, parent: Account, child_id: int) -> AccountDetails:
        """One sub-account. Raises: NotFound when it is none of the parent's."""

        def query(tx: Tx) -> AccountDetails:
            row = accounts.details(tx, child_id)
            if row is None or row.account.parent_id != parent.id:
                raise NotFound(f"there is no sub-account {child_id}", field="id")
            return self._details(tx, [row])[0]

        return self._store.glance(query)

    async def all_accounts(self) -> list[AccountDetails]:
        """Every account of the installation, for its operator."""

        def query(tx: Tx) -> list[AccountDetails]:
            found: list[AccountRow] = []
            while rows := accounts.after(tx, found[-1].account.id if found else 0, PAGE):
                found += rows
            return self._details(tx, found)

        return await self._store.read(query)

    async def update(self, account: Account, sender: str | None, profile: Profile, lang: str) -> None:
        """Replace who is behind the account, its default sender and its language."""

        def unit(tx: Tx) -> None:
            accounts.update(tx, account.id, plain_sender(sender), lang, profile)

        await self._store.write(unit)

    def _details(self, tx: Tx, rows: list[AccountRow]) -> list[AccountDetails]:
        now = now_ms()
        last, this, end = _months(now)
        ids = [row.account.id for row in rows]
        spent, spent_before = wallets.captured(tx, ids, this, end), wallets.captured(tx, ids, last, this)
        return [
            AccountDetails(
                row=row,
                is_usable=row.is_active and not self._rule.is_locked(row.locked_at, now),
                spent_this_month=cost_credits(spent.get(row.account.id, 0)),
                spent_last_month=cost_credits(spent_before.get(row.account.id, 0)),
            )
            for row in rows
        ]


def _months(now: int) -> tuple[int, int, int]:
    """When last month, this one and the next begin in Paris. Units: milliseconds UTC."""
    today = datetime.fromtimestamp(now / 1000, PARIS)
    month = today.year * 12 + today.month - 1
    last, this, following = (
        int(datetime(each // 12, each % 12 + 1, 1, tzinfo=PARIS).timestamp() * 1000)
        for each in (month - 1, month, month + 1)
    )
    return last, this, following
