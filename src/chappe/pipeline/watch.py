"""What looks at an account's sends for what a person is asked about."""

from chappe.domain.accounts import Account
from chappe.domain.moderation import Watch
from chappe.domain.rulebook import AccountRules
from chappe.store import moderation
from chappe.store.sqlite import Store


def watch_of(store: Store, account: Account, rules: AccountRules, now: int) -> Watch | None:
    """A look at one request of an account; None when nothing of it would be held.

    Cost: a look-up; a read for an account with such rules.
    """
    if not rules.asks_a_person:
        return None
    created_at = store.glance(lambda tx: moderation.account_created_at(tx, account.id))
    return Watch(rules, now - created_at)
