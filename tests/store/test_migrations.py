"""The way from any database, or none, to this release's schema."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from chappe.carriers.kinds import decode_options
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import Unavailable
from chappe.domain.unknown import UnknownPolicies, UnknownPolicy
from chappe.store.migrations import HEAD, HERE, migrate, script, version
from chappe.store.schema import metadata

Columns = dict[str, tuple[str, bool, str | None, int]]


def schema_of(path: Path) -> dict[str, str | tuple[Columns, bool]]:
    """Every table as its columns (type, not null, default, place in the key), every index as its statement."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        found: dict[str, str | tuple[Columns, bool]] = {}
        for kind, name, sql in rows:
            if kind == "index":
                found[str(name)] = " ".join(str(sql).split())
                continue
            columns: Columns = {
                str(column): (str(type_), bool(not_null), default, int(place))
                for column, type_, not_null, default, place in connection.execute(
                    'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (name,)
                )
            }
            found[str(name)] = (columns, "WITHOUT ROWID" in str(sql))
        return found
    finally:
        connection.close()


def declared(path: Path) -> dict[str, str | tuple[Columns, bool]]:
    """The same of a database made from the tables as they are declared."""
    dialect = sqlite.dialect()
    connection = apsw.Connection(str(path))
    for table in metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    connection.close()
    return schema_of(path)


def test_a_migrated_database_has_exactly_the_declared_schema(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    assert migrate(path) == (None, HEAD)
    found = schema_of(path)
    del found["alembic_version"]
    assert found == declared(tmp_path / "declared.db")


def test_migrating_again_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    migrate(path)
    before, content = schema_of(path), path.read_bytes()
    assert migrate(path) == (HEAD, HEAD)
    assert (schema_of(path), path.read_bytes()) == (before, content)


def test_the_version_is_told_without_making_a_file(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    assert version(path) is None
    assert not path.exists()
    migrate(path)
    assert version(path) == HEAD


def test_a_database_without_our_tables_has_no_version_yet(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    path.touch()
    assert version(path) is None
    assert migrate(path) == (None, HEAD)


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib" / "chappe.db"
    migrate(path)
    assert version(path) == HEAD


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    path.write_bytes(b"somebody else's file " * 1000)
    with pytest.raises(Unavailable):
        migrate(path)
    assert path.read_bytes() == b"somebody else's file " * 1000


def test_a_migration_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE webhook (something TEXT)")  # in the way of the last of our tables
    connection.close()
    with pytest.raises(Unavailable):
        migrate(path)
    assert list(schema_of(path)) == ["webhook"]
    assert version(path) is None


def test_eight_processes_that_start_at_once_find_one_finished_database(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    program = f"from pathlib import Path; from chappe.store.migrations import migrate; migrate(Path({str(path)!r}))"

    def start(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)

    with ThreadPoolExecutor(8) as threads:
        for done in threads.map(start, range(8)):
            assert (done.returncode, done.stderr) == (0, "")
    assert version(path) == HEAD
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT COUNT(*) FROM alembic_version").fetchall() == [(1,)]
    connection.close()


def test_the_newest_migration_is_the_one_that_is_named() -> None:
    assert max(path.name for path in (HERE / "versions").glob("*.py")).startswith(f"{HEAD}_")


def test_the_previous_release_goes_on_writing_to_the_new_schema(tmp_path: Path) -> None:
    """Every column that came later has a default or may be null."""
    path = tmp_path / "chappe.db"
    first = apsw.Connection(str(tmp_path / "first.db"))
    list(first.execute(script(None, "sqlite", to="0001")))
    migrate(path)
    now = schema_of(path)
    first.close()
    for name, before in schema_of(tmp_path / "first.db").items():
        after = now[name]
        if name != "alembic_version" and isinstance(before, tuple) and isinstance(after, tuple):
            added = [facts for column, facts in after[0].items() if column not in before[0]]
            assert all(not not_null or default is not None for _, not_null, default, _ in added), name


def test_the_same_migration_speaks_postgresql() -> None:
    text = script(None, "postgresql")
    for table in metadata.sorted_tables:
        assert f"CREATE TABLE {table.name} (" in text
    assert text.count("CREATE INDEX") + text.count("CREATE UNIQUE INDEX") == sum(
        len(table.indexes) for table in metadata.sorted_tables
    )


def test_a_carrier_that_resent_what_was_unknown_goes_on_doing_it(tmp_path: Path) -> None:
    path = tmp_path / "chappe.db"
    connection = apsw.Connection(str(path))
    list(connection.execute(script(None, "sqlite", to="0003")))
    before = ['{"unknown":"resend","resend_s":30,"sender":"Shop"}', '{"resend_s":5}', '{"unknown":"hold"}', "{}"]
    for id_, options in enumerate(before, 1):
        connection.execute(
            "INSERT INTO carrier VALUES (?, ?, 'h', 1, 'u', 'p', 0, 1, 1, 0, ?, 0, NULL)", (id_, str(id_), options)
        )
    connection.close()
    migrate(path)
    connection = apsw.Connection(str(path))
    found = [
        decode_options("smpp", str(row[0])) for row in connection.execute("SELECT options FROM carrier ORDER BY id")
    ]
    connection.close()
    resend = UnknownPolicy("resend", 30, 2)
    assert found == [SmppOptions(sender="Shop", unknown=UnknownPolicies(resend, resend)), *[SmppOptions()] * 3]
