"""Twilio, by the exchanges and the signatures of its documentation and of its own libraries' tests."""

import base64
from urllib.parse import parse_qs, urlencode

import pytest

from chappe.carriers.http.examples import words_of, words_of_news
from chappe.carriers.http.signatures import mac
from chappe.carriers.http.twilio import Twilio, check
from chappe.carriers.http.vendor import Access, Message, NotGenuine, Posted, Told

VALUES = {
    "account_sid": "AC0123456789abcdef0123456789abcdef",
    "auth_token": "12345",
    "api_key": "",
    "api_secret": "",
    "messaging_service": "",
}
ACCESS = Access(VALUES, "", "https://sms.example.org/carrier/tw/s3cret")
HELLO = Message("k-1", "33612345678", "Bonjour", "Acme", False, 1, 3600)
SID = "SM0123456789abcdef0123456789abcdef"


def form(message: Message = HELLO, **values: str) -> dict[str, str]:
    call = Twilio().request(ACCESS._replace(values=VALUES | values), message)
    return {name: value[0] for name, value in parse_qs(call.body.decode()).items()}


def means(status: int, body: str, **headers: str) -> str:
    told = Told(status, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())
    return words_of(Twilio().answer(ACCESS, HELLO, told))


def error(code: int, status: int = 400) -> str:
    return means(status, f'{{"code":{code},"message":"...","more_info":"https://...","status":{status}}}')


def test_a_message_is_a_form_with_the_address_for_its_receipts() -> None:
    call = Twilio().request(ACCESS, HELLO)
    assert (call.method, call.url) == (
        "POST", f"https://api.twilio.com/2010-04-01/Accounts/{VALUES['account_sid']}/Messages.json",
    )  # fmt: skip
    assert (
        call.headers["Authorization"] == "Basic " + base64.b64encode(f"{VALUES['account_sid']}:12345".encode()).decode()
    )
    assert form() == {
        "To": "+33612345678", "Body": "Bonjour", "From": "Acme", "SmartEncoded": "false", "ValidityPeriod": "3600",
        "StatusCallback": "https://sms.example.org/carrier/tw/s3cret/receipt",
    }  # fmt: skip


def test_senders_are_names_short_codes_numbers_or_a_messaging_service() -> None:
    assert form(HELLO._replace(sender="14155238886"))["From"] == "+14155238886"
    assert form(HELLO._replace(sender="36180"))["From"] == "36180"
    by_service = form(HELLO._replace(sender=""), messaging_service="MG1")
    assert (by_service.get("From"), by_service["MessagingServiceSid"]) == (None, "MG1")
    with pytest.raises(ValueError, match="needs a sender"):
        form(HELLO._replace(sender=""))
    with pytest.raises(ValueError, match="1600"):
        form(HELLO._replace(text="x" * 1601))


def test_an_api_key_sends_in_the_name_of_the_account() -> None:
    access = ACCESS._replace(values=VALUES | {"api_key": "SK1", "api_secret": "shh"})
    assert Twilio().request(access, HELLO).headers["Authorization"] == "Basic U0sxOnNoaA=="


def test_answers() -> None:
    taken = f'{{"sid":"{SID}","status":"queued","to":"+33612345678","num_segments":"1","error_code":null}}'
    assert means(201, taken) == f"accepted {SID}"
    assert means(201, f'{{"sid":"{SID}","status":"failed","error_code":30007}}') == "permanent REJECTED Twilio 30007"
    assert means(201, "<html>") == "unclear HTTP 201 without a sid"
    assert error(21211) == "permanent INVALID_DESTINATION Twilio 21211"
    assert error(21606) == "permanent INVALID_SENDER Twilio 21606"
    assert error(21610) == "permanent NOT_ALLOWED Twilio 21610"
    assert error(21611) == "queue_full REJECTED Twilio 21611"
    assert error(99999) == "permanent REJECTED Twilio 99999"
    assert error(20003, 401) == "closed Twilio 20003: the account or its password is wrong"
    assert error(20404, 404) == "closed Twilio 20404: there is no such account"
    assert means(429, '{"code":20429,"status":429}', retry_after="2") == "throttle Twilio 20429 for 2 s"
    assert error(20500, 500) == "unclear HTTP 500"
    assert means(401, "") == "closed HTTP 401"
    assert means(504, "<html>gateway time-out</html>") == "unclear HTTP 504"


def test_it_says_what_became_of_a_message_when_asked() -> None:
    call = Twilio().question(ACCESS, SID)
    assert call is not None
    assert (call.method, call.url) == (
        "GET", f"https://api.twilio.com/2010-04-01/Accounts/{VALUES['account_sid']}/Messages/{SID}.json",
    )  # fmt: skip

    def state(body: str, status: int = 200) -> str:
        found = Twilio().state(ACCESS, SID, Told(status, {}, body.encode()))
        return found if isinstance(found, str) else words_of_news(found)

    assert state('{"status":"delivered","to":"+33612345678"}') == f"receipt {SID} for 33612345678: DELIVERED"
    assert state('{"status":"undelivered","error_code":30005}') == f"receipt {SID}: INVALID_DESTINATION"
    assert state('{"status":"sent"}') == f"receipt {SID}: SENT, on its way"
    assert state('{"code":20404,"status":404}', 404) == "Twilio 20404"
    assert state("<html>", 502) == "Twilio HTTP 502"
    assert state('{"status":"teleported"}') == "a MessageStatus that is not known"


