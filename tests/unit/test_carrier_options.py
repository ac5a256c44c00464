"""The settings of carriers: each says what it is for, is checked, and is read from words."""

import msgspec
import pytest

from chappe.carriers.kinds import KINDS, decode_options, encode_options, may_stay, options_from, settings_of
from chappe.carriers.refusals import Refusals, read_meaning, status_number
from chappe.carriers.smpp_options import OwnField, SmppOptions
from chappe.domain.errors import BadData
from chappe.domain.retry import Refused
from chappe.manage.carrier_checks import NewCarrier, check, check_options


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_setting_says_what_it_is_for(kind: str) -> None:
    for setting in settings_of(kind).values():
        assert len(setting.words) > 10, setting.name
        assert setting.words[0].islower() or setting.words[0].isdigit() or setting.words[:3].isupper(), setting.name
        assert setting.values, setting.name


def test_the_defaults_pass_their_own_checks() -> None:
    check_options("smpp", SmppOptions())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dest_ton", 256, "dest_ton"), ("dest_ton", "x", "dest_ton"), ("interface_version", "3.2", "interface_version"),
        ("no_such", 1, "no_such"), ("response_s", 0, "response_s"), ("receivers", 33, "receivers"),
        ("system_type", "x" * 13, "system_type"), ("system_type", "é", "system_type"), ("service_type", "x" * 6, ""),
        ("national_code", "+33", "national_code"), ("dest_form", "national", "national_code"),
        ("tls_server_name", "smpp..acme.example", "tls_server_name"),
        ("tls_key_file", "/k", "tls_key_file"), ("receipt_zone", "Mars/Olympus", "receipt_zone"),
        ("receipt_zone", "../etc/passwd", "receipt_zone"), ("receipt_states", {"OK": "FINE"}, "receipt_states"),
        ("statuses", {"0x45": "never"}, "statuses"), ("statuses", {"ESME_WHAT": "temporary"}, "statuses"),
        ("statuses", {"0x45": "permanent SOMEHOW"}, "statuses"), ("statuses", {"0": "temporary"}, "statuses"),
        ("receipt_errors", {"1": "FINE"}, "receipt_err"), ("receipt_errors", {"1 2": 2}, "receipt_err"),
        ("sender", "36180,36180", "sender"), ("sender", "36180,Shop", "sender"), ("sender", "Caf\u00e9", "sender"),
        ("sender", ",".join(str(36000 + n) for n in range(51)), "sender"),
        ("fields", [{"tag": 65536, "type": "int8", "value": "1"}], "fields"),
        ("fields", [{"tag": 1, "type": "int8", "value": "256"}], "fields"),
        ("fields", [{"tag": 1, "type": "int8", "value": "x"}], "fields"),
        ("fields", [{"tag": 1, "type": "hex", "value": "0"}], "fields"),
        ("fields", [{"tag": 1, "type": "string", "value": "\u00e9"}], "fields"),
        ("fields", [{"tag": 1, "type": "string", "value": "1", "kind": "spam"}], "fields"),
        ("fields", [{"tag": n, "type": "int8", "value": "1"} for n in range(21)], "fields"),
        ("unknown", "forget", "on_unknown"), ("lookup_url", "ftp://x", "lookup_url"),
        ("lookup_token", "x", "lookup_token"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_name(name: str, value: object, words: str) -> None:
    with pytest.raises(BadData) as refused:
        check_options("smpp", options_from("smpp", {name: value}))
    assert words in str(refused.value)


@pytest.mark.parametrize("host", ["smpp..acme.example", f"{'a' * 64}.example", ".acme.example", "", "acme example"])
def test_a_host_that_cannot_be_looked_up_is_refused(host: str) -> None:
    with pytest.raises(BadData, match="smpp") as refused:
        check(NewCarrier("acme", host, 2775, "user", "secret"))
    assert "host name" in str(refused.value)


@pytest.mark.parametrize("host", ["smpp.acme.example", "smpp.acme.example.", "10.0.0.1", "2001:db8::1", "été.example"])
def test_a_name_and_an_address_are_hosts(host: str) -> None:
    check(NewCarrier("acme", host, 2775, "user", "secret"))


def test_options_are_read_as_people_write_them() -> None:
    found = options_from(
        "smpp",
        {
            "dest_ton": "3", "trusts_text": "true", "response_s": "2.5", "unknown": "alert=resend:5x1 marketing=hold",
            "statuses": {"ESME_RSUBMITFAIL": "temporary", "1025": "permanent"}, "receipt_errors": {"007": "expired"},
        },
    )  # fmt: skip
    assert isinstance(found, SmppOptions)
    assert (found.dest_ton, found.trusts_text, found.response_s) == (3, True, 2.5)
    assert (found.statuses, found.receipt_errors) == ({"0x45": "temporary", "0x401": "permanent"}, {"7": 12})
    assert str(found.unknown) == "alert=resend:5x1 marketing=hold"


def test_every_option_survives_its_storage_and_defaults_take_no_room() -> None:
    assert encode_options(SmppOptions()) == "{}"
    full = SmppOptions(
        sender="36180,36181", bind_mode="pair", interface_version="5.0", fields=(OwnField(5, "hex", "00", "alert"),),
        statuses={"0x45": "temporary"}, message_ids="same", validity="absolute", tls_verify="chain",
    )  # fmt: skip
    assert decode_options("smpp", encode_options(full)) == full
    with pytest.raises(msgspec.ValidationError):
        decode_options("smpp", '{"sends_validity":false}')


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ({"sender": "36180"}, True), ({"statuses": {"0x45": "temporary"}}, True), ({"alphabet": "latin1"}, True),
        ({"fields": (OwnField(1, "int8", "1"),)}, True), ({"receipt_zone": "UTC"}, True), ({"validity": "none"}, True),
        ({"interface_version": "5.0"}, False), ({"system_type": "x"}, False), ({"tls_min_version": "1.3"}, False),
        ({"bind_mode": "pair"}, False), ({"message_ids": "same"}, False), ({"sender": "x", "addr_ton": 1}, False),
        ({}, True),
    ],
)  # fmt: skip
def test_what_the_bind_does_not_say_changes_without_another(changes: dict[str, object], stays: bool) -> None:
    before = SmppOptions()
    assert may_stay("smpp", before, msgspec.structs.replace(before, **changes)) is stays


