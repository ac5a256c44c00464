"""What was asked for and what came back, kept beside the database of the run so that both can be compared in SQL."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Outcome = Literal["accepted", "refused", "doubtful"]
"""Doubtful is what was written over SMPP to a link that broke, or was not answered in time."""

_TABLES = """
CREATE TABLE asked (number INTEGER PRIMARY KEY, way TEXT, outcome TEXT, ref TEXT, said TEXT) WITHOUT ROWID;
CREATE TABLE told (ref TEXT PRIMARY KEY, state TEXT, times INTEGER) WITHOUT ROWID;
CREATE TABLE taken (
    number INTEGER, print TEXT, carrier TEXT, taken INTEGER, answered INTEGER, acknowledged INTEGER,
    PRIMARY KEY (number, print, carrier)
) WITHOUT ROWID;
"""


class Notebook:
    """One SQLite file. Rows are gathered and written a thousand at a time."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        self._asked: list[tuple[int, str, str, str, str]] = []
        self._told: list[tuple[str, str]] = []
        self.counts: dict[tuple[str, str], int] = {}

    def asked(self, number: int, way: str, outcome: Outcome, ref: str = "", said: str = "") -> None:
        """A message was asked for, and this is what the answer said."""
        self.counts[way, outcome] = self.counts.get((way, outcome), 0) + 1
        self._asked.append((number, way, outcome, ref, said))
        if len(self._asked) >= 1000:
            self.flush()

    def told(self, ref: str, state: str) -> None:
        """A receipt came over SMPP."""
        self._told.append((ref, state))
        if len(self._told) >= 1000:
            self.flush()

    def flush(self) -> None:
        asked, self._asked = self._asked, []
        told, self._told = self._told, []
        with self.connection:
            self.connection.execute("BEGIN")
            # A late answer replaces the doubt.
            self.connection.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?)", asked)
            self.connection.executemany(
                "INSERT INTO told VALUES (?, ?, 1) ON CONFLICT (ref) DO UPDATE SET times = times + 1", told
            )

    def taken(self, carrier: str, rows: Iterable[tuple[str, ...]]) -> None:
        """What a simulated carrier counted, as its tally writes it."""
        with self.connection:
            self.connection.execute("BEGIN")
            self.connection.executemany(
                "INSERT INTO taken VALUES (?, ?, ?, ?, ?, ?)",
                ((number, print_, carrier, taken, answered, acknowledged)
                 for number, print_, taken, _, answered, _, acknowledged in rows),
            )  # fmt: skip
