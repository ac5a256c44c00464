"""A campaign for the contacts of lists: exact like one for numbers, all or nothing, and read by nobody before it is."""

import asyncio
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pytest

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, InsufficientCredits, NotFound, Unavailable
from chappe.domain.lifecycle import CampaignState, Queue, State
from chappe.domain.plans import NOBODY, Limits, Plan, Tally
from chappe.domain.requests import IdempotencyKey, Simulation, Submission, SubmitRequest
from chappe.domain.rulebook import Defaults, Override
from chappe.domain.submission import Planner, recipients_of
from chappe.manage.campaigns import CampaignFilter, Campaigns
from chappe.manage.feed import Feed
from chappe.manage.messages import MessageFilter, Messages
from chappe.pipeline import curfew, enqueue, submit_lists
from chappe.pipeline.enqueue import ABANDONED_MS, Enqueuer
from chappe.pipeline.expire import Expirer
from chappe.pipeline.links import Links
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter
from chappe.store import exclusions, figures, preparations
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.preparations import Preparation
from chappe.store.rules import put
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of
from tests.store.build import CARRIER, CREDITS, LONG_TEXT, SHOP, STRANGER, Core, add_carrier, database

FIRST = 33_612_000_000
MEMBERS, FRIENDS, EMPTY, FOREIGN = 50117, 50118, 50119, 50120
TABLES = ("campaign", "message", "dispatch", "ledger", "fair_turn", "idempotency", "wallet", "contact_list")
CONTACT = Statement("INSERT INTO contact (list_id, id, number, entry) VALUES (:list, :id, :number, :entry)")
ANY_TIME = (0, 10**15)


@pytest.fixture(autouse=True)
def _in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit_lists, "CHUNK", 7)
    monkeypatch.setattr(enqueue, "CHUNK", 5)


VALIDITY_MS = 48 * 3600 * 1000


def at_once(account: int, kind: str, numbers: list[int], countries: list[str], at: int) -> list[int]:
    return [at] * len(numbers)


