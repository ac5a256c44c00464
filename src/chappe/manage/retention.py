"""For how long an account's data is kept, as its owner sets it. `pipeline/retain.py` deletes what is older."""

from collections.abc import Mapping

from chappe.domain.accounts import Account
from chappe.domain.retention import Retention, What, period
from chappe.store import retention
from chappe.store.sqlite import Store


class Retentions:
    """The periods of an account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, account: Account) -> Retention:
        return self._store.glance(lambda tx: retention.read(tx, account.id))

    async def change(self, account: Account, wanted: Mapping[What, str], *, fields: Mapping[What, str]) -> Retention:
        """Set some of the periods; the others stay.

        Shape: `fields` are the caller's names, for what is refused.
        Raises: BadData, with nothing changed.
        """
        periods = {what: str(period(text, what, field=fields[what])) for what, text in wanted.items()}
        if not periods:
            return self.read(account)
        return await self._store.write(lambda tx: retention.change(tx, account.id, periods))
