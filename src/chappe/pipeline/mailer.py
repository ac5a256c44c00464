"""Send the mails of the outbox, until the server takes them or two days have passed.

A mail was written in the transaction of what it tells of. One whose hand-over broke off may have been taken: it is
sent again under the same Message-ID.
"""

import time
from functools import partial
from typing import Final

import structlog

from chappe.carriers.smtp import Away, MailConnection, NotTaken, Taken, connected
from chappe.domain.errors import BadData
from chappe.domain.mails import WAIT_FOR_SERVER_MS, MailServer, MailState, mail_octets, next_try_ms
from chappe.store import mails
from chappe.store.clock import now_ms
from chappe.store.mails import DueMail, MailOutcome
from chappe.store.sqlite import Store

_log = structlog.get_logger("chappe.mail")

EVERY_S: Final = 2.0
# Mails of one round, all over one connection.
BATCH: Final = 100
# A round ends after so long, because a process that is told to stop waits for it.
ROUND_S: Final = 5.0
NO_SERVER: Final = "no mail server is set up"


class Mailer:
    """The job that sends mails. One per database: two would send the same mail twice."""

    def __init__(self, store: Store, server: MailServer | None) -> None:
        self._store = store
        self._server = server
        self._has_warned = False

    async def once(self) -> None:
        """One round over what is due."""
        due = self._store.glance(lambda tx: mails.due(tx, now_ms(), BATCH))
        if not due:
            return
        if self._server is None:
            await self._without_server()
            return
        left, until = due, time.monotonic() + ROUND_S
        try:
            async with connected(self._server) as connection:
                while left and time.monotonic() < until:
                    await self._send(connection, self._server, left[0])
                    left = left[1:]
        except Away as away:
            _log.warning("mail server away", reason=str(away), mails=len(left))
            for mail in left:
                await self._settle(mail, _failed(mail, str(away)))

    async def _send(self, connection: MailConnection, server: MailServer, mail: DueMail) -> None:
        id_ = f"{mail.id}.{mail.created_at}"
        try:
            octets = mail_octets(server.sender, mail.recipient, mail.subject, mail.body, id_=id_, at=mail.created_at)
        except BadData as error:
            await self._settle(mail, _given_up(mail, str(error)))
            return
        match await connection.send(mail.recipient, octets):
            case Taken(reply):
                _log.info("mail sent", mail=mail.id, reply=reply[:3])
                await self._settle(mail, MailOutcome(MailState.SENT, mail.attempts + 1, now_ms(), None))
            case NotTaken(reason, is_permanent=True):
                await self._settle(mail, _given_up(mail, reason))
            case NotTaken(reason):
                await self._settle(mail, _failed(mail, reason))

    async def _settle(self, mail: DueMail, outcome: MailOutcome) -> None:
        # The server's words may name the recipient: they are kept with the mail, the log has their number only.
        if outcome.error is not None:
            is_over = outcome.state is MailState.GIVEN_UP
            _log.warning("mail given up" if is_over else "mail not taken", mail=mail.id, tries=outcome.attempts)
        await self._store.write(partial(mails.settle, mail=mail.id, outcome=outcome))

    async def _without_server(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            _log.warning("mails wait, because no mail server is set up: set smtp_url and mail_from")
        now = now_ms()
        before = now - WAIT_FOR_SERVER_MS
        while gone := await self._store.write(lambda tx: mails.give_up_before(tx, before, now, NO_SERVER, BATCH)):
            _log.warning("mails given up", mails=gone, reason=NO_SERVER)


def _failed(mail: DueMail, reason: str) -> MailOutcome:
    """The next try, or the end when there have been enough."""
    attempts = mail.attempts + 1
    delay = next_try_ms(attempts)
    if delay is None:
        return _given_up(mail, reason)
    return MailOutcome(MailState.DUE, attempts, now_ms() + delay, reason)


def _given_up(mail: DueMail, reason: str) -> MailOutcome:
    return MailOutcome(MailState.GIVEN_UP, mail.attempts + 1, now_ms(), reason)
