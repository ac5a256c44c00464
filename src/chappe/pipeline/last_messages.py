"""Find the last message that was sent to a number, without an index of messages by number.

Such an index would cost a random write per message (docs/decisions/0007). Instead messages are read backwards from
the newest, until everybody of a batch is found or the window is over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.replies import StoredReply, number_of
from chappe.store import carriers, replies
from chappe.store.replies import Sighting
from chappe.store.sqlite import Tx

# Messages read in one statement. The first steps are short: most people reply soon.
FIRST_SPAN: Final = 2_000
LONGEST_SPAN: Final = 200_000


@dataclass(slots=True)
class _Wanted:
    """One reply and the best message for it so far.

    Shape: of one account, or of whichever wrote last; `is_same` when it went through the reply's carrier.
    """

    reply: StoredReply
    number: int
    account: int | None
    best: Sighting | None = None
    is_same: bool = False


@dataclass(slots=True)
class Search:
    """Whose replies a batch is. Units: milliseconds; the window is how long after a message a reply is to it."""

    window_ms: int
    read: int = 0  # messages
    _wanted: list[_Wanted] = field(default_factory=list)
    _sandboxes: frozenset[int] = frozenset()

    def run(self, tx: Tx, wanted: Iterable[tuple[StoredReply, int | None]]) -> dict[tuple[int, int | None], int]:
        """(reply, account) -> the last message of that account, or of any, to its number that had left before it came.

        Shape: what is not found is left out.
        Cost:  reads the messages back to the oldest that is looked for, or to the beginning of the window.
        """
        for reply, account in wanted:
            number = number_of(reply.source)
            if number is not None:
                self._wanted.append(_Wanted(reply, number, account))
        if self._wanted:
            self._sandboxes = carriers.sandboxes(tx)
            self._read_delayed(tx, self._read_backwards(tx))
        return {(one.reply.id, one.account): one.best.id for one in self._wanted if one.best is not None}

    def _read_backwards(self, tx: Tx) -> int:
        """Read from the newest message on; the oldest that is within the window."""
        since = min(one.reply.received_at for one in self._wanted) - self.window_ms
        bottom = replies.oldest_message(tx, since)
        high, span = replies.newest_message(tx), FIRST_SPAN
        missing = self._wanted
        while missing and high >= bottom:
            low = max(bottom, high - span + 1)
            self._look(tx, low, high, missing)
            missing = [one for one in missing if not one.is_same]
            high, span = low - 1, min(2 * span, LONGEST_SPAN)
        return bottom

    def _read_delayed(self, tx: Tx, bottom: int) -> None:
        """Look into campaigns that were accepted before the message that was found, and sent after it."""
        until = max(one.reply.received_at for one in self._wanted)
        after = min(self._sent_at(one) for one in self._wanted)
        for campaign in replies.delayed(tx, after, until):
            unread = [
                one
                for one in self._wanted
                if campaign.send_at > self._sent_at(one)
                and campaign.first < (one.best.id if one.best and one.is_same else bottom)
            ]
            if unread:
                for low in range(campaign.first, campaign.last + 1, LONGEST_SPAN):
                    self._look(tx, low, min(campaign.last, low + LONGEST_SPAN - 1), unread)

    def _sent_at(self, one: _Wanted) -> int:
        if one.best is not None and one.is_same:
            return one.best.submitted_at
        return one.reply.received_at - self.window_ms

    def _look(self, tx: Tx, low: int, high: int, wanted: Sequence[_Wanted]) -> None:
        """Let each reply have the message of the span that left last, when it is better than what it has."""
        by_number: dict[int, list[_Wanted]] = {}
        for one in wanted:
            by_number.setdefault(one.number, []).append(one)
        self.read += high - low + 1
        for sighting in replies.sent_to(tx, low, high, list(by_number)):
            for one in by_number[sighting.number]:
                self._consider(one, sighting)

    def _consider(self, one: _Wanted, sighting: Sighting) -> None:
        if one.account not in (None, sighting.account_id):
            return
        # What a demo account "wrote" never reached anybody: nobody's words are an answer to it.
        if (sighting.carrier_id in self._sandboxes) != (one.reply.carrier_id in self._sandboxes):
            return
        came = one.reply.received_at
        if not came - self.window_ms <= sighting.submitted_at <= came:
            return
        is_same = sighting.carrier_id is None or sighting.carrier_id == one.reply.carrier_id
        order = (is_same, sighting.submitted_at, sighting.id)
        if one.best is None or order > (one.is_same, one.best.submitted_at, one.best.id):
            one.best, one.is_same = sighting, is_same
