"""GET /messages."""

from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr
from chappe.manage.messages import Message, MessageFilter, MessageStatus, Sort
from chappe.surfaces.http.smsfactor.answers import Answer, Fields
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import (
    date_of,
    date_text,
    optional_date_text,
    page_of,
    sort_of,
    word,
)

_SORTS: tuple[Sort, ...] = ("date", "destination", "sender", "status")
_STATUSES: tuple[MessageStatus, ...] = (
    "delivered",
    "sent",
    "waiting",
    "moderation",
    "denied",
    "not_sent",
    "undelivered",
)


async def find(call: Call) -> Answer:
    query = call.query
    start, length = page_of(query)
    from_at = date_of(query, "date_start", end="first")
    to_at = date_of(query, "date_end", end="last")
    if from_at is None or to_at is None:
        raise BadData("is missing", field="date_start" if from_at is None else "date_end")
    asked = word(query.get("type"), "type", ("messages-in", "messages-out"))
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
    return Answer(
        {
            "totalRecords": page.total,
            "totalDisplayRecords": page.matching,
            "messages": [_fields(message) for message in page.rows],
        }
    )


def _fields(message: Message) -> Fields:
    """A message as the vendor prints it: ids, length, cost are numbers. Source: the contract's messages."""
    status = Dlr(message.dlr).name
    return {
        "campaign_id": message.campaign_id,
        "client_id": message.account_id,
        "client_message_id": message.client_ref or "",
        "contact_list_id": "",
        "message": message.text,
        "message_length": len(message.text),
        "cost": message.cost,
        "country": message.country,
        "destination": str(message.number),
        "message_id": message.id,
        "sender": message.sender or "",
        "date": date_text(message.sent_at),
        "dlr_date": optional_date_text(message.dlr_at),
        "status": status,
        "status_details": status,
        "type": "sms_mt" if message.direction == "out" else "sms_mo",
    }
