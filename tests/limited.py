"""An installation with limits, for tests: the use cases on a database file, and what the counts say."""

from collections.abc import Sequence
from pathlib import Path

from chappe.domain.accounts import Account
from chappe.domain.plans import Limits
from chappe.domain.requests import IdempotencyKey, Simulation, Submission, SubmitRequest
from chappe.domain.rulebook import Defaults, Override
from chappe.manage.rules import RuleSettings
from chappe.pipeline.links import Links
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.store.build import SHOP, add_carrier, database

MEMBERS = 50117
_CONTACT = Statement("INSERT INTO contact (list_id, id, number, entry) VALUES (:list, :id, :number, :entry)")


class Limited:
    """A shop whose rules a test sets; `set` holds at once."""

    def __init__(self, folder: Path) -> None:
        path = folder / "chappe.db"
        self.db = database(path)
        add_carrier(self.db)
        self.store, self.ids = Store(path), Ids()
        self.links = Links(self.store, "sms.example")
        self.settings = RuleSettings(self.store, Defaults())
        self._know()

    def _know(self) -> None:
        rules = Rules(self.store, Defaults())
        self.submitter = Submitter(self.store, self.ids, Limits(), self.links, rules)
        self.lists = ListSubmitter(self.store, self.ids, Limits(), self.links, rules)

    async def set(self, account: int = SHOP.id, **values: object) -> None:
        """`messages_per_month__CH=2` is the limit in Switzerland."""
        wanted = []
        for key, value in values.items():
            name, _, country = key.partition("__")
            wanted.append(Override(account, country, name, str(value), "a test"))
        await self.settings.set(wanted, "a test")
        self._know()

    async def unset(self, name: str, account: int = SHOP.id) -> None:
        await self.settings.unset(account, "", name, "a test", "a test")
        self._know()

    async def send(
        self, *to: str, text: str = "Hello", account: Account = SHOP, key: str | None = None, **more: object
    ) -> Submission:
        request = SubmitRequest(text, list(to), **more)  # type: ignore[arg-type]
        given = IdempotencyKey(key, repr(request).encode()[:32].ljust(32)) if key else None
        return await self.submitter.submit(account, request, given)

    async def simulate(self, *to: str, text: str = "Hello", account: Account = SHOP) -> Simulation:
        return await self.submitter.simulate(account, SubmitRequest(text, list(to)))

    def add_list(self, numbers: Sequence[int], list_id: int = MEMBERS, account: Account = SHOP) -> None:
        insert = Statement("INSERT INTO contact_list VALUES (:id, :owner, 'a list', 0, 0, 0)")
        self.db.write(lambda tx: tx.run(insert, id=list_id, owner=account.id))
        rows = [(list_id, id_, number, str(number)) for id_, number in enumerate(numbers, 1)]
        self.db.write(lambda tx: tx.many(_CONTACT, rows))

    async def send_list(self, *lists: int, text: str = "Hello", account: Account = SHOP) -> Submission:
        return await self.lists.submit(account, SubmitRequest(text, [], lists=list(lists) or [MEMBERS]))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.db.connection.execute(sql)]

    def usage(self) -> dict[str, object]:
        """measure and period -> amount, of all accounts."""
        return {f"{row[0]} {row[1]}": row[2] for row in self.rows("SELECT measure, period, amount FROM usage")}

    async def close(self) -> None:
        await self.store.close()
        self.db.close()
