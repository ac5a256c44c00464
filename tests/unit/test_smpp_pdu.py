"""The SMPP codec: known bytes, strictness out, leniency in."""

from datetime import UTC, datetime, timedelta

import pytest

from chappe.telecom.smpp import bodies, commands, oddities, pdu, status, times, tlv
from chappe.telecom.smpp.bodies import DataSm, Destination, FailedDestination, MessageAnswer, Raw, ShortMessage
from chappe.telecom.smpp.fields import EncodingError
from chappe.telecom.smpp.layouts import decode_body
from chappe.telecom.smpp.pdu import Pdu, SubmitTemplate, decode, decode_short_message, encode

MESSAGE = ShortMessage(5, 0, "CHAPPE", 1, 1, "33612345678", 0x40, 8, b"\x05\0\3\7\2\1\0H\0i", 1, "000002000000000R")
# Written by hand from the field table of the standard.
WIRE = bytes.fromhex(
    "0000004c 00000004 00000000 00000007"
    "00 0500 434841505045 00 0101 3333363132333435363738 00 40 00 00"
    "00 30303030303230303030303030303052 00 01 00 08 00 0a 05000307020100480069"
)


def body_of(command: int, data: bytes) -> tuple[bodies.Body, tuple[str, ...]]:
    return decode_body(command, data, 0, len(data))


def test_a_submit_is_written_as_the_standard_lays_it_out() -> None:
    assert pdu.encode_short_message(commands.SUBMIT_SM, 7, MESSAGE) == WIRE
    assert encode(Pdu(commands.SUBMIT_SM, 0, 7, MESSAGE)) == WIRE


def test_a_submit_is_read_back_by_the_fast_and_by_the_careful_way() -> None:
    assert decode_short_message(WIRE, 16, len(WIRE)) == MESSAGE
    assert decode(WIRE) == (Pdu(commands.SUBMIT_SM, 0, 7, MESSAGE), ())


def test_a_template_writes_the_same_bytes() -> None:
    template = SubmitTemplate(MESSAGE._replace(destination="0", short_message=b"", tlvs=b"\x02\x04\0\2\0\7"))
    expected = MESSAGE._replace(tlvs=b"\x02\x04\0\2\0\7")
    assert template.encode(7, MESSAGE.destination, MESSAGE.short_message) == encode(
        Pdu(commands.SUBMIT_SM, 0, 7, expected)
    )


def test_a_pdu_inside_a_longer_read_is_read_without_its_neighbours() -> None:
    data = WIRE + WIRE
    assert decode_short_message(data, 16, len(WIRE)) == MESSAGE
    assert decode_short_message(data, len(WIRE) + 16, len(data)) == MESSAGE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "A" * 21),
        ("source", "Société"),
        ("source", "A\0B"),
        ("destination", "3" * 21),
        ("destination", "\u0661"),
        ("short_message", b"x" * 255),
        ("service_type", "SIXSIX"),
        ("validity_period", "000002R"),
        ("schedule_delivery_time", "x" * 17),
        ("esm_class", 256),
        ("data_coding", -1),
        ("source_ton", 300),
        ("tlvs", b"\x02\x04\0\5\0"),
    ],
)
def test_a_value_that_does_not_fit_names_its_field(field: str, value: object) -> None:
    message = MESSAGE._replace(**{field: value})  # type: ignore[arg-type]
    with pytest.raises(EncodingError) as error:
        pdu.encode_short_message(commands.SUBMIT_SM, 1, message)
    assert error.value.field == field
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("destination", "text", "field"),
    [("3" * 21, b"x", "destination"), ("é", b"x", "destination"), ("33", b"x" * 255, "short_message")],
)
def test_a_template_is_as_strict(destination: str, text: bytes, field: str) -> None:
    with pytest.raises(EncodingError) as error:
        SubmitTemplate(MESSAGE).encode(1, destination, text)
    assert error.value.field == field


def test_a_body_of_another_command_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="Query is no body of submit_sm"):
        encode(Pdu(commands.SUBMIT_SM, 0, 1, bodies.Query("1", 0, 0, "")))


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_numbers_of_the_header_must_fit(number: int) -> None:
    with pytest.raises(EncodingError, match="sequence_number"):
        encode(Pdu(commands.UNBIND, 0, number, bodies.Empty()))
    with pytest.raises(EncodingError, match="command_status"):
        encode(Pdu(commands.UNBIND, number, 1, bodies.Empty()))


def test_decode_wants_exactly_one_pdu() -> None:
    with pytest.raises(ValueError, match="shorter than a header"):
        decode(b"\0\0\0")
    with pytest.raises(ValueError, match="command_length"):
        decode(WIRE + b"\0")


# -- lenient in ----------------------------------------------------------------------------------------


def test_unknown_tlvs_are_kept_as_they_came() -> None:
    raw = bytes.fromhex("1401 0003 616263 fffe 0000")
    read, odd = body_of(commands.DELIVER_SM, WIRE[16:] + raw)
    assert isinstance(read, ShortMessage)
    assert read.tlvs == raw
    assert odd == ()
    assert tlv.parse(read.tlvs) == [(0x1401, b"abc"), (0xFFFE, b"")]


