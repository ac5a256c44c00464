"""Contacts on their way into a list: in chunks, so that a large request or file holds nobody up."""

import asyncio
from typing import Final

from chappe.domain.contacts import Contacts
from chappe.domain.errors import NotFound, Unavailable
from chappe.store import contact_lists, contacts
from chappe.store.clock import now_ms
from chappe.store.contact_lists import NOBODY
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

# Contacts in one unit of work: some eight milliseconds.
CHUNK: Final = 5_000


class Filling:
    """A list that is being filled: `write` any number of times, then `finish`, else `give_up`.

    A new list is seen by its account when it is complete: whoever dies before leaves nothing, and the request may be
    sent again. An existing list keeps the chunks that were written.
    """

    def __init__(self, store: Store, ids: Ids, account: int, *, list_id: int | None, name: str) -> None:
        self._store = store
        self._ids = ids
        self._account = account
        self._name = name
        self._is_new = list_id is None
        self._list_id = list_id
        self._waiting = Contacts([], [])

    async def write(self, more: Contacts) -> None:
        """Add contacts. Raises: NotFound when the list has been deleted meanwhile."""
        waiting = Contacts(self._waiting.numbers + more.numbers, self._waiting.entries + more.entries)
        count, start = len(waiting.numbers), 0
        # The last ones wait for `finish`, so that a small request is one unit of work.
        while count - start > CHUNK:
            await self._write_chunk(waiting.part(start, start + CHUNK))
            start += CHUNK
        self._waiting = waiting.part(start, count)

    async def finish(self) -> int:
        """Write what is left, and show the list to its account; its id."""
        now, chunk = now_ms(), self._waiting

        def unit(tx: Tx) -> int:
            if self._list_id is None:
                return self._open(tx, self._account, chunk, now)
            self._add(tx, self._list_id, chunk, now)
            if self._is_new and not contact_lists.give(tx, self._list_id, self._account, now):
                raise Unavailable("the list was swept before it was complete")
            return self._list_id

        list_id = await self._store.write(unit)
        self._waiting = Contacts([], [])
        return list_id

    async def give_up(self) -> None:
        """Leave nothing of a list that was to be new."""
        if self._is_new and (list_id := self._list_id) is not None:
            await self._store.write(lambda tx: contact_lists.disown(tx, NOBODY, list_id))

    async def _write_chunk(self, chunk: Contacts) -> None:
        now = now_ms()

        def unit(tx: Tx) -> int:
            if self._list_id is None:
                return self._open(tx, NOBODY, chunk, now)
            self._add(tx, self._list_id, chunk, now)
            return self._list_id

        self._list_id = await self._store.write(unit)
        await asyncio.sleep(0)  # let the others write

    def _open(self, tx: Tx, account: int, chunk: Contacts, now: int) -> int:
        list_id = self._ids.take(tx, "list")
        contact_lists.insert(tx, list_id, account, self._name, len(chunk.numbers), now)
        contacts.insert(tx, list_id, self._ids.take(tx, "contact", len(chunk.numbers)), chunk)
        return list_id

    def _add(self, tx: Tx, list_id: int, chunk: Contacts, now: int) -> None:
        owner = NOBODY if self._is_new else self._account
        if not contact_lists.change(tx, owner, list_id, len(chunk.numbers), now):
            raise NotFound(f"there is no list {list_id}", field="list")
        contacts.insert(tx, list_id, self._ids.take(tx, "contact", len(chunk.numbers)), chunk)
