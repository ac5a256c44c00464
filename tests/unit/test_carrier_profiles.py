"""Profiles of carriers: the examples of every file are played, and a file of one's own is read or refused."""

from pathlib import Path

import pytest

from chappe.carriers.connection import Outgoing
from chappe.carriers.incoming import manner_of, read_delivery
from chappe.carriers.profiles import DeliveryExample, StatusExample, SubmitExample, names, profile
from chappe.carriers.refusals import Refusals
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.submits import Writer
from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.telecom.smpp import commands
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.smpp.layouts import decode_body, encode_body

SUBMITS = [(name, example) for name in names() for example in profile(name).submits]
DELIVERIES = [(name, example) for name in names() for example in profile(name).deliveries]
STATUSES = [(name, example) for name in names() for example in profile(name).statuses]


def options_of(name: str) -> SmppOptions:
    options = profile(name).read_options()
    assert isinstance(options, SmppOptions)
    return options


def named(examples: list[tuple[str, SubmitExample]] | list[tuple[str, DeliveryExample]]) -> list[str]:
    return [f"{name}: {example.what}" for name, example in examples]


def test_the_profiles_that_come_with_chappe_have_sources_and_examples_of_every_kind() -> None:
    assert set(names()) >= {"generic", "ovhcloud", "kannel", "smppsim"}
    for name in names():
        known = profile(name)
        assert known.sources, name
        assert known.read is not None, name
        assert known.submits, name
        assert known.deliveries, name
        assert known.statuses, name


@pytest.mark.parametrize(("name", "example"), SUBMITS, ids=named(SUBMITS))
def test_a_message_becomes_the_submits_of_the_example(name: str, example: SubmitExample) -> None:
    message = Outgoing(
        example.message_id, example.to, example.text, example.sender or None, int(example.unicode), len(example.pdus),
        example.validity_s, example.campaign, example.kind == "alert",
    )  # fmt: skip
    written = Writer(options_of(name)).write(message)
    assert [encode_body(commands.SUBMIT_SM, body).hex() for body in written.pieces] == [
        bytes.fromhex(pdu).hex() for pdu in example.pdus
    ]


@pytest.mark.parametrize(("name", "example"), DELIVERIES, ids=named(DELIVERIES))
def test_a_delivery_says_what_the_example_says(name: str, example: DeliveryExample) -> None:
    octets = bytes.fromhex(example.pdu)
    body, odd = decode_body(commands.DELIVER_SM, octets, 0, len(octets))
    assert isinstance(body, ShortMessage)
    assert odd == ()
    found = read_delivery(body, manner_of(options_of(name)))
    if example.id:
        assert isinstance(found, ReceiptIn)
        assert (found.ref, found.number or 0) == (example.id, example.number)
        assert (Dlr(found.dlr).name, found.is_final) == (example.dlr, example.final)
    else:
        assert found == ReplyIn(example.source, example.destination, example.text)


@pytest.mark.parametrize(("name", "example"), STATUSES, ids=[f"{name}: {each.status}" for name, each in STATUSES])
def test_a_status_means_what_the_example_says(name: str, example: StatusExample) -> None:
    options = options_of(name)
    found = Refusals(options.statuses, options.status_names).of(int(example.status, 0))
    assert (found.kind, Dlr(found.dlr).name) == (example.means, example.dlr)
    assert example.name in ("", found.name)


MINE = """
title = "My carrier"
[connection]
port = 3550
tls = true
window = 5
[options]
dest_ton = 0
unknown = "resend:60x1"
[options.statuses]
ESME_RSUBMITFAIL = "permanent NOT_ALLOWED"
"""


def test_a_file_of_ones_own_is_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    known = profile(str(path))
    assert (known.title, known.connection.port, known.connection.tls, known.connection.rate) == (
        "My carrier", 3550, True, None,
    )  # fmt: skip
    options = known.read_options()
    assert isinstance(options, SmppOptions)
    assert (options.dest_ton, options.statuses, str(options.unknown)) == (
        0, {"0x45": "permanent NOT_ALLOWED"}, "resend:60x1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('title = "x"\nkind = "pigeon"', "pigeon"),
        ("titel = 'x'", "titel"),
        ('title = "x"\n[options]\ndest_ton = 256', "dest_ton"),
        ('title = "x"\n[options]\nno_such = 1', "no_such"),
        ('title = "x"\n[options.statuses]\nESME_WHAT = "permanent"', "ESME_WHAT"),
        ('title = "x"\n[options]\nunknown = "never"', "never"),
        ("title = ", "mine.toml"),
        ("\udcff", "mine.toml"),
    ],
)
def test_what_is_wrong_with_a_file_of_ones_own_is_said(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadData, match=words):
        profile(str(path))


def test_a_profile_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="generic, kannel"):
        profile("acme")
    with pytest.raises(BadData, match="cannot be read"):
        profile(str(tmp_path / "nobody.toml"))
