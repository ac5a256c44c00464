"""POST / and POST /dr: what the first clients call, in XML."""

from typing import Final

import msgspec

from chappe.domain.errors import BadData, NotFound
from chappe.surfaces.http.smsfactor import send
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import (
    MAX_START,
    Scalar,
    date_text,
    optional_int,
    optional_text,
    text_of,
)
from chappe.surfaces.http.smsfactor.query import QueryField

MAX_REPORTS: Final = 1000
QUERY: Final = (
    QueryField("start", "Reports to skip.", "number"),
    QueryField("length", f"Reports of the page: {MAX_REPORTS} by default and at most.", "number"),
)
_MAX_TICKET = 2**31 - 1
_MAX_REFERENCE_CHARACTERS = 255


class Ticket(msgspec.Struct):
    """The campaign, and perhaps your own id of one message."""

    value: Scalar = None
    gsmsmsid: Scalar = None


class ReportMessage(msgspec.Struct):
    """Which reports are wanted."""

    ticket: Ticket | Scalar = None


class ReportRequest(msgspec.Struct):
    """What is asked for."""

    message: ReportMessage | None = None


class ReportDocument(msgspec.Struct):
    """The whole document."""

    deliveryreport: ReportRequest | None = None


class Gsm(msgspec.Struct, frozen=True):
    """A number, with your own id of the message as an attribute."""

    gsmsmsid: str = msgspec.field(name="@gsmsmsid")
    number: str = msgspec.field(name="#text")


class Report(msgspec.Struct, frozen=True):
    """The delivery status of a message. Source: the webhook's table of statuses."""

    gsm: Gsm
    dr: int
    date: str | None


class Reports(msgspec.Struct, frozen=True):
    """The reports of a campaign, one after the other."""

    message: list[Report]


class Pulled(Answer, frozen=True):
    """A page of a campaign's reports."""

    ticket: str
    totalRecords: int
    dr: Reports


async def send_xml(call: Call) -> send.Sent | send.Held:
    """Send a campaign to numbers, as POST /send does, for clients that know only one address."""
    return await send.post(call)


async def reports(call: Call) -> Pulled:
    """Read the delivery reports of a campaign, in XML only.

    Name the campaign by its ticket, one of its messages by the attribute gsmsmsid as well; with a gsmsmsid alone
    it is looked for in your campaigns of the last 30 days. A page has at most 1000 reports. New programs should
    rather have a webhook, or read GET /messages.
    """
    ticket, reference = _wanted(call)
    start = optional_int(call.query.get("start"), "start", low=0, high=MAX_START) or 0
    length = optional_int(call.query.get("length"), "length", low=0, high=MAX_START)
    found = await call.use_cases.delivery_reports.find(
        call.account,
        ticket,
        reference,
        start=start,
        length=MAX_REPORTS if length is None else min(length, MAX_REPORTS),
    )
    rows = [
        Report(
            gsm=Gsm(row.client_ref or "", str(row.number)),
            dr=row.dlr,
            date=None if row.at is None else date_text(row.at),
        )
        for row in found.page.rows
    ]
    return Pulled(ticket=str(found.ticket), totalRecords=found.page.matching, dr=Reports(message=rows))


def _wanted(call: Call) -> tuple[int | None, str | None]:
    asked = call.document.read(ReportDocument, root="deliveryreport").deliveryreport
    place = "deliveryreport.message.ticket"
    if asked is None or asked.message is None or asked.message.ticket is None:
        raise BadData("is missing", field=place)
    found = asked.message.ticket
    ticket = found if isinstance(found, Ticket) else Ticket(value=found)
    reference = optional_text(ticket.gsmsmsid, f"{place}.gsmsmsid", max_characters=_MAX_REFERENCE_CHARACTERS)
    number = text_of(ticket.value).strip()
    if not number:
        if reference is None:
            raise BadData("is missing", field=place)
        return None, reference
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(_MAX_TICKET))):
        raise NotFound("there is no such campaign", field="ticket")
    return int(number), reference
