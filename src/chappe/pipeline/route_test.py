"""Send one message through exactly one carrier, whatever the routes say, to see what becomes of it."""

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.failover import PINNED
from chappe.domain.plans import Limits
from chappe.domain.requests import SubmitRequest
from chappe.domain.routing import RouteTable
from chappe.domain.submission import plan
from chappe.pipeline.rules import Rules
from chappe.store import queue, routes, submissions
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx


class RouteTester:
    """Tests carriers with one alert each."""

    def __init__(self, store: Store, ids: Ids, limits: Limits, rules: Rules) -> None:
        self._store = store
        self._ids = ids
        self._limits = limits
        self._rules = rules

    async def send(self, account: Account, carrier: str, to: str, text: str, sender: str | None = None) -> int:
        """Send an account's message through a carrier and no other; the message.

        Raises: NotFound, BadData, InsufficientCredits.
        """
        now = now_ms()
        rules = self._rules.of(account)

        def unit(tx: Tx) -> int:
            lane = next((lane for lane in routes.lanes(tx) if lane.name == carrier), None)
            if lane is None:
                raise NotFound(f"there is no carrier {carrier}; `chappe carrier list` shows them", field="carrier")
            request = SubmitRequest(text, [to], "alert", sender)
            table = RouteTable.only(lane)
            planned = plan(request, rules, table, self._limits, now, hours=self._rules.hours)
            if not planned.numbers:
                reason = next((name for name, n in msgspec.structs.asdict(planned.left_out).items() if n), "invalid")
                raise BadData(f"nothing is sent to {to}: {reason}", field="to")
            written = submissions.write(tx, self._ids, account, planned, now)
            queue.pin(tx, written.first_message, PINNED)
            return written.first_message

        return await self._store.write(unit)
