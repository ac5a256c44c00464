"""As an Elixir library calls: a JSON body with every call, GET too, and every part of the API."""

import json
import sys
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE, TOKEN = sys.argv[1:3]
HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
PERIOD = urlencode({"date_start": "2020-01-01 00:00:00", "date_end": "2099-12-31 23:59:59"})


def call(method: str, path: str, tree: Any = None) -> dict[str, Any]:
    with urlopen(Request(BASE + path, json.dumps(tree or {}).encode(), HEADERS, method=method), timeout=30) as reply:
        assert reply.status == 200
        answer: dict[str, Any] = json.load(reply)
    assert answer["status"] == 1, (method, path, answer)
    return answer


people = [{"value": "33600112233", "info1": "Ana", "info2": "Li"}, {"value": "33600112244"}]
made = call("POST", "/list", {"list": {"name": "Members", "contacts": {"gsm": people}}})
call("POST", "/list", {"list": {"listId": int(made["id"]), "contacts": {"gsm": [{"value": "33600112255"}]}}})
contacts = call("GET", f"/list/{made['id']}?search=Ana")
assert (contacts["totalRecords"], contacts["totalDisplayRecords"]) == (3, 1)
call("PUT", f"/list/contact/{contacts['list'][0]['id']}", {"value": "33600112233", "info1": "Anna"})
assert call("GET", f"/list/{made['id']}?search=Anna")["list"][0]["info1"] == "Anna"

sms = {"message": {"text": "Hello [info1]", "pushtype": "alert"}, "lists": [{"value": int(made["id"])}]}
sent = call("POST", "/send/lists", {"sms": sms})
assert sent["sent"] == 3
ticket = sent["ticket"]
call("GET", "/send?" + urlencode({"text": "Hi", "to": "33600112233", "gsmsmsid": "ex-1"}))
assert ticket in [campaign["id"] for campaign in call("GET", "/campaigns?sort=-id")["campaigns"]]
assert call("GET", f"/campaign/{ticket}")["campaign"][0]["total"] == "3"
for part, key in (("blacklist", "stops"), ("npai", "npais"), ("mo", "replies")):
    assert call("GET", f"/campaign/{ticket}/{part}")[key] == []
assert call("PUT", f"/campaign/{ticket}/npai")["added_contacts"] == 0
texts = [message["message"] for message in call("GET", f"/messages?{PERIOD}&message=Hello")["messages"]]
assert "Hello Anna" in texts
assert call("GET", f"/messages/mo?{PERIOD}")["replies"] == []

call("POST", "/blacklist", {"blacklist": {"contacts": {"gsm": [{"value": "33600119904", "info1": "Bo"}]}}})
entry = next(one for one in call("GET", "/blacklist?length=1000")["list"] if one["destination"] == "33600119904")
assert entry["info1"] == "Bo"
call("DELETE", f"/blacklist/contact/{entry['id']}")
call("POST", "/npai", {"npai": {"contacts": {"gsm": [{"value": "33600119904"}]}}})
call("GET", "/npai")

account = call("GET", "/account")["account"]
assert account["credits"] == call("GET", "/credits")["credits"]
wish = {"email": "elixir@example.org", "password": "open-sesame", "country_code": "fr", "isChild": 1, "unlimited": 1}
child = call("POST", "/account", {"account": wish})["id"]
assert call("GET", f"/sub-accounts/{child}")["sub-account"]["email"] == "elixir@example.org"
assert call("POST", f"/token/account/{child}", {"token": {"name": "child"}})["token"]
hook = call("POST", "/webhook", {"webhook": {"type": "STOP", "url": "https://hooks.example/stop"}})["webhook"][
    "webhook_id"
]
call("PUT", f"/webhook/{hook}", {"webhook": {"type": "CLICKER", "url": "https://hooks.example/click"}})
assert call("PUT", f"/webhook/{hook}/status", {"webhook": {"status": "paused"}})["webhook"]["status"] == "paused"
call("DELETE", f"/webhook/{hook}")
token = call("POST", "/token", {"token": {"name": "elixir", "allowed_ips": ["192.0.2.0/24"]}})["token_id"]
assert call("GET", f"/token/{token}")["token"]["allowed_ips"] == ["192.0.2.0/24"]
call("DELETE", f"/token/{token}")
call("PUT", "/retention", {"retention": {"message": "2m", "list": "13m"}})
assert call("GET", "/retention")["data_retention"]["lists_retention"] == "13m"
call("PUT", "/notification/balance", {"notification": {"alert_trigger": "10", "email": "ops@example.org"}})
assert call("GET", "/notification/balance")["notification"]["alert_trigger"] == "10"
assert isinstance(call("GET", "/account/invoice")["invoices"], list)
call("DELETE", f"/list/{made['id']}")
print("elixir")
