"""As a Python library calls: `json.dumps(None)` as the query of calls without parameters, links percent-encoded."""

import json
import sys
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

BASE, TOKEN = sys.argv[1:3]
HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}


def call(method: str, path: str, params: Any = None) -> dict[str, Any]:
    body = None if method == "GET" else json.dumps(params).encode()
    target = f"{BASE}{path}?{json.dumps(params)}" if method == "GET" else BASE + path
    with urlopen(Request(target, body, HEADERS, method=method), timeout=30) as reply:
        assert reply.status == 200
        answer: dict[str, Any] = json.load(reply)
    return answer


before = call("GET", "/credits")
assert before["message"] == "OK"
links = [quote("https://shop.example/o?a=1&b=2", safe=""), "https://shop.example/map"]
sms: dict[str, Any] = {
    "message": {"text": "Offers: <-short-> map: <-short->", "pushtype": "marketing", "links": links},
    "recipients": {"gsm": [{"value": "33600112233", "gsmsmsid": "m-3"}]},
}
assert call("POST", "/send/simulate", {"sms": sms})["sent"] == 1
sent = call("POST", "/send", {"sms": sms})
assert (sent["status"], sent["sent"]) == (1, 1)
assert int(call("GET", "/credits")["credits"]) == int(before["credits"]) - sent["cost"]
too_few = {**sms, "message": {**sms["message"], "links": links[:1]}}
refused = call("POST", "/send", {"sms": too_few})
assert refused["status"] == -7
assert refused["details"]
print("python")
