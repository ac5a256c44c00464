"""Campaigns, messages and replies as their owner lists them: every order and filter, against the plain meaning."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine

from chappe.domain.errors import NotFound
from chappe.domain.outcomes import Outcome, ReceiptIn, ReplyIn
from chappe.manage.campaigns import CampaignFilter, Campaigns
from chappe.manage.messages import MessageFilter, Messages
from chappe.manage.replies import Replies, ReplyFilter
from chappe.store import exclusions, replies
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.answering import receiver
from tests.builders import on_loop
from tests.store.build import CARRIER, LONG_TEXT, MINUTE, NOW, SHOP, STRANGER, TO, Core, database

OTHER = "33612345679"
PERIOD = (NOW - MINUTE, NOW + 100 * MINUTE)


class Shop:
    """Four campaigns in four states, a stranger's, and what came back."""

    def __init__(self, folder: Path) -> None:
        core = self.core = Core(db=database(folder / "chappe.db"))
        self.sent = core.submit(TO, OTHER, text="Big SALE: 50% off")
        self.record(5, 3)
        core.now += MINUTE
        self.long = core.submit(TO, text=LONG_TEXT, sender="Zebra")
        core.record(
            [Outcome(m.message_id, ["a", "b", "c"], "accepted", m.attempts, m.expires_at) for m in core.claim()]
        )
        core.now += MINUTE
        self.delayed = core.submit(TO, text="later_on", delay="2031-05-20 02:33:20", sender="Alpha")
        self.foreign = core.submit(TO, account=STRANGER, text="Big sale")
        core.now += MINUTE

    def record(self, *dlrs: int) -> None:
        core = self.core
        claimed = core.claim()
        core.record(
            [Outcome(m.message_id, [f"r{m.message_id}"], "accepted", m.attempts, m.expires_at) for m in claimed]
        )
        reports = [ReceiptIn(f"r{m.message_id}", None, dlr, True, "r") for m, dlr in zip(claimed, dlrs, strict=True)]
        core.record([], reports)

    async def reply(self, text: str, source: str = TO) -> None:
        core = self.core
        core.db.write(lambda tx: replies.insert(tx, CARRIER, [ReplyIn(source, "36180", text)], core.now))
        await self.read(lambda store: receiver(store, core.ids).once())
        core.now += MINUTE

    async def read(self, query: Callable[[Store], Any]) -> Any:
        store = Store(self.core.db.path)
        try:
            with time_machine.travel(self.core.now / 1000, tick=False):
                return await query(store)
        finally:
            await store.close()

    async def campaigns(self, **wanted: Any) -> list[int]:
        page = await self.read(lambda store: Campaigns(store).history(SHOP, CampaignFilter(**wanted)))
        assert (page.total, page.matching) == (3, len(page.rows))
        return [campaign.id for campaign in page.rows]

    async def messages(self, **wanted: Any) -> list[tuple[str, str]]:
        page = await self.read(lambda store: Messages(store).find(SHOP, MessageFilter(*PERIOD, **wanted)))
        assert page.matching == len(page.rows)
        return [(message.direction, message.text) for message in page.rows]


