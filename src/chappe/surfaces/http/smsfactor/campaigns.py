"""GET /campaigns and GET /campaign/:id."""

from typing import Final

import msgspec

from chappe.manage.campaigns import Campaign, CampaignFilter, Sort
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import date_of, date_text, optional_int, page_of, sort_of
from chappe.surfaces.http.smsfactor.query import PAGE, QueryField, period, sort_field

_SORTS: Final[tuple[Sort, ...]] = ("id", "date", "text", "cost", "status")
_MAX_SMS = 10**12
QUERY: Final = (
    *PAGE,
    *period("Sent", is_required=False),
    QueryField("sms_min", "With this many SMS or more.", "number", high=_MAX_SMS),
    QueryField("sms_max", "With this many SMS or fewer.", "number", high=_MAX_SMS),
    QueryField("destination", "Sent to this number too."),
    QueryField("text", "Whose text contains this."),
    sort_field(_SORTS),
)
# `Sent` is in the vendor's pages; the others follow the words of its message filter.
_STATES: Final = {
    "waiting": "Waiting",
    "sending": "Sending",
    "sent": "Sent",
    "cancelled": "Canceled",
    "moderation": "Moderation",
    "denied": "Denied",
}


class List(msgspec.Struct, frozen=True):
    """A list that a campaign was sent to."""

    id: str


class CampaignFields(msgspec.Struct, frozen=True):
    """A campaign as the vendor prints it: every scalar a text. Source: the contract's campaign history."""

    id: str
    sender: str
    text: str
    creation_date: str
    date: str
    cost: str
    lists: list[List]
    status: str
    delivery_rate: str
    delivered: str
    error: str
    expired: str
    network_error: str
    stop: str
    npai: str
    total: str


class History(Answer, frozen=True):
    """A page of campaigns."""

    campaigns: list[CampaignFields]
    totalRecords: int
    totalDisplayRecords: int


class One(Answer, frozen=True):
    """One campaign, in an array as the vendor has it."""

    campaign: list[CampaignFields]


async def history(call: Call) -> History:
    """List campaigns, the newest first."""
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
            sort=sort or "date",
            # Without a wish the newest come first.
            is_descending=is_descending or sort is None,
        ),
    )
    return History(
        campaigns=[_fields(campaign) for campaign in page.rows],
        totalRecords=page.total,
        totalDisplayRecords=page.matching,
    )


async def one(call: Call) -> One:
    """Read one campaign with its counters."""
    campaign = await call.use_cases.campaigns.get(call.account, call.id_of("campaign"))
    return One(campaign=[_fields(campaign)])


def _fields(campaign: Campaign) -> CampaignFields:
    rate = 100 * campaign.delivered // campaign.sent if campaign.sent else 0
    return CampaignFields(
        id=str(campaign.id),
        sender=campaign.sender or "",
        text=campaign.text,
        creation_date=date_text(campaign.created_at),
        date=date_text(campaign.send_at),
        cost=str(campaign.cost),
        lists=[List(str(id_)) for id_ in campaign.lists],
        status=_STATES[campaign.state],
        delivery_rate=str(rate),
        delivered=str(campaign.delivered),
        error=str(campaign.failed),
        expired=str(campaign.expired),
        network_error=str(campaign.network_error),
        stop=str(campaign.stop),
        npai=str(campaign.npai),
        total=str(campaign.total),
    )
