"""A message as the PDUs that carry it. The octets are written out, from SMPP 3.4 and 3GPP TS 23.038 / 23.040."""

from itertools import pairwise
from typing import Any

import pytest
import time_machine

from chappe.carriers.connection import Outgoing
from chappe.carriers.kinds import decode_options, encode_options
from chappe.carriers.smpp_options import OwnField, SmppOptions
from chappe.carriers.submits import Writer, reference
from chappe.carriers.texts import written_for
from chappe.domain.unknown import QUERY, RESEND, UnknownPolicies
from chappe.telecom.gsm7 import unpack
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.smpp.commands import SUBMIT_SM
from chappe.telecom.smpp.pdu import Pdu, encode, encode_short_message

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


# -- what a carrier may ask for --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "dest", "sender"),
    [
        ("digits", (1, 1, "33612345678"), (1, 1, "33700000001")),
        ("plus", (1, 1, "+33612345678"), (1, 1, "+33700000001")),
        ("00", (1, 1, "0033612345678"), (1, 1, "0033700000001")),
        ("national", (2, 8, "0612345678"), (2, 8, "0700000001")),
    ],
)
def test_numbers_are_written_as_the_carrier_wants_them(
    form: str, dest: tuple[int, int, str], sender: tuple[int, int, str]
) -> None:
    national: dict[str, Any] = {"national_code": "33", "national_prefix": "0", "national_npi": 8}
    body = one(sender="33700000001", dest_form=form, sender_form=form, **national)
    assert (body.dest_ton, body.dest_npi, body.destination) == dest
    assert source(body) == sender


def test_a_number_of_another_country_and_a_short_number_have_no_national_form() -> None:
    national: dict[str, Any] = {
        "dest_form": "national",
        "sender_form": "national",
        "national_code": "44",
        "national_prefix": "0",
    }
    body = one(sender="36180", **national)
    assert (body.dest_ton, body.destination) == (1, "33612345678")
    assert source(body) == (3, 0, "36180")


def test_the_empty_sender_may_have_a_type_of_its_own() -> None:
    assert source(one(sender=None, no_sender_ton=5, no_sender_npi=9)) == (5, 9, "")


def test_a_person_always_sees_the_same_number_of_a_pool_and_the_numbers_share_them() -> None:
    def own(pool: str, number: int) -> str:
        message = Outgoing(1, number, "Hi", None, 0, 1, 60)
        sent: str = Writer(SmppOptions(sender=pool)).write(message).pieces[0].source
        return sent

    numbers = range(33600000000, 33600000600)
    before = {number: own("36180, 36181,36182", number) for number in numbers}
    assert before == {number: own("36182,36180,36181", number) for number in numbers}
    counts = [list(before.values()).count(each) for each in ("36180", "36181", "36182")]
    assert min(counts) > 120
    moved = [number for number in numbers if own("36180,36181,36182,36183", number) != before[number]]
    assert {own("36180,36181,36182,36183", number) for number in moved} == {"36183"}


def test_the_other_fields_are_those_of_the_settings() -> None:
    body = one(registered_delivery=2, service_type="CMT", protocol_id=65, priority=1, replace_if_present=1, esm_mode=3)
    assert (body.registered_delivery, body.service_type, body.protocol_id) == (2, "CMT", 65)
    assert (body.priority, body.replace_if_present, body.esm_class) == (1, 1, 3)
    assert {part.esm_class for part in bodies("x" * 200, esm_mode=3)} == {0x43}


def test_alerts_may_have_a_priority_of_their_own() -> None:
    writer = Writer(SmppOptions(priority=1, alert_priority=3))
    message = Outgoing(1, NUMBER, "Hi", None, 0, 1, 60)
    assert [writer.write(message._replace(is_alert=alert)).pieces[0].priority for alert in (True, False)] == [3, 1]
    assert one(priority=2).priority == 2


def test_the_validity_may_be_absolute_or_shorter() -> None:
    with time_machine.travel("2026-11-24 10:00:00+00:00", tick=False):
        assert one(validity="absolute").validity_period == "261125100000000+"
    assert one(max_validity_s=3600).validity_period == "000000010000000R"


def test_other_codings_are_announced() -> None:
    assert one(text_coding=1).data_coding == 1
    assert one("é你", encoding=1, ucs2_coding=0x18).data_coding == 0x18


# -- alphabets -------------------------------------------------------------------------------------------


