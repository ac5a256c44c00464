"""What is older than it is kept goes, and nothing else does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from chappe.domain.errors import NotFound
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import Defaults
from chappe.manage.campaigns import CampaignFilter, Campaigns
from chappe.manage.messages import MessageFilter, Messages
from chappe.pipeline import retain
from chappe.pipeline.links import Links
from chappe.pipeline.retain import Retainer
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.pipeline.sweep_lists import ListSweeper
from chappe.store import deletions, retention
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.store.build import (
    BRANCH,
    CREDITS,
    DAY,
    LIMITS,
    LONG_TEXT,
    NOW,
    SHOP,
    STRANGER,
    TO,
    Core,
    accepted,
    add_carrier,
    balance,
    database,
    delivered,
    numbers,
)

MONTH = 31 * DAY
KEEP_DAYS = 30


@contextmanager
def later(ms: int) -> Iterator[None]:
    with time_machine.travel(datetime.fromtimestamp((NOW + ms) / 1000, UTC)):
        yield


class Installation:
    """A database on disk with the job that deletes."""

    def __init__(self, folder: Path) -> None:
        path = folder / "chappe.db"
        self.core = Core(db=database(path))
        add_carrier(self.core.db)
        self.store = Store(path)
        self.retainer = Retainer(self.store, event_keep_days=KEEP_DAYS)

    async def after(self, ms: int) -> None:
        """Let rounds be done at a later time until nothing is left to do."""
        with later(ms):
            while not await self.retainer.once():
                pass

    def count(self, table: str) -> int:
        (found,) = self.core.column(f"SELECT COUNT(*) FROM {table}")
        assert isinstance(found, int)
        return found

    def run(self, sql: str, **values: object) -> None:
        self.core.db.write(lambda tx: tx.run(Statement(sql), **values))

    def keep(self, account: int, **periods: str) -> None:
        self.core.db.write(lambda tx: retention.change(tx, account, periods))  # type: ignore[arg-type]

    def finished(self, *to: str, **more: object) -> int:
        """A campaign whose every message was delivered; its ticket."""
        ticket = self.core.submit(*to, **more)  # type: ignore[arg-type]
        messages = self.core.claim(10_000)
        self.core.record([accepted(message) for message in messages])
        refs = [f"r{m.message_id}.{seq}" for m in messages for seq in range(m.parts)]
        self.core.record(receipts=[delivered(ref) for ref in refs])
        return ticket

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


@on_loop
async def test_a_message_goes_with_all_that_is_known_of_it_when_its_time_is_over(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.core.listen()
    ticket = made.finished(*numbers(3), text=LONG_TEXT)
    (first, last) = made.core.span(ticket)
    made.run("UPDATE event SET state = 1")
    for message in range(first, last + 1):
        made.run(
            "INSERT INTO trace (message_id, at, step, detail) VALUES (:m, 0, 'x', 'y')".replace(":m", str(message))
        )
        made.run(
            "INSERT INTO click (account_id, campaign_id, message_id, position, at, brand, model, os)"
            f" VALUES (1, {ticket}, {message}, 1, 0, '', '', '')"
        )
    made.run("INSERT INTO attempt (event_id, number, at, duration_ms) SELECT id, 1, 0, 1 FROM event")
    await made.after(5 * MONTH)
    assert (made.count("message"), made.count("part"), made.count("event")) == (3, 9, 0)
    await made.after(7 * MONTH)
    for table in ("message", "part", "event", "attempt", "trace", "click"):
        assert made.count(table) == 0, table
    await made.close()


@on_loop
async def test_the_campaign_keeps_its_counts_and_its_money_until_its_own_time_is_over(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    ticket = made.finished(*numbers(3))
    made.run(
        f"INSERT INTO link (campaign_id, position, account_id, first_message_id, last_message_id, url, clicks)"
        f" VALUES ({ticket}, 1, 1, 1, 1, 'https://shop.example', 4)"
    )
    await made.after(7 * MONTH)
    assert made.core.campaign(ticket).delivered == 3
    assert made.core.column("SELECT messages_deleted_at IS NOT NULL FROM campaign") == [1]
    await made.after(15 * MONTH)
    assert (made.count("campaign"), made.count("link")) == (0, 0)
    assert balance(made.core) == (CREDITS - 3, 0)
    assert made.core.column("SELECT SUM(amount_mc) FROM ledger WHERE kind = 'capture'") == [3000]
    await made.close()


@on_loop
async def test_a_campaign_is_not_forgotten_before_its_messages_are(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.keep(SHOP.id, campaign="1m")
    made.finished(TO)
    await made.after(5 * MONTH)
    assert (made.count("campaign"), made.count("message")) == (1, 1)
    await made.after(7 * MONTH)
    assert (made.count("campaign"), made.count("message")) == (0, 0)
    await made.close()


@on_loop
async def test_an_open_message_is_never_deleted_and_does_not_hold_up_the_others(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.keep(SHOP.id, message="1d")
    open_ = made.core.submit(TO)
    (waiting,) = made.core.claim()
    made.finished(*numbers(2))
    await made.after(2 * DAY)
    assert made.core.column("SELECT campaign_id FROM message") == [open_]
    assert balance(made.core)[1] == 1
    made.core.record([accepted(waiting)])
    made.core.record(receipts=[delivered(f"r{waiting.message_id}.0")])
    await made.after(2 * DAY)
    assert made.count("message") == 0
    assert balance(made.core) == (CREDITS - 3, 0)
    await made.close()


@on_loop
async def test_every_account_has_its_own_periods(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.keep(BRANCH.id, message="2d")
    for account in (SHOP, BRANCH, STRANGER):
        made.finished(TO, account=account)
    await made.after(3 * DAY)
    assert made.core.column("SELECT account_id FROM message ORDER BY id") == [SHOP.id, STRANGER.id]
    await made.close()


@on_loop
async def test_a_delayed_campaign_is_as_old_as_its_sending(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.keep(SHOP.id, message="5d")
    ticket = made.finished(TO)
    made.run(f"UPDATE campaign SET send_at = created_at + {10 * DAY} WHERE id = {ticket}")
    await made.after(12 * DAY)
    assert made.count("message") == 1
    await made.after(16 * DAY)
    assert made.count("message") == 0
    await made.close()


@on_loop
async def test_an_event_that_is_still_due_is_kept_to_be_posted(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.keep(SHOP.id, message="1d")
    made.core.listen()
    made.finished(TO)
    await made.after(2 * DAY)
    assert (made.count("message"), made.count("event")) == (0, 1)
    made.run("UPDATE event SET state = 1")
    await made.after(2 * DAY)
    assert made.count("event") == 1
    await made.after((KEEP_DAYS + 1) * DAY)
    assert made.count("event") == 0
    await made.close()


@on_loop
async def test_replies_and_look_ups_go_by_their_own_periods(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.keep(SHOP.id, reply="1m", lookup="2m")
    for account in (SHOP.id, STRANGER.id):
        made.run(
            "INSERT INTO reply (carrier_id, source, destination, text, received_at, state, account_id)"
            f" VALUES (5, '1', '2', 'Yes', {NOW}, 1, {account})"
        )
        for state in (0, 1):
            made.run(
                "INSERT INTO lookup (account_id, wallet_id, carrier_id, number, price_mc, state, asked_at)"
                f" VALUES ({account}, {account}, 5, 1, 1000, {state}, {NOW})"
            )
    await made.after(MONTH + DAY)
    assert made.core.column("SELECT account_id FROM reply") == [STRANGER.id]
    assert made.count("lookup") == 4
    await made.after(2 * MONTH + DAY)
    assert made.core.rows("SELECT account_id, state FROM lookup ORDER BY account_id, state") == [(1, 0), (3, 0), (3, 1)]
    await made.close()


@on_loop
async def test_lists_go_when_they_were_neither_changed_nor_used_for_long_unless_for_ever(
    tmp_path: Path,
) -> None:
    made = Installation(tmp_path)
    made.keep(SHOP.id, list="2m")
    made.keep(STRANGER.id, list="-1")
    for list_id, (account, used_at) in enumerate([(SHOP, NOW), (SHOP, NOW + MONTH), (STRANGER, NOW), (BRANCH, NOW)], 1):
        made.run(
            "INSERT INTO contact_list (id, account_id, name, created_at, used_at, contacts)"
            f" VALUES ({list_id}, {account.id}, '', {NOW}, {used_at}, 1)"
        )
        made.run(f"INSERT INTO contact (list_id, id, number, entry) VALUES ({list_id}, 1, {TO}, '{TO}')")
    ages: list[tuple[int, list[object]]] = [(MONTH, [1, 2, 3, 4]), (2 * MONTH + DAY, [2, 3, 4]), (20 * MONTH, [3])]
    for age, left in ages:
        await made.after(age)
        with later(age):
            await ListSweeper(made.store).once()
        assert made.core.column("SELECT id FROM contact_list ORDER BY id") == left
        assert made.core.column("SELECT list_id FROM contact ORDER BY list_id") == left
    await made.close()


@on_loop
async def test_what_belongs_to_nobody_goes_after_the_operators_days_but_not_what_is_due(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.core.record(receipts=[delivered("nobody's")])
    for state in (0, 1, 2):
        made.run(
            "INSERT INTO mail (recipient, subject, body, created_at, attempts, state, next_at)"
            f" VALUES ('a@example.org', '', '', {NOW}, 0, {state}, 0)"
        )
        made.run(
            "INSERT INTO event (id, webhook_id, payload, created_at, attempts, state, next_at)"
            f" VALUES ({100 + state}, 1, '', {NOW}, 0, {state}, 0)"
        )
    for state in (0, 2, 3):
        made.run(
            "INSERT INTO reply (carrier_id, source, destination, text, received_at, state)"
            f" VALUES (5, '1', '2', 'Yes', {NOW}, {state})"
        )
    await made.after((KEEP_DAYS - 1) * DAY)
    assert made.count("unmatched_receipt") == 1
    await made.after((KEEP_DAYS + 1) * DAY)
    assert made.count("unmatched_receipt") == 0
    assert made.core.column("SELECT state FROM mail") == [0]
    assert made.core.column("SELECT state FROM event") == [0]
    assert made.core.column("SELECT state FROM reply") == [0]
    await made.close()


def test_events_that_are_due_do_not_stand_in_the_way_of_finished_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "STEP", 4)

    @on_loop
    async def scenario() -> None:
        made = Installation(tmp_path)
        for i in range(30):
            made.run(
                "INSERT INTO event (id, webhook_id, payload, created_at, attempts, state, next_at)"
                f" VALUES ({i + 1}, 1, '', {NOW}, 0, {int(i >= 10)}, 0)"
            )
        await made.after((KEEP_DAYS + 1) * DAY)
        assert made.core.column("SELECT id FROM event ORDER BY id") == list(range(1, 11))
        await made.close()

    scenario()


def test_a_round_stops_in_time_and_the_next_one_goes_on_also_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "STEP", 10)
    monkeypatch.setattr(retain, "UNIT_S", 0.0)
    monkeypatch.setattr(retain, "ROUND_S", 0.002)

    @on_loop
    async def scenario() -> None:
        made = Installation(tmp_path)
        big = made.finished(*numbers(25))
        made.finished(TO, account=STRANGER)
        left = [26]
        with later(7 * MONTH):
            for _ in range(500):
                made.retainer = Retainer(made.store, event_keep_days=KEEP_DAYS)
                await made.retainer.once()
                left.append(made.count("message"))
                if not left[-1]:
                    break
                span = "SELECT last_message_id - first_message_id + 1 FROM campaign"
                (said,) = made.core.column(f"{span} WHERE id = {big}")
                assert made.count(f"message WHERE campaign_id = {big}") == said
        assert left[-1] == 0
        assert left == sorted(left, reverse=True)
        await made.close()

    scenario()


@on_loop
async def test_an_account_whose_messages_are_gone_reads_on_without_a_fault(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    gone = made.finished(*numbers(3))
    await made.after(7 * MONTH)
    made.core.now = NOW + 7 * MONTH
    there = made.finished(TO)
    messages, campaigns = Messages(made.store), Campaigns(made.store)
    page = await messages.find(SHOP, MessageFilter(from_at=0, to_at=NOW * 2))
    assert (page.total, page.matching, [row.campaign_id for row in page.rows]) == (1, 1, [there])
    with pytest.raises(NotFound):
        messages.of_ticket(gone, 10)
    assert (await campaigns.get(SHOP, gone)).delivered == 3
    history = await campaigns.history(SHOP, CampaignFilter(destination=numbers(1)[0]))
    assert history.rows == []
    await made.close()


@on_loop
async def test_sending_goes_on_while_a_hundred_thousand_messages_are_deleted(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    count = 100_000
    made.run(f"UPDATE wallet SET available_mc = available_mc + {count * 1000} WHERE id = {SHOP.wallet_id}")
    made.core.submit(*numbers(count))
    made.run("UPDATE message SET state = 2, dlr = 3")
    made.run("UPDATE campaign SET open = 0, delivered = sent")
    made.run(f"UPDATE wallet SET reserved_mc = 0 WHERE id = {SHOP.wallet_id}")
    made.run("DELETE FROM dispatch")
    before = balance(made.core)
    submitter = Submitter(
        made.store, made.core.ids, LIMITS, Links(made.store, "sms.example"), Rules(made.store, Defaults())
    )
    loop, waits = asyncio.get_running_loop(), []
    with later(7 * MONTH):
        deleting = asyncio.create_task(made.after(7 * MONTH))
        while not deleting.done():
            began = loop.time()
            await submitter.submit(SHOP, SubmitRequest("Hello", [TO]))
            waits.append(loop.time() - began)
            await asyncio.sleep(0.002)
        await deleting
    assert made.count("message") == len(waits) > 50
    assert sorted(waits)[len(waits) // 2] < 0.05, "half of the callers waited longer than two units of work take"
    assert balance(made.core) == (before[0] - len(waits), len(waits))
    await made.close()
