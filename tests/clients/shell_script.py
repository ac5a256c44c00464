"""As a line in somebody's crontab calls: one GET with the token in the query, and XML to read or to ignore."""

import sys
import xml.etree.ElementTree as ET
from http.client import HTTPConnection
from urllib.parse import quote, urlencode, urlsplit

BASE, TOKEN, EMAIL, PASSWORD = sys.argv[1:5]


def get(target: str) -> ET.Element:
    """A GET with nothing but the host in its head."""
    place = urlsplit(BASE)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.putrequest("GET", target, skip_accept_encoding=True)
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/xml; charset=utf-8"
    return ET.fromstring(reply.read())


sent = get(f"/send?token={TOKEN}&to=33600112233&text={quote('Disk full: 95 % – host a&b')}")
assert (sent.findtext("status"), sent.findtext("sent")) == ("1", "1")
plus = get(f"/send?token={TOKEN}&to=%2B33600112233&text=Disk+full&pushtype=alert&sender=Ops&delay=")
assert plus.findtext("sent") == "1"
assert get(f"/send/simulate?token={TOKEN}&to=33600112233&text=x").find("ticket") is None
assert get(f"/credits?token={TOKEN}").findtext("message") == "OK"
old = urlencode({"username": EMAIL, "password": PASSWORD, "to": "0600112233", "text": "Hi"})
assert get(f"//send?{old}").findtext("sent") == "1"
assert get("/send?token=wrong&to=33600112233&text=x").findtext("status") == "-1"
print("shell")
