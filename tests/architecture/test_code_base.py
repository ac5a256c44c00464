"""Conventions of the code base that would rot if nobody looked."""

import re
from importlib import import_module, resources
from pathlib import Path
from pkgutil import walk_packages

import chappe
from chappe.runtime import settings as settings_table
from chappe.runtime.cli import carrier_page, country_page, rule_page
from chappe.store import schema
from chappe.store.migrations import HEAD, migrate
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from chappe.surfaces.http.smsfactor.routes import ROUTES

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "base", "misc", "manager"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in SOURCES if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES] == []


def test_every_file_can_be_read_in_one_sitting() -> None:
    long = {str(path): lines for path in SOURCES if (lines := len(path.read_text().splitlines())) > 600}
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in SOURCES if not path.read_text().startswith('"""')]
    assert silent == []


def test_nothing_is_promised_or_stubbed() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [path for path in SOURCES if words.search(path.read_text())] == []


def test_the_settings_page_says_what_the_table_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_table.reference(), "run `make docs`"


def test_the_page_of_rules_says_what_the_table_says() -> None:
    assert (ROOT / "docs/rules.md").read_text() == rule_page.page(), "run `make docs`"


def test_the_page_of_countries_says_what_the_rulebook_says() -> None:
    assert (ROOT / "docs/countries.md").read_text() == country_page.page(), "run `make docs`"


def test_the_page_of_carrier_options_says_what_the_structs_say() -> None:
    assert (ROOT / "docs/carrier-options.md").read_text() == carrier_page.reference("smpp"), "run `make docs`"


def test_every_endpoint_has_an_exchange_in_both_formats() -> None:
    played = "\n".join(path.read_text() for path in (ROOT / "tests/contract/exchanges").iterdir())
    for route in ROUTES:
        path = re.sub(r":[a-z_]+", r"[^\\s/?]+", route.path)
        pattern = re.compile(rf"^{route.method} {path}[?\s]", re.MULTILINE)
        assert len(pattern.findall(played)) >= 2, f"{route.method} {route.path}"


def test_every_statement_is_understood_by_the_engine(tmp_path: Path) -> None:
    database = tmp_path / "chappe.db"
    migrate(database)
    opened = Database(database)
    checked = 0
    for module in walk_packages(chappe.__path__, "chappe."):
        if not module.name.startswith("chappe.store.") or ".migrations." in module.name:
            continue
        for value in vars(import_module(module.name)).values():
            for statement in value.values() if isinstance(value, dict) else [value]:
                if isinstance(statement, Statement):
                    plan = f"EXPLAIN {statement.sql}"
                    list(opened.connection.execute(plan, [None] * statement.sql.count("?")))
                    checked += 1
    opened.close()
    assert checked > 80


def test_the_newest_migration_is_the_head() -> None:
    versions = resources.files("chappe.store.migrations").joinpath("versions")
    numbers = sorted(path.name.split("_")[0] for path in versions.iterdir() if path.name[0].isdigit())
    assert numbers[-1] == HEAD
    assert len(schema.metadata.tables) > 20


def test_no_document_has_two_versions_of_a_line() -> None:
    marks = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)
    assert [document.name for document in DOCUMENTS if marks.search(document.read_text())] == []


def test_the_documents_name_files_that_exist() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            assert "://" in link or (document.parent / link).exists(), f"{document.name}: {link}"
    for name in re.findall(
        r"`((?:pipeline|domain|store|carriers|surfaces|telecom)/[\w/]+\.py)`", (ROOT / "ARCHITECTURE.md").read_text()
    ):
        assert (ROOT / "src/chappe" / name).exists(), name
