"""As a Chrome extension and an old Java program call: XML in the form field `XML`, password inside, to `/` or `/send`.

They accept anything, read XML, and write national numbers.
"""

import sys
import xml.etree.ElementTree as ET
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE, _, EMAIL, PASSWORD = sys.argv[1:5]


def document(password: str) -> str:
    return (
        f"<sms><authentification><username>{EMAIL}</username><password>{password}</password></authentification>"
        "<message><sender>MyClub</sender><text>C'est l'été &amp; il fait beau</text></message>"
        '<recipients><gsm gsmsmsid="">0600112233</gsm><gsm gsmsmsid="x-1">0033600112244</gsm></recipients></sms>'
    )


def post(path: str, xml: str) -> ET.Element:
    with urlopen(Request(BASE + path, urlencode({"XML": xml}).encode()), timeout=30) as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "application/xml; charset=utf-8"
        root = ET.fromstring(reply.read())
    assert root.tag == "response"
    return root


for path in ("/", "/send", "//send"):
    answer = post(path, document(PASSWORD))
    assert answer.findtext("status") == "1"
    assert (answer.findtext("total"), answer.findtext("sent")) == ("2", "2")
    assert answer.findtext("ticket").isdigit()  # type: ignore[union-attr]
assert post("/", document("wrong")).findtext("status") == "-1"
assert post("/", document(PASSWORD)[:-3]).findtext("status") == "-2"
print("extension")