@on_loop
async def test_campaigns_come_in_every_order(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    sent, long, delayed = shop.sent, shop.long, shop.delayed
    orders = {
        "id": [sent, long, delayed],
        "date": [sent, long, delayed],
        "text": [sent, long, delayed],  # B, a, l: as the engine compares
        "cost": [delayed, sent, long],
        "status": [long, sent, delayed],  # Sending, Sent, Waiting
    }
    for order, expected in orders.items():
        assert await shop.campaigns(sort=order, is_descending=False) == expected, order
        assert await shop.campaigns(sort=order, is_descending=True) == expected[::-1], order


@on_loop
async def test_campaigns_are_filtered_by_sms_text_number_and_time(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    sent, long, delayed = shop.sent, shop.long, shop.delayed
    assert await shop.campaigns(sms_min=2) == [long, sent]
    assert await shop.campaigns(sms_min=2, sms_max=2) == [sent]
    assert await shop.campaigns(sms_max=1) == [delayed]
    assert await shop.campaigns(text="sale: 50%") == [sent]
    assert await shop.campaigns(text="r_o") == [delayed]
    assert await shop.campaigns(text="%") == [sent]
    assert await shop.campaigns(destination=OTHER) == [sent]
    assert await shop.campaigns(destination=TO) == [delayed, long, sent]
    assert await shop.campaigns(destination="nobody") == []
    assert await shop.campaigns(from_at=NOW + 1) == [delayed, long]
    assert await shop.campaigns(to_at=NOW) == [sent]
    assert await shop.campaigns(to_at=NOW + MINUTE, text="a", sort="date") == [long, sent]


@on_loop
async def test_sms_are_counted_and_not_credits(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.core.db.write(lambda tx: tx.run(Statement("UPDATE campaign SET cost_mc = cost_mc * 5")))
    assert await shop.campaigns(sms_min=2, sms_max=2) == [shop.sent]
    shop.core.db.write(lambda tx: tx.run(Statement("UPDATE campaign SET sms = NULL")))
    # those of the first release have no count: their credits stand for it
    assert await shop.campaigns(sms_min=10, sms_max=10) == [shop.sent]


@on_loop
async def test_what_came_in_stands_among_the_messages(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.reply("Yes")
    await shop.reply("STOP", OTHER)
    came = [("in", "STOP"), ("in", "Yes")]
    went = [("out", "later_on"), ("out", LONG_TEXT), ("out", "Big SALE: 50% off"), ("out", "Big SALE: 50% off")]
    assert await shop.messages() == [went[0], *came, *went[1:]]
    assert await shop.messages(is_descending=False) == [went[0], *came, *went[1:]][::-1]
    assert await shop.messages(direction="in") == came
    assert await shop.messages(direction="out") == went
    assert await shop.messages(text="yes") == [came[1]]
    assert await shop.messages(destination=OTHER) == [came[0], went[2]]
    assert await shop.messages(status="delivered") == [went[3]]
    assert await shop.messages(status="not_sent") == [went[2]]
    assert await shop.messages(country="FR", direction="in") == came
    assert await shop.messages(country="BE") == []


@on_loop
async def test_messages_come_in_the_order_of_their_senders(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.reply("Yes")
    senders = [text for _, text in await shop.messages(sort="sender", is_descending=False)]
    assert senders[-2:] == ["later_on", LONG_TEXT]
    assert "Yes" in senders[:3]
    assert (await shop.messages(sort="sender"))[0] == ("out", LONG_TEXT)


@on_loop
async def test_a_message_is_shown_with_the_sender_of_its_country(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.core.submit("33612345678", "32450001234", "41781234567", text="Three", sender="The Club")

    async def senders(**wanted: Any) -> list[str | None]:
        query = MessageFilter(*PERIOD, text="Three", **wanted)
        found = (await shop.read(lambda store: Messages(store).find(SHOP, query))).rows
        shown = [await shop.read(partial(show, each.id)) for each in found]
        assert shown == [each.sender for each in found]
        return [each.sender for each in found]

    async def show(message: int, store: Store) -> str | None:
        return Messages(store).show(message).message.sender

    assert await senders(country="FR") == ["TheClub"]
    assert await senders(country="BE") == [None]
    assert await senders(country="CH") == ["The Club"]
    assert await senders(sort="sender", is_descending=False) == [None, "The Club", "TheClub"]
    assert await senders(sort="sender") == ["TheClub", "The Club", None]


@on_loop
async def test_replies_come_in_every_order_and_by_pages(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for text in ("b", "c", "a"):
        await shop.reply(text)

    async def texts(**wanted: Any) -> list[str]:
        page = await shop.read(lambda store: Replies(store).find(SHOP, ReplyFilter(*PERIOD, **wanted)))
        assert page.total == page.matching == 3
        return [reply.text for reply in page.rows]

    assert await texts() == ["a", "c", "b"]
    assert await texts(sort="id", is_descending=False) == ["b", "c", "a"]
    assert await texts(sort="text", is_descending=False) == ["a", "b", "c"]
    assert await texts(sort="text", start=1, length=1) == ["b"]


@on_loop
async def test_another_accounts_campaign_is_not_found_and_not_touched(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    calls: list[Callable[[Replies], Any]] = [
        lambda r: r.of_campaign(STRANGER, shop.sent, 0, 10),
        lambda r: r.stops(STRANGER, shop.sent, 0, 10),
        lambda r: r.unassigned(STRANGER, shop.sent, 0, 10),
        lambda r: r.blacklist_unassigned(STRANGER, shop.sent),
    ]
    for made in calls:
        with pytest.raises(NotFound):
            await shop.read(partial(_called, made))
    rows, total = shop.core.db.read(lambda tx: exclusions.page(tx, STRANGER.id, "blacklist", 0, 10))
    assert (rows, total) == ([], 0)
    assert await shop.read(lambda store: Replies(store).blacklist_unassigned(SHOP, shop.sent)) == 1


def _called(made: Callable[[Replies], Any], store: Store) -> Any:
    return made(Replies(store))
