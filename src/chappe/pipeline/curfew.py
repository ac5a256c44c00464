"""The last test of the legal hours, as a message is handed over: what may not leave now waits for the next opening.

It uses the rules of this moment: they may have changed since the message was planned, and a campaign that began in
time may not have ended in time.
"""

from typing import Final, NamedTuple

from chappe.domain.marketing_hours import FOREVER
from chappe.domain.plans import MARKETING
from chappe.pipeline.rules import Rules
from chappe.store import queue
from chappe.store.queue import Claimed, Held
from chappe.store.sqlite import Tx

# Claims in one unit of work while everything that is claimed is held.
_MOST_CLAIMS = 20


class Cleared(NamedTuple):
    """What may leave now, until when all of it may, and how many had to be held. Units: milliseconds UTC."""

    messages: list[Claimed]
    closes_at: int
    held: int


NOTHING: Final = Cleared([], FOREVER, 0)


def claim(tx: Tx, rules: Rules, lane: int, epoch: int, wants: int, now: int) -> Cleared:
    """Claim `wants` messages that may leave now; those that may not are put off in the same unit of work."""
    if not wants:
        return NOTHING
    cleared: list[Claimed] = []
    closes_at, count = FOREVER, 0
    for _ in range(_MOST_CLAIMS):
        claimed = queue.claim(tx, lane, epoch, wants - len(cleared))
        held: list[Held] = []
        for message in claimed:
            # A message whose first parts a carrier has taken is finished.
            if message.priority != MARKETING or message.refs:
                cleared.append(message)
                continue
            hours = rules.hours_of(tx, message.account_id)
            opening = hours.opening(message.number, message.country, now)
            if opening.opens_at > now:
                held.append(_held(message, opening.opens_at, now))
            else:
                cleared.append(message)
                closes_at = min(closes_at, opening.closes_at)
        if held:
            queue.hold(tx, held)
        count += len(held)
        if not held or len(cleared) >= wants:
            break
    return Cleared(cleared, closes_at, count)


def _held(message: Claimed, opens_at: int, now: int) -> Held:
    """The time that it waits for does not count against its validity."""
    return Held(opens_at, message.expires_at + opens_at - now, message.message_id, message.campaign_id)
