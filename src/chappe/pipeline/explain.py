"""Explain one message, on the same facts that a send would be decided on."""

from functools import partial

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.explain import explain
from chappe.domain.explanation import Explanation
from chappe.domain.links import SHORT
from chappe.domain.plans import Limits, Recipients
from chappe.domain.quotas import UNLIMITED, Quota
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import Planner, read_recipients
from chappe.pipeline import quotas
from chappe.pipeline.links import Links
from chappe.pipeline.routing import Routing
from chappe.pipeline.rules import Rules
from chappe.pipeline.watch import watch_of
from chappe.store import exclusions
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx


class Explainer:
    """Says of one message what a send would make of it, and why."""

    def __init__(self, store: Store, limits: Limits, links: Links, rules: Rules) -> None:
        self._store = store
        self._limits = limits
        self._links = links
        self._rules = rules
        self._routing = Routing(store)
        self._counts = quotas.Counts(store)

    async def explain(self, account: Account, request: SubmitRequest, at: int | None = None) -> Explanation:
        """What becomes of a request for one number if it is made now, or `at` another time.

        Shape:  limits are those of now.
        Units:  milliseconds UTC.
        Raises: Refusal, as the send would.
        """
        if len(request.numbers) != 1:
            raise BadData("give one number", field="to")
        present, rules = now_ms(), self._rules.of(account)
        now = present if at is None else at
        table = self._routing.table()
        shortener = await self._links.shortener() if SHORT in request.text else None

        def read(tx: Tx) -> Explanation:
            numbers = read_recipients(request, account, self._limits).numbers
            return explain(
                request,
                rules,
                table,
                self._limits,
                now,
                hours=self._rules.hours,
                excluded=exclusions.excluded(tx, account.id, numbers),
                left=partial(_left, tx, present),
                shortener=shortener,
                watch=watch_of(self._store, account, rules, now),
            )

        async def decided() -> Explanation:
            if rules.send_limits:
                await self._counts.begin(rules.send_limits, present)
            return self._store.glance(read)

        return await quotas.settled(decided)


def _left(tx: Tx, now: int, planner: Planner, recipient: Recipients) -> Quota:
    return quotas.left(tx, planner, recipient, now) if planner.send_limits else UNLIMITED
