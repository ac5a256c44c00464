"""As an old PHP class calls: `XML=` with the document as it stands, not encoded; then it pulls delivery reports."""

import sys
import xml.etree.ElementTree as ET
from urllib.request import Request, urlopen

BASE, _, EMAIL, PASSWORD = sys.argv[1:5]
LOGIN = f"<authentification><username>{EMAIL}</username><password>{PASSWORD}</password></authentification>"


def post(path: str, xml: str) -> ET.Element:
    with urlopen(Request(BASE + path, f"XML={xml}".encode()), timeout=30) as reply:
        assert reply.status == 200
        return ET.fromstring(reply.read())


def reports(ticket: str, reference: str = "", query: str = "") -> ET.Element:
    wanted = f'<message><ticket gsmsmsid="{reference}">{ticket}</ticket></message>'
    return post(f"/dr{query}", f"<deliveryreport>{LOGIN}{wanted}</deliveryreport>")


people = "".join(f'<gsm gsmsmsid="php-{n}">06001122{n:02}</gsm>' for n in range(5))
message = "<message><text>50% & more</text></message>".replace("&", "&amp;")
sent = post("/", f"<sms>{LOGIN}{message}<recipients>{people}</recipients></sms>")
assert (sent.findtext("status"), sent.findtext("sent")) == ("1", "5")
ticket = sent.findtext("ticket") or ""
found = reports(ticket)
assert (found.findtext("status"), found.findtext("totalRecords")) == ("1", "5")
lines = found.findall("dr/message")
assert [(line.find("gsm").get("gsmsmsid"), line.findtext("gsm")) for line in lines] == [  # type: ignore[union-attr]
    (f"php-{n}", f"336001122{n:02}") for n in range(5)
]
assert all(line.findtext("dr", "").isdigit() for line in lines)
assert len(reports(ticket, "php-3").findall("dr/message")) == 1
assert len(reports("", "php-3").findall("dr/message")) == 1
assert len(reports(ticket, "", "?start=3").findall("dr/message")) == 2
assert reports("99999999").findtext("status") == "-5"
print("old php")
