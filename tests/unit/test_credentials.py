"""Every way in which clients say who they are."""

import pytest

from chappe.surfaces.http.smsfactor.credentials import Bearer, Login, in_document, in_headers, in_query
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.negotiation import content_of


def document(body: str) -> RequestDocument:
    return RequestDocument(content_of(body.encode(), b"", "xml"), max_recipients=10)


@pytest.mark.parametrize("value", [b"Bearer abc.def", b"bearer abc.def", b"BEARER  abc.def "])
def test_a_bearer_token_stands_in_the_authorization_header(value: bytes) -> None:
    assert in_headers({b"authorization": value}) == Bearer("abc.def")


def test_another_scheme_is_no_bearer_token() -> None:
    assert in_headers({b"authorization": b"Basic abc"}) is None


def test_user_name_and_password_stand_in_two_headers() -> None:
    headers = {b"sfusername": b"me@example.org", b"sfpassword": "pässword".encode()}
    assert in_headers(headers) == Login("me@example.org", "pässword")


def test_a_password_header_in_latin_1_is_read() -> None:
    headers = {b"sfusername": b"me@example.org", b"sfpassword": "pässword".encode("latin-1")}
    assert in_headers(headers) == Login("me@example.org", "pässword")


def test_the_authorization_header_wins_over_the_old_ones() -> None:
    headers = {b"authorization": b"Bearer abc", b"sfusername": b"me@example.org", b"sfpassword": b"x"}
    assert in_headers(headers) == Bearer("abc")


def test_no_header_says_nothing() -> None:
    assert in_headers({}) is None


def test_a_token_stands_in_the_query() -> None:
    assert in_query({"token": "abc"}, may_log_in=False) == Bearer("abc")


def test_user_name_and_password_stand_in_the_query_where_they_may() -> None:
    query = {"username": "me@example.org", "password": "secret"}
    assert in_query(query, may_log_in=True) == Login("me@example.org", "secret")
    assert in_query(query, may_log_in=False) is None


@pytest.mark.parametrize(
    "body",
    [
        '{"sms":{"authentication":{"username":"me@example.org","password":"secret"},"message":{"text":"Hi"}}}',
        "<sms><authentification><username>me@example.org</username><password>secret</password></authentification>"
        "<message><text>Hi</text></message></sms>",
        "<sms><authentication><username>me@example.org</username><password>secret</password></authentication></sms>",
        "<deliveryreport><authentification><username>me@example.org</username><password>secret</password>"
        "</authentification></deliveryreport>",
    ],
)
def test_user_name_and_password_stand_in_the_document(body: str) -> None:
    assert in_document(document(body)) == Login("me@example.org", "secret")


def test_a_password_of_digits_may_be_a_number() -> None:
    body = '{"sms":{"authentication":{"username":"me@example.org","password":123456}}}'
    assert in_document(document(body)) == Login("me@example.org", "123456")


def test_a_token_stands_in_the_document() -> None:
    assert in_document(document('{"sms":{"authentication":{"token":"abc"}}}')) == Bearer("abc")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"sms":{}}', "<sms><message/></sms>", '{"token":{"name":"x"}}'])
def test_a_document_without_credentials_says_nothing(body: str) -> None:
    assert in_document(document(body)) is None
