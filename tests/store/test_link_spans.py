"""The links of campaigns to lists, and clicks as rows."""

from pathlib import Path

import pytest

from chappe.domain.clicks import Click, Device
from chappe.domain.errors import BadData, Unavailable
from chappe.domain.links import LinkCodes
from chappe.domain.requests import SubmitRequest
from chappe.pipeline import clicks, submit_lists
from chappe.pipeline.clicks import Clicks
from chappe.store import links
from chappe.store.sqlite import Store, Tx, Unit
from tests.builders import on_loop
from tests.store.build import SHOP
from tests.store.test_list_sends import FRIENDS, MEMBERS, Shop, some

OFFER, MAP = "https://shop.example/o", "https://shop.example/map"


@pytest.fixture(autouse=True)
def _in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit_lists, "CHUNK", 9)


def texts(shop: Shop) -> list[tuple[int, str]]:
    rows = shop.core.rows("SELECT id, text FROM message ORDER BY id")
    return [(int(row[0]), str(row[1])) for row in rows]


@on_loop
async def test_every_contact_of_every_chunk_gets_links_of_his_own(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(20))
    shop.add(FRIENDS, some(20, first=33_612_000_010))  # ten of them are members too
    answer = await shop.submit(MEMBERS, FRIENDS, text="[info1] <-short-> <-short->", links=[OFFER, MAP])
    assert (answer.sent, answer.duplicated) == (30, 10)
    secret = shop.store.glance(links.secret)
    assert secret is not None
    codes = LinkCodes(secret)
    written = texts(shop)
    assert len(written) == 30
    for message, text in written:
        name, first, second = text.split(" ")
        assert name.startswith("n")
        assert codes.read(first.removeprefix("sms.example/")) == (message, 0)
        assert codes.read(second.removeprefix("sms.example/")) == (message, 1)
        for position, url in enumerate((OFFER, MAP)):
            found = shop.store.glance(lambda tx, m=message, p=position: links.target(tx, m, p))  # type: ignore[misc]
            assert found == (answer.ticket, SHOP.id, url)
    await shop.close()


@on_loop
async def test_a_campaign_that_is_not_accepted_leaves_no_links(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(20))
    with pytest.raises(BadData):
        await shop.submit(MEMBERS, text="<-short-> <-short->", links=[OFFER])
    assert shop.core.rows("SELECT * FROM link") == []
    assert shop.core.rows("SELECT * FROM campaign") == []
    request = SubmitRequest("<-short->", [], lists=[MEMBERS], links=[OFFER])
    assert (await shop.lists.simulate(SHOP, request)).sent == 20
    assert shop.core.rows("SELECT * FROM link") == []
    await shop.close()


@on_loop
async def test_the_spans_of_campaigns_do_not_mix(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(5))
    one = await shop.submit(MEMBERS, text="<-short->", links=[OFFER])
    await shop.submit(MEMBERS, text="no link")
    other = await shop.submit(MEMBERS, text="<-short->", links=[MAP])
    by_message = {
        message: shop.store.glance(lambda tx, m=message: links.target(tx, m, 0))  # type: ignore[misc]
        for message, _ in texts(shop)
    }
    found = [None if each is None else each.campaign_id for each in by_message.values()]
    assert found == [one.ticket] * 5 + [None] * 5 + [other.ticket] * 5
    assert shop.store.glance(lambda tx: links.target(tx, 0, 0)) is None
    await shop.close()


def click(message: int = 1, user_agent: str = "") -> Click:
    return Click(SHOP.id, 1, message, 0, "abcdefgh", OFFER, 1_937_000_000_000, user_agent)


class Away(Store):
    """A database that is away for a while."""

    failures = 1

    def write(self, unit: Unit[object]) -> object:  # type: ignore[override]
        if self.failures:
            self.failures -= 1
            raise Unavailable("the database does not answer")
        return super().write(unit)


@on_loop
async def test_clicks_are_kept_while_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "AFTER_FAILURE_S", 0.01)
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(1))
    await shop.submit(MEMBERS, text="<-short->", links=[OFFER])
    store = Away(tmp_path / "chappe.db")
    recorder = Clicks(store, shop.ids)
    recorder.note(click())
    recorder.note(click())
    assert recorder._recording is not None
    await recorder._recording
    assert shop.core.rows("SELECT clicks FROM link") == [(2,)]
    assert shop.core.rows("SELECT COUNT(*) FROM click") == [(2,)]
    await store.close()
    await shop.close()


@on_loop
async def test_clicks_beyond_the_memory_set_aside_for_them_are_lost_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "MAX_WAITING", 3)
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(1))
    await shop.submit(MEMBERS, text="<-short->", links=[OFFER])
    recorder = Clicks(shop.store, shop.ids)
    for _ in range(5):
        recorder.note(click())
    assert recorder.lost == 2
    await recorder.close()
    assert shop.core.rows("SELECT clicks FROM link") == [(3,)]
    await shop.close()


@on_loop
async def test_a_full_batch_is_one_short_unit_of_work(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.add(MEMBERS, some(3))
    await shop.submit(MEMBERS, text="<-short->", links=[OFFER])
    shop.core.listen(kind="CLICKER")
    many = [click(message=1 + i % 3) for i in range(clicks.BATCH)]

    def record(tx: Tx) -> None:
        clicks.record(tx, shop.ids, many, [Device()] * len(many), 0)

    await shop.store.write(record)
    assert shop.core.rows("SELECT clicks FROM link") == [(clicks.BATCH,)]
    assert shop.core.rows("SELECT COUNT(*) FROM event") == [(clicks.BATCH,)]
    last = shop.core.rows("SELECT payload FROM event ORDER BY id DESC LIMIT 1")[0][0]
    assert f'"clicks_on_link":"{clicks.BATCH // 3 + 1}"' in str(last)
    await shop.close()
