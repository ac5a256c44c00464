"""Remove the contacts of lists that were deleted, or that a writer left unfinished: in chunks, also after a restart."""

import asyncio
import time
from functools import partial
from typing import Final

import structlog

from chappe.store import contact_lists, contacts
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.lists")

EVERY_S: Final = 5.0
# Contacts in one unit of work: some five milliseconds.
CHUNK: Final = 5_000
LISTS: Final = 100
# Rests between units, so that a list of millions leaves the database to the others for most of the time.
REST_S: Final = 0.01
# A round stops after so long, also because a process that is told to stop waits for it; the next goes on.
ROUND_S: Final = 5.0


class ListSweeper:
    """The job that ends what is nobody's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def once(self) -> None:
        """Remove what is nobody's, for a few seconds at most."""
        until = time.monotonic() + ROUND_S
        while found := self._store.glance(lambda tx: contact_lists.nobodys(tx, now_ms(), LISTS)):
            for list_id in found:
                removed = 0
                while count := await self._store.write(partial(_remove_some, list_id=list_id)):
                    removed += count
                    await asyncio.sleep(REST_S)
                    if time.monotonic() > until:
                        return
                _log.info("list removed", list=list_id, contacts=removed)


def _remove_some(tx: Tx, list_id: int) -> int:
    count = contacts.delete_some(tx, list_id, CHUNK)
    if not count:
        contact_lists.remove(tx, list_id)
    return count
