"""A message as the PDUs that carry it. The octets are written out, from SMPP 3.4 and 3GPP TS 23.038 / 23.040."""

from typing import Any

import pytest

from chappe.carriers.connection import Outgoing
from chappe.carriers.kinds import decode_options, encode_options
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.submits import Writer
from chappe.carriers.texts import written_for
from chappe.domain.unknown import QUERY, RESEND, UnknownPolicies
from chappe.telecom.smpp.bodies import ShortMessage

NUMBER = 33612345678
DAY_S = 86_400


def bodies(
    text: str = "Hello",
    sender: str | None = "Shop",
    *,
    encoding: int = 0,
    message_id: int = 0x1234,
    validity_s: float = DAY_S,
    **options: object,
) -> list[ShortMessage]:
    made = SmppOptions(**options)  # type: ignore[arg-type]
    message = Outgoing(message_id, NUMBER, text, sender, encoding, 1, validity_s, 7)
    return list(Writer(made).write(message).pieces)


def one(text: str = "Hello", sender: str | None = "Shop", **more: object) -> ShortMessage:
    (body,) = bodies(text, sender, **more)  # type: ignore[arg-type]
    return body


def source(body: ShortMessage) -> tuple[int, int, str]:
    return body.source_ton, body.source_npi, body.source


def test_a_short_text_is_one_body_with_everything_a_carrier_asks() -> None:
    body = one()
    assert body.short_message == b"Hello"
    assert (body.esm_class, body.data_coding, body.registered_delivery) == (0, 0, 1)
    assert (body.dest_ton, body.dest_npi, body.destination) == (1, 1, "33612345678")
    assert body.validity_period == "000001000000000R"


def test_gsm_text_travels_one_septet_an_octet() -> None:
    assert one("@£$¥èéùì").short_message == bytes(range(8))
    assert one("€[x]").short_message == b"\x1be\x1b<x\x1b>"


def test_unicode_text_travels_as_utf_16() -> None:
    body = one("é你🎉", encoding=1)
    assert body.short_message == bytes.fromhex("00e9 4f60 d83c df89")
    assert body.data_coding == 8


def test_plain_text_that_was_asked_in_unicode_stays_unicode() -> None:
    body = one("Hi", encoding=1)
    assert (body.short_message, body.data_coding) == (b"\0H\0i", 8)


def test_a_text_outside_the_gsm_alphabet_is_never_announced_as_gsm() -> None:
    for body in bodies("你" * 71, encoding=0):
        assert body.data_coding == 8


def test_a_long_text_is_cut_into_parts_that_name_each_other() -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(400))
    parts = bodies(text)
    assert [part.short_message[:6] for part in parts] == [
        b"\x05\x00\x03\x26\x03\x01",
        b"\x05\x00\x03\x26\x03\x02",
        b"\x05\x00\x03\x26\x03\x03",
    ]
    assert [len(part.short_message) - 6 for part in parts] == [153, 153, 94]
    assert b"".join(part.short_message[6:] for part in parts).decode() == text
    assert {part.esm_class for part in parts} == {0x40}
    assert {part.registered_delivery for part in parts} == {1}


def test_a_long_unicode_text_is_cut_after_67_units_and_never_inside_an_emoji() -> None:
    parts = bodies("a" * 66 + "🎉" * 40, encoding=1)
    octets = [part.short_message[6:] for part in parts]
    assert [len(part) // 2 for part in octets] == [66, 66, 14]
    assert "".join(part.decode("utf-16-be") for part in octets) == "a" * 66 + "🎉" * 40
    assert {part.data_coding for part in parts} == {8}


def test_an_escaped_character_is_never_torn_apart() -> None:
    parts = bodies("a" * 152 + "€" * 10)
    assert [part.short_message[6:] for part in parts] == [b"a" * 152, b"\x1be" * 10]


def test_a_reference_of_16_bits_leaves_less_room() -> None:
    parts = bodies("a" * 305, reference_bits=16)
    assert [part.short_message[:7] for part in parts] == [
        b"\x06\x08\x04\x12\x34\x03\x01",
        b"\x06\x08\x04\x12\x34\x03\x02",
        b"\x06\x08\x04\x12\x34\x03\x03",
    ]
    assert [len(part.short_message) - 7 for part in parts] == [152, 152, 1]


def test_a_part_that_is_submitted_again_is_the_same_part() -> None:
    assert bodies("a" * 400) == bodies("a" * 400)
    assert bodies("a" * 400, message_id=1) != bodies("a" * 400, message_id=2)


def test_the_most_parts_one_message_can_have_are_255() -> None:
    parts = bodies("a" * 153 * 255)
    assert parts[-1].short_message[:6] == b"\x05\x00\x03\x26\xff\xff"
    with pytest.raises(ValueError, match="256"):
        bodies("a" * (153 * 255 + 1))


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("Shop", (5, 0, "Shop")),
        ("3615 Ulla", (5, 0, "3615 Ulla")),
        ("36180", (3, 0, "36180")),
        ("118218", (3, 0, "118218")),
        ("3361234", (1, 1, "3361234")),
        ("33612345678", (1, 1, "33612345678")),
    ],
)
def test_each_kind_of_sender_has_its_type_of_number(sender: str, expected: tuple[int, int, str]) -> None:
    assert source(one(sender=sender)) == expected


