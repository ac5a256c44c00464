"""Lists are whole or not there, counted exactly, and removed to the last contact."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import time_machine

from chappe.domain.contacts import Contacts
from chappe.domain.errors import NotFound
from chappe.manage import list_search
from chappe.manage.list_filling import CHUNK
from chappe.manage.lists import Lists
from chappe.pipeline import sweep_lists
from chappe.pipeline.retain import Retainer
from chappe.pipeline.sweep_lists import ListSweeper
from chappe.store import retention
from chappe.store.contact_lists import ABANDONED_MS
from chappe.store.ids import Ids
from chappe.store.sqlite import Row, Store
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.store.build import SHOP, STRANGER, database, numbers

MANY = 2 * CHUNK + 3
_LISTS = Statement("SELECT account_id, contacts FROM contact_list")
_CONTACTS = Statement("SELECT COUNT(*) FROM contact")


class Shelf:
    """A database on disk with its lists."""

    def __init__(self, folder: Path) -> None:
        path = folder / "chappe.db"
        database(path).close()
        self.store = Store(path)
        self.lists = Lists(self.store, Ids())
        self.sweeper = ListSweeper(self.store)

    def rows(self) -> list[Row]:
        return self.store.glance(lambda tx: tx.rows(_LISTS))

    def contacts(self) -> int:
        return int(self.store.glance(lambda tx: tx.one(_CONTACTS))[0])


@asynccontextmanager
async def shelf(folder: Path) -> AsyncIterator[Shelf]:
    opened = Shelf(folder)
    try:
        yield opened
    finally:
        await opened.store.close()


def many(count: int = MANY) -> Contacts:
    found = numbers(count)
    return Contacts(list(map(int, found)), found)


@on_loop
async def test_nobody_sees_a_list_before_it_is_complete(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:
        async with s.lists.filling(SHOP, name="large") as filling:
            await filling.write(many())
            assert s.contacts() == 2 * CHUNK
            assert await s.lists.all(SHOP) == []
            with pytest.raises(NotFound):
                s.lists.get(SHOP, 1)
            list_id = await filling.finish()
        assert s.lists.get(SHOP, list_id).contacts == s.contacts() == MANY
        await s.sweeper.once()
        assert s.contacts() == MANY


@on_loop
async def test_a_filling_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:

        async def fail() -> None:
            async with s.lists.filling(SHOP, name="large") as filling:
                await filling.write(many())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        await s.sweeper.once()
        assert (s.rows(), s.contacts()) == ([], 0)


@on_loop
async def test_what_a_dead_writer_left_is_removed_after_a_while_and_not_before(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:
        filling = s.lists.filling(SHOP, name="large")
        await (await filling.__aenter__()).write(many())
        await s.sweeper.once()
        assert s.contacts() == 2 * CHUNK
        with time_machine.travel(_later(ABANDONED_MS + 1000)):
            await s.sweeper.once()
        assert (s.rows(), s.contacts()) == ([], 0)


@on_loop
async def test_contacts_are_not_written_to_a_list_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:
        made = await s.lists.create(SHOP, "first", numbers(3), [])

        async def add() -> None:
            async with s.lists.filling(SHOP, list_id=made.list_id) as filling:
                await filling.write(many(CHUNK + 1))
                await s.lists.delete(SHOP, made.list_id)
                await filling.finish()

        with pytest.raises(NotFound):
            await add()
        await s.sweeper.once()
        assert (s.rows(), s.contacts()) == ([], 0)


@on_loop
async def test_a_deleted_list_is_gone_at_once_and_its_contacts_by_and_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_lists, "ROUND_S", 0.0)
    async with shelf(tmp_path) as s:
        await s.lists.create(SHOP, "large", numbers(MANY), [])
        await s.lists.create(SHOP, "kept", numbers(2), [])
        await s.lists.delete(SHOP, 1)
        assert [row.name for row in await s.lists.all(SHOP)] == ["kept"]
        with pytest.raises(NotFound):
            await s.lists.read(SHOP, 1, "", 0, 10)
        await s.sweeper.once()
        assert 2 < s.contacts() < MANY
        for _ in range(5):
            await s.sweeper.once()
        assert (s.rows(), s.contacts()) == ([(SHOP.id, 2)], 2)


@on_loop
async def test_nobody_ends_a_list_that_another_is_writing(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:
        async with s.lists.filling(SHOP, name="large") as filling:
            await filling.write(many())
            for account in (SHOP, STRANGER):
                with pytest.raises(NotFound):
                    await s.lists.delete(account, 1)
            await s.sweeper.once()
            await filling.finish()
        assert s.lists.get(SHOP, 1).contacts == MANY


@on_loop
async def test_lists_that_nobody_used_for_the_time_they_are_kept_go(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:
        await s.lists.create(SHOP, "idle", numbers(2), [])
        await s.lists.create(SHOP, "used", numbers(2), [])
        retainer = Retainer(s.store, event_keep_days=30)
        kept = s.store.glance(lambda tx: retention.read(tx, SHOP.id)).list
        assert (kept.count, kept.unit) == (14, "m")
        with time_machine.travel(_later(400 * 86_400_000)):
            await s.lists.add(SHOP, 2, numbers(1), [])
            await retainer.once()
            assert len(await s.lists.all(SHOP)) == 2
        with time_machine.travel(_later(430 * 86_400_000)):
            await retainer.once()
            assert [row.name for row in await s.lists.all(SHOP)] == ["used"]


@on_loop
async def test_every_page_of_a_search_is_the_one_that_a_reader_of_all_would_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_search, "BLOCK", 40)
    monkeypatch.setattr(list_search, "HEAD", 7)
    async with shelf(tmp_path) as s:
        given = numbers(403)
        infos = [("even" if i % 2 == 0 else "odd", "rare" if i % 100 == 50 else "", f"row{i}") for i in range(403)]
        await s.lists.create(STRANGER, "between", numbers(10), [])
        await s.lists.create(SHOP, "searched", given, infos)
        for at in range(60, 90):  # a gap over a whole block
            await s.lists.delete_contact(SHOP, 2, 11 + at)
        everybody = (await s.lists.read(SHOP, 2, "", 0, 1000)).rows
        assert len(everybody) == 373
        for search in ("even", "ODD", "rare", "row", "row7", "336120", "nobody", given[5]):
            found = [
                each for each in everybody
                if search.lower() in " ".join([str(each.number), *[info or "" for info in each.infos]])
            ]  # fmt: skip
            for start in range(0, len(found) + 2, 13):
                for length in (0, 1, 10, 50):
                    page = await s.lists.read(SHOP, 2, search, start, length)
                    assert (page.total, page.matching) == (373, len(found))
                    assert page.rows == found[start : start + length], (search, start, length)


@on_loop
async def test_a_search_in_an_empty_list_finds_nobody(tmp_path: Path) -> None:
    async with shelf(tmp_path) as s:
        await s.lists.create(SHOP, "empty", [], [])
        page = await s.lists.read(SHOP, 1, "x", 0, 10)
        assert (page.rows, page.total, page.matching) == ([], 0, 0)


def _later(ms: int) -> float:
    return time.time() + ms / 1000
