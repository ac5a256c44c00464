"""How a submit on the wire is read, and the status that says what is wrong with one that cannot be taken."""

from datetime import UTC, datetime

import pytest

from chappe.domain.accounts import Account
from chappe.domain.bind_users import BindOptions, BindUser
from chappe.domain.bound_submits import BoundSubmit, request_of, text_of
from chappe.domain.errors import BadData
from chappe.surfaces.smpp_server import addresses
from chappe.surfaces.smpp_server.reading import Wrong, read_multi, read_submit, read_times
from chappe.telecom import gsm7
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import Destination, ShortMessage, SubmitMulti
from chappe.telecom.udh import Element, build, concatenation_header, languages

NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000
ACCOUNT = Account(1, 1, None, "shop@example.org", "FR", None)
HELLO = ShortMessage(5, 0, "SHOP", 1, 1, "33612345678", 0, 0, b"Hello", 1)
SAR = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")


def user(**options: object) -> BindUser:
    return BindUser(7, "shop", ACCOUNT, BindOptions(**options), "", 0, None, 0)  # type: ignore[arg-type]


def read(body: ShortMessage, **options: object) -> BoundSubmit:
    return read_submit(user(**options), body, NOW)


def text(body: ShortMessage, **options: object) -> str:
    return text_of([read(body, **options)])


def status(body: ShortMessage, **options: object) -> int:
    with pytest.raises(Wrong) as wrong:
        read(body, **options)
    return wrong.value.status


def sar(reference: int, total: int, part: int) -> bytes:
    return tlv.encode([tlv.value_of(*each) for each in zip(SAR, (reference, total, part), strict=True)])


@pytest.mark.parametrize(
    ("ton", "written", "number"),
    [
        (1, "33612345678", "+33612345678"),
        (1, "+33612345678", "+33612345678"),
        (1, "0033612345678", "0033612345678"),
        (0, "33612345678", "33612345678"),
        (0, "0612345678", "0612345678"),
        (2, "0612345678", "0612345678"),
        (5, "SHOP", None),
        (1, "", None),
    ],
)
def test_destinations_are_read_by_their_type(ton: int, written: str, number: str | None) -> None:
    assert addresses.number_of(ton, written) == number


@pytest.mark.parametrize(
    ("ton", "written", "sender"),
    [
        (5, "My Shop", "My Shop"),
        (0, "My Shop", "My Shop"),
        (1, "+33612345678", "33612345678"),
        (0, "0033612345678", "33612345678"),
        (2, "0612345678", "33612345678"),
        (3, "36180", "36180"),
        (0, "00123", "00123"),
        (0, "", None),
    ],
)
def test_senders_are_read_by_their_type(ton: int, written: str, sender: str | None) -> None:
    assert addresses.sender_of(ton, written, "FR") == sender


@pytest.mark.parametrize(
    ("coding", "octets", "options", "found"),
    [
        (0, gsm7.encode("5 € [à]"), {}, "5 € [à]"),
        (0, "déjà".encode("latin-1"), {"alphabet": "latin1"}, "déjà"),
        (0, b"plain @ $", {"alphabet": "ascii"}, "plain @ $"),
        (1, b"plain\t@ $ [{~_\r\n", {}, "plain\t@ $ [{~_\r\n"),
        (1, gsm7.encode("où, à 5 € @"), {}, "où, à 5 € @"),
        (1, gsm7.encode("für señor"), {"ia5": "gsm7"}, "für señor"),
        (3, "déjà".encode("latin-1"), {}, "déjà"),
        (8, "漢字😀".encode("utf-16-be"), {}, "漢字😀"),
        (0x10, gsm7.encode("flash"), {}, "flash"),
        (0xF0, gsm7.encode("flash"), {"alphabet": "latin1"}, "flash"),
        (0x18, "flash ê".encode("utf-16-be"), {}, "flash ê"),
    ],
)
def test_texts_are_read_by_their_data_coding(
    coding: int, octets: bytes, options: dict[str, object], found: str
) -> None:
    assert text(HELLO._replace(data_coding=coding, short_message=octets), **options) == found


@pytest.mark.parametrize("coding", [2, 4, 5, 9, 0x0E, 0xC0, 0xF4, 0x14])
def test_what_is_no_text_is_refused(coding: int) -> None:
    assert status(HELLO._replace(data_coding=coding)) == 0x104


def test_a_header_may_announce_the_letters_of_a_language() -> None:
    alphabet = gsm7.national(single="turkish")
    header = build(languages(alphabet.single_id, 0))
    body = HELLO._replace(esm_class=0x40, short_message=header + alphabet.encode("Şişli"))
    assert text(body) == "Şişli"
    assert request_of([read(body)], "alert", NOW).is_unicode


