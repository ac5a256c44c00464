"""GET /messages/mo; GET /campaign/:id/mo, /blacklist and /npai; PUT /campaign/:id/npai."""

from typing import Final

import msgspec

from chappe.domain.errors import BadData
from chappe.manage.replies import Reply, ReplyFilter, Sort, Unassigned
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.exclusions import AddedContacts
from chappe.surfaces.http.smsfactor.fields import date_of, date_text, long_page_of, page_of, sort_of
from chappe.surfaces.http.smsfactor.query import PAGE, QueryField, period, sort_field

_SORTS: Final[tuple[Sort, ...]] = ("id", "date", "text")
QUERY: Final = (*period("Received", is_required=True), *PAGE, sort_field(_SORTS))
# These lists have no pages in the vendor's API: whoever does not ask for one gets much at once.
CAMPAIGN_QUERY: Final = (
    QueryField("start", "Rows to skip.", "number"),
    QueryField("length", "Rows of the page: 10,000 by default and at most.", "number"),
)


class ReplyFields(msgspec.Struct, frozen=True):
    """A reply as the vendor prints it: ids are texts, the number is none; no `campaign_id` when it answers nothing.

    Source: the contract's replies.
    """

    message_id: str
    campaign_id: str
    destination: int
    message: str
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None
    date: str


class PersonFields(msgspec.Struct, frozen=True):
    """Somebody of a campaign. Source: the contract's opt-outs of a campaign."""

    destination: str
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None
    date: str


class FoundReplies(Answer, frozen=True):
    """A page of replies."""

    totalRecords: int
    totalDisplayRecords: int
    replies: list[ReplyFields]


class Stops(Answer, frozen=True):
    """Who answered a campaign with an opt-out."""

    stops: list[PersonFields]
    totalRecords: int
    totalDisplayRecords: int


class Npais(Answer, frozen=True):
    """A campaign's numbers that nobody has, under either name that clients may look for."""

    npais: list[PersonFields]
    npai: list[PersonFields]
    totalRecords: int
    totalDisplayRecords: int


async def find(call: Call) -> FoundReplies:
    """List the replies of a period, opt-outs among them."""
    query = call.query
    start, length = page_of(query)
    from_at = date_of(query, "date_start", end="first")
    to_at = date_of(query, "date_end", end="last")
    if from_at is None or to_at is None:
        raise BadData("is missing", field="date_start" if from_at is None else "date_end")
    sort, is_descending = sort_of(query, _SORTS)
    page = await call.use_cases.replies.find(
        call.account,
        ReplyFilter(
            from_at=from_at,
            to_at=to_at,
            start=start,
            length=length,
            sort=sort or "date",
            is_descending=is_descending or sort is None,
        ),
    )
    return FoundReplies(page.total, page.matching, [_reply(reply) for reply in page.rows])


async def of_campaign(call: Call) -> FoundReplies:
    """List the replies to a campaign, opt-outs among them."""
    page = await call.use_cases.replies.of_campaign(call.account, call.id_of("campaign"), *long_page_of(call.query))
    return FoundReplies(page.total, page.matching, [_reply(reply) for reply in page.rows])


async def stops(call: Call) -> Stops:
    """List who answered a campaign with an opt-out."""
    page = await call.use_cases.replies.stops(call.account, call.id_of("campaign"), *long_page_of(call.query))
    people = [_person(one) for one in page.rows]
    return Stops(people, page.total, page.matching)


async def npai(call: Call) -> Npais:
    """List a campaign's numbers that nobody has."""
    page = await call.use_cases.replies.unassigned(call.account, call.id_of("campaign"), *long_page_of(call.query))
    people = [_person(one) for one in page.rows]
    return Npais(people, people, page.total, page.matching)


async def blacklist_npai(call: Call) -> AddedContacts:
    """Put a campaign's numbers that nobody has on the blacklist."""
    return AddedContacts(await call.use_cases.replies.blacklist_unassigned(call.account, call.id_of("campaign")))


def _reply(reply: Reply) -> ReplyFields:
    info1, info2, info3, info4 = reply.infos
    return ReplyFields(
        message_id=str(reply.id),
        campaign_id="" if reply.campaign_id is None else str(reply.campaign_id),
        destination=reply.number,
        message=reply.text,
        info1=info1,
        info2=info2,
        info3=info3,
        info4=info4,
        date=date_text(reply.at),
    )


def _person(one: Reply | Unassigned) -> PersonFields:
    info1, info2, info3, info4 = one.infos
    return PersonFields(
        destination=str(one.number), info1=info1, info2=info2, info3=info3, info4=info4, date=date_text(one.at)
    )