def test_an_answer_without_body_is_an_empty_answer() -> None:
    assert body_of(commands.SUBMIT_SM | commands.RESPONSE, b"") == (MessageAnswer("", b""), ())


def test_a_message_id_without_its_nul_is_read_and_named() -> None:
    assert body_of(commands.SUBMIT_SM | commands.RESPONSE, b"abc") == (
        MessageAnswer("abc"),
        (oddities.NO_FINAL_NUL,),
    )


def test_noise_after_the_last_field_is_kept_and_named() -> None:
    read, odd = body_of(commands.DELIVER_SM, WIRE[16:] + b"\0\0\1")
    assert isinstance(read, ShortMessage)
    assert (read.short_message, read.tlvs) == (MESSAGE.short_message, b"\0\0\1")
    assert odd == (oddities.TRAILING_BYTES,)


def test_a_text_shorter_than_announced_is_what_there_is() -> None:
    read, odd = body_of(commands.DELIVER_SM, WIRE[16:-3])
    assert isinstance(read, ShortMessage)
    assert read.short_message == MESSAGE.short_message[:-3]
    assert odd == (oddities.TEXT_CUT,)


def test_a_body_that_ends_early_gives_what_was_there() -> None:
    read, odd = body_of(commands.DELIVER_SM, WIRE[16:33])
    assert isinstance(read, ShortMessage)
    assert (read.source, read.destination) == ("CHAPPE", "33612")
    assert odd == (oddities.NO_FINAL_NUL, oddities.BODY_ENDS_EARLY)


def test_an_address_longer_than_allowed_is_read_and_named() -> None:
    data = encode(Pdu(commands.DELIVER_SM, 0, 1, MESSAGE))[16:].replace(b"CHAPPE", b"C" * 30)
    assert decode_short_message(data, 0, len(data)) is None
    read, odd = body_of(commands.DELIVER_SM, data)
    assert isinstance(read, ShortMessage)
    assert read.source == "C" * 30
    assert odd == (oddities.FIELD_TOO_LONG,)


def test_an_unknown_command_is_kept_raw_both_ways() -> None:
    data = encode(Pdu(0x00010200, 0, 5, Raw(b"whatever")))
    assert decode(data) == (Pdu(0x00010200, 0, 5, Raw(b"whatever")), ())
    assert commands.name(0x00010200) == "0x00010200"


def test_the_memory_of_fixed_fields_is_bounded() -> None:
    for number in range(5000):
        message = MESSAGE._replace(validity_period=f"{number:016}")
        data = encode(Pdu(commands.SUBMIT_SM, 0, 1, message))
        assert decode_short_message(data, 16, len(data)) == message
    assert len(pdu._fixed_seen) <= 4096


# -- the other PDUs, byte by byte ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "body", "wire"),
    [
        (
            commands.BIND_TRANSCEIVER,
            bodies.Bind(9, "user", "secret", "VMA", 0x34, 1, 1, "33*"),
            b"user\0secret\0VMA\0\x34\1\x0133*\0",
        ),
        (
            commands.BIND_TRANSCEIVER | commands.RESPONSE,
            bodies.BindAnswer("centre", b"\x02\x10\0\1\x50"),
            b"centre\0\x02\x10\0\1\x50",
        ),
        (
            commands.DATA_SM,
            DataSm(5, 0, "CHAPPE", 1, 1, "336", 0, 8, 1, "CMT", b"\x04\x24\0\2Hi"),
            b"CMT\0\5\0CHAPPE\0\1\x01336\0\0\1\x08\x04\x24\0\2Hi",
        ),
        (
            commands.SUBMIT_MULTI,
            bodies.SubmitMulti(0, 0, "S", (Destination("336", 1, 1), Destination("friends", None, None)), 0, 0, b"Hi"),
            b"\0\0\0S\0\x02\x01\1\x01336\0\x02friends\0\0\0\0\0\0\0\0\0\0\x02Hi",
        ),
        (
            commands.SUBMIT_MULTI | commands.RESPONSE,
            bodies.SubmitMultiAnswer("id", (FailedDestination(1, 1, "336", 0x0B),)),
            b"id\0\x01\1\x01336\0\0\0\0\x0b",
        ),
        (commands.QUERY_SM, bodies.Query("id", 5, 0, "S"), b"id\0\5\0S\0"),
        (
            commands.QUERY_SM | commands.RESPONSE,
            bodies.QueryAnswer("id", "261123064100000+", 2, 0),
            b"id\x00261123064100000+\0\2\0",
        ),
        (commands.CANCEL_SM, bodies.Cancel("id", 5, 0, "S", 1, 1, "336"), b"\0id\0\5\0S\0\1\x01336\0"),
        (
            commands.REPLACE_SM,
            bodies.Replace("id", 5, 0, "S", b"new", registered_delivery=1),
            b"id\0\5\0S\0\0\0\1\0\x03new",
        ),
        (commands.OUTBIND, bodies.OutbindBody("centre", "pw"), b"centre\0pw\0"),
        (
            commands.ALERT_NOTIFICATION,
            bodies.Alert(1, 1, "336", 0, 0, "me", b"\x04\x22\0\1\0"),
            b"\1\x01336\0\0\0me\0\x04\x22\0\1\0",
        ),
        (
            commands.BROADCAST_SM,
            bodies.Broadcast(5, 0, "S", "id", data_coding=8, tlvs=b"\x06\x04\0\2\0\1"),
            b"\0\5\0S\0id\0\0\0\0\0\x08\0\x06\x04\0\2\0\1",
        ),
        (commands.GENERIC_NACK, bodies.Empty(), b""),
        (commands.ENQUIRE_LINK, bodies.Empty(), b""),
    ],
)
def test_every_layout_is_the_one_of_the_standard(command: int, body: bodies.Body, wire: bytes) -> None:
    assert encode(Pdu(command, 0, 3, body))[16:] == wire
    assert body_of(command, wire) == (body, ())