def test_a_long_text_may_come_as_payload_but_not_twice() -> None:
    payload = tlv.encode([(tlv.MESSAGE_PAYLOAD, b"long " * 100)])
    assert text(HELLO._replace(short_message=b"", tlvs=payload)) == "long " * 100
    assert status(HELLO._replace(tlvs=payload)) == 0x01


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (HELLO._replace(esm_class=0x40, short_message=concatenation_header(9, 3, 2) + b"x"), ("udh8", 9, 3, 2)),
        (
            HELLO._replace(esm_class=0xC0, short_message=concatenation_header(900, 3, 2, reference_bits=16) + b"x"),
            ("udh16", 900, 3, 2),
        ),
        (HELLO._replace(tlvs=sar(900, 3, 2)), ("sar", 900, 3, 2)),
        (HELLO._replace(tlvs=sar(900, 1, 1)), None),
        (HELLO._replace(esm_class=0x03), None),
        (HELLO._replace(esm_class=0x08), None),
        (HELLO._replace(esm_class=0x10), None),
    ],
)
def test_the_place_of_a_part_is_read_from_header_or_fields(
    body: ShortMessage, place: tuple[str, int, int, int] | None
) -> None:
    assert read(body).place == place


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (HELLO._replace(dest_ton=5), 0x50),
        (HELLO._replace(destination=""), 0x0B),
        (HELLO._replace(esm_class=0x04), 0x43),
        (HELLO._replace(esm_class=0x40, short_message=b"\x09abc"), 0x43),
        (HELLO._replace(esm_class=0x40, short_message=b""), 0x43),
        (HELLO._replace(esm_class=0x40, short_message=build([Element(0x00, b"\x01\x03\x04")]) + b"x"), 0x43),
        (HELLO._replace(esm_class=0x40, short_message=build([Element(0x05, b"\x0b\x84\x23\xf0")]) + b"x"), 0x43),
        (HELLO._replace(tlvs=sar(1, 3, 4)), 0xC4),
        (HELLO._replace(tlvs=sar(1, 0, 0)), 0xC4),
        (HELLO._replace(short_message=b"", tlvs=sar(1, 2, 1) + tlv.encode([(tlv.MESSAGE_PAYLOAD, b"x" * 256)])), 0x01),
        (HELLO._replace(tlvs=tlv.encode([tlv.value_of("sar_total_segments", 2)])), 0xC3),
        (HELLO._replace(default_message=1), 0x63),
        (HELLO._replace(schedule_delivery_time="tomorrow"), 0x61),
        (HELLO._replace(schedule_delivery_time="261124110000000+"), 0x61),
        (HELLO._replace(schedule_delivery_time="281124110000000+"), 0x61),
        (HELLO._replace(validity_period="261124110000000+"), 0x62),
        (HELLO._replace(validity_period="000000000000000R"), 0x62),
    ],
)
def test_what_is_wrong_has_its_own_status(body: ShortMessage, expected: int) -> None:
    assert status(body) == expected


def test_times_may_be_absolute_with_an_offset_or_relative() -> None:
    assert read_times("", "", NOW) == (None, None)
    assert read_times("261124150000004+", "", NOW) == (NOW + 2 * HOUR, None)
    assert read_times("000000020000000R", "000000030000000R", NOW) == (NOW + 2 * HOUR, NOW + 3 * HOUR)
    assert read_times("261124115800000+", "", NOW) == (NOW, None)  # clocks differ


@pytest.mark.parametrize(("octets", "coding"), [(b"x" * 40_000, 0), ("Щ".encode("utf-16-be") * 20_000, 8)])
def test_a_text_that_no_message_holds_is_refused_before_it_is_looked_at(octets: bytes, coding: int) -> None:
    payload = tlv.encode([(tlv.MESSAGE_PAYLOAD, octets)])
    body = HELLO._replace(short_message=b"", tlvs=payload, data_coding=coding)
    with pytest.raises(BadData, match="more than any message has"):
        request_of([read(body)], "alert", NOW)


def test_the_validity_of_a_request_counts_from_when_it_leaves() -> None:
    body = HELLO._replace(schedule_delivery_time="000000020000000R", validity_period="000000030000000R")
    request = request_of([read(body)], "alert", NOW)
    assert (request.send_at, request.validity_s) == (NOW + 2 * HOUR, 3600)


def multi(*destinations: Destination, **more: object) -> SubmitMulti:
    return SubmitMulti(5, 0, "SHOP", destinations, 0, 0, b"Hello", 1, **more)  # type: ignore[arg-type]


def test_several_destinations_are_one_submit() -> None:
    found = read_multi(user(), multi(Destination("33612345678", 1, 1), Destination("0712345678", 0, 0)), NOW)
    assert found.numbers == ["+33612345678", "0712345678"]
    assert found.destinations == ["1 1 33612345678", "0 0 0712345678"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (multi(), 0x33),
        (multi(Destination("customers", None, None)), 0x34),
        (multi(Destination("33612345678", 1, 1), tlvs=sar(1, 2, 1)), 0x43),
    ],
)
def test_a_list_of_ours_and_a_part_for_several_are_refused(body: SubmitMulti, expected: int) -> None:
    with pytest.raises(Wrong) as wrong:
        read_multi(user(), body, NOW)
    assert wrong.value.status == expected
