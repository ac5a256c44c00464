"""Limits of an account: what they let through, where it is counted, and that nothing gets past them together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from chappe.domain.errors import InsufficientCredits
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import Defaults
from chappe.pipeline import quotas, submit_lists
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.moderate import Moderator
from chappe.pipeline.quotas import Pruner
from chappe.pipeline.rules import Rules
from chappe.store import usage
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.limited import MEMBERS, Limited
from tests.store.build import BRANCH, CREDITS, LONG_TEXT, SHOP, STRANGER, numbers

NOON = datetime(2031, 5, 20, 10, 0, 30, tzinfo=UTC)  # 12:00:30 in Paris
EVERYBODY = 0
SWISS, FRENCH = "+41791234567", "+33612345678"


@asynccontextmanager
async def limited(folder: Path) -> AsyncIterator[Limited]:
    shop = Limited(folder)
    try:
        yield shop
    finally:
        await shop.close()


@on_loop
async def test_without_limits_nothing_is_remembered(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.send(*numbers(3))
        assert shop.usage() == {}
        assert shop.rows("SELECT * FROM recent_send") == []


@on_loop
async def test_beyond_a_limit_a_day_recipients_are_counted_as_flood(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=5)
        assert (await shop.send(*numbers(3))).sent == 3
        answer = await shop.send(*numbers(4, first=33_613_000_000))
        assert (answer.sent, answer.flood, answer.total, answer.cost) == (2, 2, 4, 2)
        assert (await shop.send(FRENCH)).sent == 0


@on_loop
async def test_a_new_minute_day_and_month_begin_with_nothing_used(tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        async with limited(tmp_path) as shop:
            await shop.set(messages_per_minute=1, messages_per_day=2, messages_per_month=3)
            sent = []
            for step in (timedelta(), timedelta(seconds=29), timedelta(seconds=1), timedelta(minutes=1)):
                clock.shift(step)
                sent.append((await shop.send(FRENCH)).sent)
            assert sent == [1, 0, 1, 0]
            clock.move_to(datetime(2031, 5, 20, 22, 0, tzinfo=UTC))  # midnight in Paris
            assert (await shop.send(FRENCH)).sent == 1
            clock.shift(timedelta(minutes=1))
            answer = await shop.send(FRENCH)
            assert (answer.sent, answer.country_limit, answer.flood) == (0, 1, 0)
            clock.move_to(datetime(2031, 5, 31, 22, 0, tzinfo=UTC))  # the first of June in Paris
            assert (await shop.send(FRENCH)).sent == 1


@on_loop
async def test_a_limit_of_a_country_is_counted_as_country_limit(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_month__CH=1, messages_per_month=2)
        await shop.send(SWISS, FRENCH)
        answer = await shop.send(SWISS, FRENCH, "+33612345679")
        assert (answer.sent, answer.country_limit, answer.flood) == (1, 2, 0)


@on_loop
async def test_a_number_gets_the_same_text_once_in_so_many_minutes(tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        async with limited(tmp_path) as shop:
            await shop.set(same_text_minutes=5)
            assert (await shop.send(FRENCH)).sent == 1
            assert (await shop.send(FRENCH, SWISS)).flood == 1
            assert (await shop.send(FRENCH, text="Another")).sent == 1
            clock.shift(timedelta(minutes=5))
            assert (await shop.send(FRENCH)).sent == 1


@on_loop
async def test_texts_with_other_fields_are_other_texts_and_short_links_make_no_difference(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(same_text_minutes=5)

        async def send(name: str) -> int:
            return (await shop.send(FRENCH, text="Code [info1]", infos=[(name, None, None, None)])).sent

        assert [await send("1234"), await send("5678"), await send("1234")] == [1, 1, 0]
        links = {"text": "See <-short->", "links": ["https://example.org/a"]}
        assert [(await shop.send(FRENCH, **links)).sent for _ in range(2)] == [1, 0]  # type: ignore[arg-type]
        assert (await shop.send(FRENCH, text="See <-short->", links=["https://example.org/b"])).sent == 1


@on_loop
async def test_limits_of_a_number_look_back_a_minute_and_24_hours(tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        async with limited(tmp_path) as shop:
            await shop.set(number_per_minute=1, number_per_day=2)
            assert [(await shop.send(FRENCH)).sent for _ in range(2)] == [1, 0]
            clock.shift(timedelta(minutes=1))
            assert (await shop.send(FRENCH)).sent == 1
            clock.shift(timedelta(hours=23))
            assert (await shop.send(FRENCH)).flood == 1
            clock.shift(timedelta(hours=1))
            assert (await shop.send(FRENCH)).sent == 1


@on_loop
async def test_beyond_the_daily_cap_nothing_is_written(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(credits_per_day=4)
        assert (await shop.send(FRENCH, text=LONG_TEXT)).cost == 3
        before = shop.rows("SELECT * FROM campaign"), shop.rows("SELECT * FROM ledger"), shop.usage()
        with pytest.raises(InsufficientCredits, match="daily cap of 4 credits leaves 1 for today and this costs 3"):
            await shop.send(SWISS, text=LONG_TEXT)
        with pytest.raises(InsufficientCredits, match="daily cap of 4 credits"):
            await shop.simulate(SWISS, text=LONG_TEXT)
        assert before == (shop.rows("SELECT * FROM campaign"), shop.rows("SELECT * FROM ledger"), shop.usage())
        assert (await shop.send(SWISS)).credits == CREDITS - 4


@on_loop
async def test_what_is_cancelled_stays_counted(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(credits_per_day=2, messages_per_day=2)
        answer = await shop.send(*numbers(2))
        assert await shop.submitter.cancel(SHOP, answer.ticket or 0) == CREDITS
        assert (await shop.send(FRENCH)).flood == 1
        await shop.set(messages_per_day=5)  # counted again from the campaigns
        with pytest.raises(InsufficientCredits, match="leaves 0 for today"):
            await shop.send(FRENCH)


@on_loop
async def test_what_a_person_denies_stays_counted_though_its_credits_come_back(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=3, credits_per_day=3, hold_words="casino")
        held = await shop.send(*numbers(2), text="casino")
        enqueuer = Enqueuer(shop.store, Rules(shop.store, Defaults()), validity_s=60)
        moderator = Moderator(shop.store, shop.ids, enqueuer, validity_s=60, moderation_days=7)
        await moderator.refuse(held.ticket or 0, "a test", "no", "no")
        assert shop.rows("SELECT available_mc FROM wallet WHERE id = 1") == [(CREDITS * 1000,)]
        assert (await shop.send(*numbers(2))).flood == 1
        await shop.set(messages_per_day=4)  # counted again from the campaigns
        with pytest.raises(InsufficientCredits, match="leaves 0 for today"):
            await shop.send(FRENCH)


@on_loop
async def test_a_repeated_request_counts_once_and_a_simulation_does_not(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=2)
        first = await shop.send(FRENCH, key="k")
        assert await shop.send(FRENCH, key="k") == first
        assert [(await shop.simulate(*numbers(2))).flood for _ in range(2)] == [1, 1]
        assert (await shop.send(FRENCH)).sent == 1
        assert await shop.send(FRENCH, key="k") == first
        assert (await shop.simulate(FRENCH)).flood == 1


@on_loop
async def test_a_limit_counts_what_was_sent_before_it_was_set(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.send(SWISS, FRENCH, text=LONG_TEXT)
        await shop.set(messages_per_day=3, messages_per_month__CH=1, number_per_day=1, credits_per_day=7)
        answer = await shop.send(SWISS, FRENCH, *numbers(2))
        assert (answer.sent, answer.country_limit, answer.flood) == (1, 1, 2)
        await shop.unset("messages_per_day")
        await shop.unset("number_per_day")
        with pytest.raises(InsufficientCredits):
            await shop.send(FRENCH)
        await shop.unset("credits_per_day")
        await shop.send(FRENCH)
        await shop.set(messages_per_day=5)
        assert (await shop.send(*numbers(3))).sent == 1  # what was sent while there was no limit counts too


@on_loop
async def test_numbers_of_the_last_day_are_copied_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "CHUNK", 10)
    monkeypatch.setattr(usage, "PAGE", 2)
    async with limited(tmp_path) as shop:
        await shop.send(*numbers(95))
        await shop.send(*numbers(12, first=33_613_000_000))
        await shop.send(*numbers(30, first=33_614_000_000))
        await shop.set(number_per_day=1)
        answer = await shop.send(*numbers(96), "+33614000029", "+33614000030")
        assert (answer.sent, answer.flood) == (2, 96)


@on_loop
async def test_requests_at_once_do_not_get_past_a_limit_together(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=10, number_per_day=1)
        await shop.simulate(FRENCH)  # the counts are begun: all are decided before any is written
        answers = await asyncio.gather(*(shop.send(number) for number in numbers(20)))
        assert sum(answer.sent for answer in answers) == 10
        assert sum(answer.flood for answer in answers) == 10
        assert shop.rows("SELECT COUNT(*) FROM message") == [(10,)]


@on_loop
async def test_one_number_written_to_by_many_at_once_gets_its_share(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(number_per_day=2)
        await shop.simulate(FRENCH)
        answers = await asyncio.gather(*(shop.send(FRENCH, text=f"Hello {i}") for i in range(8)))
        assert sorted(answer.sent for answer in answers) == [0] * 6 + [1] * 2


@on_loop
async def test_the_cap_is_not_passed_by_requests_at_once(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(credits_per_day=5)
        found = await asyncio.gather(*(shop.send(number) for number in numbers(9)), return_exceptions=True)
        assert sum(isinstance(each, InsufficientCredits) for each in found) == 4
        assert shop.rows("SELECT SUM(cost_mc) FROM campaign") == [(5000,)]


@on_loop
async def test_parent_and_sub_account_share_the_parents_limits(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=3, credits_per_day=9)
        await shop.send(FRENCH, account=BRANCH, text=LONG_TEXT)
        await shop.send(FRENCH, text=LONG_TEXT)
        with pytest.raises(InsufficientCredits, match="leaves 3 for today"):
            await shop.send(FRENCH, account=BRANCH, text=LONG_TEXT * 2)
        assert (await shop.send(*numbers(2), account=BRANCH)).sent == 1
        assert (await shop.send(FRENCH)).flood == 1


@on_loop
async def test_a_sub_accounts_own_limit_binds_it_besides_its_parents(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=4)
        await shop.set(BRANCH.id, messages_per_day=2)
        assert (await shop.send(*numbers(3), account=BRANCH)).sent == 2
        assert (await shop.send(*numbers(3))).sent == 2
        await shop.set(BRANCH.id, messages_per_day=100)  # does not lift its parent's
        assert (await shop.send(FRENCH, account=BRANCH)).flood == 1


@on_loop
async def test_an_installations_limit_holds_for_each_main_account_with_its_sub_accounts(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(EVERYBODY, messages_per_day=2)
        assert (await shop.send(FRENCH, account=BRANCH)).sent == 1
        assert (await shop.send(*numbers(2))).sent == 1
        assert (await shop.send(*numbers(2), account=STRANGER)).sent == 2


@on_loop
async def test_a_list_is_held_to_the_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit_lists, "CHUNK", 7)
    async with limited(tmp_path) as shop:
        shop.add_list([int(number) for number in numbers(20)] + [41_791_234_567])
        await shop.set(messages_per_day=12, number_per_day=1, messages_per_month__CH=1)
        await shop.send(numbers(1)[0], SWISS)
        answer = await shop.send_list()
        assert (answer.sent, answer.flood, answer.country_limit, answer.total) == (10, 10, 1, 21)
        assert (await shop.send(numbers(2)[1])).flood == 1
        assert {key.split()[0]: amount for key, amount in shop.usage().items()}["CH"] == 1


@on_loop
async def test_two_lists_at_once_do_not_get_past_a_limit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit_lists, "CHUNK", 3)
    async with limited(tmp_path) as shop:
        shop.add_list([int(number) for number in numbers(8)])
        shop.add_list([int(number) for number in numbers(8, first=33_613_000_000)], MEMBERS + 1)
        await shop.set(messages_per_day=10, number_per_day=1)
        answers = await asyncio.gather(shop.send_list(MEMBERS), shop.send_list(MEMBERS + 1))
        assert sorted((answer.sent, answer.flood) for answer in answers) == [(2, 6), (8, 0)]
        assert shop.rows("SELECT COUNT(*) FROM recent_send") == [(10,)]  # nothing of what was decided anew


@on_loop
async def test_a_list_beyond_the_daily_cap_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit_lists, "CHUNK", 3)
    async with limited(tmp_path) as shop:
        shop.add_list([int(number) for number in numbers(8)])
        await shop.set(credits_per_day=7, number_per_day=1)
        with pytest.raises(InsufficientCredits, match="daily cap of 7 credits"):
            await shop.send_list()
        for table in ("campaign", "message", "recent_send"):
            assert shop.rows(f"SELECT * FROM {table}") == []
        with pytest.raises(InsufficientCredits, match="daily cap of 7 credits"):
            await shop.lists.simulate(SHOP, SubmitRequest("Hello", [], lists=[MEMBERS]))


@on_loop
async def test_a_limit_that_changes_meanwhile_makes_a_simulation_count_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit_lists, "CHUNK", 1)
    async with limited(tmp_path) as shop:
        shop.add_list([int(number) for number in numbers(8)])
        await shop.set(messages_per_day=10)
        await shop.send(*numbers(5))
        for turns in range(1, 12):
            simulating = asyncio.create_task(shop.lists.simulate(SHOP, SubmitRequest("Hello", [], lists=[MEMBERS])))
            for _ in range(turns):
                await asyncio.sleep(0.001)
            await shop.store.write(lambda tx: usage.forget(tx, SHOP.id))
            answer = await simulating
            assert (answer.sent, answer.flood) == (5, 3)


@on_loop
async def test_what_a_dead_process_had_written_of_a_list_is_forgotten(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        shop.add_list([int(number) for number in numbers(8)])
        await shop.set(number_per_day=1)
        await shop.send_list()
        shop.db.write(lambda tx: tx.run(Statement("UPDATE campaign SET state = 1, created_at = 0, queued_to = 1")))
        await Enqueuer(shop.store, Rules(shop.store, Defaults()), validity_s=60).once()
        assert shop.rows("SELECT * FROM recent_send") == []
        assert (await shop.send(*numbers(8))).sent == 8


@on_loop
async def test_counts_of_past_periods_are_deleted(tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        async with limited(tmp_path) as shop:
            await shop.set(messages_per_minute=9, messages_per_day=9, messages_per_month=9, number_per_day=9)
            await shop.send(FRENCH, SWISS)
            kept = shop.usage()
            await Pruner(shop.store).once()
            assert shop.usage() == kept
            clock.shift(timedelta(hours=2))
            await Pruner(shop.store).once()
            assert set(kept) - set(shop.usage()) == {"messages 2031-05-20T10:00Z"}
            clock.shift(timedelta(days=1))
            await Pruner(shop.store).once()
            assert sorted(shop.usage()) == ["CH 2031-05", "FR 2031-05", "messages 2031-05", "numbers always"]
            assert shop.rows("SELECT * FROM recent_send") == []
            clock.shift(timedelta(days=30))
            await Pruner(shop.store).once()
            assert list(shop.usage()) == ["numbers always"]


@on_loop
async def test_a_message_that_is_sent_as_a_part_of_more_counts(tmp_path: Path) -> None:
    async with limited(tmp_path) as shop:
        await shop.set(messages_per_day=1)
        request = SubmitRequest("Hello", [FRENCH])
        first, second = [await shop.submitter.prepare(SHOP, request) for _ in range(2)]
        assert (await shop.store.write(first)).sent == 1
        with pytest.raises(Exception, match="limits were used up meanwhile"):
            await shop.store.write(second)
        assert shop.rows("SELECT COUNT(*) FROM message") == [(1,)]
