"""The command line of SMPP carriers: profiles, options, changes, and what an operator gets to see."""

import asyncio
import json
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import CliRunner

from chappe.carriers.simulator import Simulator
from chappe.manage.carrier_status import CarrierStatus, PaceStatus
from chappe.runtime.cli import carrier_page, cli
from tests.sending import simulated

ADD = ["carrier", "add", "acme", "--smpp", "smpp.example.net:2775", "--system-id", "me", "--password", "s3cret"]
MINE = 'title = "Mine"\n[connection]\nport = 3550\nrate = 7\n[options]\ndest_ton = 0\nsystem_type = "SMS"\n'


def run(folder: Path, *words: str) -> tuple[str, str]:
    """(what it prints, what is wrong), in this process: a new one for each would take a second."""
    done = CliRunner().invoke(cli, [*words, "--data", str(folder)])
    refused = done.exception is not None and not isinstance(done.exception, SystemExit)
    return done.stdout, f"{done.stderr}{done.exception if refused else ''}"


def settings(folder: Path, name: str = "acme") -> dict[str, tuple[Any, str]]:
    """Each setting's value and origin."""
    shown, wrong = run(folder, "carrier", "show", name, "--json")
    assert not wrong
    return {each["name"]: (each["value"], each["origin"]) for each in json.loads(shown)["settings"]}


def test_a_carrier_begins_with_its_profile_and_what_the_operator_says_wins(tmp_path: Path) -> None:
    assert run(tmp_path, *ADD, "--profile", "ovhcloud", "--window", "5", "--option", "short_npi=0")[1] == ""
    found = settings(tmp_path)
    assert found["tls"] == (True, "own")
    assert (found["window"][0], found["rate"][0]) == (5, 20)
    assert found["tls_min_version"] == ("1.3", "profile")
    assert found["short_npi"] == (0, "own")
    assert found["dest_ton"] == (1, "default")
    assert found["statuses"][1] == "profile"
    assert found["password"] == ("********", "own")
    listed, _ = run(tmp_path, "carrier", "list")
    assert "acme: smpp.example.net:2775 over TLS as me, profile ovhcloud" in listed
    page, _ = run(tmp_path, "carrier", "show", "acme")
    assert "tls_min_version = 1.3  (profile)" in page
    assert "statuses: 0x401 = permanent REJECTED  (profile)" in page
    assert "receipt_errors: 53 = NOT_ALLOWED  (profile)" in page
    assert "short_npi = 0\n" in page
    assert "s3cret" not in page
    assert "dest_ton" not in page
    assert "dest_ton = 1  (default)" in run(tmp_path, "carrier", "show", "acme", "--all")[0]


