"""Units of work in one commit: alone among themselves, together on the disk."""

import asyncio
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from chappe.domain.errors import BadData, Unavailable
from chappe.store import sqlite
from chappe.store.migrations import migrate
from chappe.store.sqlite import Database, Store, Tx
from chappe.store.statement import Statement
from tests.builders import on_loop

PUT = Statement("INSERT INTO meta (key, value) VALUES (:key, :value)")
KEYS = Statement("SELECT key FROM meta ORDER BY key")
COUNT = Statement("SELECT COUNT(*) FROM meta")
WRONG = Statement("INSERT INTO meta (key, value) VALUES (:key, NULL)")


def opened(folder: Path) -> Store:
    migrate(folder / "chappe.db")
    return Store(folder / "chappe.db")


def put(key: str, value: str = "x") -> sqlite.Unit[str]:
    def unit(tx: Tx) -> str:
        tx.run(PUT, key=key, value=value)
        return key

    return unit


def keys(tx: Tx) -> list[str]:
    return [row[0] for row in tx.rows(KEYS)]


def on_disk(folder: Path) -> list[str]:
    """What another process would find."""
    other = Database(folder / "chappe.db")
    try:
        return other.read(keys)
    finally:
        other.close()


@on_loop
async def test_the_units_of_one_moment_share_a_commit(tmp_path: Path) -> None:
    store = opened(tmp_path)
    answers = await asyncio.gather(*(store.write(put(f"{i:03}")) for i in range(100)))
    assert answers == [f"{i:03}" for i in range(100)]
    assert (store.commits, store.units) == (1, 100)
    assert on_disk(tmp_path) == answers
    await store.close()


@on_loop
async def test_units_run_one_after_the_other_and_each_sees_what_those_before_it_wrote(tmp_path: Path) -> None:
    store = opened(tmp_path)

    def unit(tx: Tx) -> int:
        before = int(tx.one(COUNT)[0])
        tx.run(PUT, key=str(before), value="x")
        return before

    assert await asyncio.gather(*(store.write(unit) for _ in range(20))) == list(range(20))
    await store.close()


@on_loop
async def test_a_group_ends_when_it_has_lasted_long_enough(tmp_path: Path) -> None:
    store = opened(tmp_path)

    def slow(tx: Tx) -> None:
        time.sleep(sqlite.MAX_TRANSACTION_S)

    await asyncio.gather(store.write(slow), store.write(slow), store.write(slow))
    assert (store.commits, store.units) == (3, 3)
    await store.close()


@pytest.mark.parametrize(
    "error",
    [ValueError("bug"), BadData("no"), StopIteration(), AssertionError(), apsw.SQLError("odd")],
    ids=lambda error: type(error).__name__,
)
def test_a_unit_that_raises_leaves_nothing_and_hurts_no_neighbour(tmp_path: Path, error: Exception) -> None:
    @on_loop
    async def scenario() -> None:
        store = opened(tmp_path)

        def failing(tx: Tx) -> None:
            tx.run(PUT, key="half", value="done")
            raise error

        before, failed, after = await asyncio.gather(
            store.write(put("before")), store.write(failing), store.write(put("after")), return_exceptions=True
        )
        assert [before, after] == ["before", "after"]
        assert isinstance(failed, type(error) if not isinstance(error, StopIteration) else RuntimeError)
        assert on_disk(tmp_path) == ["after", "before"]
        await store.close()

    scenario()


