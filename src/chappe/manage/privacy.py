"""What a person may ask of who runs the installation: everything that is known of him, and to be forgotten."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from chappe.domain.accounts import Account
from chappe.domain.privacy import Person
from chappe.manage import dossier
from chappe.manage.dossier import Dossier
from chappe.manage.person_search import Progress, search, search_messages
from chappe.pipeline.erase import Eraser
from chappe.pipeline.receive import Receiver
from chappe.store import audit, privacy
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.privacy import Whom
from chappe.store.sqlite import Store

# The owner of a reply is found within this time.
REPLIES_S: Final = 20.0
POLL_S: Final = 0.5


class Privacy:
    """One person's data in all tables."""

    def __init__(self, store: Store, ids: Ids, receiver: Receiver) -> None:
        self._store = store
        self._ids = ids
        self._receiver = receiver

    async def count(self, person: Person, account: Account | None, progress: Progress) -> dict[str, int]:
        """How much there is of a person, of what."""
        return (await search(self._store, _whom(person, account), progress)).counts()

    async def export(self, person: Person, account: Account | None, actor: str, progress: Progress) -> Dossier:
        """Everything of a person, as of one moment; the audit log tells that it was read."""
        whom = _whom(person, account)
        async with self._store.snapshot() as snapshot:
            found = await search(snapshot, whom, progress)
            read = await dossier.read(snapshot, whom, found, now_ms())
        await self._log("privacy.export", whom, actor, found.counts(), "")
        return read

    async def erase(
        self, person: Person, account: Account | None, actor: str, progress: Progress, *, forgets_optouts: bool
    ) -> dict[str, int]:
        """Erase a person; how much of what was erased, and `left`: campaigns that may be for him too and are not
        accepted yet.

        Shape: who is on a blacklist stays there, with the number alone, unless opt-outs are forgotten too. What is
               committed stays erased when it is interrupted, and the audit log tells of it.
        """
        whom = _whom(person, account)
        eraser = Eraser(self._store, self._ids, whom)
        note = "interrupted"
        try:
            await self._settle_replies(person)
            written = self._store.glance(lambda tx: privacy.being_written(tx, whom.account))
            found = await search(self._store, whom, progress)
            await eraser.begin()
            for list_id, contacts in found.contacts.items():
                await eraser.contacts(list_id, contacts)
            # Who sends to lists reads them as they were when he began.
            written |= self._store.glance(lambda tx: privacy.being_written(tx, whom.account))
            await eraser.lately()
            await eraser.messages(found.rows["message"])
            left = await eraser.until_written(written)
            await eraser.messages(await search_messages(self._store, whom, written.values()))
            await eraser.rows("reply", "replies", found.rows["reply"])
            await eraser.deliveries()
            await eraser.rows("event", "webhook events", found.rows["event"])
            await eraser.rows("unmatched_receipt", "receipts without a message", found.rows["unmatched_receipt"])
            await eraser.lookups(found.rows["lookup"])
            await eraser.exclusions(forgets_optouts=forgets_optouts)
            note = f"{len(left)} campaigns were still being written" if left else ""
        finally:
            await self._log("privacy.erase", whom, actor, eraser.erased, note)
        await self._store.empty_log()
        return {**eraser.erased, "left": len(left)}

    async def _settle_replies(self, person: Person) -> None:
        """Give the person's replies to their owners first: an opt-out among them must be heeded."""
        until = time.monotonic() + REPLIES_S
        await self._receiver.finish_parts({person.number, *filter(None, [person.national])})
        while self._store.glance(lambda tx: privacy.count_stored_replies(tx, person)):
            await self._receiver.once()
            if time.monotonic() > until:
                return
            await asyncio.sleep(POLL_S)

    async def _log(self, action: str, whom: Whom, actor: str, counts: Mapping[str, int], note: str) -> None:
        detail = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"
        entry = Entry(now_ms(), actor, action, whom.account, whom.person.masked, detail, note)
        await self._store.write(lambda tx: audit.add(tx, entry))


def _whom(person: Person, account: Account | None) -> Whom:
    return Whom(person, account.id if account else None)
