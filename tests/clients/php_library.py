"""As the vendor's PHP library calls: a JSON body with every call, `[]` when there is nothing to say.

It reads a body only when the HTTP status is 200, and an answer is an error when its `status` is an integer below 0. The
asserts are those of its own tests.
"""

import json
import sys
from datetime import datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

BASE, TOKEN = sys.argv[1:3]
NUMBERS = [{"value": "33600112233"}, {"value": "33600112244"}]


def call(method: str, path: str, params: Any = (), token: str = TOKEN) -> dict[str, Any]:
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
        "X-application": "15",
    }
    body = json.dumps(params if params else []).encode()
    with urlopen(Request(BASE + path, body, headers, method=method), timeout=30) as reply:
        assert reply.status == 200
        answer: dict[str, Any] = json.load(reply)
    return answer


def ok(method: str, path: str, params: Any = ()) -> dict[str, Any]:
    answer = call(method, path, params)
    assert type(answer["status"]) is int
    assert answer["status"] == 1, (method, path, answer)
    return answer


def authentication() -> None:
    answer = call("GET", "/credits", token="wrong")
    assert type(answer["status"]) is int
    assert answer["status"] == -1
    assert answer["message"]
    assert answer["details"]


def message() -> None:
    sent = ok("GET", "/send?text=Hello&to=33600112233&pushtype=alert")
    assert (sent["sent"], sent["invalid"]) == (1, 0)
    assert "ticket" in ok("GET", "/send/simulate?text=Hello&to=33600112233&pushtype=alert")


def campaign() -> None:
    delay = datetime.now(ZoneInfo("Europe/Paris")) + timedelta(hours=1)
    sms = {
        "message": {"text": "Hello", "pushtype": "alert", "sender": "MyClub", "delay": f"{delay:%Y-%m-%d %H:%M:%S}"},
        "recipients": {"gsm": [{"gsmsmsid": "m-1", **NUMBERS[0]}, NUMBERS[1]]},
    }
    sent = ok("POST", "/send", {"sms": sms})
    assert sent["ticket"]
    assert ok("GET", f"/campaign/{sent['ticket']}")["campaign"][0]["id"] == sent["ticket"]
    assert "credits" in ok("DELETE", f"/send/{sent['ticket']}")
    assert "campaigns" in ok("GET", "/campaigns?length=5")
    assert "cost" in ok("POST", "/send/simulate", {"sms": sms})


def lists() -> None:
    twice = {"list": {"name": "Members", "contacts": {"gsm": [NUMBERS[0], NUMBERS[0]]}}}
    made = ok("POST", "/list", twice)
    assert made["contacts"] == 2
    list_id = made["id"]
    assert ok("PUT", f"/list/deduplicate/{list_id}")["removed"] == 1
    for key in ("listId", "list_id"):
        added = ok("POST", "/list", {"list": {key: list_id, "contacts": {"gsm": [NUMBERS[1]]}}})
        assert added["id"] == list_id
    contacts = ok("GET", f"/list/{list_id}")["list"]
    ok("DELETE", f"/list/contact/{contacts[-1]['id']}")
    assert list_id in [each["id"] for each in ok("GET", "/lists")["lists"]]
    sms = {"message": {"text": "Hello", "pushtype": "alert"}, "lists": [{"value": list_id}]}
    assert "ticket" in ok("POST", "/send/lists/simulate", {"sms": sms})
    assert ok("POST", "/send/lists", {"sms": sms})["sent"] == 2
    ok("DELETE", f"/list/{list_id}")
    assert call("GET", f"/list/{list_id}")["status"] == -5


def exclusions() -> None:
    for name in ("blacklist", "npai"):
        for _ in range(2):  # the same numbers with every run, and always as many of them
            added = ok(
                "POST", f"/{name}", {name: {"contacts": {"gsm": [{"value": "33600119901"}, {"value": "33600119902"}]}}}
            )
            assert added["added_contacts"] == 2
        numbers = [each["destination"] for each in ok("GET", f"/{name}")["list"]]
        assert (numbers.count("33600119901"), numbers.count("33600119902")) == (1, 1)
    for contact in ok("GET", "/blacklist")["list"]:
        ok("DELETE", f"/blacklist/contact/{contact['id']}")


def tokens() -> None:
    made = ok("POST", "/token", {"token": {"name": "library"}})
    assert made["token"]
    assert call("GET", "/credits", token=made["token"])["status"] == 1
    assert made["token_id"] in [str(each["api_token_id"]) for each in ok("GET", "/token")["tokens"]]
    assert "deleted_token" in ok("DELETE", f"/token/{made['token_id']}")
    assert call("GET", "/credits", token=made["token"])["status"] == -1


def webhooks() -> None:
    made = ok("POST", "/webhook", {"webhook": {"type": "DLR", "url": "https://hooks.example/dlr"}})["webhook"]
    assert "webhooks" in ok("GET", "/webhook")
    changed = ok(
        "PUT", f"/webhook/{made['webhook_id']}", {"webhook": {"type": "MO", "url": "https://hooks.example/mo"}}
    )
    assert changed["webhook"]["type"] == "MO"
    assert "deleted_id" in ok("DELETE", f"/webhook/{made['webhook_id']}")


def account() -> None:
    assert ok("GET", "/account")["account"]["email"]
    assert "credits" in ok("GET", "/credits")
    wish = {"email": "php@example.org", "password": "open-sesame", "country_code": "fr", "isChild": 1, "unlimited": 1}
    made = ok("POST", "/account", {"account": wish})
    assert made["id"]
    children = [child["client_id"] for child in ok("GET", "/sub-accounts")["sub-accounts"]]
    assert str(made["id"]) in children
    child_token = ok("POST", f"/token/account/{made['id']}", {"token": {"name": "child"}})["token"]
    assert call("GET", "/credits", token=child_token)["status"] == 1


for part in (authentication, message, campaign, lists, exclusions, tokens, webhooks, account):
    part()
    print(part.__name__)