class Shop:
    """A database with a carrier and lists, the use cases on it, and the lane of the carrier."""

    def __init__(self, folder: Path, limits: Limits | None = None, **rules: str) -> None:
        path = folder / "chappe.db"
        self.db = database(path)
        add_carrier(self.db)
        self.store, self.ids = Store(path), Ids()
        links = Links(self.store, "sms.example")
        self.db.write(lambda tx: put(tx, [Override(0, "", name, value, "a test") for name, value in rules.items()]))
        known = Rules(self.store, Defaults())
        self.lists = ListSubmitter(self.store, self.ids, limits or Limits(), links, known)
        self.submitter = Submitter(self.store, self.ids, Limits(), links, known)
        self.enqueuer = Enqueuer(self.store, known, validity_s=(limits or Limits()).validity_s)
        self.core = Core(db=self.db, now=now_ms())
        for list_id, owner in ((MEMBERS, SHOP), (FRIENDS, SHOP), (EMPTY, SHOP), (FOREIGN, STRANGER)):
            self.sql("INSERT INTO contact_list VALUES (:id, :owner, 'a list', 0, 0, 0)", id=list_id, owner=owner.id)

    def sql(self, sql: str, **values: object) -> None:
        self.db.write(lambda tx: tx.run(Statement(sql), **values))

    def add(self, list_id: int, contacts: Iterable[tuple[int, str]], first_id: int = 1) -> None:
        """Contacts: (number, info1)."""
        rows = [
            (list_id, id_, number, f"{number}\x1f{info}" if info else str(number))
            for id_, (number, info) in enumerate(contacts, first_id)
        ]
        self.db.write(lambda tx: tx.many(CONTACT, rows))

    async def submit(self, *lists: int, account: Account = SHOP, key: str | None = None, **more: object) -> Submission:
        request = SubmitRequest(str(more.pop("text", "Hello")), [], lists=list(lists), **more)  # type: ignore[arg-type]
        idempotency_key = IdempotencyKey(key, sha256(repr(request).encode()).digest()) if key else None
        return await self.lists.submit(account, request, idempotency_key)

    async def queued(self) -> None:
        """Wait until what was accepted is in the queue."""
        while self.store.glance(preparations.unqueued):
            await asyncio.sleep(0.001)

    def prepare(self, planned: int = 3) -> Preparation:
        """A campaign that is being written, with so many messages so far."""
        request = SubmitRequest("Hello", [], lists=[MEMBERS])
        planner = Planner(request, rules_of(SHOP), routes_to({}), Limits(), now_ms(), HOURS)
        begun = self.db.write(lambda tx: preparations.begin(tx, self.ids, SHOP, planner.terms, [MEMBERS], 10, now_ms()))
        chunk = self.chunk(planner, planned)
        self.db.write(lambda tx: preparations.extend(tx, begun.ticket, begun.first, SHOP, chunk, now_ms()))
        return begun

    def chunk(self, planner: Planner, count: int) -> Plan:
        recipients = recipients_of([f"+{FIRST + i}" for i in range(count)], "FR", [], [], MEMBERS)
        return planner.plan(recipients, NOBODY)

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        rows = {table: self.db.connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        return {table: [tuple(row) for row in found] for table, found in rows.items()}

    async def close(self) -> None:
        await self.queued()
        await self.store.close()
        self.db.close()


def some(count: int, first: int = FIRST) -> list[tuple[int, str]]:
    return [(first + i, f"n{i}") for i in range(count)]


@on_loop
async def test_every_contact_of_the_lists_gets_one_message_and_every_other_is_counted_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, [*some(20), (FIRST + 3, "again"), (12, "no number"), (FIRST + 30, ""), (FIRST + 31, "")])
    shop.add(FRIENDS, [*some(10, FIRST + 15), (FIRST + 30, "said stop, and twice")])
    rows = [exclusions.NewExclusion(FIRST + 30)]
    shop.db.write(lambda tx: exclusions.add(tx, SHOP.id, "blacklist", rows, 1))
    shop.db.write(lambda tx: exclusions.add(tx, SHOP.id, "npai", [exclusions.NewExclusion(FIRST + 31)], 1))
    answer = await shop.submit(MEMBERS, FRIENDS)
    assert answer == Submission(1, 25, CREDITS - 25, total=35, sent=25, blacklisted=1, duplicated=7, npai=1, invalid=1)
    assert shop.core.wallet() == ((CREDITS - 25) * 1000, 25_000, 0)
    found = shop.core.rows("SELECT number, infos, list_id, text FROM message ORDER BY id")
    assert found[0] == (FIRST, "n0", MEMBERS, None)
    assert found[-1] == (FIRST + 24, "n9", FRIENDS, None)
    assert [row[0] for row in found] == [FIRST + i for i in range(25)]
    campaign = await Campaigns(shop.store).get(SHOP, 1)
    assert (campaign.lists, campaign.total, campaign.sent, campaign.cost) == ((MEMBERS, FRIENDS), 35, 25, 25)
    (listed,) = (await Messages(shop.store).find(SHOP, MessageFilter(*ANY_TIME, length=1, sort="date"))).rows
    assert listed.list_id == FRIENDS
    touched = shop.core.rows("SELECT id, used_at > 0 FROM contact_list ORDER BY id")
    assert touched == [(MEMBERS, 1), (FRIENDS, 1), (EMPTY, 0), (FOREIGN, 0)]
    await shop.close()


@on_loop
async def test_what_is_accepted_comes_to_the_queue_and_is_sent_like_any_campaign(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(23))
    await shop.submit(MEMBERS, text="Hi [info1]")
    await shop.queued()
    claimed = shop.core.claim()
    assert [message.text for message in claimed] == [f"Hi n{i}" for i in range(23)]
    assert shop.core.column("SELECT DISTINCT priority FROM dispatch") == [1]
    await shop.submit(MEMBERS, kind="marketing", delay="2099-01-01 00:00:00")
    await shop.queued()
    assert shop.core.rows("SELECT state, priority, COUNT(*) FROM dispatch WHERE message_id > 23 GROUP BY 1, 2") == [
        (Queue.SCHEDULED, 2, 23)
    ]
    await shop.close()


@on_loop
async def test_two_campaigns_advance_side_by_side(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(20))
    shop.add(FOREIGN, some(10))
    await asyncio.gather(shop.submit(MEMBERS), shop.submit(FOREIGN, account=STRANGER))
    await shop.queued()
    first = [message.campaign_id for message in shop.core.claim(16)]
    assert sorted(set(first)) == [1, 2]
    assert 5 <= first.count(2) <= 10
    await shop.close()


@on_loop
async def test_a_simulation_answers_the_same_and_writes_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, [*some(20), (FIRST, "")])
    before = shop.everything()
    request = SubmitRequest(LONG_TEXT, [], lists=[MEMBERS, MEMBERS])
    simulated = await shop.lists.simulate(SHOP, request)
    assert simulated == Simulation(None, 60, CREDITS, total=42, sent=20, duplicated=22)
    assert shop.everything() == before
    answer = await shop.lists.submit(SHOP, request)
    assert (answer.cost, answer.total, answer.sent, answer.duplicated) == (60, 42, 20, 22)
    await shop.close()