def test_submit_multi_takes_one_to_254_destinations() -> None:
    many = tuple(Destination(str(number), 1, 1) for number in range(255))
    for destinations in ((), many):
        with pytest.raises(EncodingError, match="destinations"):
            encode(Pdu(commands.SUBMIT_MULTI, 0, 1, bodies.SubmitMulti(0, 0, "", destinations, 0, 0, b"")))


# -- tables and small things -----------------------------------------------------------------------------


def test_every_command_has_a_name_and_a_number() -> None:
    assert commands.name(0x80000004) == "submit_sm_resp"
    assert commands.name(0x80000000) == "generic_nack"
    assert commands.name(0x80000999) == "0x80000999"


def test_the_status_table_is_whole() -> None:
    assert len(status.STATUSES) == 67
    assert status.lookup(0x58).kind == "throttle"
    assert status.lookup(0x0B).dlr_status == 5
    assert status.name(0x0E) == "ESME_RINVPASWD"


def test_vendor_numbers_are_permanent_and_other_unknown_numbers_temporary() -> None:
    assert (status.lookup(0x401).kind, status.lookup(0x401).name) == ("permanent", "0x00000401")
    assert status.lookup(0x7777).kind == "temporary"


def test_a_carrier_may_mean_something_else_by_a_number() -> None:
    own = status.lookup(0x45, {0x45: "permanent"})
    assert (own.name, own.kind, own.action, own.dlr_status) == ("ESME_RSUBMITFAIL", "permanent", "fail", 9)


def test_tlvs_are_written_by_name_and_type() -> None:
    raw = tlv.encode([tlv.value_of("user_message_reference", 513), tlv.value_of("receipted_message_id", "ab")])
    assert raw == bytes.fromhex("0204 0002 0201 001e 0003 616200")
    assert tlv.find_int(raw, tlv.USER_MESSAGE_REFERENCE) == 513
    assert tlv.find_text(raw, tlv.RECEIPTED_MESSAGE_ID) == "ab"
    assert tlv.find(raw, tlv.MESSAGE_STATE) is None
    assert tlv.name(0x1E) == "receipted_message_id"
    assert tlv.name(0x9999) == "0x9999"


@pytest.mark.parametrize(("name", "value"), [("message_state", 256), ("message_state", "2"), ("message_payload", 1)])
def test_a_tlv_value_of_the_wrong_kind_is_refused(name: str, value: int | str) -> None:
    with pytest.raises(ValueError):
        tlv.value_of(name, value)


@pytest.mark.parametrize("pair", [(1 << 16, b""), (1, bytes(65_536))])
def test_a_tlv_that_does_not_fit_16_bits_is_refused(pair: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError):
        tlv.encode([pair])


def test_relative_times_count_days_and_less() -> None:
    assert times.relative(2 * 86_400) == "000002000000000R"
    assert times.relative(3_661) == "000000010101000R"
    for wrong in (0, 100 * 86_400):
        with pytest.raises(ValueError):
            times.relative(wrong)


def test_absolute_times_are_written_in_utc_and_read_in_any_zone() -> None:
    moment = datetime(2026, 11, 23, 6, 41, 5, 300_000, UTC)
    assert times.absolute(moment) == "261123064105300+"
    assert times.parse("261123064105300+", moment) == moment
    assert times.parse("261123074105304+", moment) == moment
    assert times.parse("261123054105304-", moment) == moment
    with pytest.raises(ValueError):
        times.absolute(datetime(2026, 11, 23))


def test_a_relative_time_is_read_from_now() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert times.parse("000002010000000R", now) == now + timedelta(days=2, hours=1)


@pytest.mark.parametrize("text", ["", "garbage", "261323064105300+", "261123064105399+", "26112306410530++"])
def test_an_unreadable_time_is_none(text: str) -> None:
    assert times.parse(text, datetime(2026, 11, 23, tzinfo=UTC)) is None
