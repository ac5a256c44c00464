"""The rules as a process has them in memory, read again soon after they were changed."""

import structlog

from chappe.domain.accounts import Account
from chappe.domain.legal_hours import LegalHours
from chappe.domain.marketing_hours import MarketingHours
from chappe.domain.rulebook import AccountRules, Defaults, Override, Rulebook
from chappe.store import accounts, rules
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.rules")

# For how long the rules are taken from memory: how late a change of them is seen.
FRESH_MS = 500


class Rules:
    """What holds now for every account, and the calendar of the legal hours."""

    def __init__(self, store: Store, defaults: Defaults) -> None:
        self._store = store
        self._defaults = defaults
        self._rulebook = Rulebook(defaults)
        self._version = -1
        self._until = 0
        self._hours_of: dict[int, MarketingHours] = {}
        self.hours = LegalHours()

    def of(self, account: Account) -> AccountRules:
        """The rules of an account. Cost: a look-up; twice a second a read of the version."""
        if now_ms() >= self._until:
            self._store.glance(self._refresh)
        return self._rulebook.of(account)

    def of_id(self, tx: Tx, account: int) -> AccountRules:
        """The same by the account's id, for whoever is in a unit of work already."""
        if now_ms() >= self._until:
            self._refresh(tx)
        owner = accounts.by_id(tx, account)
        if owner is None:
            raise LookupError(f"there is no account {account}")
        return self._rulebook.of(owner)

    def hours_of(self, tx: Tx, account: int) -> MarketingHours:
        """The same by the account's id, for whoever is in a unit of work already. Cost: as of `of`."""
        if now_ms() >= self._until:
            self._refresh(tx)
        found = self._hours_of.get(account)
        if found is None:
            owner = accounts.by_id(tx, account)
            if owner is None:
                raise LookupError(f"there is no account {account}")
            found = self._hours_of[account] = MarketingHours(self._rulebook.of(owner), self.hours)
        return found

    def _refresh(self, tx: Tx) -> None:
        self._until = now_ms() + FRESH_MS
        version = rules.version(tx)
        if version != self._version:
            self._rulebook = rules.rulebook(tx, self._defaults)
            for override, why in self._rulebook.unreadable:
                _log.error("rule ignored, set it anew", **_whose(override), reason=why)
            self._version = version
            self._hours_of = {}


def _whose(override: Override) -> dict[str, object]:
    return {"rule": override.name, "account": override.account_id or "all", "country": override.country or "all"}