@on_loop
async def test_a_list_of_nobodys_or_somebody_elses_is_not_found(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(3))
    shop.add(FOREIGN, some(3))
    before = shop.everything()
    for wanted in ((FOREIGN,), (MEMBERS, FOREIGN), (1,)):
        with pytest.raises(NotFound):
            await shop.submit(*wanted)
        with pytest.raises(NotFound):
            await shop.lists.simulate(SHOP, SubmitRequest("Hello", [], lists=list(wanted)))
    assert shop.everything() == before
    await shop.close()


@on_loop
async def test_an_empty_list_gets_a_ticket_and_costs_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert await shop.submit(EMPTY) == Submission(1, 0, CREDITS, 0, 0)
    campaign = await Campaigns(shop.store).get(SHOP, 1)
    assert (campaign.state, campaign.lists, campaign.total) == ("sent", (EMPTY,), 0)
    assert shop.core.column("SELECT queued_to FROM campaign") == [None]
    await shop.close()


@on_loop
async def test_more_contacts_than_allowed_are_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    shop = Shop(tmp_path, Limits(max_list_recipients=5, max_recipients=1))
    shop.add(MEMBERS, some(3))
    shop.add(FRIENDS, some(3))
    assert (await shop.submit(MEMBERS)).sent == 3
    with pytest.raises(BadData, match=r"6 contacts; at most 5 in one request \(max_list_recipients\)"):
        await shop.submit(MEMBERS, FRIENDS)
    await shop.close()


# -- all or nothing


@on_loop
async def test_what_is_not_covered_leaves_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(CREDITS + 1))
    before = shop.everything()
    with pytest.raises(InsufficientCredits, match="costs 1001 credits or more and the account has 1000"):
        await shop.submit(MEMBERS)
    assert shop.everything() == before
    await shop.close()


@on_loop
async def test_of_two_sends_at_once_that_only_one_can_pay_the_other_leaves_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(CREDITS - 1))
    results = await asyncio.gather(shop.submit(MEMBERS), shop.submit(MEMBERS), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["InsufficientCredits", "Submission"]
    assert shop.core.rows("SELECT COUNT(*), COUNT(DISTINCT campaign_id) FROM message") == [(CREDITS - 1, 1)]
    assert shop.core.column("SELECT COUNT(*) FROM campaign") == [1]
    assert shop.core.wallet() == (1000, (CREDITS - 1) * 1000, 0)
    await shop.close()


@on_loop
async def test_one_contact_whose_own_text_is_too_long_refuses_the_request_and_leaves_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path, max_parts="1")
    shop.add(MEMBERS, [*some(30), (FIRST + 40, "x" * 200)])
    before = shop.everything()
    with pytest.raises(BadData):
        await shop.submit(MEMBERS, text="Hi [info1]")
    assert shop.everything() == before
    await shop.close()


@on_loop
async def test_a_list_that_changes_meanwhile_is_sent_to_as_it_was(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(40))

    async def change() -> None:
        while not shop.store.glance(lambda tx: tx.rows(Statement("SELECT 1 FROM message LIMIT 1"))):
            await asyncio.sleep(0)
        shop.sql("DELETE FROM contact WHERE list_id = :list AND id > 20", list=MEMBERS)
        shop.add(MEMBERS, some(30, FIRST + 500), first_id=100)

    answer, _ = await asyncio.gather(shop.submit(MEMBERS), change())
    assert (answer.total, answer.sent) == (40, 40)
    assert shop.core.column("SELECT number FROM message ORDER BY id") == [FIRST + i for i in range(40)]
    await shop.close()


@on_loop
async def test_who_says_stop_while_it_is_written_is_left_out_when_his_turn_has_not_come(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(40))

    async def stop() -> None:
        while not shop.store.glance(lambda tx: tx.rows(Statement("SELECT 1 FROM message LIMIT 1"))):
            await asyncio.sleep(0)
        rows = [exclusions.NewExclusion(FIRST + 39)]
        shop.db.write(lambda tx: exclusions.add(tx, SHOP.id, "blacklist", rows, 1))

    answer, _ = await asyncio.gather(shop.submit(MEMBERS), stop())
    assert (answer.total, answer.sent, answer.blacklisted, answer.cost) == (40, 39, 1, 39)
    await shop.close()


