"""As the vendor's Java library calls: every scalar of a document is a text, and answers go into typed classes.

Numbers may come as texts, but must be whole and fit 32 bits; dates have exactly one pattern; arrays must be arrays.
"""

import json
import sys
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

BASE, TOKEN = sys.argv[1:3]


def call(method: str, path: str, params: Any = None) -> dict[str, Any]:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {TOKEN}"}
    if params is not None:
        headers["Content-Type"] = "application/json; charset=UTF-8"
    body = None if params is None else json.dumps(texts(params)).encode()
    with urlopen(Request(BASE + path, body, headers, method=method), timeout=30) as reply:
        answer: dict[str, Any] = json.load(reply)
    assert answer["status"] == 1, (method, path, answer)
    assert answer["message"]
    return answer


def texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner) for inner in value]
    return str(value)


def integer(value: Any) -> int:
    """An Integer of that library: null is not one."""
    number = int(value)
    assert -(2**31) <= number < 2**31
    return number


def date(value: Any) -> None:
    assert value is None or datetime.strptime(value, "%Y-%m-%d %H:%M:%S")


SMS = {
    "message": {"text": "Hello [info1]", "pushtype": "alert", "sender": "MyClub", "unicode": 0},
    "recipients": {"gsm": [{"value": 33600112233, "gsmsmsid": 1}, {"value": "0033600112244"}]},
}

counts = ("ticket", "cost", "credits", "total", "sent", "blacklisted", "duplicated", "npai", "invalid")
sent = call("POST", "/send", {"sms": SMS})
for name in counts:
    integer(sent[name])
assert integer(sent["sent"]) == 2
assert integer(call("DELETE", f"/send/{integer(sent['ticket'])}")["credits"]) >= 0
for campaign in call("GET", "/campaigns?start=0&length=5")["campaigns"]:
    for name in (
        "id",
        "cost",
        "delivery_rate",
        "delivered",
        "error",
        "expired",
        "network_error",
        "stop",
        "npai",
        "total",
    ):
        integer(campaign[name])
    date(campaign["date"])
assert isinstance(call("GET", f"/campaign/{sent['ticket']}")["campaign"], list)

people = [{"value": "33600112233", "info1": "Ana"}, {"value": "33600112244"}, {"value": "33600112244"}]
made = call("POST", "/list", {"list": {"name": "Members", "contacts": {"gsm": people}}})
list_id = integer(made["id"])
assert integer(made["contacts"]) == 3
call("POST", "/list", {"list": {"list": list_id, "contacts": {"gsm": [{"value": "33600112255"}]}}})
assert integer(call("PUT", f"/list/deduplicate/{list_id}")["removed"]) == 1
for each in call("GET", "/lists")["lists"]:
    integer(each["id"])
    integer(each["count"])
    date(each["date"])
read = call("GET", f"/list/{list_id}")
assert [contact["destination"] for contact in read["list"]] == ["33600112233", "33600112244", "33600112255"]
integer(call("PUT", f"/list/{list_id}/npai/clear")["removed"])
to_lists = {"sms": {"message": SMS["message"], "lists": [{"value": list_id}]}}
assert "ticket" in call("POST", "/send/lists/simulate", to_lists)
listed = call("POST", "/send/lists", to_lists)
assert integer(listed["sent"]) == 3
assert integer(call("GET", f"/campaign/{listed['ticket']}")["campaign"][0]["lists"][0]["id"]) == list_id
call("PUT", f"/campaign/{listed['ticket']}/npai")
call("DELETE", f"/list/contact/{read['list'][0]['id']}")
call("DELETE", f"/list/{list_id}")

for name in ("blacklist", "npai"):
    added = call("POST", f"/{name}", {name: {"contacts": {"gsm": [{"value": "33600119903"}]}}})
    assert integer(added["added_contacts"]) == 1
    assert "33600119903" in [contact["destination"] for contact in call("GET", f"/{name}")["list"]]

token = call("POST", "/token", {"token": {"name": "java", "ttl": 3600}})
for each in call("GET", "/token")["tokens"]:
    integer(each["api_token_id"])
    date(each["created_at"])
assert integer(call("DELETE", f"/token/{integer(token['token_id'])}")["deleted_token"]) == integer(token["token_id"])
hook = call("POST", "/webhook", {"webhook": {"type": "MO", "url": "https://hooks.example/mo"}})["webhook"]
integer(call("DELETE", f"/webhook/{integer(hook['webhook_id'])}")["deleted_id"])

wish = {"email": "java@example.org", "password": "open-sesame", "country_code": "fr", "isChild": 1, "unlimited": 0}
account = call("POST", "/account", {"account": wish})
integer(account["id"])
integer(account["active"])
for child in call("GET", "/sub-accounts")["sub-accounts"]:
    integer(child["client_id"])
    integer(child["credits"])
    assert child["senderid"] is None or integer(child["senderid"])
assert call("GET", f"/account/{account['id']}/unlock")["state"] == "unlocked"
for name in ("message", "list", "survey", "campaign"):
    assert name in call("GET", "/retention")["data_retention"]
call("PUT", "/retention", {"retention": {"message": "2m"}})
alert = {"alert_trigger": 500, "alert_email": 1, "alert_gsm": 0, "email": "ops@example.org"}
assert integer(call("PUT", "/notification/balance", {"notification": alert})["notification"]["alert_trigger"]) == 500
integer(call("GET", "/notification/balance")["notification"]["alert_email"])
integer(call("GET", "/credits")["credits"])
assert isinstance(call("GET", "/account/invoice")["invoices"], list)
print("java")
