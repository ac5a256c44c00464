"""Vonage, by the exchanges of its documentation and the signatures of its own libraries' tests."""

import json
from urllib.parse import parse_qs, urlencode

import pytest

from chappe.carriers.http.examples import words_of, words_of_news
from chappe.carriers.http.vendor import Access, Message, NotGenuine, Posted, Told
from chappe.carriers.http.vonage import Vonage, check

VALUES = {"api_key": "abcd1234", "api_secret": "abcdef0123456789", "signature_secret": "", "signature_method": "sha256"}
ACCESS = Access(VALUES, "", "https://sms.example.org/carrier/v/s3cret")
HELLO = Message("k-1", "447700900000", "Hello World!", "AcmeInc", False, 1, 900)
ID = "0A0000000123ABCD1"


def form(message: Message = HELLO) -> dict[str, str]:
    call = Vonage().request(ACCESS, message)
    assert (call.method, call.url) == ("POST", "https://rest.nexmo.com/sms/json")
    return {name: value[0] for name, value in parse_qs(call.body.decode()).items()}


def means(*parts: dict[str, str], http: int = 200) -> str:
    body = json.dumps({"message-count": str(len(parts)), "messages": parts}).encode()
    return words_of(Vonage().answer(ACCESS, HELLO, Told(http, {}, body)))


def taken(ref: str = ID) -> dict[str, str]:
    return {
        "to": "447700900000", "message-id": ref, "status": "0", "remaining-balance": "3.14", "message-price": "0.03",
        "network": "12345",
    }  # fmt: skip


def refused(status: str) -> dict[str, str]:
    return {"status": status, "error-text": "..."}


def news(fields: dict[str, str], what: str = "", form: bool = False, **values: str) -> list[str]:
    body = urlencode(fields) if form else json.dumps(fields)
    posted = Posted(what, "POST", "https://sms.example.org/c", {}, body.encode(), at_s=1582650446)
    access = ACCESS._replace(values=VALUES | values)
    return list(map(words_of_news, Vonage().callback(access, posted).items))


def test_a_message_is_a_form_with_the_address_for_its_receipts() -> None:
    assert form() == {
        "api_key": "abcd1234", "api_secret": "abcdef0123456789", "from": "AcmeInc", "to": "447700900000",
        "text": "Hello World!", "type": "text", "ttl": "900000", "status-report-req": "true", "client-ref": "k-1",
        "callback": "https://sms.example.org/carrier/v/s3cret/receipt",
    }  # fmt: skip
    assert form(HELLO._replace(is_unicode=True))["type"] == "unicode"
    assert form(HELLO._replace(validity_s=1))["ttl"] == "20000"
    with pytest.raises(ValueError, match="needs a sender"):
        form(HELLO._replace(sender=""))


def test_answers() -> None:
    assert means(taken()) == f"accepted {ID}"
    assert means(taken("A"), taken("B")) == "accepted A B"
    assert means(refused("1")) == "throttle Vonage 1: throttled"
    assert means(refused("3")) == "permanent REJECTED Vonage 3: invalid parameters"
    assert means(refused("4")) == "closed Vonage 4: invalid credentials"
    assert means(refused("5")) == "temporary NETWORK_ERROR Vonage 5: internal error"
    assert means(refused("9")) == "closed Vonage 9: no credit left"
    assert means(refused("15")) == "permanent INVALID_SENDER Vonage 15: invalid sender address"
    assert means(refused("33")) == "permanent INVALID_DESTINATION Vonage 33: number de-activated"
    assert means(refused("77")) == "permanent REJECTED Vonage 77: refused"
    assert means() == "unclear HTTP 200 without messages"
    assert means(taken(), http=500) == "unclear HTTP 500"
    assert words_of(Vonage().answer(ACCESS, HELLO, Told(200, {}, b"[1"))) == "unclear HTTP 200 without messages"


def test_a_text_of_which_only_a_part_was_taken_has_failed_and_is_not_sent_again() -> None:
    assert means(taken("A"), refused("1")) == "permanent REJECTED Vonage 1: throttled, of some parts"
    assert means(refused("9"), taken("A")) == "permanent REJECTED Vonage: a part was refused, of some parts"


