"""What is read from a query or a document that asks to send."""

from typing import Any

import msgspec
import pytest

from chappe.domain.errors import BadData, BadFormat
from chappe.domain.requests import SubmitRequest
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.negotiation import content_of
from chappe.surfaces.http.smsfactor.send_request import from_document, from_query

LIMITS = RequestLimits(max_recipients=3)


def read(body: str | dict[str, Any]) -> SubmitRequest:
    raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    return from_document(RequestDocument(content_of(raw, b"", "json"), max_recipients=3), LIMITS)


def sms(gsm: Any, **message: Any) -> dict[str, Any]:
    return {"sms": {"message": {"text": "Hi", **message}, "recipients": {"gsm": gsm}}}


def reason(body: str | dict[str, Any]) -> str:
    with pytest.raises(BadData) as caught:
        read(body)
    return str(caught.value)


def test_the_least_query_is_a_text_and_a_number() -> None:
    assert from_query({"text": "Hi", "to": "33600112233"}, LIMITS) == SubmitRequest("Hi", ["33600112233"])


def test_a_query_with_everything() -> None:
    query = {
        "text": "Hi", "to": "+33 600112233", "pushtype": "marketing", "delay": "2031-05-17 09:30:00",
        "sender": "MyClub", "gsmsmsid": "ord-77", "unicode": "1",
    }  # fmt: skip
    assert from_query(query, LIMITS) == SubmitRequest(
        text="Hi",
        numbers=["+33 600112233"],
        kind="marketing",
        sender="MyClub",
        delay="2031-05-17 09:30:00",
        is_unicode=True,
        client_refs=["ord-77"],
    )


@pytest.mark.parametrize("missing", ["text", "to"])
def test_a_query_without_text_or_number_is_refused_by_name(missing: str) -> None:
    query = {"text": "Hi", "to": "33600112233"}
    del query[missing]
    with pytest.raises(BadData, match=f"^{missing}: is missing$"):
        from_query(query, LIMITS)


def test_a_reference_of_more_than_255_characters_is_refused() -> None:
    query = {"text": "Hi", "to": "33600112233", "gsmsmsid": "r" * 255}
    assert from_query(query, LIMITS).client_refs == ["r" * 255]
    with pytest.raises(BadData, match="gsmsmsid: is longer than 255"):
        from_query({**query, "gsmsmsid": "r" * 256}, LIMITS)


@pytest.mark.parametrize(
    "gsm",
    [
        [{"value": "33600112233"}],
        [{"value": 33600112233}],
        {"value": "33600112233"},
        ["33600112233"],
        "33600112233",
        33600112233,
    ],
)
def test_a_recipient_has_many_forms(gsm: Any) -> None:
    assert read(sms(gsm)).numbers == ["33600112233"]


def test_forms_may_be_mixed() -> None:
    request = read(sms([{"value": 33600112233, "gsmsmsid": 7}, "33600112244", None]))
    assert request.numbers == ["33600112233", "33600112244", ""]
    assert request.client_refs == ["7", None, None]


def test_references_that_are_all_empty_are_none() -> None:
    assert read(sms([{"value": "1", "gsmsmsid": ""}, {"value": "2", "gsmsmsid": None}])).client_refs == []


def test_infos_are_read_whether_the_text_has_tags_or_not() -> None:
    gsm = [{"value": "1", "info1": "Ana", "info4": 44}, {"value": "2"}]
    for text in ("Hi [info1]", "Hi"):
        assert read(sms(gsm, text=text)).infos == [("Ana", None, None, "44"), (None, None, None, None)]
    assert read(sms([{"value": "1"}, "2"])).infos == []
    assert read(sms([{"value": "1", "info1": ""}])).infos == [(None, None, None, None)]


def test_an_info_of_any_length_is_not_taken() -> None:
    assert read(sms([{"value": "1", "info2": "x" * 1000}])).infos == [(None, "x" * 1000, None, None)]
    with pytest.raises(BadData, match="info of more than 1000 characters"):
        read(sms([{"value": "1", "info2": "x" * 1001}]))


def test_a_delay_beside_the_message_counts_unless_it_has_its_own() -> None:
    body = sms("1")
    body["sms"]["delay"] = "2031-05-17 09:30:00"
    assert read(body).delay == "2031-05-17 09:30:00"
    body["sms"]["message"]["delay"] = "2032-01-01 00:00:00"
    assert read(body).delay == "2032-01-01 00:00:00"


def test_unknown_fields_are_ignored() -> None:
    assert read(sms([{"value": "1", "name": "Ana"}], shortlink=1, links=["https://shop.example/o"])).numbers == ["1"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "sms: is missing"),
        ("[]", "sms: is missing"),
        ("{}", "sms: is missing"),
        ('{"sms":null}', "sms: is missing"),
        ('{"sms":{}}', "sms.message: is missing"),
        ('{"sms":{"message":{"text":"Hi"}}}', "sms.recipients.gsm: is missing"),
        ('{"sms":{"message":{"text":"Hi"},"recipients":{}}}', "sms.recipients.gsm: is missing"),
        ('{"sms":{"message":{"text":"Hi"},"recipients":{"gsm":[]}}}', "sms.recipients.gsm: is missing"),
        ('{"sms":{"message":{},"recipients":{"gsm":"1"}}}', "sms.message.text: is missing"),
        ("<sms><message><text/></message><recipients><gsm>1</gsm></recipients></sms>", "sms.message.text: is missing"),
        ("<list/>", "sms: is missing"),
    ],
)
def test_what_is_missing_is_named(body: str, said: str) -> None:
    assert reason(body) == said


def test_what_has_the_wrong_shape_is_named() -> None:
    assert reason(sms("1", text=["Hi"])).startswith("sms.message.text: expected")
    assert reason(sms([{"value": {"a": 1}}])).startswith("sms.recipients.gsm[0].value: expected")
    assert reason("[1]").startswith("body: expected")
    assert reason('{"sms":5}').startswith("sms: expected")


@pytest.mark.parametrize("field", ["pushtype", "unicode"])
def test_a_field_outside_its_values_is_named(field: str) -> None:
    assert reason(sms("1", **{field: "9"})).startswith(f"sms.message.{field}: must be")


def test_the_limits_are_named() -> None:
    assert reason(sms(["1"] * 4)) == "sms.recipients.gsm: has more than 3 recipients (max_recipients)"
    assert reason(sms("1", text="x" * 3001)) == "sms.message.text: is longer than 3000 characters"
    assert reason(sms("1", sender="x" * 65)) == "sms.message.sender: is longer than 64 characters"
    assert "gsmsmsid of more than 255" in reason(sms([{"value": "1", "gsmsmsid": "r" * 256}, {"value": "2"}]))


@pytest.mark.parametrize("body", ["{", '{"sms":', "{'sms':1}", '{"sms":5', '{"sms":{}}x', "[" * 100_000])
def test_broken_json_is_a_fault_of_the_format(body: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read(body)
    assert caught.value.syntax == "json"


def test_json_in_latin_1_is_a_fault_of_the_format() -> None:
    body = '{"sms":{"message":{"text":"é"}}}'.encode("latin-1")
    with pytest.raises(BadFormat, match="UTF-8"):
        from_document(RequestDocument(content_of(body, b"", "json"), max_recipients=3), LIMITS)


def test_nesting_without_end_is_a_fault_of_the_format() -> None:
    with pytest.raises(BadFormat, match="nested too deep"):
        read('{"x":' + "[" * 200_000 + "]" * 200_000 + "}")
