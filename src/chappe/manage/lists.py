"""Contact lists: fill, read, search, tidy and delete them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from chappe.domain.accounts import Account
from chappe.domain.contact_search import wanted
from chappe.domain.contacts import (
    MAX_NAME_CHARACTERS,
    entry_of,
    infos_of,
    read_contacts,
    storable_text,
)
from chappe.domain.delay import paris_text
from chappe.domain.errors import BadData, NotFound
from chappe.domain.personalize import Infos
from chappe.manage import list_search
from chappe.manage.contact_reading import readings
from chappe.manage.list_filling import CHUNK, Filling
from chappe.manage.pages import Page
from chappe.store import contact_lists, contacts
from chappe.store.clock import now_ms
from chappe.store.contact_lists import ListRow
from chappe.store.contacts import ContactRow
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

# Numbers that are sorted at once to find those that come twice, so that the memory it takes has an end.
PART: Final = 250_000


@dataclass(frozen=True, slots=True)
class Added:
    """What became of contacts that were given.

    Shape: `duplicates` are those of the stored whose number the list had already, or came twice.
    """

    list_id: int
    contacts: int
    invalid: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of a list."""

    id: int
    list_id: int
    number: int
    infos: Infos


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What to change of a contact. Shape: None leaves a field as it is, the empty text empties an info."""

    number: str | None
    infos: Infos


class Lists:
    """The contact lists of all accounts."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def create(
        self, account: Account, name: str | None, numbers: list[str], infos: Sequence[Infos | None]
    ) -> Added:
        """Open a list with these contacts; its name is the date unless it is given one.

        Shape:  `infos` is empty or as long as `numbers`. All or nothing.
        Raises: BadData.
        """
        read = await readings(numbers, infos, account)
        async with self.filling(account, name=name) as filling:
            await filling.write(read.contacts)
            list_id = await filling.finish()
        return Added(list_id, len(read.contacts.numbers), read.invalid, _repeated(read.contacts.numbers, set()))

    async def add(self, account: Account, list_id: int, numbers: list[str], infos: Sequence[Infos | None]) -> Added:
        """Add contacts to a list; a crash leaves the chunks that were written. Raises: NotFound."""
        self.get(account, list_id)
        read = await readings(numbers, infos, account)
        given = set(read.contacts.numbers)
        known = await self._store.read(lambda tx: contacts.known(tx, list_id, given)) if given else set()
        async with self.filling(account, list_id=list_id) as filling:
            await filling.write(read.contacts)
            await filling.finish()
        return Added(list_id, len(read.contacts.numbers), read.invalid, _repeated(read.contacts.numbers, known))

    @asynccontextmanager
    async def filling(
        self, account: Account, *, name: str | None = None, list_id: int | None = None
    ) -> AsyncIterator[Filling]:
        """Fill a new list, or an existing one, with as many contacts as there are; `finish` it at the end.

        Raises: NotFound; BadData when the name is too long.
        """
        if list_id is not None:
            self.get(account, list_id)
        given = storable_text(name or "").strip()
        if len(given) > MAX_NAME_CHARACTERS:
            raise BadData(f"is longer than {MAX_NAME_CHARACTERS} characters", field="list.name")
        name = given or paris_text(now_ms())
        filling = Filling(self._store, self._ids, account.id, list_id=list_id, name=name)
        try:
            yield filling
        except BaseException:
            await filling.give_up()
            raise

    async def all(self, account: Account) -> list[ListRow]:
        """The account's lists, the newest first."""
        return await self._store.read(lambda tx: contact_lists.all_of(tx, account.id))

    def get(self, account: Account, list_id: int) -> ListRow:
        """One list. Raises: NotFound."""
        found = self._store.glance(lambda tx: contact_lists.one(tx, account.id, list_id))
        if found is None:
            raise NotFound(f"there is no list {list_id}", field="list")
        return found

    def owner(self, list_id: int) -> int:
        """The account whose list it is: for the operator. Raises: NotFound."""
        found = self._store.glance(lambda tx: contact_lists.owner(tx, list_id))
        if found is None:
            raise NotFound(f"there is no list {list_id}", field="list")
        return found

    async def read(self, account: Account, list_id: int, search: str, start: int, length: int) -> Page[Contact]:
        """A page of a list's contacts in the order they came, those that fit `search`. Raises: NotFound."""
        total = self.get(account, list_id).contacts
        looked_for = wanted(search, account.country)
        if looked_for is None:
            rows = await self._store.read(lambda tx: contacts.page(tx, list_id, start, length))
            matching = total
        else:
            rows, matching = await list_search.find(self._store, list_id, looked_for, start, length)
        return Page([_contact(list_id, row) for row in rows], total, matching)

    async def delete(self, account: Account, list_id: int) -> None:
        """Delete a list; its contacts go later, in chunks. Raises: NotFound."""
        if not await self._store.write(lambda tx: contact_lists.disown(tx, account.id, list_id)):
            raise NotFound(f"there is no list {list_id}", field="list")

    async def count_duplicates(self, account: Account, list_id: int) -> int:
        """How many contacts `deduplicate` would delete. Raises: NotFound. Cost: as `deduplicate`."""
        parts = 1 + self.get(account, list_id).contacts // PART
        counts = [
            await self._store.read(partial(contacts.count_repeated, list_id=list_id, part=part, parts=parts))
            for part in range(parts)
        ]
        return sum(counts)

    async def deduplicate(self, account: Account, list_id: int) -> int:
        """Keep the first contact of each number; how many were deleted. Raises: NotFound.

        Cost: a reading of the list for each 250,000 contacts, and a chunked unit of work for what is deleted.
        """
        parts = 1 + self.get(account, list_id).contacts // PART
        removed = 0
        for part in range(parts):
            look = partial(contacts.repeated, list_id=list_id, part=part, parts=parts)
            found = await self._store.read(look)
            for at in range(0, len(found), CHUNK):
                delete = partial(contacts.delete_repeated, list_id=list_id, found=found[at : at + CHUNK])
                removed += await self._less(account, list_id, delete)
        return removed

    async def clear_npai(self, account: Account, list_id: int) -> int:
        """Take the contacts out of a list whose number is on the NPAI list; how many. Raises: NotFound."""
        self.get(account, list_id)
        removed, after = 0, -1
        while True:
            look = partial(contacts.unassigned, account=account.id, list_id=list_id, after=after, n=CHUNK)
            found = await self._store.read(look)
            if found:
                delete = partial(contacts.delete_unassigned, account=account.id, list_id=list_id, ids=found)
                removed += await self._less(account, list_id, delete)
            if len(found) < CHUNK:
                return removed
            after = found[-1]

    async def update_contact(self, account: Account, list_id: int, contact: int, change: ContactChange) -> None:
        """Change some of a contact's fields. Raises: NotFound; BadData when the new number is none."""

        def unit(tx: Tx) -> None:
            row = contacts.one(tx, list_id, contact)
            if row is None or not contact_lists.change(tx, account.id, list_id, 0, now_ms()):
                raise NotFound("there is no such contact", field="id")
            contacts.update(tx, list_id, contact, *_changed(row, change, account.country))

        await self._store.write(unit)

    async def delete_contact(self, account: Account, list_id: int, contact: int) -> None:
        """Take one contact out of a list. Raises: NotFound."""

        def unit(tx: Tx) -> None:
            is_own = contact_lists.change(tx, account.id, list_id, -1, now_ms())
            if not is_own or not contacts.delete(tx, list_id, contact):
                raise NotFound("there is no such contact", field="id")

        await self._store.write(unit)

    async def _less(self, account: Account, list_id: int, delete: Callable[[Tx], int]) -> int:
        """Delete some contacts and count them off, in one unit of work. Raises: NotFound."""

        def unit(tx: Tx) -> int:
            count = delete(tx)
            if not contact_lists.change(tx, account.id, list_id, -count, now_ms()):
                raise NotFound(f"there is no list {list_id}", field="list")
            return count

        count = await self._store.write(unit)
        await asyncio.sleep(0)  # let the others write
        return count


def _repeated(numbers: Sequence[int], known: set[int]) -> int:
    """How many contacts have a number that the list had, or that one before them has."""
    return len(numbers) - len(set(numbers) - known)


def _contact(list_id: int, row: ContactRow) -> Contact:
    return Contact(row.id, list_id, row.number, infos_of(row.entry))


def _changed(row: ContactRow, change: ContactChange, country: str) -> tuple[int, str]:
    """The number and the entry of a contact after a change."""
    infos = tuple([old if new is None else new for old, new in zip(infos_of(row.entry), change.infos, strict=True)])
    if change.number is None:
        return row.number, entry_of(str(row.number), infos)
    read = read_contacts([change.number], [infos], country)
    if read.invalid:
        problem = (read.problems[0] or "").replace("_", " ")
        raise BadData(f"is no number that a message can go to ({problem})", field="value")
    return read.contacts.numbers[0], read.contacts.entries[0]