def receipt(status: str, error: str = "0", *, form: bool = False) -> list[str]:
    fields = {
        "msisdn": "447700900000", "to": "AcmeInc", "network-code": "12345", "messageId": ID, "price": "0.03",
        "status": status, "scts": "2001011400", "err-code": error, "api-key": "abcd1234", "client-ref": "k-1",
        "message-timestamp": "2020-01-01 12:00:00",
    }  # fmt: skip
    return news(fields, form=form)


def test_receipts_as_json_and_as_forms() -> None:
    about = f"receipt {ID} for 447700900000: "
    assert receipt("delivered") == receipt("delivered", form=True) == [about + "DELIVERED"]
    assert receipt("accepted") == receipt("buffered") == []
    assert receipt("failed", "3") == [about + "INVALID_DESTINATION"]
    assert receipt("failed", "2") == [about + "NOT_DELIVERED"]
    assert receipt("rejected", "6") == [about + "REJECTED"]
    assert receipt("rejected", "11") == [about + "ROUTE_NOT_AVAILABLE"]
    assert receipt("expired", "1") == [about + "EXPIRED"]
    assert receipt("unknown", "1") == [about + "NETWORK_ERROR"]
    with pytest.raises(ValueError, match="known"):
        receipt("vanished")


def test_replies_whole_and_in_parts() -> None:
    fields = {
        "api-key": "abcd1234", "msisdn": "447700900001", "to": "447700900000", "messageId": ID, "text": "Hello & all",
        "type": "text", "keyword": "HELLO", "message-timestamp": "2020-01-01 12:00:00",
    }  # fmt: skip
    assert news(fields) == news(fields, "reply") == [f"reply {ID} from 447700900001 to 447700900000: Hello & all"]
    part = {**fields, "concat": "true", "concat-ref": "7", "concat-total": "3", "concat-part": "2"}
    assert news(part) == [f"reply {ID} from 447700900001 to 447700900000: Hello & all (part 2 of h.7/3)"]


# -- the vectors of vonage-python-sdk, tests/test_signature.py
SIGNED = {"a": "1", "b": "2", "timestamp": "1461605396"}
SIGNATURES = {
    "md5hash": "6af838ef94998832dbfc29020b564830",
    "md5": "c15c21ced558c93a226c305f58f902f2",
    "sha1": "3e19a4e6880fdc2c1426bfd0587c98b9532f0210",
    "sha256": "a321e824b9b816be7c3f28859a31749a098713d39f613c80d455bbaffae1cd24",
    "sha512": "812a18f76680fa0fe1b8bd9ee1625466ceb1bd96242e4d050d2cfd9a7b40166c"
    "63ed26ec9702168781b6edcf1633db8ff95af9341701004eec3fcf9550572ee8",
}


@pytest.mark.parametrize("method", SIGNATURES)
def test_the_signatures_of_vonages_own_tests_are_right(method: str) -> None:
    check("secret", method, {**SIGNED, "sig": SIGNATURES[method]})
    check("secret", method, {**SIGNED, "sig": SIGNATURES[method].upper()})
    for wrong in ({**SIGNED, "b": "3", "sig": SIGNATURES[method]}, SIGNED, {**SIGNED, "sig": ""}):
        with pytest.raises(NotGenuine):
            check("secret", method, wrong)
    with pytest.raises(NotGenuine):
        check("another", method, {**SIGNED, "sig": SIGNATURES[method]})


def test_signed_news_is_believed_for_a_quarter_of_an_hour() -> None:
    fields = {
        "messageId": ID,
        "msisdn": "447700900000",
        "status": "delivered",
        "text&": "a=b",
        "timestamp": "1582650446",
    }
    # printf '&messageId=...&msisdn=...&status=delivered&text&=a_b&timestamp=1582650446' | openssl dgst -sha256 -hmac s
    sig = "d7cc0a40c345c0afcf06e3579111903d983e41459341b3cba1b3f958cc2a6a7e"
    assert news({**fields, "sig": sig}, "receipt", signature_secret="s")
    old = {**fields, "timestamp": "1582640446"}
    with pytest.raises(NotGenuine):
        news({**old, "sig": sig}, "receipt", signature_secret="s")
    with pytest.raises(NotGenuine):
        news(fields, "receipt", signature_secret="s")
    with pytest.raises(NotGenuine, match="signature_method"):
        news({**fields, "sig": sig}, "receipt", signature_secret="s", signature_method="rot13")