def test_a_carrier_with_latin_1_gets_latin_1() -> None:
    body = one("Ça va à l'été, 5 $", alphabet="latin1", text_coding=3)
    assert (body.short_message, body.data_coding) == ("Ça va à l'été, 5 $".encode("latin-1"), 3)


def test_what_the_carriers_alphabet_lacks_goes_in_sixteen_bits_and_the_message_says_so() -> None:
    cut = Writer(SmppOptions(alphabet="latin1")).write(Outgoing(1, NUMBER, "5 € ou Ω", None, 0, 1, 60))
    assert (cut.pieces[0].data_coding, cut.pieces[0].short_message) == (8, "5 € ou Ω".encode("utf-16-be"))
    assert cut.note == "in UCS-2: the carrier's Latin-1 lacks €Ω"


@pytest.mark.parametrize(
    ("alphabet", "text", "expected"),
    [
        ("latin1", "5 € ou Ω", b"5 EUR ou O"),
        ("ascii", "déjà à 3 £", b"deja a 3 GBP"),
        ("ascii", "Größe: Ærø", b"Grosse: AEro"),
    ],
)
def test_letters_may_be_replaced_instead_and_the_message_says_so(alphabet: str, text: str, expected: bytes) -> None:
    options = SmppOptions(alphabet=alphabet, missing_letters="replace")  # type: ignore[arg-type]
    cut = Writer(options).write(Outgoing(1, NUMBER, text, None, 0, 1, 60))
    assert (cut.pieces[0].short_message, cut.pieces[0].data_coding) == (expected, 0)
    assert cut.note.startswith("with letters replaced: the carrier's ")


def test_letters_are_not_replaced_where_that_would_take_another_part() -> None:
    text = "€" * 80  # as EUR it would be longer than one part
    options = SmppOptions(alphabet="ascii", missing_letters="replace")
    cut = Writer(options).write(Outgoing(1, NUMBER, text, None, 0, 1, 60))
    assert {piece.data_coding for piece in cut.pieces} == {8}


def test_a_carrier_with_another_alphabet_has_no_tables_of_languages() -> None:
    options = SmppOptions(alphabet="ascii", national_alphabets=("turkish",), missing_letters="replace")
    cut = Writer(options).write(Outgoing(1, NUMBER, "Şu çay", None, 16, 1, 60))
    assert (cut.pieces[0].short_message, cut.pieces[0].esm_class) == (b"Su cay", 0)
    assert cut.note


def test_packed_septets_are_eight_in_seven_octets_and_aligned_behind_a_header() -> None:
    assert one("hellohello", alphabet="gsm7_packed").short_message == bytes.fromhex("e8 32 9b fd 46 97 d9 ec 37")
    first, second = bodies("a" * 160 + "b", alphabet="gsm7_packed")
    assert len(first.short_message) == 140
    assert first.short_message[:6] == b"\x05\x00\x03\x26\x02\x01"
    # One bit of filling: the first septet begins at the second bit.
    assert first.short_message[6] == (ord("a") << 1) & 0xFF
    assert shown_packed(second.short_message) == "aaaaaaab"


def shown_packed(octets: bytes) -> str:
    return "".join(chr(each) for each in unpack(octets[6:], count=8, fill_bits=1))


# -- long texts ------------------------------------------------------------------------------------------


def test_parts_may_be_named_by_fields_instead_of_a_header() -> None:
    parts = bodies("a" * 161, long_messages="sar")
    assert [part.short_message for part in parts] == [b"a" * 153, b"a" * 8]
    assert [part.tlvs.hex(" ", 1) for part in parts] == [
        "02 0c 00 02 12 34 02 0e 00 01 02 02 0f 00 01 01",
        "02 0c 00 02 12 34 02 0e 00 01 02 02 0f 00 01 02",
    ]
    assert {part.esm_class for part in parts} == {0}
    assert one(long_messages="sar").tlvs == b""


def test_a_long_text_may_go_whole_as_payload() -> None:
    body = one("a" * 161, long_messages="payload")
    assert (body.short_message, body.tlvs) == (b"", b"\x04\x24\x00\xa1" + b"a" * 161)
    unicode = one("你" * 71, encoding=1, long_messages="payload")
    assert (unicode.tlvs, unicode.data_coding) == (b"\x04\x24\x00\x8e" + "你".encode("utf-16-be") * 71, 8)
    assert one(long_messages="payload").short_message == b"Hello"


