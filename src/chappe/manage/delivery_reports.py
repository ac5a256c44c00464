"""Delivery reports as their owner pulls them."""

import time
from dataclasses import dataclass

from chappe.domain.accounts import Account
from chappe.domain.errors import NotFound
from chappe.manage.pages import Page
from chappe.store import delivery_reports
from chappe.store.delivery_reports import Report
from chappe.store.sqlite import Store, Tx

# A reference without its ticket is looked for in the campaigns of so many days.
REFERENCE_DAYS = 30
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Reports:
    """A page of the reports of one campaign."""

    ticket: int
    page: Page[Report]


class DeliveryReports:
    """What became of an account's messages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(
        self, account: Account, ticket: int | None, reference: str | None, *, start: int, length: int
    ) -> Reports:
        """The reports of a campaign, or those of the caller's own reference; at least one of both is given.

        Raises: NotFound.
        """
        since = int(time.time() * 1000) - REFERENCE_DAYS * _DAY_MS

        def query(tx: Tx) -> Reports | None:
            found = ticket
            if found is None and reference is not None:
                found = delivery_reports.newest_ticket_of(tx, account.id, reference, since)
            page = None if found is None else delivery_reports.page(tx, account.id, found, reference, start, length)
            if found is None or page is None:
                return None
            rows, total = page
            return Reports(found, Page(rows, total, total))

        reports = await self._store.read(query)
        if reports is None:
            raise NotFound("there is no such campaign", field="ticket")
        return reports
