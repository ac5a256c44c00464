"""What an account may spend, and how credits come in."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, InsufficientCredits, NotFound
from chappe.domain.pricing import MC, balance_credits
from chappe.domain.requests import IdempotencyKey
from chappe.store import accounts, idempotency, invoices, wallets
from chappe.store.clock import now_ms
from chappe.store.invoices import NewInvoice
from chappe.store.sqlite import Store, Tx
from chappe.store.wallets import Entry, Wallet

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


class Transferred(msgspec.Struct, frozen=True):
    """What both have after a transfer. Units: whole credits, rounded down."""

    giver_credits: int
    taker_credits: int


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

    async def transfer(
        self, giver: Account, taker: Account, credits_: int, *, asker: int = 0, key: IdempotencyKey | None = None
    ) -> Transferred:
        """Move credits between a parent and its sub-account, or between two sub-accounts of one parent.

        Shape:  a key is remembered for the account that asks.
        Raises: BadData, also when both spend from one wallet or are not related; InsufficientCredits.
        """
        if not 0 < credits_ <= MAX_CREDITS:
            raise BadData(f"must be a whole number from 1 to {MAX_CREDITS}", field="amount")
        if giver.wallet_id == taker.wallet_id:
            raise BadData("both accounts spend the same credits already", field="account")
        if (giver.parent_id or giver.id) != (taker.parent_id or taker.id):
            raise BadData("credits go between a parent and its sub-accounts only", field="account")

        def unit(tx: Tx) -> Transferred:
            now = now_ms()
            if key and (earlier := idempotency.answered(tx, asker, key, now, Transferred)):
                return earlier
            left = wallets.transfer(tx, giver, taker, credits_ * MC, now)
            if left is None:
                have = balance_credits(wallets.read(tx, giver.wallet_id).available_mc)
                raise InsufficientCredits(f"account {giver.id} has {have} credits")
            done = Transferred(giver_credits=balance_credits(left[0]), taker_credits=balance_credits(left[1]))
            if key:
                idempotency.remember(tx, asker, key.key, key.digest, msgspec.json.encode(done), now)
            return done

        done = await self._store.write(unit)
        _log.info("credits transferred", giver=giver.id, taker=taker.id, credits=credits_)
        return done

    async def share(
        self, parent: Account, child_id: int, credits_: int, key: IdempotencyKey | None = None
    ) -> Transferred:
        """Give credits to a sub-account, or take some back with a negative number; the parent's balance comes first.

        Raises: NotFound when it is none of the parent's; BadData; InsufficientCredits.
        """
        child = self._store.glance(lambda tx: accounts.child(tx, parent.id, child_id))
        if child is None:
            raise NotFound(f"there is no sub-account {child_id}", field="id")
        if credits_ >= 0:
            return await self.transfer(parent, child, credits_, asker=parent.id, key=key)
        done = await self.transfer(child, parent, -credits_, asker=parent.id, key=key)
        return Transferred(giver_credits=done.taker_credits, taker_credits=done.giver_credits)

    async def set_limit(self, account: Account, credits_: int) -> None:
        """Let a wallet fall so far below nothing (postpaid); 0 for prepaid only.

        Raises: BadData when it is lower already, or when the account spends its parent's credits.
        """
        if not 0 <= credits_ <= MAX_CREDITS:
            raise BadData(f"must be a whole number from 0 to {MAX_CREDITS}", field="limit")
        if account.draws_on_parent:
            raise BadData("the account spends its parent's credits: set the parent's limit", field="account")
        if not await self._store.write(lambda tx: wallets.set_limit(tx, account.wallet_id, credits_ * MC)):
            raise BadData("the account owes more than that", field="limit")

    def movements(self, account: Account, n: int) -> tuple[Wallet, list[Entry]]:
        """The account's wallet and its last movements, the newest first."""
        return self._store.glance(
            lambda tx: (wallets.read(tx, account.wallet_id), wallets.entries(tx, account.wallet_id, n))
        )
