"""What a customer may register, and the bytes he gets."""

import json

import pytest

from chappe.domain.addresses import MAX_URL
from chappe.domain.errors import BadData
from chappe.domain.webhooks import (
    MAX_SIGNATURE,
    dlr_payload,
    dlr_payloads,
    webhook_signature,
    webhook_type,
    webhook_url,
)

MAY_17_0930 = 1_936_769_406_000  # 2031-05-17T07:30:06Z


def test_a_delivery_report_has_the_bytes_of_the_contract() -> None:
    assert dlr_payload(MAY_17_0930, 3, 33600112233, "m-1", 20450017, "FR") == (
        '{"date":"2031-05-17T09:30:06+02:00","status":3,"destination":"33600112233",'
        '"message_id":"m-1","campaign_id":"20450017","country_code":"FR"}'
    )


def test_a_message_without_a_reference_has_null_as_its_id() -> None:
    assert json.loads(dlr_payload(MAY_17_0930, 2, 33600112233, None, 1, "FR"))["message_id"] is None


def test_the_date_has_the_offset_of_paris_in_winter() -> None:
    payload = json.loads(dlr_payload(1_925_000_000_000, 3, 33600112233, None, 1, "FR"))
    assert payload["date"] == "2031-01-01T03:13:20+01:00"


def test_many_payloads_keep_the_order_of_the_columns() -> None:
    bodies = dlr_payloads(
        [MAY_17_0930, MAY_17_0930 + 1000, MAY_17_0930],
        [3, 2, 11],
        [33600000001, 41790000002, 33600000003],
        ['say "hi"', None, "é\n"],
        [7, 8, 9],
        ["FR", "CH", "FR"],
    )
    read = [json.loads(body) for body in bodies]
    assert [row["destination"] for row in read] == ["33600000001", "41790000002", "33600000003"]
    assert [row["message_id"] for row in read] == ['say "hi"', None, "é\n"]
    assert [row["date"][17:19] for row in read] == ["06", "07", "06"]
    assert [row["country_code"] for row in read] == ["FR", "CH", "FR"]


def test_columns_of_different_length_are_a_fault() -> None:
    with pytest.raises(ValueError):
        dlr_payloads([1, 2], [3], [33600112233], [None], [1], ["FR"])


@pytest.mark.parametrize("kind", ["MO", "DLR", "STOP", "CLICKER", "BALANCE_ALERT"])
def test_the_five_types_are_accepted(kind: str) -> None:
    assert webhook_type(kind) == kind


@pytest.mark.parametrize("kind", ["", "dlr", "ALL", "DLR "])
def test_other_types_are_refused_by_name(kind: str) -> None:
    with pytest.raises(BadData) as refusal:
        webhook_type(kind)
    assert refusal.value.field == "type"


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/dlr",
        "http://hooks.example:8080/dlr?a=1&b=é#x",
        "HTTPS://Hooks.Example",
        "http://192.0.2.1/",
        "http://[2001:db8::1]:80/x",
        "https://hooks.example/path@with/at",
    ],
)
def test_usable_addresses_are_kept_as_they_are(url: str) -> None:
    assert webhook_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example/dlr",
        "//hooks.example/dlr",
        "ftp://hooks.example/dlr",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///dlr",
        "http://:80/",
        "http://user@hooks.example/",
        "http://user:secret@hooks.example/",
        "http://@hooks.example/",
        "http://hooks.example:99999/",
        "http://hooks.example:0/",
        "http://hooks.example:port/",
        "http://[::1/",
        "http://hooks.example/a b",
        "http://hooks.example/\r\nHost: x",
        "http://hooks.example\\@evil.example/",
    ],
)
def test_unusable_addresses_are_refused_by_name(url: str) -> None:
    with pytest.raises(BadData) as refusal:
        webhook_url(url)
    assert refusal.value.field == "url"


def test_an_address_may_have_2048_characters_and_no_more() -> None:
    longest = "http://hooks.example/".ljust(MAX_URL, "a")
    assert webhook_url(longest) == longest
    with pytest.raises(BadData):
        webhook_url(longest + "a")


def test_an_empty_signature_means_none() -> None:
    assert webhook_signature(None) is None
    assert webhook_signature("") is None
    assert webhook_signature("s3cret with spaces") == "s3cret with spaces"


@pytest.mark.parametrize("secret", [" s", "s ", "a\r\nX: y", "clé", "\x00", "a" * (MAX_SIGNATURE + 1)])
def test_a_signature_that_a_header_cannot_carry_is_refused(secret: str) -> None:
    with pytest.raises(BadData) as refusal:
        webhook_signature(secret)
    assert refusal.value.field == "signature"
