"""POST /list, GET /lists, GET, DELETE and PUT /list/:id…, PUT and DELETE /list/contact/:id."""

from collections.abc import Sequence
from typing import Final

import msgspec

from chappe.domain.contacts import MAX_NAME_CHARACTERS
from chappe.domain.errors import BadData, NotFound
from chappe.manage.lists import Contact, ContactChange
from chappe.surfaces.http.smsfactor.answers import Answer, Done
from chappe.surfaces.http.smsfactor.call import MAX_ID_DIGITS, Call
from chappe.surfaces.http.smsfactor.contact_ids import contact_id, contact_of
from chappe.surfaces.http.smsfactor.fields import Scalar, date_text, optional_text, page_of, text_of
from chappe.surfaces.http.smsfactor.query import PAGE, QueryField
from chappe.surfaces.http.smsfactor.recipients import entries, infos, numbers
from chappe.surfaces.http.smsfactor.send_document import Gsm, Recipient, Recipients

_CONTACTS: Final = "list.contacts.gsm"
_MAX_SEARCH_CHARACTERS: Final = 255
QUERY: Final = (
    QueryField("search", "Whose number, or one of whose infos, contains this."),
    *PAGE,
)


class _List(msgspec.Struct):
    """A list to be created, or added to: clients write its id under three names."""

    name: Scalar = None
    listId: Scalar = None
    list_id: Scalar = None
    list: Scalar = None
    contacts: Recipients | Sequence[Recipient] | Scalar = None


class ListDocument(msgspec.Struct):
    list: _List | None = None


class ContactDocument(msgspec.Struct):
    """A contact's new fields; one that is missing stays as it is, an empty info goes."""

    contact: Gsm | None = None
    value: Scalar = None
    info1: Scalar = None
    info2: Scalar = None
    info3: Scalar = None
    info4: Scalar = None


class Filled(Answer, frozen=True):
    """What became of the contacts: stored, refused, and those of the stored whose number was there already."""

    contacts: int
    invalid: int
    duplicates: int
    id: str


class ListFields(msgspec.Struct, frozen=True):
    """A list. Source: the contract's lists."""

    id: str
    name: str
    date: str
    count: str


class All(Answer, frozen=True):
    """Every list of the account, the newest first."""

    lists: list[ListFields]


class ContactFields(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact; infos that are not set are not there. Source: the contract's lists."""

    id: str
    destination: str
    info1: str | None = None
    info2: str | None = None
    info3: str | None = None
    info4: str | None = None


class One(Answer, frozen=True):
    """A page of a list's contacts."""

    list: list[ContactFields]
    name: str
    contacts: str
    totalRecords: int
    totalDisplayRecords: int


class Removed(Answer, frozen=True):
    """How many contacts were removed."""

    removed: int


async def fill(call: Call) -> Filled:
    """Create a list of contacts, or add contacts to one."""
    wish = call.document.read(ListDocument).list
    if wish is None:
        raise BadData("is missing", field="list")
    gsm = entries(_recipients(wish), call.limits, _CONTACTS)
    columns = numbers(gsm), infos(gsm, call.limits, _CONTACTS)
    list_id, lists = _list_id(wish), call.use_cases.lists
    if list_id is None:
        name = optional_text(wish.name, "list.name", max_characters=MAX_NAME_CHARACTERS)
        added = await lists.create(call.account, name, *columns)
    else:
        added = await lists.add(call.account, list_id, *columns)
    return Filled(contacts=added.contacts, invalid=added.invalid, duplicates=added.duplicates, id=str(added.list_id))


async def all_of_account(call: Call) -> All:
    """List the contact lists."""
    found = await call.use_cases.lists.all(call.account)
    return All(
        lists=[
            ListFields(id=str(row.id), name=row.name, date=date_text(row.created_at), count=str(row.contacts))
            for row in found
        ]
    )


async def one(call: Call) -> One:
    """Read the contacts of a list."""
    list_id = call.id_of("list")
    start, length = page_of(call.query)
    search = optional_text(call.query.get("search"), "search", max_characters=_MAX_SEARCH_CHARACTERS) or ""
    name = call.use_cases.lists.get(call.account, list_id).name
    page = await call.use_cases.lists.read(call.account, list_id, search, start, length)
    return One(
        list=[_fields(contact) for contact in page.rows],
        name=name,
        contacts=str(page.total),
        totalRecords=page.total,
        totalDisplayRecords=page.matching,
    )


async def delete(call: Call) -> Done:
    """Delete a list with its contacts."""
    await call.use_cases.lists.delete(call.account, call.id_of("list"))
    return Done()


async def deduplicate(call: Call) -> Removed:
    """Keep the first contact of each number in a list."""
    return Removed(removed=await call.use_cases.lists.deduplicate(call.account, call.id_of("list")))


async def clear_npai(call: Call) -> Removed:
    """Remove the contacts of a list whose number is on the NPAI list."""
    return Removed(removed=await call.use_cases.lists.clear_npai(call.account, call.id_of("list")))


async def update_contact(call: Call) -> Done:
    """Change a contact of a list."""
    list_id, contact = contact_of(call)
    document = call.document.read(ContactDocument, root="contact")
    given = document.contact or document
    number = optional_text(given.value, "value", max_characters=call.limits.max_reference_characters)
    fields = (given.info1, given.info2, given.info3, given.info4)
    texts = tuple([None if field is None else text_of(field) for field in fields])
    if any(text and len(text) > call.limits.max_info_characters for text in texts):
        raise BadData(f"is longer than {call.limits.max_info_characters} characters", field="info")
    if number is None and all(text is None for text in texts):
        raise BadData("names nothing that could be changed", field="contact")
    await call.use_cases.lists.update_contact(call.account, list_id, contact, ContactChange(number, texts))
    return Done()


async def delete_contact(call: Call) -> Done:
    """Remove a contact from its list."""
    await call.use_cases.lists.delete_contact(call.account, *contact_of(call))
    return Done()


def _recipients(wish: _List) -> Recipients | None:
    """Who is to be on the list: clients write nobody as an empty array, an empty element or not at all."""
    match wish.contacts:
        case Recipients() | None as given:
            return given
        case [*everybody]:
            return Recipients(gsm=everybody)
        case given if text_of(given).strip():
            raise BadData("must have contacts in gsm", field="list.contacts")
        case _:
            return None


def _list_id(wish: _List) -> int | None:
    """The list to add to, None when one is to be created. Raises: NotFound when it cannot be the id of any."""
    given = (text_of(name).strip() for name in (wish.listId, wish.list_id, wish.list))
    text = next(filter(None, given), None)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS):
        raise NotFound("there is no such list", field="list.listId")
    return int(text)


def _fields(contact: Contact) -> ContactFields:
    one, two, three, four = contact.infos
    return ContactFields(
        id=contact_id(contact.list_id, contact.id),
        destination=str(contact.number),
        info1=one,
        info2=two,
        info3=three,
        info4=four,
    )
