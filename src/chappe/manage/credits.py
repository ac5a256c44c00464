"""What an account may spend, and how credits come in."""

from dataclasses import dataclass
from typing import Literal

import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.pricing import MC, balance_credits
from chappe.store import invoices, wallets
from chappe.store.clock import now_ms
from chappe.store.invoices import NewInvoice
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.credits")
MAX_CREDITS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Balance:
    """The credits an account may spend now. Units: whole credits, rounded down."""

    credits: int
    postpaid_limit: int | None
    is_unlimited: bool


@dataclass(frozen=True, slots=True)
class TopUp:
    """Credits that came in, and the number of the invoice that was written for them."""

    balance: Balance
    invoice: str | None = None


class Credits:
    """Wallets as their owners read them and operators fill them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def balance(self, account: Account) -> Balance:
        wallet = self._store.glance(lambda tx: wallets.read(tx, account.wallet_id))
        limit = balance_credits(wallet.postpaid_limit_mc)
        return Balance(balance_credits(wallet.available_mc), limit or None, account.draws_on_parent)

    async def add(
        self, account: Account, credits_: int, note: str | None = None, invoice: NewInvoice | None = None
    ) -> TopUp:
        """Top the account up, with its invoice if it is to have one, or correct it with a negative number.

        Raises: BadData when nothing would change or the wallet would fall below its limit.
        """
        if not credits_ or abs(credits_) > MAX_CREDITS:
            raise BadData(f"must be a whole number up to {MAX_CREDITS} and not 0", field="credits")

        def unit(tx: Tx) -> str | None:
            now = now_ms()
            kind: Literal["topup", "adjust"] = "topup" if credits_ > 0 else "adjust"
            name = invoices.write(tx, invoice, now) if invoice else None
            words = "; ".join(filter(None, (note, f"invoice {name}" if name else None)))
            if wallets.add(tx, account.wallet_id, account.id, kind, credits_ * MC, now, words or None) is None:
                raise BadData("the account has not that many", field="credits")
            return name

        name = await self._store.write(unit)
        _log.info("credits added", account=account.id, credits=credits_, invoice=name)
        return TopUp(await self.balance(account), name)
