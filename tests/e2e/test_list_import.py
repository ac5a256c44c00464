"""`chappe list`, as an operator uses it."""

import csv
import json
import os
import random
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from openpyxl import Workbook

from chappe.store.contact_lists import NOBODY
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.builders import EMAIL, world
from tests.e2e.test_command_line import chappe
from tests.server import CHAPPE

_LISTS = Statement("SELECT account_id, name, used_at, contacts FROM contact_list")
COMMANDS = [["list"], ["list", "import"], ["list", "list"], ["list", "show"], ["list", "delete"]]
ODD = [
    "Prénom;Portable;Ville",
    "Zoé;06 12 34 56 01;Nîmes",
    "Ana;;Nantes",
    "Ben;0140506070;",
    "Cem;6,12E+08;",
    "Dan;not known;",
    ";;",
    "",
    "Eva;+33 6 12 34 56 02",
    "Fay;0033612345603;Brest;and more",
    '"Gus\nthe second";0612345601;Metz',
    f"Hal;0612345604;{'x' * 1001}",
    "Ida;06123;",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation with the usual three accounts."""
    (tmp_path / "chappe-data").mkdir()
    world(tmp_path / "chappe-data")
    return tmp_path


def lists(folder: Path) -> list[tuple[Any, ...]]:
    """(account, name, used at, contacts) of every list."""
    database = Database(folder / "chappe-data" / "chappe.db")
    try:
        return database.read(lambda tx: tx.rows(_LISTS))
    finally:
        database.close()


def imported(folder: Path, *words: str) -> dict[str, Any]:
    done = chappe("list", "import", *words, "--json", folder=folder)
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(tmp_path: Path, words: list[str]) -> None:
    assert len(chappe(*words, "--help", folder=tmp_path).stdout.splitlines()) > 5


def test_an_odd_file_becomes_a_list_and_each_refused_row_is_told(folder: Path) -> None:
    (folder / "odd.csv").write_bytes("\r\n".join(ODD).encode("cp1252"))
    report = imported(folder, "odd.csv", "--account", EMAIL, "--rejects", "rejects.csv")
    assert (report["list_id"], report["name"], report["contacts"], report["duplicates"]) == (1, "odd", 4, 1)
    assert report["columns"] == "number = 'Portable', info1 = 'Prénom', info2 = 'Ville', info3 = column 4"
    with (folder / "rejects.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "value", "reason"],
            ["3", "", "empty"],
            ["4", "0140506070", "not a mobile number"],
            ["5", "6,12E+08", "digits are lost: the spreadsheet wrote it as 6.12E+08"],
            ["6", "not known", "not a phone number"],
            ["13", "0612345604", "a field is longer than 1000 characters"],
            ["14", "06123", "too short"],
        ]
    assert sum(report["refused"].values()) == 6
    shown = json.loads(chappe("list", "show", "1", "--json", folder=folder).stdout)
    assert [(each["number"], each["infos"][:3]) for each in shown["first"]] == [
        (33612345601, ["Zoé", "Nîmes", None]),
        (33612345602, ["Eva", None, None]),
        (33612345603, ["Fay", "Brest", "and more"]),
        (33612345601, ["Gus\nthe second", "Metz", None]),
    ]


def test_a_spreadsheet_with_numbers_that_lost_their_zero(folder: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Name", "Mobile"], ["Ana", 612345601], ["Ben", 6.12345602e8], ["Cem", "+33 6 12 34 56 03"]):
        sheet.append(row)
    book.save(folder / "people.xlsx")
    report = imported(folder, "people.xlsx", "--account", "1", "--name", "From Excel")
    assert (report["name"], report["contacts"], report["refused"]) == ("From Excel", 3, {})
    assert "61234" not in chappe("list", "show", "1", folder=folder).stdout.replace("3361234****", "")


def test_contacts_are_added_to_a_list_and_those_that_came_before_are_taken_out(folder: Path) -> None:
    (folder / "one.csv").write_text("0612345601\n0612345602\n0612345601\n")
    assert imported(folder, "one.csv", "--account", "1")["duplicates"] == 1
    (folder / "two.csv").write_text("nom;tel\nAna;0612345602\nBen;0612345603\n")
    added = imported(folder, "two.csv", "--list", "1", "--column", "number=tel", "--column", "info4=1")
    assert (added["contacts"], added["duplicates"], added["columns"]) == (2, 1, "number = 'tel', info4 = 'nom'")
    again = imported(folder, "two.csv", "--list", "1", "--deduplicate")
    assert (again["contacts"], again["deduplicated"]) == (2, 4)
    (row,) = json.loads(chappe("list", "list", "--account", "1", "--json", folder=folder).stdout)
    assert (row["name"], row["contacts"]) == ("one", 3)
    found = json.loads(chappe("list", "show", "1", "--search", "06 12 34 56 02", "--json", folder=folder).stdout)
    assert (found["matching"], len(found["first"])) == (1, 1)


def test_a_list_is_deleted_after_asking(folder: Path) -> None:
    (folder / "one.csv").write_text("0612345601\n")
    imported(folder, "one.csv", "--account", "1")
    asked = subprocess.run([CHAPPE, "list", "delete", "1"], cwd=folder, input="n\n", capture_output=True, text=True)
    assert "with 1 contacts?" in asked.stdout
    assert lists(folder)[0][0] == 1
    chappe("list", "delete", "1", "--yes", folder=folder)
    assert chappe("list", "list", "--account", "1", folder=folder).stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["none.csv", "--account", "1"], 1, "none.csv: cannot be read: No such file or directory"),
        (
            ["names.csv", "--account", "1"],
            1,
            "number: no column has phone numbers; name one with --column number=…, of",
        ),
        (["names.csv", "--account", "1", "--column", "number=Mobile"], 1, "there is no column 'Mobile', but 1 (name)"),
        (["names.csv", "--account", "1", "--column", "phone=1"], 2, "must be like number=Mobile or info1=2"),
        (["names.csv", "--account", "9"], 1, "there is no account 9"),
        (["names.csv", "--list", "9"], 1, "there is no list 9"),
        (["names.csv"], 2, "say whose the new list is"),
        (["names.csv", "--account", "1", "--delimiter", "ab"], 2, "must be one character"),
        (["names.csv", "--account", "1", "--sheet", "x"], 1, "--sheet: is not for a text file"),
        (["good.csv", "--account", "1", "--rejects", "no/such/folder.csv"], 1, "cannot be written"),
        (["blank.csv", "--account", "1"], 1, "has no rows"),
        (["torn.csv", "--account", "1"], 1, "is there a quote that is never closed?"),
    ],
)
def test_a_mistake_is_one_clear_line_and_no_list(folder: Path, words: list[str], code: int, says: str) -> None:
    (folder / "names.csv").write_text("name,city\nAna,Nantes\n")
    (folder / "good.csv").write_text("0612345601\n")
    (folder / "blank.csv").write_text("\n ; ;\n\n")
    (folder / "torn.csv").write_text("0612345601\n" * 20_000 + '"' + "x" * 200_000)
    done = chappe("list", "import", *words, folder=folder, code=code)
    assert says in done.stderr
    if code == 1:
        assert len(done.stderr.splitlines()) == 1
    assert lists(folder) == [] or lists(folder)[0][:3:2] == (NOBODY, 0)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_is_interrupted_leaves_no_list(folder: Path, sent: signal.Signals) -> None:
    random.seed(7)
    lines = [f"06{random.randrange(12_000_000, 98_000_000):08d};{i}\n" for i in range(400_000)]
    (folder / "many.csv").write_text("".join(lines))
    # A shell may let its background jobs ignore Ctrl-C, and they what they start.
    running = subprocess.Popen(
        ["env", "--default-signal=INT", CHAPPE, "list", "import", "many.csv", "--account", "1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name[:7] != "CHAPPE_"},
    )
    until = monotonic() + 30
    while not lists(folder):
        assert monotonic() < until
        assert running.poll() is None
        sleep(0.01)
    running.send_signal(sent)
    _, told = running.communicate(timeout=30)
    assert b"Traceback" not in told
    ((owner, _, used_at, _),) = lists(folder)
    assert owner == NOBODY
    assert (used_at == 0) == (sent == signal.SIGINT)
    assert chappe("list", "list", "--account", "1", folder=folder).stdout == ""
