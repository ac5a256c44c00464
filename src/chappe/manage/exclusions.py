"""Whom an account does not write to: its blacklist and its NPAI list, as it reads and changes them."""

import asyncio
from collections.abc import Sequence
from functools import partial

from chappe.domain.accounts import Account
from chappe.domain.contacts import infos_of
from chappe.domain.errors import NotFound
from chappe.domain.infos import join_infos
from chappe.domain.personalize import Infos
from chappe.manage.contact_reading import readings
from chappe.manage.pages import Page
from chappe.store import exclusions
from chappe.store.clock import now_ms
from chappe.store.exclusions import ExclusionRow, Kind, NewExclusion
from chappe.store.sqlite import Store

# As many as one unit of work lists.
CHUNK = 2_000


class Exclusions:
    """The exclusion lists of all accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, account: Account, kind: Kind, numbers: list[str], infos: Sequence[Infos | None]) -> int:
        """List people; how many of these are numbers, those included that were listed before.

        Shape: `infos` is empty or as long as `numbers`; also a number that no message can go to is listed. A crash
               leaves the chunks that were written; the same request again adds the rest.
        """
        read = await readings(numbers, infos, account, is_any_line=True)
        rows = [NewExclusion(number, join_infos(infos_of(entry))) for number, entry in zip(*read.contacts, strict=True)]
        at = now_ms()
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            unit = partial(exclusions.add, account=account.id, kind=kind, rows=chunk, at=at)
            await self._store.write(unit)
            await asyncio.sleep(0)  # let the others write
        return len(rows)

    async def page(self, account: Account, kind: Kind, start: int, length: int) -> Page[ExclusionRow]:
        """Some of the listed, in the order of their numbers."""
        rows, total = await self._store.read(lambda tx: exclusions.page(tx, account.id, kind, start, length))
        return Page(rows, total, total)

    async def remove(self, account: Account, kind: Kind, number: int) -> None:
        """Write to somebody again. Raises: NotFound."""
        if not await self._store.write(lambda tx: exclusions.remove(tx, account.id, kind, number)):
            raise NotFound("there is no such contact", field="id")