def test_a_profile_of_ones_own_knows_the_port(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    words = ["carrier", "add", "acme", "--profile", str(path), "--smpp", "smpp.example.net", "--system-id", "me"]
    assert run(tmp_path, *words, "--password", "x")[1] == ""
    found = settings(tmp_path)
    assert (found["port"][0], found["rate"][0], found["dest_ton"]) == (3550, 7, (0, "profile"))
    path.unlink()
    assert settings(tmp_path)["dest_ton"] == (0, "own"), "nobody knows any more where it came from"
    assert run(tmp_path, "carrier", "set", "acme", "--rate", "9")[1] == ""


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--profile", "nobody"], "must be one of generic, kannel, ovhcloud, smppsim"),
        (["--option", "no_such=1"], "no_such: there is no such option"),
        (["--option", "dest_ton=300"], "dest_ton"),
        (["--option", "dest_ton"], "must be of the form NAME=VALUE"),
        (["--option", "fields=[{"], "is no JSON"),
        (["--tlv", "0x1401:x"], "must be of the form NAME=VALUE"),
        (["--tlv", "0x1401=x"], "must be TAG=TYPE:VALUE"),
        (["--tlv", "0x1401=int8:300"], "does not fit"),
        (["--status", "0x45=sometimes"], "sometimes is not one of permanent"),
        (["--tls-cert", "/nowhere.pem"], "there is no file /nowhere.pem"),
        (["--national", "klingon"], "klingon"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_kept(tmp_path: Path, words: list[str], wrong: str) -> None:
    assert wrong in run(tmp_path, *ADD, *words)[1]
    assert "Traceback" not in run(tmp_path, *ADD, *words)[1]


def test_frequent_settings_have_flags_and_all_of_them_names(tmp_path: Path) -> None:
    certificate = tmp_path / "c.pem"
    certificate.write_text("x")
    words = [
        "--bind-mode", "pair", "--binds", "2", "--long", "sar", "--reference-bits", "16", "--no-validity",
        "--tls-cert", str(certificate),
        "--status", "ESME_RSUBMITFAIL=permanent NOT_ALLOWED", "--status", "0x08=throttle",
        "--tlv", "0x1401=cstring:shop-{message_id}", "--tlv", "5122=int16:{campaign}", "--sender", "36180,36181",
        "--on-unknown", "marketing=give-up:60", "--option", "receipt_states=RECU=DELIVRD,PERDU=UNDELIV",
        "--option", "trusts_text=yes", "-o", "registered_delivery=0x11", "-o", "national_alphabets=turkish",
    ]  # fmt: skip
    assert run(tmp_path, *ADD, *words)[1] == ""
    found = {name: value for name, (value, _) in settings(tmp_path).items()}
    assert (found["bind_mode"], found["binds"], found["long_messages"]) == ("pair", 2, "sar")
    assert (found["reference_bits"], found["validity"], found["tls"]) == (16, "none", True)
    assert found["tls_certificate_file"] == str(certificate)
    assert found["statuses"] == {"0x45": "permanent NOT_ALLOWED", "0x8": "throttle"}
    assert found["fields"] == [
        {"tag": 0x1401, "type": "cstring", "value": "shop-{message_id}"},
        {"tag": 0x1402, "type": "int16", "value": "{campaign}"},
    ]
    assert found["unknown"] == "alert=hold marketing=give-up:60"
    assert found["receipt_states"] == {"RECU": "DELIVRD", "PERDU": "UNDELIV"}
    assert (found["trusts_text"], found["registered_delivery"]) == (True, 17)


def test_a_change_says_what_became_of_the_binds(tmp_path: Path) -> None:
    run(tmp_path, *ADD, "--profile", "ovhcloud")
    said, _ = run(tmp_path, "carrier", "set", "acme", "--rate", "50", "--sender", "38069")
    assert said == "Carrier acme changed: rate, sender. Its binds stay.\n"
    said, _ = run(tmp_path, "carrier", "set", "acme", "--rate", "50")
    assert said == "Carrier acme: that is how it was.\n"
    said, _ = run(tmp_path, "carrier", "set", "acme", "--password", "other", "-o", "interface_version=5.0")
    assert said == "Carrier acme changed: password, interface_version. Its binds are made anew.\n"
    said, _ = run(tmp_path, "carrier", "set", "acme", "--unset", "sender", "--unset", "interface_version")
    assert settings(tmp_path)["interface_version"] == ("3.4", "default")
    run(tmp_path, "carrier", "set", "acme", "--sender", "38069", "--option", "tls_min_version=1.2")
    assert run(tmp_path, "carrier", "set", "acme", "--profile", "generic")[1] == ""
    found = settings(tmp_path)
    assert (found["sender"], found["statuses"], found["tls_min_version"]) == (
        ("38069", "own"), ({}, "default"), ("1.2", "default"),
    )  # fmt: skip


def test_what_cannot_be_changed_is_told(tmp_path: Path) -> None:
    run(tmp_path, *ADD)
    for words, wrong in (
        ([], "say what to change"),
        (["--unset", "no_such"], "no_such"),
        (["--unset", "host"], "host: cannot be unset"),
        (["--binds", "33"], "binds"),
        (["--smpp", "h:0"], "port"),
    ):
        assert wrong in run(tmp_path, "carrier", "set", "acme", *words)[1]
    assert "there is no carrier nobody" in run(tmp_path, "carrier", "set", "nobody", "--rate", "1")[1]


def test_a_carrier_is_paused_and_goes_on(tmp_path: Path) -> None:
    run(tmp_path, *ADD)
    assert "is paused" in run(tmp_path, "carrier", "pause", "acme")[0]
    assert "paused since 20" in run(tmp_path, "carrier", "list")[0]
    assert "gets messages again" in run(tmp_path, "carrier", "resume", "acme")[0]
    assert "paused" not in run(tmp_path, "carrier", "list")[0]
    assert "binds anew" in run(tmp_path, "carrier", "rebind", "acme")[0]
    for command in ("pause", "resume", "rebind", "test", "show"):
        assert "there is no carrier nobody" in run(tmp_path, "carrier", command, "nobody")[1]


def test_profiles_and_options_explain_themselves() -> None:
    listed = CliRunner().invoke(cli, ["carrier", "profiles"]).stdout
    assert [line.split()[0] for line in listed.splitlines()[:4]] == ["generic", "kannel", "ovhcloud", "smppsim"]
    shown = CliRunner().invoke(cli, ["carrier", "profiles", "ovhcloud"]).stdout
    assert "source: OVHcloud, SMPP Technical Specifications" in shown
    assert "statuses: 0x400 = throttle" in shown
    assert "10 examples" in shown
    options = CliRunner().invoke(cli, ["carrier", "options"]).stdout
    assert "a change binds anew" in options
    assert all(name in options for name in ("receipt_zone", "dest_form", "fields"))


def test_a_carrier_is_tried_out_from_the_command_line(tmp_path: Path) -> None:
    ready, over = Event(), Event()
    port = 0

    async def serve() -> None:
        nonlocal port
        async with Simulator(simulated(accounts={"me": "s3cret"})) as carrier:
            port = carrier.port
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.02)

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        run(tmp_path, *ADD, "-o", "bind_gap_s=0.01")
        run(tmp_path, "carrier", "set", "acme", "--smpp", f"127.0.0.1:{port}")
        assert run(tmp_path, "carrier", "test", "acme")[0] == "transceiver: bound and unbound, SMPP 3.4\n"
        run(tmp_path, "carrier", "set", "acme", "--password", "wrong", "--bind-mode", "pair")
        done = CliRunner().invoke(cli, ["carrier", "test", "acme", "--data", str(tmp_path)])
        assert done.exit_code == 1
        assert done.stdout.splitlines() == [
            "transmitter: the carrier refused the bind: ESME_RINVPASWD",
            "receiver: the carrier refused the bind: ESME_RINVPASWD",
        ]
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("pace", "line"),
    [
        (PaceStatus("nothing: no message waits", 0, None, None, None, None),
         "0 parts/s, limited by nothing: no message waits"),
        (PaceStatus("congestion", 80, 85, 12, 93, 5000),
         "80 parts/s, limited by congestion; 85/s allowed now; answers in 12 ms; it says it is 93 % busy; what waits is"
         " gone in 84 min"),
        (PaceStatus("throttling", 1, 1, None, None, 60), "1 parts/s, limited by throttling; 1/s allowed now; what waits"
         " is gone in 60 s"),
        (PaceStatus("the configured rate", 20, 20, None, None, 86400),
         "20 parts/s, limited by the configured rate; 20/s allowed now; what waits is gone in 24 h"),
    ],
)  # fmt: skip
def test_the_pace_is_told_in_one_line(pace: PaceStatus, line: str) -> None:
    assert carrier_page.pace_line(pace) == line


def test_a_bind_shows_what_it_is_and_how_the_carrier_is_odd() -> None:
    bind = carrier_page.NOT_SERVED.__class__("bound", "", 3, 9, 0, "receiver", "3.4", 12, {"a": 1, "b": 7})
    status = CarrierStatus(
        1, "acme", "h", 1, "me", False, 10, 0, [], None, "", {}, [], 0, 0, "hold", False, {}, [bind],
    )  # fmt: skip
    lines = list(carrier_page.status_lines(status))
    assert lines[-2:] == [
        "  bind 1: bound as receiver, SMPP 3.4, 3 in flight, 9 submitted",
        "    oddities: b (7), a (1)",
    ]
