"""Rules for tests: those of the country files and the default settings, and what a test sets."""

from chappe.domain.accounts import Account
from chappe.domain.legal_hours import LegalHours
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, AccountRules, Defaults, Override, Rulebook

HOURS = LegalHours()


def rules_of(account: Account, **values: str) -> AccountRules:
    """The rules of an account, some of them set for it; `price__CH` is the price in Switzerland."""
    overrides = [_override(account.id, name, value) for name, value in values.items()]
    return Rulebook(Defaults(), overrides).of(account)


def installed(**values: str) -> Rulebook:
    """A rulebook with some rules set for the whole installation."""
    return Rulebook(Defaults(), [_override(EVERYBODY, name, value) for name, value in values.items()])


def _override(account: int, name: str, value: str) -> Override:
    rule, _, country = name.partition("__")
    return Override(account, country or EVERYWHERE, rule, value, "a test")