@on_loop
async def test_a_statement_that_breaks_a_rule_of_the_schema_hurts_no_neighbour(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first, second, broken, last = await asyncio.gather(
        store.write(put("a")),
        store.write(put("a")),
        store.write(lambda tx: tx.run(WRONG, key="b")),
        store.write(put("c")),
        return_exceptions=True,
    )
    assert (first, last) == ("a", "c")
    assert isinstance(second, apsw.ConstraintError)
    assert isinstance(broken, apsw.ConstraintError)
    assert on_disk(tmp_path) == ["a", "c"]
    await store.close()


@on_loop
async def test_a_caller_that_is_cancelled_disturbs_nobody(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first, gone, last = store.write(put("first")), store.write(put("gone")), store.write(put("last"))
    gone.cancel()
    assert list(await asyncio.gather(first, last)) == ["first", "last"]
    assert gone.cancelled()
    # What it asked for was done all the same: a caller that went away cannot know.
    assert on_disk(tmp_path) == ["first", "gone", "last"]
    await store.close()


@on_loop
async def test_a_caller_that_is_cancelled_because_of_a_failing_unit_disturbs_nobody(tmp_path: Path) -> None:
    store = opened(tmp_path)

    def failing(tx: Tx) -> None:
        raise ValueError

    async def impatient() -> None:
        async with asyncio.timeout(0):
            await store.write(failing)

    results = await asyncio.gather(impatient(), store.write(put("a")), return_exceptions=True)
    assert isinstance(results[0], TimeoutError)
    assert results[1] == "a"
    await store.close()


@on_loop
async def test_two_processes_on_one_file_both_get_through(tmp_path: Path) -> None:
    left, right = opened(tmp_path), Store(tmp_path / "chappe.db")

    async def write_many(store: Store, name: str) -> None:
        for i in range(0, 200, 10):
            await asyncio.gather(*(store.write(put(f"{name}{i + n}")) for n in range(10)))

    await asyncio.gather(write_many(left, "left"), write_many(right, "right"))
    assert len(on_disk(tmp_path)) == 400
    await left.close()
    await right.close()


@on_loop
async def test_a_write_waits_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    store, other = opened(tmp_path), Database(tmp_path / "chappe.db")
    other.connection.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.ensure_future(store.write(put(name))) for name in ("a", "b")]
    await asyncio.sleep(0.05)
    assert not any(each.done() for each in waiting)
    assert store.glance(keys) == []  # readers do not wait
    other.connection.execute("COMMIT")
    assert await asyncio.gather(*waiting) == ["a", "b"]
    other.close()
    await store.close()


@on_loop
async def test_a_lock_that_is_never_given_back_makes_the_database_unavailable(tmp_path: Path) -> None:
    store, other = opened(tmp_path), Database(tmp_path / "chappe.db")
    other.connection.execute("BEGIN IMMEDIATE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "MAX_WAIT_S", 0.05)
        failed = await asyncio.gather(store.write(put("a")), store.write(put("b")), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in failed)
    other.connection.execute("COMMIT")
    assert await store.write(put("c")) == "c"
    assert on_disk(tmp_path) == ["c"]
    other.close()
    await store.close()


@pytest.mark.parametrize("order", ["the large one first", "the large one last"])
def test_on_a_full_disk_who_is_answered_is_on_the_disk_and_who_is_not_left_nothing(tmp_path: Path, order: str) -> None:
    @on_loop
    async def scenario() -> None:
        store = opened(tmp_path)
        await store.write(put("before"))
        store._writer.connection.pragma("max_page_count", 1)  # no room beyond what is taken already
        units = [put("small"), put("large", "x" * 100_000)]
        if order == "the large one first":
            units.reverse()
        results = await asyncio.gather(*map(store.write, units), return_exceptions=True)
        assert any(isinstance(result, Unavailable) for result in results)
        answered = [result for result in results if isinstance(result, str)]
        assert len(answered) + sum(isinstance(result, Unavailable) for result in results) == 2
        assert on_disk(tmp_path) == sorted(["before", *answered])
        store._writer.connection.pragma("max_page_count", 1_000_000)
        assert await store.write(put("large", "x" * 100_000)) == "large"
        await store.close()

    scenario()


@on_loop
async def test_an_error_at_commit_makes_the_database_unavailable_to_every_unit_of_the_group(tmp_path: Path) -> None:
    store = opened(tmp_path)
    list(
        store._writer.connection.execute(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    )
    orphan = Statement("INSERT INTO child (id) VALUES (:id)")  # complains when the transaction ends
    results = await asyncio.gather(
        store.write(put("a")), store.write(lambda tx: tx.run(orphan, id=7)), store.write(put("b")),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(result) for result in results] == [Unavailable] * 3
    assert on_disk(tmp_path) == []
    assert await store.write(put("c")) == "c"
    assert on_disk(tmp_path) == ["c"]
    await store.close()


@contextmanager
def no_file_grows_beyond(octets: int) -> Iterator[None]:
    """As on a disk without room: writing beyond this size fails in the operating system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@on_loop
async def test_a_commit_that_the_operating_system_cannot_write_is_answered_as_unavailable(tmp_path: Path) -> None:
    store = opened(tmp_path)
    await store.write(put("before"))
    journal = tmp_path / "chappe.db-wal"
    with no_file_grows_beyond(journal.stat().st_size):
        results = await asyncio.gather(*(store.write(put(f"{i}")) for i in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [Unavailable] * 3
        assert on_disk(tmp_path) == ["before"]
    assert await store.write(put("after")) == "after"
    assert on_disk(tmp_path) == ["after", "before"]
    await store.close()


@on_loop
async def test_a_read_sees_one_moment_and_a_glance_the_newest(tmp_path: Path) -> None:
    store = opened(tmp_path)
    started, written = threading.Event(), threading.Event()

    def long_query(tx: Tx) -> tuple[list[str], list[str]]:
        first = keys(tx)
        started.set()
        assert written.wait(20)
        return first, keys(tx)

    reading = asyncio.ensure_future(store.read(long_query))
    while not started.is_set():
        await asyncio.sleep(0.001)
    await store.write(put("new"))
    assert store.glance(keys) == ["new"]
    written.set()
    assert await reading == ([], [])
    assert await store.read(keys) == ["new"]
    await store.close()


@on_loop
async def test_a_query_with_a_fault_of_ours_is_told_as_it_is(tmp_path: Path) -> None:
    store, faulty = opened(tmp_path), Statement("SELECT nothing FROM nowhere")
    with pytest.raises(apsw.SQLError):
        store.glance(lambda tx: tx.rows(faulty))
    with pytest.raises(apsw.SQLError):
        await store.read(lambda tx: tx.rows(faulty))
    with pytest.raises(apsw.SQLError):
        await store.write(lambda tx: tx.rows(faulty))
    await store.close()


@on_loop
async def test_the_commits_of_others_are_noticed_once(tmp_path: Path) -> None:
    store, other = opened(tmp_path), Database(tmp_path / "chappe.db")
    store.has_changed()
    assert not store.has_changed()
    other.write(put("a"))
    assert store.has_changed()
    assert not store.has_changed()
    other.close()
    await store.close()


@on_loop
async def test_closing_writes_down_what_is_queued(tmp_path: Path) -> None:
    store = opened(tmp_path)
    waiting = [store.write(put(name)) for name in ("a", "b")]
    await store.close()
    assert await asyncio.gather(*waiting) == ["a", "b"]
    assert on_disk(tmp_path) == ["a", "b"]


@on_loop
async def test_a_write_after_closing_is_answered_as_unavailable(tmp_path: Path) -> None:
    store = opened(tmp_path)
    await store.close()
    with pytest.raises(Unavailable):
        await store.write(put("late"))


@on_loop
async def test_opening_waits_for_another_process_that_is_busy_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    migrate(path)
    busy = apsw.Connection(str(path))
    busy.pragma("locking_mode", "exclusive")  # as while it repairs or closes the file
    busy.execute("BEGIN IMMEDIATE")
    busy.execute("COMMIT")
    threading.Timer(0.1, busy.close).start()
    store = Store(path)
    assert await store.write(put("a")) == "a"
    await store.close()


def test_a_unit_of_a_blocking_database_is_all_or_nothing(tmp_path: Path) -> None:
    migrate(tmp_path / "chappe.db")
    database = Database(tmp_path / "chappe.db")

    def failing(tx: Tx) -> None:
        tx.run(PUT, key="a", value="x")
        raise ValueError

    with pytest.raises(ValueError):
        database.write(failing)
    with pytest.raises(apsw.ConstraintError):
        database.write(lambda tx: tx.run(WRONG, key="b"))
    assert database.write(put("c")) == "c"
    assert on_disk(tmp_path) == ["c"]
    database.close()


def test_a_blocking_database_says_unavailable_when_the_disk_is_full_or_the_lock_is_held(tmp_path: Path) -> None:
    migrate(tmp_path / "chappe.db")
    database, other = Database(tmp_path / "chappe.db", wait_s=0.05), Database(tmp_path / "chappe.db")
    other.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        database.write(put("a"))
    other.connection.execute("COMMIT")
    database.connection.pragma("max_page_count", 1)
    with pytest.raises(Unavailable):
        database.write(put("a", "x" * 100_000))
    assert on_disk(tmp_path) == []
    other.close()
    database.close()


@pytest.mark.parametrize("what", ["no database", "a folder", "no folder"])
def test_what_cannot_be_opened_is_unavailable(tmp_path: Path, what: str) -> None:
    path = tmp_path / "chappe.db"
    if what == "no database":
        path.write_bytes(b"this is no database file at all, but long enough to be looked at" * 100)
    elif what == "a folder":
        path.mkdir()
    else:
        path = tmp_path / "nowhere" / "chappe.db"
    with pytest.raises(Unavailable):
        Database(path)
