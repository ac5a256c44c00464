"""The embedded engine: one SQLite file, one writing connection per process, every commit on the disk.

Transactions run on the event loop's own thread. A writer thread beside a busy loop was measured at 1/500 of
its speed alone, because SQLite's many short calls give the interpreter lock away each time
(docs/decisions/0001-transactions-on-the-loop.md).
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import local
from typing import Any, TypeVar, cast

import apsw

from chappe.domain.errors import Unavailable
from chappe.store.statement import Statement

Row = tuple[Any, ...]
T = TypeVar("T")
Unit = Callable[["Tx"], T]

# A transaction stays this short, so that the other processes' units are not kept waiting.
MAX_TRANSACTION_S = 0.02
# How soon a busy write lock is tried again by code that may block: SQLite's own handler would sleep up to 100 ms.
RETRY_S = 0.0004
# The same on the event loop, whose timers count whole milliseconds: with less it would spin for the lock, which was
# measured to cost a third of all CPU when three processes write. What comes in meanwhile shares the next commit.
LOOP_RETRY_S = 0.001
# A process that cannot get the write lock for so long answers that the database is unavailable.
MAX_WAIT_S = 20.0
# A checkpoint that waits for readers keeps writers waiting meanwhile.
CHECKPOINT_WAIT_S = 2.0
# Pages of 4 KiB between checkpoints: larger than SQLite's 1,000, so that a hot page is copied back less often.
CHECKPOINT_PAGES = 8000

# What is deleted is overwritten in the pages that are written anyway: no cost could be measured.
_SETTINGS = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA secure_delete = FAST;
PRAGMA cache_size = -32000;
PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
"""