@on_loop
async def test_the_same_key_sends_once_one_after_the_other_and_at_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(20))
    first, second = await asyncio.gather(shop.submit(MEMBERS, key="k"), shop.submit(MEMBERS, key="k"))
    assert first == second == await shop.submit(MEMBERS, key="k")
    assert shop.core.rows("SELECT COUNT(*) FROM message UNION ALL SELECT COUNT(*) FROM campaign") == [(20,), (1,)]
    with pytest.raises(BadData) as refusal:
        await shop.submit(MEMBERS, key="k", text="Something else")
    assert refusal.value.field == "Idempotency-Key"
    await shop.close()


# -- while it is being written


@on_loop
async def test_nobody_reads_a_campaign_before_it_is_accepted(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    feed = Feed(shop.store)
    ticket, first = shop.prepare()
    campaigns, messages = Campaigns(shop.store), Messages(shop.store)
    assert await campaigns.history(SHOP, CampaignFilter()) == await campaigns.history(STRANGER, CampaignFilter())
    for refused in (campaigns.get(SHOP, ticket), shop.submitter.cancel(SHOP, ticket)):
        with pytest.raises(NotFound):
            await refused
    assert (await messages.find(SHOP, MessageFilter(*ANY_TIME))).total == 0
    with pytest.raises(NotFound):
        messages.show(first)
    with pytest.raises(NotFound):
        messages.of_ticket(ticket, 10)
    assert feed.news() == []
    shown = shop.store.glance(figures.read)
    assert (shown.queue, shown.overdue, shown.unqueued) == ({}, 0, 0)
    before = shop.everything()
    await Expirer(shop.store, shop.ids, receipt_wait_s=1).once()
    for _ in range(3):
        await shop.enqueuer.once()
    assert shop.everything() == before
    assert shop.core.wallet() == (CREDITS * 1000, 0, 0)
    await shop.store.close()


@on_loop
async def test_who_watches_is_told_of_a_campaign_that_took_longer_than_a_later_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    feed = Feed(shop.store)
    shop.add(MEMBERS, some(20))
    began = asyncio.create_task(shop.submit(MEMBERS))
    while not shop.store.glance(lambda tx: tx.rows(Statement("SELECT 1 FROM campaign"))):
        await asyncio.sleep(0)
    await shop.submitter.submit(SHOP, SubmitRequest("Hello", ["0612345678"]))
    told = [line for line in feed.news() if "accepted" in line]
    await began
    told += [line for line in feed.news() if "accepted" in line]
    assert told == ["ticket 2: accepted 1 of 1, 1 credit(s)", "ticket 1: accepted 20 of 20, 20 credit(s)"]
    assert [line for line in feed.news() if "accepted" in line] == []
    await shop.close()


@on_loop
async def test_what_a_dead_process_was_writing_is_cleared_away(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = shop.everything()
    ticket, first = shop.prepare(8)
    await shop.enqueuer.once()
    assert shop.core.column("SELECT COUNT(*) FROM message") == [8]
    shop.sql("UPDATE campaign SET created_at = created_at - :ms", ms=ABANDONED_MS + 1)
    await shop.enqueuer.once()
    assert shop.everything() == before
    planner = Planner(
        SubmitRequest("Hello", [], lists=[MEMBERS]), rules_of(SHOP), routes_to({}), Limits(), now_ms(), HOURS
    )
    with pytest.raises(Unavailable):
        shop.db.write(lambda tx: preparations.extend(tx, ticket, first + 8, SHOP, shop.chunk(planner, 1), now_ms()))
    with pytest.raises(Unavailable):
        shop.db.write(lambda tx: preparations.accept(tx, ticket, SHOP, planner.terms, Tally(), now_ms(), None))
    assert shop.everything() == before
    await shop.close()


@on_loop
async def test_clearing_away_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = shop.everything()
    ticket, _ = shop.prepare(8)
    shop.db.write(lambda tx: preparations.discard(tx, ticket))
    assert shop.db.write(lambda tx: preparations.delete(tx, ticket, 5))
    assert shop.core.column("SELECT COUNT(*) FROM message") == [3]
    assert shop.core.column("SELECT state FROM campaign") == [CampaignState.DISCARDED]
    await shop.enqueuer.once()
    assert shop.everything() == before
    await shop.close()


# -- into the queue


@on_loop
async def test_the_worker_goes_on_for_a_process_that_died_after_the_acceptance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(23))
    monkeypatch.setattr(Enqueuer, "begin", lambda self, ticket: None)
    await shop.submit(MEMBERS)
    routes = routes_to({}, CARRIER)
    assert shop.db.write(lambda tx: preparations.enqueue(tx, 1, routes, at_once, VALIDITY_MS, now_ms(), 5))
    await shop.enqueuer.once()  # somebody may be at it
    assert shop.core.column("SELECT COUNT(*) FROM dispatch") == [5]
    assert shop.store.glance(figures.read).unqueued == 18
    await shop.enqueuer.once()
    assert shop.core.column("SELECT message_id FROM dispatch ORDER BY turn") == list(range(1, 24))
    assert shop.core.column("SELECT queued_to FROM campaign") == [None]
    await shop.close()


@on_loop
async def test_who_says_stop_while_a_campaign_comes_to_the_queue_gets_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(3))
    monkeypatch.setattr(Enqueuer, "begin", lambda self, ticket: None)
    await shop.submit(MEMBERS)
    shop.db.write(lambda tx: exclusions.add(tx, SHOP.id, "blacklist", [exclusions.NewExclusion(FIRST + 1)], now_ms()))
    await shop.enqueuer.enqueue(1)
    known = Rules(shop.store, Defaults())
    cleared = shop.db.write(lambda tx: curfew.claim(tx, known, CARRIER, shop.core.epoch, 10, now_ms()))
    assert [message.number for message in cleared.messages] == [FIRST, FIRST + 2]
    assert cleared.unwanted == [2]
    await shop.close()


