"""Explain one message, on the same facts that a send would be decided on."""

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.explain import explain
from chappe.domain.explanation import Explanation
from chappe.domain.links import SHORT
from chappe.domain.plans import Limits
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import read_recipients
from chappe.pipeline.links import Links
from chappe.pipeline.rules import Rules
from chappe.store import carriers, exclusions
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx


class Explainer:
    """Says of one message what a send would make of it, and why."""

    def __init__(self, store: Store, limits: Limits, links: Links, rules: Rules) -> None:
        self._store = store
        self._limits = limits
        self._links = links
        self._rules = rules

    async def explain(self, account: Account, request: SubmitRequest, at: int | None = None) -> Explanation:
        """What becomes of a request for one number if it is made now, or `at` another time.

        Units:  milliseconds UTC.
        Raises: Refusal, as the send would.
        """
        if len(request.numbers) != 1:
            raise BadData("give one number", field="to")
        now = now_ms() if at is None else at
        rules = self._rules.of(account)
        shortener = await self._links.shortener() if SHORT in request.text else None

        def read(tx: Tx) -> Explanation:
            numbers = read_recipients(request, account, self._limits).numbers
            return explain(
                request,
                rules,
                carriers.routes(tx),
                self._limits,
                now,
                hours=self._rules.hours,
                carriers={carrier.id: carrier.name for carrier in carriers.all_carriers(tx)},
                excluded=exclusions.excluded(tx, account.id, numbers),
                shortener=shortener,
            )

        return self._store.glance(read)
