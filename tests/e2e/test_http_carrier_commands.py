"""The command line of HTTP carriers: what a vendor asks for, where it posts to; secrets are shown to nobody."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chappe.runtime.cli import cli
from chappe.store.migrations import migrate
from tests.e2e.test_command_line import chappe
from tests.http_vendor import PLAIN

TWILIO = ["carrier", "add", "tw", "--http", "twilio", "--option", "account_sid=AC1"]
PUBLIC = {"CHAPPE_PUBLIC_URL": "https://sms.example.org"}


def run(folder: Path, *words: str, **environment: str) -> tuple[str, str]:
    """(what it prints, what is wrong), in this process: a new one for each would take a second."""
    named = [*words, "--data", str(folder)] if words[1] not in ("vendors", "check-template") else words
    done = CliRunner().invoke(cli, named, env=environment)
    refused = done.exception is not None and not isinstance(done.exception, SystemExit)
    return done.stdout, f"{done.stderr}{done.exception if refused else ''}"


def shown(folder: Path, *words: str, **environment: str) -> Any:
    """The JSON that a command prints."""
    printed, wrong = run(folder, *words, "--json", **environment)
    assert not wrong
    return json.loads(printed)


def test_from_a_shell_it_is_one_command(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cr3t-token\n")
    done = chappe(*TWILIO, "--secret", "auth_token=@token", folder=tmp_path)
    assert "Carrier tw added." in done.stdout
    assert "Set public_url" in done.stdout


def test_a_carrier_is_added_shown_and_given_other_addresses(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cr3t-token\n")
    added = shown(tmp_path, *TWILIO, "--secret", f"auth_token=@{tmp_path}/token", **PUBLIC)
    base = "https://sms.example.org/carrier/tw/"
    assert (added["name"], added["callbacks"]["receipts"].startswith(base)) == ("tw", True)
    assert added["callbacks"]["replies"].endswith("/reply")
    again = shown(tmp_path, "carrier", "callbacks", "tw", **PUBLIC)
    assert again == added["callbacks"]
    renewed = shown(tmp_path, "carrier", "callbacks", "tw", "--renew", **PUBLIC)
    assert renewed["receipts"] != again["receipts"]
    listed, _ = run(tmp_path, "carrier", "list")
    assert "tw: api.twilio.com:443 over HTTPS, twilio" in listed
    for text in (listed, run(tmp_path, "carrier", "list", "--json")[0]):
        assert "s3cr3t-token" not in text
        assert renewed["receipts"].split("/")[-2] not in text


def test_what_a_vendor_was_told_is_changed_piece_by_piece(tmp_path: Path) -> None:
    shown(tmp_path, *TWILIO, "--secret", "auth_token=first", "--secret", "api_secret=second")
    change = ["carrier", "credentials", "tw", "--secret", "auth_token=third", "--url", "http://10.0.0.9:81/"]
    printed, wrong = run(tmp_path, *change)
    assert (printed, wrong) == ("Carrier tw changed: auth_token, url.\n", "")
    assert "tw: 10.0.0.9:81 over HTTP, twilio" in run(tmp_path, "carrier", "list")[0]
    with closing(sqlite3.connect(tmp_path / "chappe.db")) as database:
        ((options,),) = database.execute("SELECT options FROM carrier").fetchall()
    assert json.loads(options)["secrets"] == {"auth_token": "third", "api_secret": "second"}
    assert "twilio has no such option" in run(tmp_path, "carrier", "credentials", "tw", "--option", "a=b")[1]
    assert "say what to change" in run(tmp_path, "carrier", "credentials", "tw")[1]
    assert "is missing" in run(tmp_path, "carrier", "set", "tw", "-o", "secrets={}")[1]
    everything = (
        run(tmp_path, "carrier", "show", "tw", "--all")[0] + run(tmp_path, "carrier", "show", "tw", "--json")[0]
    )
    assert "account_sid = AC1" in everything
    assert "third" not in everything
    assert "second" not in everything


def test_a_template_of_ones_own_is_kept_with_the_carrier(tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text(PLAIN)
    template = ["--template", f"{tmp_path}/plain.toml", "--url", "http://10.0.0.9:81/api"]
    more = ["--secret", "token=t", "--window", "5", "--rate", "10"]
    shown(tmp_path, "carrier", "add", "own", "--http", "generic", *template, *more)
    (tmp_path / "plain.toml").unlink()
    (status,) = shown(tmp_path, "carrier", "list")
    own = {name: status[name] for name in ("host", "port", "tls", "window", "rate", "kind", "profile")}
    assert own == {
        "host": "10.0.0.9", "port": 81, "tls": False, "window": 5, "rate": 10, "kind": "http", "profile": "plain",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (TWILIO, "auth_token: is missing: --secret auth_token=..."),
        ([*TWILIO, "--secret", "auth_token=x", "--option", "colour=red"], "twilio has no such option"),
        ([*TWILIO, "--secret", "auth_token"], "must be NAME=VALUE"),
        ([*TWILIO, "--secret", "auth_token=@nowhere"], "cannot be read"),
        ([*TWILIO, "--secret", "auth_token=x", "--on-unknown", "query:0x1"], "waits between"),
        ([*TWILIO, "--secret", "auth_token=x", "--url", "ftp://x"], "url: must say where the API is"),
        ([*TWILIO, "--secret", "auth_token=x", "--url", "https://api..example.net"], "'api..example.net'; --url is"),
        ([*TWILIO, "--secret", "auth_token=x", "--url", f"http://{'x' * 64}.net"], "names no host that can be looked"),
        ([*TWILIO, "--secret", "auth_token=x", "--url", "https://ex%41mple.net"], "names no host that can be looked"),
        ([*TWILIO, "--secret", "auth_token=x", "--window", "0"], "window: must be between 1 and"),
        ([*TWILIO, "--secret", "auth_token=x", "--sender", "Æ" * 20], "sender"),
        ([*TWILIO, "--secret", "auth_token=x", "--template", "x"], "x: cannot be read"),
        (["carrier", "add", "x", "--http", "generic"], "goes with a template"),
        (["carrier", "add", "x", "--http", "nobody"], "there is no vendor 'nobody'"),
        (["carrier", "add", "x", "--http", "infobip", "--secret", "api_key=a"], "url: must say"),
        (["carrier", "add", "bad name", *TWILIO[3:], "--secret", "auth_token=x"], "must have 1 to 64"),
        (["carrier", "callbacks", "nobody"], "there is no carrier nobody"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_line(tmp_path: Path, words: list[str], says: str) -> None:
    migrate(tmp_path / "chappe.db")
    assert says in run(tmp_path, *words)[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["carrier", "add", "x"], "'--smpp', or '--http'"),
        (["carrier", "add", "x", "--smpp", "h:1", "--system-id", "a", "--password", "b", "--secret", "c=d"], "--http"),
        ([*TWILIO, "--system-id", "a"], "--system-id does not go with --http"),
    ],
)
def test_options_of_both_kinds_do_not_mix(tmp_path: Path, words: list[str], says: str) -> None:
    assert says in run(tmp_path, *words)[1]


def test_vendors_say_what_they_ask_for(tmp_path: Path) -> None:
    assert "--secret auth_token= Its auth token" in run(tmp_path, "carrier", "vendors")[0]
    (vonage,) = shown(tmp_path, "carrier", "vendors", "vonage")
    assert vonage["place"] == "rest.nexmo.com"


def test_a_template_is_tried_before_it_is_used(tmp_path: Path) -> None:
    example = '[[exchanges]]\nwhat = "taken"\ntold = \'{"id":"7"}\'\nmeans = "accepted 7"\n'
    (tmp_path / "good.toml").write_text(PLAIN + example)
    (tmp_path / "bad.toml").write_text(PLAIN + example.replace("accepted 7", "accepted 8"))
    (tmp_path / "worse.toml").write_text(PLAIN.replace("{token}", "{tokne}"))

    def tried(name: str) -> tuple[str, str]:
        return run(tmp_path, "carrier", "check-template", f"{tmp_path}/{name}.toml")

    assert tried("good") == ("plain: 1 example(s) hold.\n", "")
    assert "taken: the answer means 'accepted 7'" in tried("bad")[1]
    assert "1 of 1 example(s) do not hold" in tried("bad")[1]
    assert "there is nothing called 'tokne' to fill in" in tried("worse")[1]