def test_a_carrier_may_want_other_types_of_number() -> None:
    options: dict[str, Any] = {
        "alphanumeric_ton": 5, "alphanumeric_npi": 1, "short_ton": 6, "short_npi": 2,
        "international_ton": 0, "international_npi": 3, "dest_ton": 2, "dest_npi": 8,
    }  # fmt: skip
    assert source(one(sender="Shop", **options)) == (5, 1, "Shop")
    assert source(one(sender="36180", **options)) == (6, 2, "36180")
    assert source(one(sender="33612345678", **options)) == (0, 3, "33612345678")
    assert (one(**options).dest_ton, one(**options).dest_npi) == (2, 8)


def test_without_a_sender_the_carriers_own_is_used_or_none() -> None:
    assert source(one(sender=None)) == (0, 0, "")
    assert source(one(sender="")) == (0, 0, "")
    own = Outgoing(1, NUMBER, "Hi", None, 0, 1, 60)
    (body,) = Writer(SmppOptions(sender="36180")).write(own).pieces
    assert source(body) == (3, 0, "36180")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "000000000100000R"),
        (0.4, "000000000100000R"),
        (60, "000000000100000R"),
        (3599.9, "000000005959000R"),
        (3600, "000000010000000R"),
        (DAY_S + 3661, "000001010101000R"),
        (2 * DAY_S, "000002000000000R"),
        (3 * DAY_S, "000003000000000R"),
        (400 * DAY_S, "000003000000000R"),
    ],
)
def test_the_validity_is_a_relative_time_between_a_minute_and_three_days(seconds: float, expected: str) -> None:
    assert one(validity_s=seconds).validity_period == expected
    assert len(expected) == 16


def test_a_carrier_that_wants_no_validity_gets_none() -> None:
    assert one(validity="none").validity_period == ""


def test_the_settings_of_a_carrier_survive_their_storage() -> None:
    options = SmppOptions(sender="Shop", reference_bits=16, unknown=UnknownPolicies(RESEND, QUERY), validity="none")
    assert decode_options("smpp", encode_options(options)) == options
    assert decode_options("smpp", "{}") == SmppOptions()


def test_the_language_of_a_shift_table_is_announced_before_the_text() -> None:
    body = one("Ş", encoding=16, national_alphabets=("turkish",))
    assert body.short_message == bytes.fromhex("03 24 01 01 1b 53")
    assert (body.esm_class, body.data_coding) == (0x40, 0)


def test_the_language_of_a_locking_table_is_announced_beside_the_place_of_the_part() -> None:
    parts = bodies("ş" * 156, encoding=256, national_alphabets=("turkish",), message_id=0x1234)
    assert [part.short_message[:9] for part in parts] == [
        bytes.fromhex("08 00 03 26 02 01 25 01 01"),
        bytes.fromhex("08 00 03 26 02 02 25 01 01"),
    ]
    assert [len(part.short_message) - 9 for part in parts] == [149, 7]


@pytest.mark.parametrize(("encoding", "room"), [(48, 148), (768, 148), (816, 145)])
def test_wide_references_and_two_tables_leave_less_room(encoding: int, room: int) -> None:
    first, *_ = bodies("a" * 300, encoding=encoding, reference_bits=16, national_alphabets=("portuguese",))
    assert len(first.short_message) - first.short_message[0] - 1 == room


def test_a_carrier_without_the_table_gets_plain_letters_in_as_many_parts() -> None:
    turkish = SmppOptions(national_alphabets=("turkish",))
    assert written_for(turkish, "Şu çay", 16, 1) == ("Şu çay", 16, "")
    assert written_for(SmppOptions(national_alphabets=("spanish",)), "Şu çay", 16, 1) == (
        "Su cay", 0, "in GSM-7: the carrier has no Turkish shift table",
    )  # fmt: skip


def test_a_carrier_without_the_table_gets_sixteen_bits_when_plain_letters_would_cost_more() -> None:
    text = "∞" * 60  # in plain letters "inf" each
    assert written_for(SmppOptions(), text, 768, 1) == (
        text, 1, "in UCS-2: the carrier has no Portuguese locking table",
    )  # fmt: skip


def test_other_texts_are_written_as_they_were_measured() -> None:
    assert written_for(SmppOptions(), "Hello", 0, 1) == ("Hello", 0, "")
    assert written_for(SmppOptions(), "你", 1, 1) == ("你", 1, "")
