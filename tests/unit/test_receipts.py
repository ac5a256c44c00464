"""Receipts as carriers write them, and how their ids find the message."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from chappe.telecom import receipts
from chappe.telecom.receipts import (
    Dialect,
    IdForms,
    ReceiptState,
    is_receipt,
    key,
    keys_by,
    match_keys,
    moment,
    parse,
)
from chappe.telecom.smpp import tlv

USUAL = (
    b"id:0000012345 sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 "
    b"stat:DELIVRD err:000 text:Hello, id:7 stat:REJECTD"
)


def tlvs(**values: int | str | bytes) -> bytes:
    return tlv.encode([tlv.value_of(name, value) for name, value in values.items()])


def test_the_form_of_the_standard_gives_every_field() -> None:
    assert parse(USUAL) == receipts.Receipt(
        "0000012345", "DELIVRD", True, 3, "000", done_at="2611230641", submitted_at="2611230640"
    )


@pytest.mark.parametrize(
    ("word", "is_final", "dlr_status"),
    [
        ("SCHEDULED", False, 0),
        ("ENROUTE", False, 1),
        ("ACCEPTD", False, 1),
        ("BUFFRED", False, 1),
        ("BUFFERED", False, 1),
        ("DELIVRD", True, 3),
        ("EXPIRED", True, 12),
        ("DELETED", True, 2),
        ("UNDELIV", True, 2),
        ("UNKNOWN", True, 11),
        ("REJECTD", True, 9),
        ("SKIPPED", True, 2),
        ("FAILED", True, 2),
        ("NACK", True, 9),
        ("UNDELIVERABLE", True, 2),
        ("REJECTED", True, 9),
        ("DELIVERED", True, 3),
        ("UNDELIVERED", True, 2),
    ],
)
def test_each_state_word_has_its_meaning(word: str, is_final: bool, dlr_status: int) -> None:
    receipt = parse(USUAL.replace(b"DELIVRD", word.encode()))
    assert (receipt.is_final, receipt.dlr_status) == (is_final, dlr_status)


def test_a_word_nobody_knows_is_kept_and_not_final() -> None:
    receipt = parse(b"id:1 stat:PERPLEX err:9")
    assert (receipt.state, receipt.is_final, receipt.dlr_status) == ("PERPLEX", False, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"ID:12345 SUB:001 DLVRD:001 SUBMIT DATE:2611230640 DONE DATE:2611230641 STAT:DELIVRD ERR:000 TEXT:x",
        b"stat:DELIVRD err:000 id:12345 done date:2611230641",
        b"id:12345 donedate:2611230641 stat:delivered err:000",
        b"id: 12345 done_date: 2611230641 stat: DELIVRD err: 000 Text: stat:REJECTD",
        b"id:12345 foo:bar sub:001 done date:2611230641 stat:2 err:000",
        "id:12345 done date:2611230641 stat:DELIVRD err:000".encode("utf-16-be"),
    ],
)
def test_case_order_and_missing_keys_do_not_matter(text: bytes) -> None:
    receipt = parse(text)
    assert (receipt.message_id, receipt.dlr_status, receipt.error) == ("12345", 3, "000")
    assert receipt.done_at == "2611230641"


def test_submit_date_is_not_mistaken_for_sub() -> None:
    assert parse(USUAL.upper()).submitted_at == "2611230640"


def test_tlvs_win_over_the_text() -> None:
    receipt = parse(USUAL, tlvs(receipted_message_id="3039", message_state=5, network_error_code=b"\x03\x00\x01"))
    assert (receipt.message_id, receipt.state, receipt.error) == ("3039", "UNDELIV", "001")
    assert receipt.dlr_status == 2
    assert receipt.text_id == "0000012345"


def test_a_receipt_may_have_no_text_at_all() -> None:
    receipt = parse(b"", tlvs(receipted_message_id="abc", message_state=2))
    assert (receipt.message_id, receipt.state, receipt.is_final) == ("abc", "DELIVRD", True)
    assert receipt.text_id == ""


def test_what_a_carrier_means_by_its_errors_changes_final_failures_only() -> None:
    dialect = Dialect(errors={"1": 5, "0": 9})
    assert parse(USUAL.replace(b"DELIVRD err:000", b"UNDELIV err:001"), b"", dialect).dlr_status == 5
    assert parse(USUAL, b"", dialect).dlr_status == 3
    assert parse(USUAL.replace(b"DELIVRD", b"ENROUTE"), b"", dialect).dlr_status == 1


def test_a_carrier_may_have_its_own_words() -> None:
    dialect = Dialect(states={"BLOCKED": ReceiptState("BLOCKED", None, True, 4)})
    receipt = parse(USUAL.replace(b"DELIVRD", b"BLOCKED"), b"", dialect)
    assert (receipt.state, receipt.is_final, receipt.dlr_status) == ("BLOCKED", True, 4)


@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x44, 0x07])
def test_esm_class_tells_a_receipt(esm_class: int) -> None:
    assert is_receipt(esm_class, b"anything")


@pytest.mark.parametrize("esm_class", [0x00, 0x40, 0x08, 0x10, 0x18])
def test_a_reply_in_the_form_of_a_receipt_is_still_a_reply(esm_class: int) -> None:
    assert not is_receipt(esm_class, USUAL)


def test_esm_class_zero_with_the_id_as_tlv_is_a_receipt() -> None:
    assert is_receipt(0, USUAL, tlvs(receipted_message_id="12345"))
    assert is_receipt(0, b"", tlvs(receipted_message_id="12345", message_state=2))
    assert not is_receipt(0, b"Hello", tlvs(receipted_message_id="12345"))
    assert not is_receipt(0, USUAL, tlvs(message_state=2))


def test_a_carrier_known_for_it_may_send_plain_receipts() -> None:
    assert is_receipt(0, USUAL, trusts_text=True)
    assert not is_receipt(0, b"id: no receipt", trusts_text=True)


@pytest.mark.parametrize(
    ("submitted", "reported", "rule"),
    [
        ("12345", "12345", "same"),
        ("0ABCDEF", "abcdef", "same"),
        ("0000012345", "12345", "same"),
        ("3039", "12345", "hex of decimal"),
        ("00003039", "0000012345", "hex of decimal"),
        ("12345", "3039", "decimal of hex"),
        ("0000012345", "00003039", "decimal of hex"),
        ("2748", "ABC", "decimal of hex"),
        ("550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "same"),
    ],
)
def test_a_receipt_finds_its_message_however_the_id_is_written(submitted: str, reported: str, rule: str) -> None:
    found = [name for name, candidate in match_keys(reported) if candidate == key(submitted)]
    assert found == [rule]


def test_no_id_matches_nothing_and_zero_stays_zero() -> None:
    assert match_keys("") == ()
    assert match_keys("  ") == ()
    assert match_keys("000") == (("same", "0"),)
    assert key("000") == "0"


@pytest.mark.parametrize(("written", "normal"), [(" 00 12 ", "12"), ("0\t0 AB", "ab"), ("0 0", "0"), ("1 0", "1 0")])
def test_blanks_among_leading_zeros_go_with_them(written: str, normal: str) -> None:
    assert key(written) == normal
    assert key(normal) == normal


def test_an_id_longer_than_the_wire_allows_is_only_looked_up_as_it_is() -> None:
    assert match_keys("9" * 5000) == (("same", "9" * 5000),)


@pytest.mark.parametrize("digits", ["00010101000000", "99991231235959", "19691231235959", "7001010000", "000000000000"])
def test_a_date_that_no_receipt_has_is_none_and_costs_nothing(digits: str) -> None:
    for zone in ("Europe/Paris", "Pacific/Kiritimati", "America/Los_Angeles"):
        assert moment(digits, ZoneInfo(zone)) is None


# -- dialects --------------------------------------------------------------------------------------------


def test_the_id_in_the_text_may_be_the_one_that_counts() -> None:
    given = tlv.encode([(tlv.RECEIPTED_MESSAGE_ID, b"fields\0")])
    assert parse(b"id:text stat:DELIVRD err:000", given).message_id == "fields"
    assert parse(b"id:text stat:DELIVRD err:000", given, Dialect(prefers_text=True)).message_id == "text"
    assert parse(b"stat:DELIVRD err:000", given, Dialect(prefers_text=True)).message_id == "fields"


def test_a_text_is_trusted_only_where_the_carrier_is_known_to_write_so() -> None:
    text = b"id:1 stat:DELIVRD"
    assert [is_receipt(0, text, trusts_text=trusts) for trusts in (False, True)] == [False, True]


@pytest.mark.parametrize(
    ("forms", "given", "expected"),
    [
        ("learned", "255", [("same", "255"), ("decimal of hex", "597"), ("hex of decimal", "ff")]),
        ("same", "00FF", [("same", "ff")]),
        ("hex_then_decimal", "0000000255", [("hex of decimal", "ff")]),
        ("decimal_then_hex", "FF", [("decimal of hex", "255")]),
        ("hex_then_decimal", "FF", [("same", "ff")]),
        ("hex_then_decimal", "7", [("same", "7")]),
        ("hex_then_decimal", "", []),
    ],
)
def test_a_carrier_whose_ids_are_known_matches_by_that_rule_only(
    forms: IdForms, given: str, expected: list[tuple[str, str]]
) -> None:
    assert list(keys_by(forms)(given)) == expected


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("2611241331", datetime(2026, 11, 24, 12, 31, tzinfo=UTC)),
        ("261124133159", datetime(2026, 11, 24, 12, 31, 59, tzinfo=UTC)),
        ("20261124133159", datetime(2026, 11, 24, 12, 31, 59, tzinfo=UTC)),
        ("2607241331", datetime(2026, 7, 24, 11, 31, tzinfo=UTC)),
        ("2613241331", None),
        ("", None),
        ("261124", None),
        ("26112413x1", None),
    ],
)
def test_a_date_is_read_in_the_carriers_time_zone(digits: str, expected: datetime | None) -> None:
    assert moment(digits, ZoneInfo("Europe/Paris")) == expected
