"""The audit log, as the operator reads it."""

import json
import os
import pwd
from pathlib import Path

import pytest

from chappe.runtime.cli.session import actor
from chappe.store import audit
from chappe.store.audit import Entry
from chappe.store.sqlite import Database
from tests.builders import world
from tests.e2e.test_command_line import chappe

AT = 1_937_000_000_000
ENTRIES = [
    Entry(AT, "cli:alice", "rule.set", None, "FR opening", "20:00 -> 19:00", "as agreed"),
    Entry(AT + 1000, "cli:bob", "sender.approve", 1, "Shop"),
    Entry(AT + 2000, "cli:alice", "rule.unset", 1, "FR opening", "19:00 -> 20:00"),
]


def _at(second: int) -> str:
    return f"2031-05-19T23:33:{20 + second}Z"


def test_what_customers_wrote_cannot_move_the_cursor_of_who_reads_it(tmp_path: Path) -> None:
    database = Database(world(tmp_path).database)
    entry = Entry(AT, "api:1", "sender.ask", 1, "Shop SG", "sender 1", "our\x1b[2K shop\n\u202ereally é")
    database.write(lambda tx: audit.add(tx, entry))
    database.close()
    shown = chappe("audit", "list", "--data", str(tmp_path), folder=tmp_path).stdout
    assert shown.endswith("(our\\x1b[2K shop\\n\\u202ereally é)\n")


def test_the_log_is_read_newest_first_and_by_account_and_action(tmp_path: Path) -> None:
    database = Database(world(tmp_path).database)
    for entry in ENTRIES:
        database.write(lambda tx, entry=entry: audit.add(tx, entry))  # type: ignore[misc]
    database.close()

    def listed(*words: str) -> list[str]:
        shown = chappe("audit", "list", "--data", str(tmp_path), *words, "--json", folder=tmp_path).stdout
        return [f"{entry['at']} {entry['action']}" for entry in json.loads(shown)]

    assert listed() == [f"{_at(2)} rule.unset", f"{_at(1)} sender.approve", f"{_at(0)} rule.set"]
    assert [line.split()[1] for line in listed("--account", "1")] == ["rule.unset", "sender.approve"]
    assert [line.split()[1] for line in listed("--action", "rule")] == ["rule.unset", "rule.set"]
    assert [line.split()[1] for line in listed("--action", "rule.set")] == ["rule.set"]
    assert [line.split()[1] for line in listed("--limit", "1")] == ["rule.unset"]
    shown = chappe("audit", "list", "--data", str(tmp_path), "--action", "rule.set", folder=tmp_path).stdout
    assert shown.split() == [
        _at(0), "cli:alice", "rule.set", "-", "FR", "opening:", "20:00", "->", "19:00", "(as", "agreed)",
    ]  # fmt: skip


def test_an_entry_names_who_called_the_command_line_also_under_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert actor() == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    monkeypatch.setenv("SUDO_USER", "alice")
    assert actor() == "cli:alice"
