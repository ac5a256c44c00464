"""GET /campaigns and GET /campaign/:id."""

from typing import Final

from chappe.manage.campaigns import Campaign, CampaignFilter, Sort
from chappe.surfaces.http.smsfactor.answers import Answer, Fields
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import date_of, date_text, optional_int, page_of, sort_of

_SORTS: tuple[Sort, ...] = ("id", "date", "text", "cost", "status")
_MAX_SMS = 10**12
# `Sent` is in the vendor's pages; the others follow the words of its message filter.
_STATES: Final = {
    "waiting": "Waiting",
    "sending": "Sending",
    "sent": "Sent",
    "cancelled": "Canceled",
    "moderation": "Moderation",
    "denied": "Denied",
}


async def history(call: Call) -> Answer:
    query = call.query
    start, length = page_of(query)
    sort, is_descending = sort_of(query, _SORTS)
    page = await call.use_cases.campaigns.history(
        call.account,
        CampaignFilter(
            start=start,
            length=length,
            from_at=date_of(query, "date_start", end="first"),
            to_at=date_of(query, "date_end", end="last"),
            sms_min=optional_int(query.get("sms_min"), "sms_min", low=0, high=_MAX_SMS),
            sms_max=optional_int(query.get("sms_max"), "sms_max", low=0, high=_MAX_SMS),
            destination=query.get("destination") or None,
            text=query.get("text") or None,
            sort=sort or "id",
            # Without a wish the newest come first.
            is_descending=is_descending or sort is None,
        ),
    )
    return Answer(
        {
            "campaigns": [_fields(campaign) for campaign in page.rows],
            "totalRecords": page.total,
            "totalDisplayRecords": page.matching,
        }
    )


async def one(call: Call) -> Answer:
    campaign = await call.use_cases.campaigns.get(call.account, call.id_of("campaign"))
    return Answer({"campaign": [_fields(campaign)]})


def _fields(campaign: Campaign) -> Fields:
    """A campaign as the vendor prints it: every scalar a text. Source: the contract's campaign history."""
    rate = 100 * campaign.delivered // campaign.sent if campaign.sent else 0
    return {
        "id": str(campaign.id),
        "sender": campaign.sender or "",
        "text": campaign.text,
        "creation_date": date_text(campaign.created_at),
        "date": date_text(campaign.send_at),
        "cost": str(campaign.cost),
        "lists": [],
        "status": _STATES[campaign.state],
        "delivery_rate": str(rate),
        "delivered": str(campaign.delivered),
        "error": str(campaign.failed),
        "expired": str(campaign.expired),
        "network_error": str(campaign.network_error),
        "stop": str(campaign.stop),
        "npai": str(campaign.npai),
        "total": str(campaign.total),
    }
