"""What a carrier delivers: receipts in any form, replies in any alphabet, and octets that make no sense."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.carriers.incoming import manner_of, read_delivery
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.telecom.gsm7 import pack
from chappe.telecom.receipts import STANDARD
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage

RECEIPT = b"id:BC614E sub:001 dlvrd:001 submit date:3105200133 done date:3105200134 stat:DELIVRD err:000 Text:Hello"


def body(
    text: bytes, esm_class: int = 0, data_coding: int = 0, source: str = "33612345678", tlvs: bytes = b""
) -> ShortMessage:
    return ShortMessage(1, 1, source, 1, 1, "36180", esm_class, data_coding, text, tlvs=tlvs)


def read_receipt(made: ShortMessage) -> ReceiptIn:
    found = read_delivery(made)
    assert isinstance(found, ReceiptIn)
    return found


def read_reply(made: ShortMessage) -> ReplyIn:
    found = read_delivery(made)
    assert isinstance(found, ReplyIn)
    return found


def one_tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def test_a_receipt_names_its_message_number_and_status() -> None:
    assert read_receipt(body(RECEIPT, 0x04)) == ReceiptIn("BC614E", 33612345678, 3, True, "DELIVRD err:000 id:BC614E")


@pytest.mark.parametrize(
    ("word", "dlr", "is_final"),
    [
        ("DELIVRD", 3, True),
        ("UNDELIV", 2, True),
        ("DELETED", 2, True),
        ("EXPIRED", 12, True),
        ("REJECTD", 9, True),
        ("UNKNOWN", 11, True),
        ("ACCEPTD", 1, False),
        ("ENROUTE", 1, False),
        ("NONSENSE", 1, False),
    ],
)
def test_each_state_of_a_receipt_has_its_status(word: str, dlr: int, is_final: bool) -> None:
    found = read_receipt(body(RECEIPT.replace(b"DELIVRD", word.encode()), 0x04))
    assert (found.dlr, found.is_final) == (dlr, is_final)


def test_an_intermediate_notification_is_a_receipt() -> None:
    assert not read_receipt(body(RECEIPT.replace(b"DELIVRD", b"ENROUTE"), 0x20)).is_final


def test_a_receipt_may_stand_in_the_payload_and_in_fields_of_its_own() -> None:
    in_payload = body(b"", 0x04, tlvs=one_tlv(tlv.MESSAGE_PAYLOAD, RECEIPT))
    assert read_receipt(in_payload).ref == "BC614E"
    fields = one_tlv(tlv.RECEIPTED_MESSAGE_ID, b"77\0") + one_tlv(tlv.MESSAGE_STATE, b"\x05")
    found = read_receipt(body(b"", 0x04, tlvs=fields))
    assert (found.ref, found.dlr, found.is_final) == ("77", 2, True)


def test_an_id_with_a_blank_in_it_is_the_one_that_the_answer_gave() -> None:
    fields = one_tlv(tlv.RECEIPTED_MESSAGE_ID, b"12 34\0") + one_tlv(tlv.MESSAGE_STATE, b"\x02")
    assert read_receipt(body(b"", 0x04, tlvs=fields)).ref == "12_34"


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("33612345678", 33612345678),
        ("+33612345678", 33612345678),
        ("0033612345678", 33612345678),
        ("0612345678", 612345678),
        ("", None),
        ("+", None),
        ("0", None),
        ("Shop", None),
        ("33 6", None),
        ("-33612345678", None),
        ("1" * 16, None),
        ("٣٣", None),
        ("²", None),
    ],
)
def test_the_number_of_a_receipt_is_read_where_it_is_one(source: str, number: int | None) -> None:
    assert read_receipt(body(RECEIPT, 0x04, source=source)).number == number


def test_a_receipt_that_says_nothing_is_still_a_receipt() -> None:
    found = read_receipt(body(b"", 0x04))
    assert (found.ref, found.dlr, found.is_final) == ("", 1, False)
    assert found.detail == "no state err:- id:-"


def test_the_words_of_a_receipt_are_kept_short() -> None:
    assert len(read_receipt(body(RECEIPT.replace(b"BC614E", b"x" * 5000), 0x04)).detail) == 200


@pytest.mark.parametrize(
    ("octets", "data_coding", "esm_class", "text"),
    [
        (b"STOP", 0, 0, "STOP"),
        (b"caf\x05 \x1be", 0, 0, "café €"),
        ("Żółć".encode("utf-16-be"), 8, 0, "Żółć"),
        ("café".encode("latin-1"), 3, 0, "café"),
        (b"\x05\x00\x03\x01\x02\x01Hello", 0, 0x40, "Hello"),
        (b"\x05\x00\x03\x01\x02\x01\x00H\x00i", 8, 0x40, "Hi"),
        (b"\x7fHello", 1, 0x40, None),
        (b"joe_b@x.com $5 [ok]", 1, 0, "joe_b@x.com $5 [ok]"),
        (b"joe\x11b\x00x.com", 1, 0, "joe_b@x.com"),  # GSM-7 by a wrong name
        (b"caf\xe9", 1, 0, "café"),
        (b"\x1b$B$3$s\x1b(B!", 0x0A, 0, "こん!"),
        (b"STOP", 4, 0, "STOP"),
        (b"STOP\r\n", 0xF5, 0, "STOP\r\n"),
        (b"\x06\x05\x04\x0b\x84\xc0", 2, 0, "0605040B84C0"),
        (b"\x00\xff", 4, 0, "00FF"),
        (b"\x00\xff", 0xF6, 0, "00FF"),
        (b"\x00\xff", 0x15, 0, "00FF"),
        (b"\x05\x00\x03\x01\x02\x01\x80", 4, 0x40, "80"),
        (b"@", 0xF1, 0, "¡"),
        (b"", 0, 0, ""),
    ],
)
def test_a_reply_is_read_in_its_alphabet(octets: bytes, data_coding: int, esm_class: int, text: str | None) -> None:
    found = read_reply(body(octets, esm_class, data_coding))
    assert (found.source, found.destination) == ("33612345678", "36180")
    if text is not None:
        assert found.text == text


def test_somebody_who_writes_like_a_receipt_has_replied() -> None:
    assert read_reply(body(RECEIPT)).text.startswith("id:BC614E")


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255), st.text(max_size=20), st.binary(max_size=60))
def test_no_octets_whatsoever_stop_the_reading(
    octets: bytes, esm_class: int, data_coding: int, source: str, tlvs: bytes
) -> None:
    found = read_delivery(body(octets, esm_class, data_coding, source, tlvs=tlvs))
    if isinstance(found, ReceiptIn):
        assert " " not in found.ref
        assert 0 <= found.dlr <= 12
    else:
        found.text.encode("utf-8", "surrogatepass")


def test_a_part_of_a_long_text_says_which_and_of_what() -> None:
    eight = bytes((5, 0, 3, 7, 3, 2)) + b"second"
    assert read_reply(body(eight, 0x40)) == ReplyIn("33612345678", "36180", "second", "8.7/3", 2)
    sixteen = bytes((6, 8, 4, 1, 7, 3, 1)) + b"first"
    assert read_reply(body(sixteen, 0x40)) == ReplyIn("33612345678", "36180", "first", "16.263/3", 1)


def test_a_part_may_say_so_in_fields_beside_the_text() -> None:
    fields = (
        one_tlv(tlv.SAR_MSG_REF_NUM, b"\x01\x07")
        + one_tlv(tlv.SAR_TOTAL_SEGMENTS, b"\x03")
        + one_tlv(tlv.SAR_SEGMENT_SEQNUM, b"\x01")
    )
    assert read_reply(body(b"first", tlvs=fields)) == ReplyIn("33612345678", "36180", "first", "16.263/3", 1)


@pytest.mark.parametrize(("total", "number"), [(1, 1), (2, 3), (0, 0)])
def test_a_text_that_is_alone_or_in_an_impossible_place_is_whole(total: int, number: int) -> None:
    reply = read_reply(body(bytes((5, 0, 3, 7, total, number)) + b"whole", 0x40))
    assert (reply.text, reply.part_of, reply.part) == ("whole", None, None)


def test_a_reply_in_a_national_alphabet_is_read_in_it() -> None:
    assert read_reply(body(bytes.fromhex("03 24 01 01 1b 53"), 0x40)).text == "Ş"
    assert read_reply(body(bytes.fromhex("03 25 01 01 1d"), 0x40)).text == "ş"


# -- as the carrier's settings say -----------------------------------------------------------------------


def told(made: ShortMessage, **options: object) -> ReceiptIn | ReplyIn:
    return read_delivery(made, manner_of(SmppOptions(**options)))  # type: ignore[arg-type]


def test_the_date_of_a_receipt_is_told_where_its_time_zone_is_known() -> None:
    found = told(body(RECEIPT, 0x04), receipt_zone="Europe/Paris")
    assert isinstance(found, ReceiptIn)
    assert found.detail == "DELIVRD err:000 id:BC614E done 2031-05-19 23:34:00 UTC"
    assert found.done_at == int(datetime(2031, 5, 19, 23, 34, tzinfo=UTC).timestamp()) * 1000
    unknown = told(body(RECEIPT, 0x04))
    assert isinstance(unknown, ReceiptIn)
    assert (unknown.done_at, "done" in unknown.detail) == (None, False)


def test_a_carrier_may_have_words_of_its_own_for_states() -> None:
    found = told(body(b"id:7 stat:RECU err:0", 0x04), receipt_states={"recu": "DELIVRD"})
    assert isinstance(found, ReceiptIn)
    assert (found.dlr, found.is_final) == (3, True)


def test_a_carrier_that_marks_nothing_is_believed_where_its_operator_says_so() -> None:
    assert isinstance(told(body(RECEIPT)), ReplyIn)
    assert isinstance(told(body(RECEIPT), trusts_text=True), ReceiptIn)


def test_the_id_of_the_text_may_win_over_the_field() -> None:
    made = body(RECEIPT, 0x04, tlvs=one_tlv(tlv.RECEIPTED_MESSAGE_ID, b"77\0"))
    refs = [found.ref for way in ("tlv", "text") if isinstance(found := told(made, receipt_id=way), ReceiptIn)]
    assert refs == ["77", "BC614E"]


@pytest.mark.parametrize(
    ("octets", "coding", "options", "text"),
    [
        (b"caf\xe9", 0, {"alphabet": "latin1"}, "café"),
        (b"caf\xe9", 0, {"alphabet": "ascii"}, "café"),
        (b"caf\xe9", 3, {}, "café"),
        (bytes.fromhex("e8 32 9b fd 06"), 0, {"alphabet": "gsm7_packed"}, "hello"),
        (b"\x00", 0, {"alphabet": "latin1", "text_coding": 3}, "@"),
        (b"\x04\x1f", 0x18, {}, "П"),
        (b"\x04\x1f", 25, {"ucs2_coding": 25}, "П"),
        (b"$@[", 1, {"text_coding": 1}, "¤¡Ä"),
        (b"\xe9t\xe9", 4, {"alphabet": "latin1", "text_coding": 4}, "été"),
        (b"\xbf", 6, {}, "П"),
        (b"\xe9", 7, {}, "י"),
        (b"hi", 9, {}, "hi"),
    ],
)
def test_a_reply_is_read_in_the_carriers_alphabet(
    octets: bytes, coding: int, options: dict[str, object], text: str
) -> None:
    found = told(body(octets, data_coding=coding), **options)
    assert isinstance(found, ReplyIn)
    assert found.text == text


def test_a_part_of_a_packed_reply_is_read_behind_its_header() -> None:
    header = bytes.fromhex("05 00 03 07 02 01")
    found = told(body(header + pack(b"hello!!!", fill_bits=1), 0x40), alphabet="gsm7_packed")
    assert isinstance(found, ReplyIn)
    assert (found.text.rstrip("@"), found.part_of, found.part) == ("hello!!!", "8.7/2", 1)


def test_settings_that_say_nothing_read_receipts_the_fast_way() -> None:
    assert manner_of(SmppOptions()).dialect is STANDARD
