"""GET and POST /blacklist and /npai, DELETE /blacklist/contact/:id and /npai/contact/:id."""

from typing import Literal

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.infos import split_infos
from chappe.store.exclusions import ExclusionRow, Kind
from chappe.surfaces.http.smsfactor.answers import Answer, Done
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.contact_ids import excluded_of, exclusion_id
from chappe.surfaces.http.smsfactor.fields import date_text, page_of
from chappe.surfaces.http.smsfactor.query import PAGE
from chappe.surfaces.http.smsfactor.recipients import entries, infos, numbers
from chappe.surfaces.http.smsfactor.send_document import Recipients

QUERY = PAGE


class _People(msgspec.Struct):
    contacts: Recipients | None = None


class BlacklistDocument(msgspec.Struct):
    """People for the blacklist; the vendor's XML example calls its root `list`."""

    blacklist: _People | None = None
    list: _People | None = None


class NpaiDocument(msgspec.Struct):
    """Numbers for the NPAI list."""

    npai: _People | None = None
    list: _People | None = None


class ExclusionFields(msgspec.Struct, frozen=True):
    """Somebody who is not written to. Source: the contract's blacklist and NPAI list."""

    id: str
    destination: str
    date: str
    info1: str
    info2: str
    info3: str
    info4: str
    user_information: tuple[()]
    campaign_id: int | None
    batch_id: Literal[None]


class Listed(Answer, frozen=True):
    """A page of them."""

    list: list[ExclusionFields]
    totalRecords: int
    totalDisplayRecords: int


class AddedContacts(Answer, frozen=True):
    """How many numbers are on the list now, those included that were before."""

    added_contacts: int


async def blacklist(call: Call) -> Listed:
    """List the blacklist: who asked not to be written to."""
    return await _page(call, "blacklist")


async def npai(call: Call) -> Listed:
    """List the NPAI list: numbers that nobody has."""
    return await _page(call, "npai")


async def add_to_blacklist(call: Call) -> AddedContacts:
    """Add numbers to the blacklist."""
    document = call.document.read(BlacklistDocument, root="blacklist")
    return await _add(call, "blacklist", document.blacklist or document.list)


async def add_to_npai(call: Call) -> AddedContacts:
    """Add numbers to the NPAI list."""
    document = call.document.read(NpaiDocument, root="npai")
    return await _add(call, "npai", document.npai or document.list)


async def remove_from_blacklist(call: Call) -> Done:
    """Remove a number from the blacklist."""
    await call.use_cases.exclusions.remove(call.account, "blacklist", excluded_of(call))
    return Done()


async def remove_from_npai(call: Call) -> Done:
    """Remove a number from the NPAI list."""
    await call.use_cases.exclusions.remove(call.account, "npai", excluded_of(call))
    return Done()


async def _page(call: Call, kind: Kind) -> Listed:
    page = await call.use_cases.exclusions.page(call.account, kind, *page_of(call.query))
    return Listed(list=[_fields(row) for row in page.rows], totalRecords=page.total, totalDisplayRecords=page.matching)


async def _add(call: Call, kind: Kind, people: _People | None) -> AddedContacts:
    if people is None:
        raise BadData("is missing", field=kind)
    field = f"{kind}.contacts.gsm"
    gsm = entries(people.contacts, call.limits, field)
    if not gsm:
        raise BadData("is missing", field=field)
    columns = numbers(gsm), infos(gsm, call.limits, field)
    return AddedContacts(added_contacts=await call.use_cases.exclusions.add(call.account, kind, *columns))


def _fields(row: ExclusionRow) -> ExclusionFields:
    one, two, three, four = [info or "" for info in split_infos(row.infos)]
    return ExclusionFields(
        id=exclusion_id(row.number),
        destination=str(row.number),
        date=date_text(row.created_at),
        info1=one,
        info2=two,
        info3=three,
        info4=four,
        user_information=(),
        campaign_id=row.campaign_id,
        batch_id=None,
    )