# -- what it posts
def posted(fields: dict[str, str], what: str = "receipt", signature: str | None = None) -> list[str]:
    url = f"https://sms.example.org/carrier/tw/s3cret/{what}".rstrip("/")
    signed = url + "".join(name + value for name, value in sorted(fields.items()))
    header = signature or base64.b64encode(mac("sha1", "12345", signed.encode())).decode()
    request = Posted(what, "POST", url, {"x-twilio-signature": header}, urlencode(fields).encode())
    return list(map(words_of_news, Twilio().callback(ACCESS, request).items))


def status(state: str, **more: str) -> list[str]:
    return posted({
        "SmsSid": SID, "SmsStatus": state, "MessageStatus": state, "To": "+33612345678", "MessageSid": SID,
        "AccountSid": VALUES["account_sid"], "From": "+14155238886", "ApiVersion": "2010-04-01", **more,
    })  # fmt: skip


def test_receipts() -> None:
    assert status("delivered", RawDlrDoneDate="3105170930") == [f"receipt {SID} for 33612345678: DELIVERED"]
    assert status("queued") == status("sent") == status("sending") == []
    assert status("undelivered", ErrorCode="30005") == [f"receipt {SID} for 33612345678: INVALID_DESTINATION"]
    assert status("undelivered", ErrorCode="30003") == [f"receipt {SID} for 33612345678: NOT_DELIVERED"]
    assert status("failed", ErrorCode="30007") == [f"receipt {SID} for 33612345678: REJECTED"]
    assert status("failed") == [f"receipt {SID} for 33612345678: NOT_DELIVERED"]
    assert status("canceled") == [f"receipt {SID} for 33612345678: REJECTED"]
    with pytest.raises(ValueError, match="not known"):
        status("teleported")


def test_replies_are_answered_with_an_empty_document() -> None:
    fields = {
        "MessageSid": "SM9", "SmsStatus": "received", "From": "+33612345678", "To": "36180", "Body": "Stop — merci ",
        "NumMedia": "0", "NumSegments": "1",
    }  # fmt: skip
    assert posted(fields, "reply") == posted(fields, "") == ["reply SM9 from 33612345678 to 36180: Stop — merci "]
    url = "https://sms.example.org/carrier/tw/s3cret/reply"
    signed = base64.b64encode(mac("sha1", "12345", (url + "Bodyx" + "From+1" + "To2").encode())).decode()
    request = Posted("reply", "POST", url, {"x-twilio-signature": signed}, b"From=%2B1&To=2&Body=x")
    answer = Twilio().callback(ACCESS, request).give_back
    assert (answer.status, answer.media_type) == (200, "text/xml")
    assert answer.body.endswith(b"<Response/>")


def test_what_is_not_signed_is_not_believed() -> None:
    for wrong in ("", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "ü"):
        with pytest.raises(NotGenuine):
            posted({"MessageSid": SID, "MessageStatus": "delivered"}, signature=wrong or " ")


# -- the vectors of twilio-python, tests/unit/test_request_validator.py, and of twilio.com/docs/usage/security
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = [
    ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"), ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]  # fmt: skip
DOUBLED = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]
HASHED = URL + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


@pytest.mark.parametrize(
    ("url", "params", "signature"),
    [
        (URL, PARAMS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL.replace(".com", ".com:1234"), PARAMS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL.replace(".com", ".com:1234").replace("https", "http"), PARAMS, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (URL, PARAMS, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (URL.replace("https", "http"), PARAMS, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (URL, DOUBLED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ],
)
def test_the_signatures_of_twilios_own_tests_are_right(url: str, params: list[tuple[str, str]], signature: str) -> None:
    check("12345", Posted("", "POST", url, {"x-twilio-signature": signature}, b""), params)
    with pytest.raises(NotGenuine):
        check("12346", Posted("", "POST", url, {"x-twilio-signature": signature}, b""), params)
    with pytest.raises(NotGenuine):
        check("12345", Posted("", "POST", url, {"x-twilio-signature": signature}, b""), [*params, ("Extra", "1")])


def test_a_body_that_is_no_form_is_signed_by_its_digest() -> None:
    body = b'{"property": "value", "boolean": true}'
    signed = Posted("", "POST", HASHED, {"x-twilio-signature": "a9nBmqA0ju/hNViExpshrM61xv4="}, body)
    check("12345", signed, [])
    with pytest.raises(NotGenuine):
        check("12345", signed._replace(body=body + b" "), [])
