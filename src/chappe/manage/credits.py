"""What an account may spend, and how credits come in."""

from dataclasses import dataclass

import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.pricing import MC, balance_credits
from chappe.store import wallets
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.credits")
MAX_CREDITS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Balance:
    """The credits an account may spend now. Units: whole credits, rounded down."""

    credits: int
    postpaid_limit: int | None
    is_unlimited: bool


class Credits:
    """Wallets as their owners read them and operators fill them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def balance(self, account: Account) -> Balance:
        wallet = self._store.glance(lambda tx: wallets.read(tx, account.wallet_id))
        limit = balance_credits(wallet.postpaid_limit_mc)
        return Balance(balance_credits(wallet.available_mc), limit or None, account.draws_on_parent)

    async def add(self, account: Account, credits_: int, note: str | None = None) -> Balance:
        """Top the account up, or correct it with a negative number.

        Raises: BadData when nothing would change or the wallet would fall below its limit.
        """
        if not credits_ or abs(credits_) > MAX_CREDITS:
            raise BadData(f"must be a whole number up to {MAX_CREDITS} and not 0", field="credits")

        def unit(tx: Tx) -> int | None:
            kind = "topup" if credits_ > 0 else "adjust"
            return wallets.add(tx, account.wallet_id, account.id, kind, credits_ * MC, now_ms(), note)  # type: ignore[arg-type]

        if await self._store.write(unit) is None:
            raise BadData("the account has not that many", field="credits")
        _log.info("credits added", account=account.id, credits=credits_)
        return await self.balance(account)
