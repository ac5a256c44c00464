"""As a Ruby gem calls: the JSON document in the form field `data`, a token in a header or a login beside the message.

Its recorded tests say that a refused login is HTTP 200 with status -1, a message and details.
"""

import json
import sys
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE, TOKEN, EMAIL, PASSWORD = sys.argv[1:5]
SMS = {
    "message": {"text": "Salmon and son", "sender": "Salmon et fils"},
    "recipients": {"gsm": [{"value": "33600112233"}]},
}


def post(path: str, sms: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = urlencode({"data": json.dumps({"sms": sms})}).encode()
    with urlopen(Request(BASE + path, body, headers), timeout=30) as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
        answer: dict[str, Any] = json.load(reply)
    return answer


login = {"authentication": {"username": EMAIL, "password": PASSWORD}}
for sent in (post("/send", SMS, TOKEN), post("/send", {**login, **SMS})):
    assert (sent["status"], sent["message"]) == (1, "OK")
    assert type(sent["ticket"]) is str
    for name in ("cost", "credits", "total", "sent", "blacklisted", "duplicated", "npai", "invalid"):
        assert type(sent[name]) is int, name
nobody = {"message": SMS["message"], "recipients": {"gsm": [{"value": "12"}]}}
filtered = post("/send", nobody, TOKEN)
assert (filtered["status"], filtered["sent"], filtered["cost"], filtered["invalid"]) == (1, 0, 0, 1)
assert filtered["ticket"]
later = post("/send", {**login, **SMS, "delay": "2099-01-01 09:00:00"})
assert later["status"] == 1
assert post("/send/simulate", {**login, **SMS})["cost"] == 1
for wrong in (
    post("/send", SMS, "wrong"),
    post("/send", {"authentication": {"username": EMAIL, "password": "x"}, **SMS}),
):
    assert wrong["status"] == -1
    assert wrong["message"]
    assert wrong["details"]
print("ruby")
