"""SMSFactor as a carrier: requests, answers, webhooks."""

import json

import pytest

from chappe.carriers.http.examples import words_of, words_of_news
from chappe.carriers.http.smsfactor import SmsFactor
from chappe.carriers.http.vendor import Access, Message, NotGenuine, Posted, Told

VALUES = {"token": "t0ken", "pushtype": "alert", "signature": ""}
ACCESS = Access(VALUES)
HELLO = Message("k-1", "33612345678", "Bonjour", "Acme", False, 1, 900)
COUNTS = {"total": 1, "sent": 1, "blacklisted": 0, "duplicated": 0, "npai": 0, "invalid": 0, "not_allowed": 0}
TAKEN = {"status": 1, "message": "OK", "ticket": "20450017", "cost": 1, "credits": 811, **COUNTS}


def means(document: object, http: int = 200) -> str:
    return words_of(SmsFactor().answer(ACCESS, HELLO, Told(http, {}, json.dumps(document).encode())))


def news(document: object, what: str = "", **headers: str) -> list[str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    posted = Posted(what, "POST", "https://sms.example.org/c", named, json.dumps(document).encode())
    access = ACCESS._replace(values=VALUES | {"signature": "shh"}) if headers else ACCESS
    return list(map(words_of_news, SmsFactor().callback(access, posted).items))


def test_a_message_is_a_campaign_of_one() -> None:
    call = SmsFactor().request(ACCESS, HELLO)
    assert (call.method, call.url) == ("POST", "https://api.smsfactor.com/send")
    assert call.headers["Authorization"] == "Bearer t0ken"
    assert json.loads(call.body) == {
        "sms": {
            "message": {"text": "Bonjour", "pushtype": "alert", "sender": "Acme"},
            "recipients": {"gsm": [{"gsmsmsid": "k-1", "value": "33612345678"}]},
        }
    }
    marketing = SmsFactor().request(Access(VALUES | {"pushtype": "kind"}), HELLO._replace(is_alert=False))
    assert json.loads(marketing.body)["sms"]["message"]["pushtype"] == "marketing"
    bare = SmsFactor().request(ACCESS, HELLO._replace(sender="", is_unicode=True))
    assert json.loads(bare.body)["sms"]["message"] == {"text": "Bonjour", "pushtype": "alert", "unicode": 1}


def test_a_chappe_on_the_other_side_knows_a_message_that_comes_again() -> None:
    call = SmsFactor().request(Access(VALUES, "http://10.0.0.2:8080"), HELLO)
    assert (call.url, call.headers["Idempotency-Key"]) == ("http://10.0.0.2:8080/send", "k-1")


def test_answers() -> None:
    assert means(TAKEN) == "accepted 20450017"
    assert means({**TAKEN, "status": -8}) == "accepted 20450017"
    assert means({"status": -1, "message": "...", "details": "..."}) == "closed SMSFactor -1: the token is wrong"
    assert means({"status": -3}) == "closed SMSFactor -3: no credit left"
    assert means({"status": -7, "details": "..."}) == "permanent REJECTED SMSFactor -7"
    assert means({"status": -99}) == "unclear SMSFactor -99"
    assert means({"error": "text"}) == "unclear HTTP 200 without a status"
    assert means(TAKEN, 502) == "unclear HTTP 502"


@pytest.mark.parametrize(
    ("counter", "meaning"),
    [
        ("blacklisted", "permanent NOT_ALLOWED"),
        ("npai", "permanent INVALID_DESTINATION"),
        ("invalid", "permanent INVALID_DESTINATION"),
        ("not_allowed", "permanent NOT_ALLOWED"),
        ("country_limit", "permanent NOT_ALLOWED"),
        ("flood", "temporary REJECTED"),
    ],
)
def test_who_was_left_out_was_refused(counter: str, meaning: str) -> None:
    assert means({**TAKEN, "sent": 0, counter: 1}) == f"{meaning} SMSFactor: {counter}"


def test_an_answer_that_counts_nobody_is_unclear() -> None:
    assert means({**TAKEN, "sent": 0}) == "unclear SMSFactor counts nobody"


def test_it_says_what_became_of_a_message_when_asked() -> None:
    call = SmsFactor().question(ACCESS, "20450017")
    assert call is not None
    assert (call.method, call.url) == ("GET", "https://api.smsfactor.com/campaign/20450017")

    def state(document: object, http: int = 200) -> str:
        found = SmsFactor().state(ACCESS, "20450017", Told(http, {}, json.dumps(document).encode()))
        return found if isinstance(found, str) else words_of_news(found)

    counts = {"id": "20450017", "status": "Sent", "delivered": "0", "error": "0", "expired": "0", "network_error": "0"}
    assert state({"status": 1, "campaign": [counts]}) == "receipt 20450017: SENT, on its way"
    assert state({"status": 1, "campaign": [{**counts, "delivered": "1"}]}) == "receipt 20450017: DELIVERED"
    assert state({"status": 1, "campaign": [{**counts, "error": "1"}]}) == "receipt 20450017: NOT_DELIVERED"
    assert state({"status": 1, "campaign": [{**counts, "expired": 1}]}) == "receipt 20450017: EXPIRED"
    assert state({"status": -5, "message": "..."}) == "SMSFactor -5"
    assert state([], 500) == "SMSFactor HTTP 500"


def test_webhooks() -> None:
    receipt = {
        "date": "2031-05-17T09:30:06+02:00", "status": 3, "destination": "33612345678", "message_id": "k-1",
        "campaign_id": "20450017", "country_code": "FR",
    }  # fmt: skip
    assert news(receipt) == ["receipt 20450017 for 33612345678: DELIVERED"]
    assert news({**receipt, "status": 5}) == ["receipt 20450017 for 33612345678: INVALID_DESTINATION"]
    assert news({**receipt, "status": "12"}) == ["receipt 20450017 for 33612345678: EXPIRED"]
    assert news({**receipt, "status": 1}) == []
    reply = {
        "date": "2031-05-17T10:04:00+02:00", "message": "Yes", "from": "33612345678", "account_id": "4001",
        "last_message_id": "k-1",
    }  # fmt: skip
    assert news(reply) == news(reply, "reply") == ["reply from 33612345678 to nobody: Yes"]
    assert news(reply, x_chappe_event="12", x_smsfactor_signature="shh") == ["reply 12 from 33612345678 to nobody: Yes"]
    wrongs: list[object] = [{**receipt, "status": 8}, {"status": 3}, [], {}]
    for wrong in wrongs:
        with pytest.raises(ValueError):
            news(wrong, "receipt")


def test_the_signature_is_the_secret() -> None:
    receipt = {"status": 3, "destination": "33612345678", "campaign_id": "1"}
    assert news(receipt, x_smsfactor_signature="shh")
    with pytest.raises(NotGenuine):
        news(receipt, x_smsfactor_signature="shhh")
    with pytest.raises(NotGenuine):
        news(receipt, x_other="shh")
