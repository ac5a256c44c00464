"""As a WordPress plugin calls: raw JSON that is called a form, and the balance with a login in headers."""

import json
import sys
from typing import Any
from urllib.request import Request, urlopen

BASE, TOKEN, EMAIL, PASSWORD = sys.argv[1:5]


def call(path: str, headers: dict[str, str], tree: Any = None) -> dict[str, Any]:
    body = None if tree is None else json.dumps(tree).encode()
    sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **headers}
    with urlopen(Request(BASE + path, body, sent), timeout=30) as reply:
        answer: dict[str, Any] = json.load(reply)
    return answer


balance = call("/credits", {"sfusername": EMAIL, "sfpassword": PASSWORD})
assert balance["message"] == "OK"
assert balance["credits"].isdigit()
assert call("/credits", {"sfusername": EMAIL, "sfpassword": "wrong"})["message"] != "OK"
sms = {
    "authentication": {"username": EMAIL, "password": PASSWORD},
    "message": {"text": "A comment is waiting: \u201cé\u201d", "sender": "MyBlog", "pushtype": "alert"},
    "recipients": {"gsm": [{"value": "33600112233"}, {"value": "+33 6 00 11 22 44"}]},
}
sent = call("/send", {}, {"sms": sms})
assert (sent["message"], sent["sent"]) == ("OK", 2)
print("wordpress")
