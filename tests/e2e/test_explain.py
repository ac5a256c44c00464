"""`chappe explain`: one message as an operator has it explained."""

import json
from pathlib import Path

import pytest

from chappe.manage.carrier_checks import NewCarrier
from chappe.runtime import settings as settings_table
from chappe.runtime.bootstrap import opened
from tests.builders import on_loop, world
from tests.e2e.test_command_line import chappe

SUNDAY = "2026-11-22 12:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    world(tmp_path)

    @on_loop
    async def add_carrier() -> None:
        async with opened(settings_table.load({}, data=tmp_path)) as installation:
            await installation.carriers.add(NewCarrier("paris", "127.0.0.1", 2775, "chappe", "secret"))

    add_carrier()
    return tmp_path


def explained(folder: Path, *words: str, code: int = 0) -> str:
    done = chappe(
        "explain", "--account", "shop@example.org", "--data", str(folder), *words,
        folder=folder, code=code, COLUMNS="100",
    )  # fmt: skip
    return done.stdout if code == 0 else done.stderr


def test_everything_about_a_message_is_told_with_its_rules_and_sources(folder: Path) -> None:
    told = explained(
        folder, "--to", "06 12 34 56 78", "--marketing", "--sender", "My Club", "--at", SUNDAY, "--text", "Crêpes: 5 €"
    )
    for line in (
        "Marketing to France: 1 part, 1 credit; waits until Monday 2026-11-23 08:00 in Europe/Paris.",
        "+33612345678 in France (FR), given as 06 12 34 56 78",
        "MyClub, asked for as My Club: as the country takes it",
        "sender_characters = A-Za-z0-9  the country's file, several",
        "│ Crepes: 5 €",
        "│ STOP au 36173",
        "GSM-7: 26 of 160 septets, 1 part of at most 10",
        "replaced, because GSM-7 lacks it: ê -> e",
        "take two septets each: €",
        "marketing_hours = mon-sat 08:00-20:00 no-holidays  the country's file, seed",
        "https://dev.smsfactor.com/fr/api/sms/a-propos-du-sms",
        "carrier paris",
        "! My Club is sent as MyClub in France",
    ):
        assert line in told, line
    assert "\x1b" not in told


def test_text_that_looks_like_markup_is_told_as_it_is(folder: Path) -> None:
    told = explained(folder, "--to", "0612345678", "--text", "[bold]Hello[/bold] [/] :smile:")
    assert "│ [bold]Hello[/bold] [/] :smile:" in told


def test_who_gets_nothing_is_told_at_once(folder: Path) -> None:
    assert "Nothing is sent to France, invalid: it is no mobile number." in explained(
        folder, "--to", "0142345678", "--text", "Hello"
    )


def test_json_is_what_the_api_answers(folder: Path) -> None:
    told = json.loads(explained(folder, "--to", "+32470123456", "--sender", "Acme", "--text", "Hello", "--json"))
    assert (told["to"]["country"], told["sender"]["sent_as"], told["route"]["carrier"]) == ("BE", None, "paris")
    assert told["warnings"][0]["code"] == "sender_refused"


def test_what_a_send_would_refuse_is_refused_in_a_line(folder: Path) -> None:
    assert explained(folder, "--to", "0612345678", "--text", "a" * 2000, code=1).startswith(
        "Error: text: takes 14 parts"
    )


def test_the_page_of_the_documentation_shows_what_is_printed(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/explain.md").read_text()
    shown = page.split("```\n")[1].split("l'entrée\"\n", 1)[1]
    told = explained(
        folder, "--to", "06 12 34 56 78", "--marketing", "--sender", "My Club", "--at", SUNDAY,
        "--text", "Soirée crêpes ce soir : 5 € l'entrée",
    )  # fmt: skip
    assert [line.rstrip() for line in told.splitlines()] == shown.splitlines()
