"""The last test of the legal hours, as a message is handed over: what may not leave now waits for the next opening.

It uses the rules of this moment: they may have changed since the message was planned, and a campaign that began in
time may not have ended in time.
"""

from typing import Final, NamedTuple

from chappe.domain.legal_hours import Opening
from chappe.domain.marketing_hours import FOREVER
from chappe.domain.plans import MARKETING
from chappe.pipeline.rules import Rules
from chappe.store import queue
from chappe.store.queue import Claimed, Held, Waiting
from chappe.store.sqlite import Tx

# Nothing is claimed or written in the last moment of an opening: a batch takes its time to get onto the wire.
LAST_MOMENT_MS: Final = 1000
# Messages that are looked at in one unit of work beyond those that are claimed: some 10 ms of the loop.
_AHEAD: Final = 1000


class Cleared(NamedTuple):
    """What may leave now, until when all of it may, and how many had to be held. Units: milliseconds UTC."""

    messages: list[Claimed]
    closes_at: int
    held: int


NOTHING: Final = Cleared([], FOREVER, 0)


def claim(tx: Tx, rules: Rules, lane: int, epoch: int, wants: int, now: int) -> Cleared:
    """Claim `wants` messages that may leave now; those that may not are put off in the same unit of work.

    Cost: when messages were held, the next ones behind them are held too, so that a lane of a low rate is rid of
          those that are closed as soon as a fast one; there may be more of them.
    """
    if not wants:
        return NOTHING
    curfew = _Curfew(tx, rules, now)
    curfew.sort(queue.claim(tx, lane, epoch, wants))
    missing = wants - len(curfew.cleared)
    if missing and curfew.held:
        curfew.look_ahead(queue.waiting(tx, lane, MARKETING, _AHEAD))
        curfew.sort(queue.claim(tx, lane, epoch, missing))
    return Cleared(curfew.cleared, curfew.closes_at, curfew.held)


class _Curfew:
    """Sorts messages at one moment into those that may leave and those that are held."""

    def __init__(self, tx: Tx, rules: Rules, now: int) -> None:
        self._tx = tx
        self._rules = rules
        self._now = now
        self.cleared: list[Claimed] = []
        self.held = 0
        self.closes_at = FOREVER

    def sort(self, claimed: list[Claimed]) -> None:
        """Clear what may leave, and hold the rest."""
        held: list[Held] = []
        for message in claimed:
            # A message whose first parts a carrier has taken is finished; one whose time is over only ends.
            if message.priority != MARKETING or message.refs or message.expires_at <= self._now:
                self.cleared.append(message)
                continue
            opening = self._opening(message)
            if opening.opens_at > self._now:
                held.append(self._held(message, opening))
            else:
                self.cleared.append(message)
                self.closes_at = min(self.closes_at, opening.closes_at - LAST_MOMENT_MS)
        self._hold(held)

    def look_ahead(self, waiting: list[Waiting]) -> None:
        """Hold those that are closed; the others keep their turns."""
        openings = [(message, self._opening(message)) for message in waiting if message.expires_at > self._now]
        self._hold([self._held(message, opening) for message, opening in openings if opening.opens_at > self._now])

    def _hold(self, held: list[Held]) -> None:
        if held:
            queue.hold(self._tx, held)
            self.held += len(held)

    def _held(self, message: Claimed | Waiting, opening: Opening) -> Held:
        """The time that it waits for does not count against its validity."""
        expires_at = message.expires_at + opening.opens_at - self._now
        return Held(opening.opens_at, expires_at, message.message_id, message.campaign_id)

    def _opening(self, message: Claimed | Waiting) -> Opening:
        hours = self._rules.hours_of(self._tx, message.account_id)
        opening = hours.opening(message.number, message.country, self._now)
        if opening.opens_at <= self._now and opening.closes_at - LAST_MOMENT_MS <= self._now:
            return hours.opening(message.number, message.country, opening.closes_at)
        return opening
