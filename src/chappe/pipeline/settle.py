"""End by hand what nobody told the end of: somebody asked the carrier, or wants it sent again."""

from typing import Final, Literal

import structlog

from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import FINAL, Dlr, Queue, State
from chappe.domain.plans import UNROUTED
from chappe.pipeline.record import Lane, Recorder
from chappe.store import audit, messages, queue, tracking, unknowns
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.messages import MessageDetail
from chappe.store.queue import Queued
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.settle")

Verdict = Literal["delivered", "failed", "resend"]
_ENDS: Final[dict[str, Dlr]] = {"delivered": Dlr.DELIVERED, "failed": Dlr.NOT_DELIVERED}
# What the trace and the counts call it.
BY_HAND: Final = "by hand"


class Settler:
    """Carries out what an operator decides about single messages."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        # No lane of its own: it only finishes messages.
        self._recorder = Recorder(Lane(UNROUTED, 0), ids)

    async def settle(self, message: int, verdict: Verdict, actor: str, note: str = "") -> None:
        """End a message as delivered or failed, or have it sent again though it may have left.

        Shape:  delivered and failed are for messages whose outcome is unknown and for those the carrier took and
                never reported; both stay paid. Only what is unknown is sent again.
        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> None:
            now = now_ms()
            found = messages.detail(tx, message)
            if found is None:
                raise NotFound(f"there is no message {message}", field="id")
            row = queue.states(tx, [message]).get(message)
            _check(found, row, verdict)
            said = f"{verdict}, says {actor}{f': {note}' if note else ''}"
            if verdict == "resend":
                queue.resend(tx, [message])
                tracking.add_trace(tx, [(message, now, BY_HAND, said)])
                unknowns.count(tx, {(row.lane_id, BY_HAND): 1} if row else {})
            else:
                self._recorder.give_up(tx, [message], _ENDS[verdict], said, now, may_have_left=True, as_=BY_HAND)
            audit.add(tx, Entry(now, actor, "message.settle", found.account_id, f"message {message}", verdict, note))

        await self._store.write(unit)
        _log.info("settled by hand", message=message, verdict=verdict, actor=actor)


def _check(found: MessageDetail, row: Queued | None, verdict: Verdict) -> None:
    """Raises: BadData for a message about which nothing is to be decided."""
    if found.state in FINAL:
        raise BadData(f"has ended already: {State(found.state).name.lower()}, {Dlr(found.dlr).name}", field="id")
    is_unknown = row is not None and row.state == Queue.UNKNOWN
    if verdict == "resend" and not is_unknown:
        raise BadData("only a message whose outcome is unknown can be sent again", field="id")
    if not is_unknown and found.state != State.SENT:
        raise BadData("is still to be sent: `chappe message show` says what it waits for", field="id")
