"""The command line, as an operator uses it while the server runs and while it does not."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chappe.runtime.cli import cli
from tests.server import CHAPPE

COMMANDS = [
    ["serve"], ["demo"], ["simulator"], ["account"], ["account", "create"], ["account", "list"], ["account", "show"],
    ["account", "update"],
    ["account", "password"], ["account", "unlock"], ["account", "close"], ["account", "reopen"],
    ["credits", "transfer"],
    ["credits", "limit"], ["credits", "show"], ["token", "create"], ["credits", "add"],
    ["carrier", "add"], ["carrier", "list"], ["carrier", "remove"], ["route", "add"], ["message", "show"], ["migrate"],
    ["settings"], ["invoice", "list"], ["invoice", "show"], ["invoice", "pdf"], ["invoice", "paid"],
    ["carrier", "vendors"], ["carrier", "callbacks"], ["carrier", "check-template"],
    ["carrier", "set"], ["carrier", "show"], ["carrier", "pause"], ["carrier", "resume"], ["carrier", "rebind"],
    ["carrier", "test"], ["carrier", "profiles"], ["carrier", "options"], ["carrier", "lookups"],
    ["lookup", "list"], ["audit", "list"], ["explain"],
    ["privacy", "export"], ["privacy", "erase"], ["rule", "set"], ["rule", "unset"],
    ["rule", "list"], ["rule", "show"], ["rate", "load"], ["rate", "list"],
    ["message", "unknown"], ["message", "settle"], ["reply", "list"], ["reply", "assign"],
    ["bind", "create"], ["bind", "list"], ["bind", "set"], ["bind", "kick"], ["bind", "remove"],
    ["number", "add"], ["number", "list"], ["number", "remove"],
    ["sender", "list"], ["sender", "add"], ["sender", "approve"], ["sender", "refuse"], ["sender", "remove"],
]  # fmt: skip

ADD_CARRIER = ["carrier", "add", "x", "--smpp", "h:1", "--system-id", "a", "--password", "b"]


def chappe(*words: str, folder: Path, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CHAPPE_")}
    done = subprocess.run(
        [CHAPPE, *words], cwd=folder, env={**clean, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words: list[str]) -> None:
    shown = CliRunner().invoke(cli, [*words, "--help"], prog_name="chappe").output
    assert shown.startswith("Usage: chappe " + " ".join(words))
    assert len(shown.splitlines()) > 5


def test_an_operator_sets_up_an_account_a_carrier_and_a_route(tmp_path: Path) -> None:
    account = json.loads(
        chappe(
            "account", "create", "--email", "a@example.org", "--password", "secret1", "--credits", "5", folder=tmp_path
        ).stdout
    )
    assert account == {"client_id": 1}
    sub = json.loads(
        chappe(
            "account", "create", "--email", "b@example.org", "--password", "secret1", "--parent", "a@example.org",
            "--shared-credits", folder=tmp_path,
        ).stdout
    )  # fmt: skip
    assert sub == {"client_id": 2}
    issued = json.loads(
        chappe("token", "create", "--account", "a@example.org", "--name", "first", folder=tmp_path).stdout
    )
    assert issued["token"].count(".") == 2
    assert issued["token_id"] == 1
    assert json.loads(chappe("credits", "add", "--account", "1", "7", "--json", folder=tmp_path).stdout) == {
        "credits": 12
    }
    added = chappe(
        "carrier",
        "add",
        "acme",
        "--smpp",
        "127.0.0.1:2775",
        "--system-id",
        "me",
        "--password",
        "pw",
        "--json",
        folder=tmp_path,
    )
    assert json.loads(added.stdout) == {"carrier_id": 1, "name": "acme"}
    chappe("route", "add", "--carrier", "acme", "--country", "fr", folder=tmp_path)
    (carrier,) = json.loads(chappe("carrier", "list", "--json", folder=tmp_path).stdout)
    assert (carrier["name"], carrier["routes"], carrier["binds"]) == ("acme", ["FR", "everything"], [])
    assert "not running" in chappe("carrier", "list", folder=tmp_path).stdout
    chappe("carrier", "set", "acme", "--national", "Portuguese, turkish", folder=tmp_path)
    assert "shift tables turkish, portuguese" in chappe("carrier", "list", folder=tmp_path).stdout
    chappe("carrier", "set", "acme", "--national", "none", folder=tmp_path)
    assert "shift tables" not in chappe("carrier", "list", folder=tmp_path).stdout
    chappe("carrier", "remove", "acme", folder=tmp_path)
    assert json.loads(chappe("carrier", "list", "--json", folder=tmp_path).stdout) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["token", "create", "--account", "x@y.fr", "--name", "x"], "there is no account x@y.fr"),
        (["account", "create", "--email", "no address", "--password", "secret1"], "email"),
        (["account", "create", "--email", "a@example.org", "--password", "short"], "password"),
        (["account", "create", "--email", "a@example.org", "--password", "secret1", "--country", "FRA"], "country"),
        (["carrier", "add", "x", "--smpp", "nowhere", "--system-id", "a", "--password", "b"], "must be HOST:PORT"),
        (["carrier", "add", "x", "--smpp", "h:1", "--system-id", "a" * 16, "--password", "b"], "system_id"),
        (["carrier", "add", "x", "--smpp", "h:1", "--system-id", "a", "--password", "b" * 9], "password"),
        (["carrier", "remove", "acme"], "there is no carrier acme"),
        (["carrier", "set", "acme", "--national", "turkish"], "there is no carrier acme"),
        ([*ADD_CARRIER, "--national", "turkish,klingon"], "some of turkish, spanish, portuguese, not 'klingon'"),
        (["route", "add", "--carrier", "acme"], "there is no carrier acme"),
        (["carrier", "lookups", "acme", "--url", "http://h/"], "there is no carrier acme"),
        ([*ADD_CARRIER, "--lookup-url", "h"], "lookup_url"),
        ([*ADD_CARRIER, "--lookup-token", "t"], "lookup_token"),
        (["invoice", "show", "2031-0001"], "there is no invoice 2031-0001"),
        (["message", "show", "99"], "there is no message 99"),
        (["carrier", "add", "x", "--smpp", "h:1", "--system-id", "a", "--password", "b", "--tls-ca", "no"], "--tls-ca"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_line(tmp_path: Path, words: list[str], says: str) -> None:
    chappe("migrate", folder=tmp_path)
    done = chappe(*words, folder=tmp_path, code=1)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_without_a_database_is_a_mistake_and_not_a_new_installation(tmp_path: Path) -> None:
    done = chappe("carrier", "list", "--data", "typo", folder=tmp_path, code=1)
    assert "there is no database typo/chappe.db" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_carrier_with_certificates_to_trust_is_encrypted(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates")
    words = ["--smpp", "h:1", "--system-id", "a", "--password", "b", "--tls-ca", "ca.pem"]
    chappe("carrier", "add", "acme", *words, folder=tmp_path)
    (carrier,) = json.loads(chappe("carrier", "list", "--json", folder=tmp_path).stdout)
    assert carrier["tls"] is True


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "chappe.toml").write_text('log_level = "loud"\nno_such_thing = 1\n')
    done = chappe(
        "serve", folder=tmp_path, code=2,
        CHAPPE_CONFIG="chappe.toml", CHAPPE_PORT="99999", CHAPPE_WEBHOOK_ALLOW_NETWORKS="everything",
        CHAPPE_MAX_PART="3",
    )  # fmt: skip
    for fault in ("CHAPPE_PORT", "CHAPPE_WEBHOOK_ALLOW_NETWORKS", "log_level", "no_such_thing", "CHAPPE_MAX_PART"):
        assert fault in done.stderr


def test_settings_come_from_the_file_the_environment_and_the_options_in_that_order(tmp_path: Path) -> None:
    (tmp_path / "chappe.toml").write_text('port = 1111\nmax_parts = 3\nhost = "0.0.0.0"\n')
    done = chappe(
        "settings", "--json", "--data", "elsewhere", folder=tmp_path, CHAPPE_CONFIG="chappe.toml", CHAPPE_PORT="2222"
    )
    shown = json.loads(done.stdout)
    assert (shown["host"], shown["port"], shown["max_parts"], shown["data"]) == ("0.0.0.0", "2222", "3", "elsewhere")


def test_migrate_creates_the_database_once_and_for_its_owner_only(tmp_path: Path) -> None:
    assert "created" in chappe("migrate", folder=tmp_path).stdout
    assert "up to date" in chappe("migrate", folder=tmp_path).stdout
    database = tmp_path / "chappe-data" / "chappe.db"
    assert oct(database.stat().st_mode & 0o777) == "0o600"


def test_a_top_up_with_a_price_has_an_invoice_to_save_and_to_mark_as_paid(tmp_path: Path) -> None:
    chappe("account", "create", "--email", "a@example.org", "--password", "secret1", folder=tmp_path)
    add = ["credits", "add", "--account", "1", "1000", "--json"]
    assert "invoice" not in json.loads(chappe(*add, folder=tmp_path).stdout)
    assert "invoice_issuer" in chappe(*add, "--price", "45", folder=tmp_path, code=1).stderr
    issuer: dict[str, Any] = {"CHAPPE_INVOICE_ISSUER": r"Chappe Services\nParis", "CHAPPE_INVOICE_PREFIX": "C-"}
    assert "--price" in chappe(*add, "--price", "45,00", folder=tmp_path, code=1, **issuer).stderr
    added = json.loads(chappe(*add, "--price", "45", "--unpaid", folder=tmp_path, **issuer).stdout)
    name = added["invoice"]
    assert added == {"credits": 2000, "invoice": name}
    assert name.startswith("C-20")
    assert name.endswith("-0001")
    assert "54.00 EUR  due" in chappe("invoice", "list", "--account", "1", folder=tmp_path).stdout
    paid = json.loads(chappe("invoice", "paid", name, "--json", folder=tmp_path).stdout)
    assert (paid["status"], paid["issuer"]) == ("paid", "Chappe Services\nParis")
    assert "1000 at 0.045 EUR" in chappe("invoice", "show", name, folder=tmp_path).stdout
    chappe("invoice", "pdf", name, "-o", "it.pdf", folder=tmp_path)
    assert (tmp_path / "it.pdf").read_bytes().startswith(b"%PDF-")


def test_an_operator_looks_after_accounts_and_their_credits(tmp_path: Path) -> None:
    def run(*words: str, code: int = 0) -> str:
        return chappe(*words, folder=tmp_path, code=code).stdout

    run("account", "create", "--email", "a@example.org", "--password", "secret1", "--credits", "50")
    run("account", "create", "--email", "b@example.org", "--password", "secret1", "--parent", "1")
    moved = json.loads(run("credits", "transfer", "--from", "1", "--to", "b@example.org", "20", "--json"))
    assert moved == {"giver_credits": 30, "taker_credits": 20}
    refused = chappe("credits", "transfer", "--from", "2", "--to", "1", "21", folder=tmp_path, code=1)
    assert "account 2 has 20 credits" in refused.stderr
    run("credits", "limit", "--account", "2", "5")
    run("credits", "transfer", "--from", "2", "--to", "1", "25")
    shown = json.loads(run("credits", "show", "--account", "2", "--json"))
    assert shown["wallet"] == {"available_mc": -5000, "reserved_mc": 0, "postpaid_limit_mc": 5000}
    assert [entry["amount_mc"] for entry in shown["movements"]] == [-25_000, 20_000]
    assert "-5 credits" in run("credits", "show", "--account", "2")
    run("account", "update", "2", "--company", "Branch", "--city", "Lyon", "--lang", "FR", "--sender", "Branch")
    run("account", "update", "2", "--city", "")
    found = json.loads(run("account", "show", "b@example.org", "--json"))
    assert (found["company"], found["city"], found["lang"], found["sender"]) == ("Branch", None, "FR", "Branch")
    run("account", "close", "2")
    assert [each["state"] for each in json.loads(run("account", "list", "--json"))] == ["open", "closed"]
    run("account", "reopen", "2")
    run("account", "unlock", "2")
    run("account", "password", "2", "--password", "secret2")
    assert "sub-account of 1" in run("account", "list")


def test_a_carrier_is_told_where_it_answers_look_ups_and_its_token_is_not_shown(tmp_path: Path) -> None:
    words = ["--smpp", "h:1", "--system-id", "a", "--password", "b"]
    chappe("carrier", "add", "acme", *words, "--lookup-url", "http://one.example/", folder=tmp_path)
    chappe("carrier", "lookups", "acme", "--url", "http://two.example/", "--token", "s3cret", folder=tmp_path)
    shown = chappe("carrier", "list", folder=tmp_path).stdout
    in_json = chappe("carrier", "list", "--json", folder=tmp_path).stdout
    assert "look-ups at http://two.example/" in shown
    assert "s3cret" not in shown + in_json
    assert json.loads(in_json)[0]["lookup_url"] == "http://two.example/"
    chappe("carrier", "lookups", "acme", folder=tmp_path)
    assert json.loads(chappe("carrier", "list", "--json", folder=tmp_path).stdout)[0]["lookup_url"] == ""
    chappe("account", "create", "--email", "a@example.org", "--password", "secret1", folder=tmp_path)
    assert json.loads(chappe("lookup", "list", "--account", "1", "--json", folder=tmp_path).stdout) == []


def test_rules_are_set_shown_and_taken_back_with_their_reasons_in_the_audit_log(tmp_path: Path) -> None:
    chappe("account", "create", "--email", "a@example.org", "--password", "secret1", folder=tmp_path)
    own = ["--account", "a@example.org"]
    chappe("rule", "set", "price", "0.8", "--country", "ie", *own, "--note", "contract of May", folder=tmp_path)
    shown = json.loads(chappe("rule", "show", "--country", "IE", *own, "--json", folder=tmp_path).stdout)
    price = next(each for each in shown if each["rule"] == "price")
    assert (price["value"], price["origin"], price["note"]) == ("0.8", "account", "contract of May")
    assert "contract of May" in chappe("rule", "list", folder=tmp_path).stdout
    refused = chappe("rule", "set", "price", "cheap", "--note", "x", folder=tmp_path, code=1).stderr
    assert refused == "Error: price: must be a number of credits like 1 or 0.8, not 'cheap'\n"
    unknown = chappe("rule", "show", "--country", "zz", folder=tmp_path, code=1).stderr
    assert unknown == "Error: country: there is no country 'ZZ'; two letters like FR\n"
    chappe("rule", "unset", "price", "--country", "IE", *own, "--note", "it is over", folder=tmp_path)
    assert json.loads(chappe("rule", "list", "--json", folder=tmp_path).stdout) == []
    log = json.loads(chappe("audit", "list", "--action", "rule", "--json", folder=tmp_path).stdout)
    assert [(each["action"], each["note"]) for each in log] == [
        ("rule.unset", "it is over"),
        ("rule.set", "contract of May"),
    ]


def test_a_rate_card_is_loaded_wholly_or_not_at_all(tmp_path: Path) -> None:
    chappe("account", "create", "--email", "a@example.org", "--password", "secret1", folder=tmp_path)
    card = tmp_path / "credits.toml"
    card.write_text("FR = 1\nIE = 0.8\nCH = -2\n")
    refused = chappe("rate", "load", str(card), "--note", "prices of 2027", folder=tmp_path, code=1).stderr
    assert refused.startswith("Error: credits.toml: the price of CH must be")
    assert json.loads(chappe("rate", "list", "--json", folder=tmp_path).stdout) == {}
    card.write_text("default = 1.5\nFR = 1\nIE = 0.8\n")
    chappe("rate", "load", str(card), "--note", "prices of 2027", folder=tmp_path)
    assert json.loads(chappe("rate", "list", "--json", folder=tmp_path).stdout) == {
        "default": "1.5",
        "FR": "1",
        "IE": "0.8",
    }
