"""Tell an account's owner that his credits have come down to the trigger he set: by mail, text message and webhook.

Once for each time that the balance falls to it; a balance that rises above it arms the alert again. Everything an
alert leads to is written in the unit of work that marks it as given, so a crash loses none and repeats none.
A balance that dips and recovers between two rounds is not noticed.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from chappe.domain.errors import Refusal
from chappe.domain.notices import Notice, balance_notice
from chappe.domain.pricing import MC, balance_credits
from chappe.domain.requests import Submission, SubmitRequest
from chappe.domain.webhooks import balance_payload
from chappe.pipeline.events import announce_payload
from chappe.pipeline.submit import Submitter
from chappe.store import balance_alerts, mails
from chappe.store.balance_alerts import Crossed
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.alerts")

EVERY_S: Final = 1.5
BATCH: Final = 200


class Alerter:
    """The job that gives alerts."""

    def __init__(self, store: Store, ids: Ids, submitter: Submitter) -> None:
        self._store = store
        self._ids = ids
        self._submitter = submitter

    async def once(self) -> None:
        """One round over every account that wants to be told."""
        crossed, recovered = await self._store.read(_look)
        if recovered:
            await self._store.write(partial(balance_alerts.arm, accounts=recovered))
        for alert in crossed:
            await self._give(alert)

    async def _give(self, alert: Crossed) -> None:
        now = now_ms()
        balance, trigger = balance_credits(alert.available_mc), alert.trigger_mc // MC
        notice = balance_notice(alert.lang, alert.account.email, balance, trigger, now)
        submit = await self._text_message(alert, notice)
        payload = balance_payload(balance, trigger, now)

        def unit(tx: Tx) -> bool:
            if not balance_alerts.fire(tx, alert, now):
                return False
            if alert.by_email:
                mails.write(tx, alert.account.id, alert.email, notice.subject, notice.body, now)
            announce_payload(tx, self._ids, alert.account.id, "BALANCE_ALERT", payload, now)
            if submit is not None:
                try:
                    submit(tx)
                except Refusal as refusal:
                    self._skipped(alert, str(refusal))
            return True

        if await self._store.write(unit):
            _log.info("balance alert", account=alert.account.id, balance=balance, trigger=trigger)

    async def _text_message(self, alert: Crossed, notice: Notice) -> Callable[[Tx], Submission] | None:
        """What writes the text message, when one is wanted: an alert of the account itself, at its normal price."""
        if not alert.by_sms:
            return None
        try:
            return await self._submitter.prepare(alert.account, SubmitRequest(notice.sms, [alert.phone_number]))
        except Refusal as refusal:
            self._skipped(alert, str(refusal))
            return None

    @staticmethod
    def _skipped(alert: Crossed, reason: str) -> None:
        _log.warning("no text message for a balance alert", account=alert.account.id, reason=reason)


def _look(tx: Tx) -> tuple[list[Crossed], list[int]]:
    return balance_alerts.crossed(tx, BATCH), balance_alerts.recovered(tx, BATCH)