class Tx:
    """Statements within one transaction."""

    __slots__ = ("_connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, statement: Statement, **values: object) -> list[Row]:
        cursor = self._connection.execute(statement.sql, cast(Any, statement.values(values)))
        return cast(list[Row], cursor.fetchall())

    def row(self, statement: Statement, **values: object) -> Row | None:
        found = self.rows(statement, **values)
        return found[0] if found else None

    def one(self, statement: Statement, **values: object) -> Row:
        """The row of a statement that always answers one."""
        return self.rows(statement, **values)[0]

    def run(self, statement: Statement, **values: object) -> int:
        """Carry out a statement that answers no rows; the number of rows it changed."""
        before = self._connection.total_changes()
        self._connection.execute(statement.sql, cast(Any, statement.values(values))).fetchall()
        return self._connection.total_changes() - before

    def many(self, statement: Statement, rows: Iterable[Sequence[object]]) -> int:
        """Carry out a statement once per row, values in `statement.order`; the number of rows changed."""
        before = self._connection.total_changes()
        self._connection.executemany(statement.sql, cast(Any, rows)).fetchall()
        return self._connection.total_changes() - before


class Database:
    """One connection to the file, for code that may block: the command line, migrations, readers."""

    def __init__(self, path: Path, *, wait_s: float = MAX_WAIT_S) -> None:
        self.path = path
        self._wait_s = MAX_WAIT_S  # to open, every connection waits: another process may be repairing the file
        self._waiting_since = 0.0
        try:
            self.connection = apsw.Connection(str(path))
        except apsw.Error as error:
            raise Unavailable(f"cannot open {path}: {error}") from error
        try:
            self.connection.set_busy_handler(self._wait)
            list(self.connection.execute(_SETTINGS))
        except apsw.Error as error:
            self.connection.close()
            raise Unavailable(f"cannot open {path}: {error}") from error
        self._tx = Tx(self.connection)
        self._wait_s = wait_s
        if not wait_s:
            self.connection.set_busy_handler(None)

    def _wait(self, tries: int) -> bool:
        now = time.monotonic()
        if tries == 0:
            self._waiting_since = now
        time.sleep(RETRY_S)
        return now - self._waiting_since < self._wait_s

    def write(self, unit: Unit[T]) -> T:
        """Run one unit of work in a transaction of its own; it is on the disk when this returns."""
        return self._within("BEGIN IMMEDIATE", unit)

    def read(self, query: Unit[T]) -> T:
        """Run a query on one snapshot."""
        return self._within("BEGIN", query)

    def _within(self, begin: str, unit: Unit[T]) -> T:
        try:
            self.connection.execute(begin)
        except apsw.Error as error:
            raise Unavailable(f"the database does not answer: {error}") from error
        try:
            result = unit(self._tx)
            self.connection.execute("COMMIT")
        except apsw.Error as error:
            self._roll_back()
            if _is_world(error):
                raise Unavailable(f"the database does not answer: {error}") from error
            raise
        except BaseException:
            self._roll_back()
            raise
        return result

    def _roll_back(self) -> None:
        # A full disk has already rolled the transaction back.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def close(self) -> None:
        self.connection.close()


def _is_world(error: apsw.Error) -> bool:
    """Whether the error is the machine's (disk, memory, lock) and not a fault of the statement."""
    world = apsw.FullError | apsw.IOError | apsw.BusyError | apsw.CantOpenError | apsw.NoMemError
    return isinstance(error, world | apsw.ReadOnlyError)


class Store:
    """The database as one process sees it: grouped durable writes and snapshot reads."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._path = path
        self._writer = Database(path, wait_s=0)
        self._reader = Database(path)
        self._tx = Tx(self._writer.connection)
        self._reader_tx = Tx(self._reader.connection)
        self._queue: deque[tuple[Unit[Any], asyncio.Future[Any]]] = deque()
        self._is_scheduled = False
        self._is_closing = False
        self._waiting_since: float | None = None
        self._version = 0
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="reader")
        self._thread = local()
        self.commits = 0
        self.units = 0

    def write(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Run a unit of work in the next group commit.

        The units of one group share a commit and are otherwise alone: one that raises leaves nothing behind and
        does not disturb its neighbours.
        Raises: what the unit raises; Unavailable when the group could not be committed, or the store is being closed.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        if self._is_closing:
            future.set_exception(Unavailable("this process is stopping"))
            return future
        self._queue.append((unit, future))
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._commit_group)
        return future

    def glance(self, query: Unit[T]) -> T:
        """Run a query of a few rows at once, on the loop: a point look-up costs less than handing it to a thread.

        Each statement of it sees the newest commit; use `read` for several that must agree.
        """
        try:
            return query(self._reader_tx)
        except apsw.Error as error:
            if _is_world(error):
                raise _for_caller(error) from error
            raise

    async def read(self, query: Unit[T]) -> T:
        """Run a query that may take long in a reader thread, on one snapshot."""
        return await self._loop.run_in_executor(self._threads, self._read_in_thread, query)

    def _read_in_thread(self, query: Unit[T]) -> T:
        database: Database | None = getattr(self._thread, "database", None)
        if database is None:
            database = self._thread.database = Database(self._path)
        return database.read(query)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """The database as it is now, to be read step by step while others write."""
        opened = Snapshot(self._path)
        try:
            yield opened
        finally:
            await opened.close()

    def has_changed(self) -> bool:
        """Whether anyone, this process included, has committed since the last call. Cost: a microsecond or two."""
        try:
            version = cast(int, self._reader.connection.pragma("data_version"))
        except apsw.Error as error:
            if _is_world(error):
                raise _for_caller(error) from error
            raise
        changed = version != self._version
        self._version = version
        return changed

    async def empty_log(self) -> bool:
        """Copy the write-ahead log into the file and cut it off, so that nothing old is left in it.

        False when somebody who reads an older state stood in the way: the log is then overwritten by later writes.
        """
        return await self._loop.run_in_executor(self._threads, self._empty_log_in_thread)

    def _empty_log_in_thread(self) -> bool:
        database = Database(self._path, wait_s=CHECKPOINT_WAIT_S)
        try:
            database.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        finally:
            database.close()
        return True

    def _commit_group(self) -> None:
        self._is_scheduled = False
        if not self._queue:
            return
        connection = self._writer.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            self._wait_for_lock()
            return
        except apsw.Error as error:
            self._fail_all(error)
            return
        self._waiting_since = None
        done: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        until = time.perf_counter() + MAX_TRANSACTION_S
        while self._queue and (not done or time.perf_counter() < until):
            unit, future = self._queue.popleft()
            done.append((future, *self._run_unit(unit)))
            if not connection.in_transaction:
                break
        self._finish(done)
        if self._queue:  # the time of one transaction was not enough: let those who wait for the lock have it once
            self._is_scheduled = True
            self._loop.call_later(LOOP_RETRY_S, self._commit_group)

    def _run_unit(self, unit: Unit[Any]) -> tuple[Any, BaseException | None]:
        connection = self._writer.connection
        connection.execute("SAVEPOINT unit")
        try:
            result = unit(self._tx)
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO unit")
                connection.execute("RELEASE unit")
            return None, error
        connection.execute("RELEASE unit")
        return result, None

    def _finish(self, done: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
        failure: Exception | None = None
        try:
            if self._writer.connection.in_transaction:
                self._writer.connection.execute("COMMIT")
            else:
                failure = Unavailable("the database rolled the transaction back")
        except apsw.Error as error:
            failure = Unavailable(f"the database does not answer: {error}")
            failure.__cause__ = error
            if self._writer.connection.in_transaction:
                self._writer.connection.execute("ROLLBACK")
        self.commits += 1
        self.units += len(done)
        for future, result, raised in done:
            if future.done():  # the caller has gone
                continue
            if failure is not None:
                future.set_exception(failure)
            elif raised is not None:
                future.set_exception(_for_caller(raised))
            else:
                future.set_result(result)

    def _wait_for_lock(self) -> None:
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        if now - self._waiting_since > MAX_WAIT_S:
            self._waiting_since = None
            self._fail_all(apsw.BusyError("another process holds the write lock"))
            return
        self._is_scheduled = True
        self._loop.call_later(LOOP_RETRY_S, self._commit_group)

    def _fail_all(self, error: Exception) -> None:
        failed, self._queue = self._queue, deque()
        for _, future in failed:
            if not future.done():
                future.set_exception(Unavailable(f"the database does not answer: {error}"))

    async def close(self) -> None:
        """Commit what is queued, then close every connection."""
        self._is_closing = True
        while self._queue:
            await asyncio.sleep(LOOP_RETRY_S)
        self._threads.shutdown(wait=True)
        self._reader.close()
        self._writer.close()


class Snapshot:
    """One state of the database, on a connection of its own.

    Cost: a millisecond to open; what is written meanwhile stays in the log until it is closed.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._database.connection.execute("BEGIN")
        self._tx = Tx(self._database.connection)
        self._reading: asyncio.Future[Any] | None = None

    def glance(self, query: Unit[T]) -> T:
        """Run a query of a few rows at once, on the loop."""
        try:
            return query(self._tx)
        except apsw.Error as error:
            if _is_world(error):
                raise _for_caller(error) from error
            raise

    async def read(self, query: Unit[T]) -> T:
        """Run a query that may take long in a thread; one after the other."""
        self._reading = asyncio.get_running_loop().run_in_executor(None, self.glance, query)
        result: T = await asyncio.shield(self._reading)
        return result

    async def close(self) -> None:
        """Close the connection, once a query that nobody waits for any more has ended."""
        if self._reading and not self._reading.done():
            await asyncio.wait([self._reading])
        self._database.close()


def _for_caller(error: BaseException) -> BaseException:
    """What a unit raised, as its caller is to see it."""
    told: Exception
    if isinstance(error, apsw.Error) and _is_world(error):
        told = Unavailable(f"the database does not answer: {error}")
    elif isinstance(error, StopIteration):  # a future does not take it
        told = RuntimeError("the unit of work raised StopIteration")
    else:
        return error
    told.__cause__ = error
    return told