def test_a_long_text_may_go_whole_in_the_text_as_long_as_it_fits() -> None:
    assert one("a" * 254, long_messages="whole").short_message == b"a" * 254
    assert one("a" * 255, long_messages="whole").tlvs == b"\x04\x24\x00\xff" + b"a" * 255


def test_a_whole_text_of_a_language_announces_its_table_once() -> None:
    body = one("ş" * 200, encoding=256, national_alphabets=("turkish",), long_messages="payload")
    assert body.tlvs[4:8] == bytes.fromhex("03 25 01 01")
    assert (len(body.tlvs), body.esm_class) == (4 + 4 + 200, 0x40)


@pytest.mark.parametrize("way", ["sar", "payload"])
def test_a_centre_without_fields_gets_parts_with_headers(way: str) -> None:
    options = SmppOptions(long_messages=way, fields=(OwnField(0x1401, "int8", "7"),))  # type: ignore[arg-type]
    cut = Writer(options, has_fields=False).write(Outgoing(1, NUMBER, "a" * 161, None, 0, 2, 60))
    assert [piece.tlvs for piece in cut.pieces] == [b"", b""]
    assert [piece.short_message[:3] for piece in cut.pieces] == [b"\x05\x00\x03"] * 2


def test_without_fields_a_whole_text_is_cut_when_it_does_not_fit() -> None:
    writer = Writer(SmppOptions(long_messages="whole"), has_fields=False)
    assert [len(writer.write(Outgoing(1, NUMBER, "a" * n, None, 0, 2, 60)).pieces) for n in (254, 255)] == [1, 2]


@pytest.mark.parametrize("size", [256, 512, 1000, 4096])
def test_two_texts_to_a_person_have_different_references_whatever_the_size_of_the_campaigns(size: int) -> None:
    person = 17
    ids = [size * campaign + person for campaign in range(8)]
    refs = [reference(message_id, 8) for message_id in ids]
    assert all(a != b for a, b in pairwise(refs))
    assert all(reference(message_id, 8) != reference(message_id + 1, 8) for message_id in range(3000))
    assert all(0 <= reference(message_id, bits) < 1 << bits for message_id in (0, 1, 2**40 + 3) for bits in (8, 16))


# -- fields of the carrier's own -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (OwnField(0x1401, "cstring", "shop"), "14 01 00 05 73 68 6f 70 00"),
        (OwnField(0x1401, "string", "shop-{message_id}"), "14 01 00 09 73 68 6f 70 2d 34 36 36 30"),
        (OwnField(0x1402, "int8", "0x2a"), "14 02 00 01 2a"),
        (OwnField(0x1402, "int16", "{message_id}"), "14 02 00 02 12 34"),
        (OwnField(0x1402, "int8", "{message_id}"), "14 02 00 01 34"),
        (OwnField(0x1402, "int32", "{campaign}"), "14 02 00 04 00 00 00 07"),
        (OwnField(0x1403, "hex", "DEAD 00"), "14 03 00 03 de ad 00"),
    ],
)
def test_a_carriers_own_field_stands_in_every_submit(field: OwnField, expected: str) -> None:
    assert one(fields=(field,)).tlvs.hex(" ") == expected


def test_fields_may_be_of_one_kind_of_message_and_of_a_part() -> None:
    fields = (OwnField(1, "int8", "1", "alert"), OwnField(2, "int8", "2", "marketing"), OwnField(3, "int8", "{part}"))
    writer = Writer(SmppOptions(fields=fields))
    message = Outgoing(1, NUMBER, "x" * 161, None, 0, 2, 60)
    assert [tlv.parse(piece.tlvs) for piece in writer.write(message).pieces] == [
        [(1, b"\x01"), (3, b"\x01")],
        [(1, b"\x01"), (3, b"\x02")],
    ]
    marketing = writer.write(message._replace(is_alert=False)).pieces
    assert tlv.parse(marketing[0].tlvs) == [(2, b"\x02"), (3, b"\x01")]


def test_a_submit_with_fields_is_written_as_the_standard_has_it() -> None:
    body = one(fields=(OwnField(0x1401, "int8", "7"),), registered_delivery=1)
    fast = encode_short_message(SUBMIT_SM, 9, body)
    assert fast == encode(Pdu(SUBMIT_SM, 0, 9, body))