def test_a_status_means_what_the_operator_says_and_else_what_the_standard_does() -> None:
    known = Refusals({"0x45": "permanent NOT_ALLOWED", "0x0B": "temporary"}, {"0x401": "NO_SUCH_CODING"})
    assert known.of(0x45) == Refused("permanent", 4, "ESME_RSUBMITFAIL")
    assert known.of(0x0B) == Refused("temporary", 5, "ESME_RINVDSTADR")
    assert known.of(0x58).kind == "throttle"
    assert known.of(0x401) == Refused("permanent", 9, "NO_SUCH_CODING")


@pytest.mark.parametrize(
    ("status", "for_long"),
    [(0x0E, True), (0x05, True), (0x0D, True), (0x58, True), (0x08, False), (0x400, True), (0x7777, False)],
)
def test_a_refused_bind_is_tried_again_soon_only_where_that_may_help(status: int, for_long: bool) -> None:
    assert Refusals({}, {}).is_for_long(status) is for_long
    assert Refusals({f"{status:#x}": "temporary"}, {}).is_for_long(status) is False
    assert Refusals({f"{status:#x}": "throttle"}, {}).is_for_long(status) is True


def test_statuses_and_their_meanings_are_read_from_words() -> None:
    assert [status_number(text) for text in ("ESME_RTHROTTLED", "0x58", "88")] == [0x58] * 3
    assert read_meaning("permanent invalid_sender") == ("permanent", 6)
    assert read_meaning("throttle") == ("throttle", None)
