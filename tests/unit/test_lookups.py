"""Look-ups as carriers answer them: what is asked, and what is made of the answer."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.carriers.lookups import MAX_CHARACTERS, LookupFailed, LookupService, answer, request
from chappe.carriers.simulator.lookups import look_up
from chappe.domain.lookups import LookupResult, Network, malformed, unanswered

NUMBER = 33651234567
# As a carrier answered: two numbers, one of them switched off; with fields that say nothing to us.
CAPTURED = b"""{"bulkId":"b-1","results":[
 {"to":"33651234567","mccMnc":"20815","imsi":"208150123456789","servingMSC":"33695",
  "originalNetwork":{"networkName":"Free","networkPrefix":"651","countryName":"France","countryPrefix":"33"},
  "portedNetwork":null,"ported":true,"roaming":false,"messageId":"m-1","price":{"pricePerLookup":0.01,"currency":"EUR"},
  "status":{"groupId":3,"groupName":"DELIVERED","id":5,"name":"DELIVERED_TO_HANDSET",
            "description":"Message delivered to handset"},
  "error":{"groupId":0,"groupName":"OK","id":0,"name":"NO_ERROR","description":"No Error","permanent":false}},
 {"to":"33651234569","mccMnc":"20815",
  "status":{"groupId":2,"groupName":"UNDELIVERABLE","id":9,"name":"UNDELIVERABLE_NOT_DELIVERED",
            "description":"Message sent not delivered"},
  "error":{"groupId":1,"groupName":"HANDSET_ERRORS","id":27,"name":"EC_ABSENT_SUBSCRIBER",
           "description":"Absent Subscriber","permanent":false}}]}"""


def test_a_request_names_the_numbers_and_the_token() -> None:
    made = request(LookupService("https://hlr.example/lookup", "s3cret"), [NUMBER, 33651234569])
    assert made.url == "https://hlr.example/lookup"
    assert made.headers["Authorization"] == "Bearer s3cret"
    assert msgspec.json.decode(made.body) == {"to": ["33651234567", "33651234569"]}


def test_a_token_may_name_its_own_scheme_or_be_missing() -> None:
    assert request(LookupService("http://x", "App 0123"), [1]).headers["Authorization"] == "App 0123"
    assert "Authorization" not in request(LookupService("http://x", ""), [1]).headers


def test_a_service_is_logged_without_its_token() -> None:
    assert "s3cret" not in repr(LookupService("http://x", "s3cret"))


def test_an_answer_becomes_results_by_number() -> None:
    found = answer(CAPTURED, {NUMBER, 33651234569})
    assert found[NUMBER] == LookupResult(
        to="33651234567",
        group="DELIVERED",
        status="DELIVERED_TO_HANDSET",
        description="Message delivered to handset",
        mcc_mnc="20815",
        imsi="208150123456789",
        network=Network("Free", "651", "France", "33"),
        is_ported=True,
    )
    absent = found[33651234569]
    assert (absent.group, absent.imsi, absent.error_id, absent.error) == (
        "UNDELIVERABLE",
        None,
        27,
        "Absent Subscriber",
    )
    assert absent.is_looked_up


def test_what_was_not_asked_or_cannot_be_read_is_left_out() -> None:
    body = msgspec.json.encode(
        {
            "results": [
                {"to": "33699999999", "status": {"groupName": "DELIVERED"}},
                {"to": "+33651234567", "status": {"name": "DELIVERED_TO_HANDSET"}, "ported": None},
                {"to": "33651234567", "status": {"groupName": "UNDELIVERABLE"}},
                {"to": "33651234567", "status": "what"},
                {"status": {}},
                7,
                None,
            ]
        }
    )
    assert [result.group for result in answer(body, {NUMBER}).values()] == ["DELIVERED"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"results":7}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_answer_is_a_failure(body: bytes) -> None:
    with pytest.raises(LookupFailed):
        answer(body, {NUMBER})


def test_endless_words_are_cut() -> None:
    body = msgspec.json.encode({"results": [{"to": NUMBER, "status": {"name": "x" * 10_000}}]})
    assert len(answer(body, {NUMBER})[NUMBER].status) == MAX_CHARACTERS


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f'{{"results":[{text}]}}'.encode()))
def test_no_answer_of_a_carrier_breaks_anything(body: bytes) -> None:
    with suppress(LookupFailed):
        assert set(answer(body, {NUMBER})) <= {NUMBER}


def test_refused_and_pending_results_are_no_look_ups() -> None:
    results = [LookupResult("1", group, "", "") for group in ("REJECTED", "PENDING", "DELIVERED", "UNDELIVERABLE", "")]
    assert [result.is_looked_up for result in results] == [False, False, True, True, True]
    assert not malformed("12", "too_short").is_looked_up
    assert not unanswered(NUMBER).is_looked_up


@given(st.lists(st.integers(33600000000, 33799999999), max_size=20, unique=True))
def test_the_simulated_carrier_answers_every_number_in_the_form_that_is_read(numbers: list[int]) -> None:
    found = answer(msgspec.json.encode(look_up([str(number) for number in numbers])), set(numbers))
    assert set(found) == set(numbers)
    for number, result in found.items():
        last = number % 10
        assert (result.imsi is None) == (last == 9)
        assert (result.is_ported, result.is_roaming) == (last == 8, last == 7)
        assert result.network.country == "France"
