"""GET /messages."""

from typing import Final, Literal

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr
from chappe.manage.messages import Message, MessageFilter, MessageStatus, Sort
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import (
    date_of,
    date_text,
    optional_date_text,
    page_of,
    sort_of,
    word,
)
from chappe.surfaces.http.smsfactor.query import PAGE, QueryField, period, sort_field

_SORTS: Final[tuple[Sort, ...]] = ("date", "destination", "sender", "status")
_STATUSES: tuple[MessageStatus, ...] = (
    "delivered",
    "sent",
    "waiting",
    "moderation",
    "denied",
    "not_sent",
    "undelivered",
)
# What the vendor calls a message that came in is not known.
_RECEIVED: Final = "RECEIVED"
_TYPES: Final = ("messages-in", "messages-out")
QUERY: Final = (
    *period("Sent", is_required=True),
    QueryField("destination", "Whose number contains these digits."),
    QueryField("message", "Whose text contains this."),
    QueryField("type", "Only what came in, or only what went out.", words=_TYPES),
    QueryField("country", "Only to this country (ISO 3166-1 alpha-2)."),
    QueryField("status", "Only in this state.", words=_STATUSES),
    *PAGE,
    sort_field(_SORTS),
)


class MessageFields(msgspec.Struct, frozen=True):
    """A message as the vendor prints it: ids, length, cost are numbers. Source: the contract's messages."""

    campaign_id: int
    client_id: int
    client_message_id: str
    contact_list_id: str
    message: str
    message_length: int
    cost: int
    country: str
    destination: str
    message_id: int
    sender: str
    date: str
    dlr_date: str | None
    status: str
    status_details: str
    type: Literal["sms_mt", "sms_mo"]


class Found(Answer, frozen=True):
    """A page of messages."""

    totalRecords: int
    totalDisplayRecords: int
    messages: list[MessageFields]


async def find(call: Call) -> Found:
    """List the messages of a period, those sent and those received."""
    query = call.query
    start, length = page_of(query)
    from_at = date_of(query, "date_start", end="first")
    to_at = date_of(query, "date_end", end="last")
    if from_at is None or to_at is None:
        raise BadData("is missing", field="date_start" if from_at is None else "date_end")
    asked = word(query.get("type"), "type", _TYPES)
    sort, is_descending = sort_of(query, _SORTS)
    page = await call.use_cases.messages.find(
        call.account,
        MessageFilter(
            from_at=from_at,
            to_at=to_at,
            start=start,
            length=length,
            destination=query.get("destination") or None,
            text=query.get("message") or None,
            direction=None if asked is None else "in" if asked == "messages-in" else "out",
            country=query.get("country", "").strip().upper() or None,
            status=word(query.get("status"), "status", _STATUSES),
            sort=sort or "date",
            is_descending=is_descending or sort is None,
        ),
    )
    return Found(
        totalRecords=page.total,
        totalDisplayRecords=page.matching,
        messages=[_fields(message) for message in page.rows],
    )


def _fields(message: Message) -> MessageFields:
    status = Dlr(message.dlr).name if message.direction == "out" else _RECEIVED
    return MessageFields(
        campaign_id=message.campaign_id or 0,  # a number, also for a reply to nothing
        client_id=message.account_id,
        client_message_id=message.client_ref or "",
        contact_list_id="" if message.list_id is None else str(message.list_id),
        message=message.text,
        message_length=len(message.text),
        cost=message.cost,
        country=message.country or "",
        destination=str(message.number),
        message_id=message.id,
        sender=message.sender or "",
        date=date_text(message.sent_at),
        dlr_date=optional_date_text(message.dlr_at),
        status=status,
        status_details=status,
        type="sms_mt" if message.direction == "out" else "sms_mo",
    )
