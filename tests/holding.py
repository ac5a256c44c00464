"""A database with a rule that holds campaigns, and everything that is done with one that waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chappe.domain.accounts import Account
from chappe.domain.plans import Limits
from chappe.domain.requests import Submission, SubmitRequest
from chappe.domain.rulebook import Defaults, Override
from chappe.manage.campaigns import Campaigns
from chappe.manage.messages import MessageFilter, Messages
from chappe.manage.moderation import Moderation
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.links import Links
from chappe.pipeline.moderate import Moderator
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter
from chappe.store import audit
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.rules import put
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.store.build import MOVE_INTO_THE_PAST, SHOP, Core, add_carrier, database, numbers

ANY_TIME = (0, 10**15)
HELD = "a held bank"
VALIDITY_S = 48 * 3600


class Held:
    """A database with a rule that holds a word, and the use cases on it."""

    def __init__(self, folder: Path, **rules: str) -> None:
        path = folder / "chappe.db"
        self.db = database(path)
        add_carrier(self.db)
        self.store, self.ids = Store(path), Ids()
        wanted = {"hold_words": "bank", **rules}
        self.db.write(lambda tx: put(tx, [Override(0, "", name, value, "a test") for name, value in wanted.items()]))
        self.rules = Rules(self.store, Defaults())
        links = Links(self.store, "sms.example")
        self.submitter = Submitter(self.store, self.ids, Limits(), links, self.rules)
        self.lists = ListSubmitter(self.store, self.ids, Limits(), links, self.rules)
        self.enqueuer = Enqueuer(self.store, self.rules, validity_s=VALIDITY_S)
        self.core = Core(db=self.db, ids=self.ids, now=now_ms())
        self.moderator = self.another_moderator()
        self.moderation = Moderation(self.store, self.moderator)
        self.sql("INSERT INTO contact_list VALUES (50117, 1, 'a list', 0, 0, 0)")

    def another_moderator(self) -> Moderator:
        return Moderator(self.store, self.ids, self.enqueuer, validity_s=VALIDITY_S, moderation_days=7)

    def sql(self, sql: str, **values: object) -> None:
        self.db.write(lambda tx: tx.run(Statement(sql), **values))

    async def submit(self, count: int = 3, text: str = HELD, account: Account = SHOP, **more: object) -> Submission:
        return await self.submitter.submit(account, SubmitRequest(text, numbers(count), **more))  # type: ignore[arg-type]

    async def ticket(self, count: int = 3, **more: object) -> int:
        answer = await self.submit(count, **more)  # type: ignore[arg-type]
        assert answer.is_held
        assert answer.ticket is not None
        return answer.ticket

    def states(self, ticket: int) -> set[tuple[int, int]]:
        return {(each.state, each.dlr) for each in self.core.messages_of(ticket)}

    def queued(self) -> int:
        return int(str(self.core.column("SELECT COUNT(*) FROM dispatch")[0]))

    async def word(self, ticket: int) -> str:
        return (await Campaigns(self.store).get(SHOP, ticket)).state

    async def found(self, status: str) -> int:
        wanted = MessageFilter(*ANY_TIME, status=status)  # type: ignore[arg-type]
        return (await Messages(self.store).find(SHOP, wanted)).matching

    def mails(self) -> list[object]:
        return self.core.column("SELECT recipient FROM mail")

    def audited(self) -> list[tuple[str, str, str]]:
        entries = self.db.read(lambda tx: audit.newest(tx, 100, before=None, account=None, action="moderation"))
        return [(entry.actor, entry.action, entry.subject) for entry in entries]

    def move_into_the_past(self, ms: int) -> None:
        for statement in MOVE_INTO_THE_PAST:
            self.db.write(lambda tx, statement=statement: tx.run(statement, ms=ms))  # type: ignore[misc]


@asynccontextmanager
async def held(folder: Path, **rules: str) -> AsyncIterator[Held]:
    made = Held(folder, **rules)
    try:
        yield made
    finally:
        await made.store.close()
