"""The last test before a message is handed over: nobody who has said STOP meanwhile gets it, and marketing that may
not leave now waits for the next opening.

It uses the blacklist and the rules of this moment: they may have changed since the message was planned, and a campaign
that began in time may not have ended in time.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from chappe.domain.legal_hours import Opening
from chappe.domain.lifecycle import Dlr
from chappe.domain.marketing_hours import FOREVER
from chappe.domain.plans import MARKETING
from chappe.pipeline.record import Recorder
from chappe.pipeline.rules import Rules
from chappe.store import contact_answers, queue
from chappe.store.queue import Claimed, Held, Waiting
from chappe.store.sqlite import Tx

# Nothing is claimed or written in the last moment of an opening: a batch takes its time to get onto the wire.
LAST_MOMENT_MS: Final = 1000
# Messages that are looked at in one unit of work beyond those that are claimed: some 10 ms of the loop.
_AHEAD: Final = 1000


class Cleared(NamedTuple):
    """What may leave now, until when all of it may, how many had to be held, and what nobody wants any more.

    Units: milliseconds UTC. Shape: the caller ends what is `unwanted` in the same unit of work.
    """

    messages: list[Claimed]
    closes_at: int
    held: int
    unwanted: list[int]


NOTHING: Final = Cleared([], FOREVER, 0, [])
# What the trace says of a message that was ended because nobody wants it.
UNWANTED: Final = "not sent: the recipient is on the account's blacklist"


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
    if missing and (curfew.held or curfew.unwanted):
        curfew.sort(queue.claim(tx, lane, epoch, missing))
    return Cleared(curfew.cleared, curfew.closes_at, curfew.held, curfew.unwanted)


class _Curfew:
    """Sorts messages at one moment into those that may leave and those that are held."""

    def __init__(self, tx: Tx, rules: Rules, now: int) -> None:
        self._tx = tx
        self._rules = rules
        self._now = now
        self.cleared: list[Claimed] = []
        self.unwanted: list[int] = []
        self.held = 0
        self.closes_at = FOREVER

    def sort(self, claimed: list[Claimed]) -> None:
        """Clear what may leave, hold what may not, and set aside what nobody wants any more."""
        held: list[Held] = []
        for message in claimed:
            if message.is_unwanted and not message.refs and not self._was_asked_for(message):
                self.unwanted.append(message.message_id)
                continue
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

    def _was_asked_for(self, message: Claimed) -> bool:
        """Whether it tells somebody who asked for it whom the account's messages are from."""
        return contact_answers.has(self._tx, message.account_id, message.number, message.message_id)


def end_unwanted(tx: Tx, recorder: Recorder, messages: Sequence[int], now: int) -> None:
    """Finish messages to people who said STOP after they were accepted: not sent, and not paid.

    One whose outcome was unknown and that was to be sent again is not; it may have left by its first try, and is paid.
    """
    in_queue = queue.states(tx, messages)
    for in_doubt in (False, True):
        some = [each.message_id for each in in_queue.values() if bool(each.in_doubt) == in_doubt]
        if some:
            recorder.give_up(tx, some, Dlr.NOT_ALLOWED, UNWANTED, now, may_have_left=in_doubt)
