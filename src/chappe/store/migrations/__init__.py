"""Bring a database to the schema of this release.

A migration may only add: the previous release must go on working on the new schema.
"""

from io import StringIO
from pathlib import Path

import apsw

from chappe.domain.errors import Unavailable
from chappe.store.sqlite import MAX_WAIT_S, Database

HERE = Path(__file__).parent
# The newest file of `versions/`, named by hand so that a start need not load the migration library.
HEAD = "0004"


def version(path: Path) -> str | None:
    """The schema version of the database, None when it has none yet."""
    if not path.exists():
        return None
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(int(MAX_WAIT_S * 1000))
            return _current(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        raise Unavailable(f"cannot read {path}: {error}") from error


def _current(connection: apsw.Connection) -> str | None:
    # Asked of the file: the connection's own idea of the tables may be older than the lock it has just got.
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
        return None
    return next((str(row[0]) for row in connection.execute("SELECT version_num FROM alembic_version")), None)


def migrate(path: Path) -> tuple[str | None, str]:
    """Create or upgrade the database; the version before and after. Does nothing when it is up to date."""
    before = version(path)
    if before == HEAD:
        return before, HEAD
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Texts, numbers and carriers' passwords are for the server's user alone; SQLite's side files take this mode.
        path.touch(mode=0o600)
    except OSError as error:
        raise Unavailable(f"cannot create {path}: {error.strerror}") from error

    def upgrade(_: object) -> tuple[str | None, str]:
        # Two processes may start at once: the one that waited for the lock finds the work done.
        found = _current(database.connection)
        if found != HEAD:
            list(database.connection.execute(script(found, "sqlite")))
        return found, HEAD

    database = Database(path)
    try:
        return database.write(upgrade)
    except apsw.Error as error:
        raise Unavailable(f"cannot migrate {path}: {error}") from error
    finally:
        database.close()


def script(before: str | None, dialect: str, to: str = HEAD) -> str:
    """The SQL that leads from one version to another, this release's."""
    from alembic import command  # a quarter of a second to load, and needed once in a release
    from alembic.config import Config

    text = StringIO()
    config = Config(attributes={"dialect": dialect, "script": text})
    config.set_main_option("script_location", str(HERE))
    command.upgrade(config, f"{before or 'base'}:{to}", sql=True)
    return text.getvalue()
