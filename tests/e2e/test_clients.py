"""The styles of the clients that are out there, each as its HTTP library writes it: what arrives is what was meant.

Whole programs in these styles are in tests/clients.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import msgspec
import pytest

from tests.builders import EMAIL, PASSWORD, Api, on_loop, running_api
from tests.wire import Reply, call

FORM = "application/x-www-form-urlencoded"
SMS = {
    "message": {"text": "Café at 8 & more: 50%", "pushtype": "alert", "sender": "MyClub", "unicode": 0},
    "recipients": {"gsm": [{"value": "33600112233", "gsmsmsid": "m-1"}, {"value": "+33 6 00 11 22 44"}]},
}
ALL_STRINGS = {
    "sms": {
        "message": {"text": "Café at 8 & more: 50%", "pushtype": "alert", "sender": "MyClub", "unicode": "0"},
        "recipients": {"gsm": [{"value": "33600112233", "gsmsmsid": "m-1"}, {"value": "0033600112244"}]},
    }
}
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<sms><authentification>'
    f"<username>{EMAIL}</username><password>{PASSWORD}</password></authentification>"
    "<message><sender>MyClub</sender><text>Café at 8 &amp; more: 50%</text></message>"
    '<recipients><gsm gsmsmsid="m-1">33600112233</gsm><gsm gsmsmsid="">0600112244</gsm></recipients></sms>'
)


def json_of(tree: object) -> bytes:
    return msgspec.json.encode(tree)


async def was_sent(api: Api, reply: Reply) -> None:
    """The answer counts two messages, and they are there as they were meant."""
    tree = reply.tree
    assert (tree["status"], tree["message"]) == ("1", "OK")
    assert (tree["total"], tree["sent"], tree["invalid"]) == ("2", "2", "0")
    headers = {"Authorization": f"Bearer {api.token}", "Accept": "application/json"}
    period = "date_start=2020-01-01+00:00:00&date_end=2100-01-01+00:00:00"
    found = (await call(api.port, "GET", f"/messages?{period}", headers)).json["messages"]
    by_number = {message["destination"]: message for message in found}
    assert sorted(by_number) == ["33600112233", "33600112244"]
    assert {message["message"] for message in found} == {"Café at 8 & more: 50%"}
    assert {message["sender"] for message in found} == {"MyClub"}
    assert by_number["33600112233"]["client_message_id"] == "m-1"
    assert by_number["33600112244"]["client_message_id"] == ""


CAMPAIGNS: dict[str, tuple[Mapping[str, str], bytes]] = {
    "PHP library: JSON": (
        {"Accept": "application/json", "Content-Type": "application/json", "X-application": "15"},
        json_of({"sms": SMS}),
    ),
    "Java library: JSON with every scalar a text": (
        {"Accept": "application/json", "Content-Type": "application/json; charset=UTF-8"},
        json_of(ALL_STRINGS),
    ),
    "Ruby library: JSON in the form field data": (
        {"Accept": "application/json", "Content-Type": FORM},
        b"data=" + quote_plus(json_of({"sms": SMS})).encode(),
    ),
    "WordPress plugin: raw JSON that is called a form": (
        {"Accept": "application/json", "Content-Type": FORM},
        json_of({"sms": SMS}),
    ),
    "a script: JSON that is called nothing": ({"Accept": "*/*"}, json_of({"sms": SMS})),
    "a script: XML that is called nothing": ({}, XML.encode()),
    "a script: XML in Latin-1": (
        {"Content-Type": "text/xml"},
        XML.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
    ),
}


@pytest.mark.parametrize("style", CAMPAIGNS)
@on_loop
async def test_a_campaign_with_a_token(style: str, tmp_path: Path) -> None:
    headers, body = CAMPAIGNS[style]
    async with running_api(tmp_path) as api:
        signed = {**headers, "Authorization": f"Bearer {api.token}"}
        reply = await call(api.port, "POST", "/send", signed, body)
        is_json = "json" in headers.get("Accept", "")
        assert reply.headers["content-type"].startswith("application/json" if is_json else "application/xml")
        await was_sent(api, reply)


@pytest.mark.parametrize(
    "body",
    [
        urlencode({"XML": XML}).encode(),
        b"XML=" + XML.encode(),
        b"XML=" + XML.encode() + b"&submit=1",
        XML.encode(),
    ],
    ids=["url-encoded form field", "form field as it stands", "with another field behind it", "bare"],
)
@on_loop
async def test_an_old_xml_client_with_its_password_in_the_document(body: bytes, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "POST", "/send", {"Accept": "*/*", "Content-Type": FORM}, body)
        assert reply.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<response><status>1</status>')
        await was_sent(api, reply)


@on_loop
async def test_a_ruby_client_with_its_password_in_the_form_field(tmp_path: Path) -> None:
    document = {"sms": {"authentication": {"username": EMAIL, "password": PASSWORD}, **SMS}}
    body = urlencode({"data": json_of(document).decode()}).encode()
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "POST", "/send", {"Accept": "application/json", "Content-Type": FORM}, body)
        await was_sent(api, reply)


@on_loop
async def test_a_script_with_a_token_in_the_query_gets_xml(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        target = f"/send?token={api.token}&to=33600112233&text=Your+parcel+is+here"
        for headers in ({}, {"Accept": "*/*"}):
            reply = await call(api.port, "GET", target, headers)
            assert reply.headers["content-type"] == "application/xml; charset=utf-8"
            assert reply.tree["sent"] == "1"


@on_loop
async def test_a_client_with_doubled_slashes_and_its_password_in_headers(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        headers = {"Accept": "application/json", "sfusername": EMAIL, "sfpassword": PASSWORD}
        query = urlencode({"text": "Hi", "to": "33600112233", "username": EMAIL, "password": PASSWORD})
        assert (await call(api.port, "GET", f"//send?{query}", headers)).json["sent"] == 1
        assert (await call(api.port, "GET", "//credits", headers)).json["credits"] == "999"


@on_loop
async def test_a_plugin_that_demands_integers_gets_them(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {api.token}"}
        answer = (await call(api.port, "GET", "/send?text=Hi&to=33600112233", headers)).json
        for name in ("status", "cost", "credits", "total", "sent", "invalid", "blacklisted", "npai", "duplicated"):
            assert type(answer[name]) is int, name
        assert type(answer["ticket"]) is str
        assert int(answer["ticket"]) < 2**31