@on_loop
async def test_two_that_queue_the_same_campaign_queue_each_message_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(60))
    await shop.submit(MEMBERS)
    await asyncio.gather(
        shop.enqueuer.enqueue(1), Enqueuer(shop.store, Rules(shop.store, Defaults()), validity_s=100).enqueue(1)
    )
    await shop.queued()
    assert shop.core.column("SELECT COUNT(*) FROM dispatch") == [60]
    assert len(shop.core.claim()) == 60
    await shop.close()


@on_loop
async def test_a_campaign_is_cancelled_wholly_while_it_comes_to_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(50))
    monkeypatch.setattr(Enqueuer, "begin", lambda self, ticket: None)
    await shop.submit(MEMBERS, text=LONG_TEXT)
    routes = routes_to({}, CARRIER)
    shop.db.write(lambda tx: preparations.enqueue(tx, 1, routes, at_once, VALIDITY_MS, now_ms(), 20))
    being_sent = shop.core.claim(3)
    assert await shop.submitter.cancel(SHOP, 1) == CREDITS - 9
    await shop.enqueuer.enqueue(1)
    assert sorted(shop.core.column("SELECT message_id FROM dispatch")) == [each.message_id for each in being_sent]  # type: ignore[type-var]
    assert shop.core.rows("SELECT state, COUNT(*) FROM message GROUP BY 1") == [
        (State.ACCEPTED, 3),
        (State.CANCELLED, 47),
    ]
    campaign = shop.core.campaign(1)
    assert (campaign.open, campaign.cancelled) == (3, 47)
    with pytest.raises(BadData):
        await shop.submitter.cancel(SHOP, 1)
    await shop.close()


@on_loop
async def test_cancelling_and_queueing_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(300))
    await shop.submit(MEMBERS)
    left, _ = await asyncio.gather(shop.submitter.cancel(SHOP, 1), shop.enqueuer.enqueue(1))
    await shop.queued()
    assert left == CREDITS
    assert shop.core.column("SELECT COUNT(*) FROM dispatch") == [0]
    assert (shop.core.campaign(1).open, shop.core.campaign(1).cancelled) == (0, 300)
    assert shop.core.wallet() == (CREDITS * 1000, 0, 0)
    await shop.close()


@on_loop
async def test_messages_that_come_to_the_queue_too_late_are_ended_and_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, Limits(validity_s=1))
    shop.add(MEMBERS, some(8))
    monkeypatch.setattr(Enqueuer, "begin", lambda self, ticket: None)
    await shop.submit(MEMBERS)
    shop.sql("UPDATE campaign SET send_at = send_at - 5000, expires_at = expires_at - 5000")
    expirer = Expirer(shop.store, shop.ids, receipt_wait_s=3600)
    await expirer.once()
    assert shop.core.campaign(1).open == 8
    await shop.enqueuer.enqueue(1)
    await expirer.once()
    assert (shop.core.campaign(1).open, shop.core.campaign(1).expired) == (0, 8)
    assert shop.core.wallet() == (CREDITS * 1000, 0, 0)
    await shop.close()
