"""Whose a reply is: by the keyword it begins with, by the number it was sent to, or by who wrote last to its sender.

In this order (docs/decisions/0024). What is to whoever writes, an opt-out first of all, reaches the owner of the number
only if he has written to the person; else it is for who has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chappe.domain.inbound import Claim, InboundNumbers
from chappe.domain.replies import StoredReply, number_of
from chappe.domain.reply_kinds import ReplyKind, reply_kind
from chappe.pipeline.last_messages import Search
from chappe.store import carriers, inbound
from chappe.store.sqlite import Tx
from chappe.telecom.numbers import normalise


class Owned(NamedTuple):
    """A reply that is somebody's.

    Shape: the account is None for that of the message; the message is the last of the account to the person, None when
           it wrote none within the window. `country` is the person's.
    """

    account_id: int | None
    message_id: int | None
    number: int
    country: str


class _Sent(NamedTuple):
    """A reply, who sent it, and for whom it is by where it was sent."""

    reply: StoredReply
    number: int
    country: str
    kind: ReplyKind
    claim: Claim | None

    @property
    def is_for_who_writes(self) -> bool:
        """Whether it may be about messages of another account than the one it was sent to."""
        return self.claim is not None and self.claim.by == "number" and self.kind != "reply"

    def looks_at(self) -> list[int | None]:
        """Whose last messages matter: an account's, or anybody's."""
        accounts: list[int | None] = [None if self.claim is None else self.claim.account_id]
        return [*accounts, None] if self.is_for_who_writes else accounts


@dataclass(slots=True)
class OwnerSearch:
    """Looks for the owners of a batch of replies. Units: milliseconds; `read` counts messages."""

    window_ms: int
    read: int = 0
    found: dict[int, Owned] = field(default_factory=dict)

    def run(self, tx: Tx, batch: Sequence[StoredReply]) -> dict[int, Owned]:
        """reply -> whose it is; nobody's are left out. Cost: as of `Search`."""
        numbers = InboundNumbers(inbound.numbers(tx))
        # A reply in a sandbox was sent by nobody: it is about a message there, whatever number it names.
        sandboxes, nobodys = carriers.sandboxes(tx), InboundNumbers([])
        sent = [
            _sent(reply, number, nobodys if reply.carrier_id in sandboxes else numbers)
            for reply in batch
            if (number := number_of(reply.source)) is not None
        ]
        search = Search(self.window_ms)
        last = search.run(tx, [(each.reply, account) for each in sent for account in each.looks_at()])
        self.read = search.read
        self.found = {each.reply.id: owned for each in sent if (owned := _owned(each, last)) is not None}
        return self.found


def _sent(reply: StoredReply, number: int, numbers: InboundNumbers) -> _Sent:
    country = normalise([f"+{number}"], "FR").country[0] or ""
    kind = reply_kind(reply.text, country)
    claim = numbers.claim(reply.destination, reply.text, kind)
    if reply.account_id is not None:
        claim = Claim(reply.account_id, "hand")
    return _Sent(reply, number, country, kind, claim)


def _owned(sent: _Sent, last: dict[tuple[int, int | None], int]) -> Owned | None:
    reply, claim = sent.reply.id, sent.claim
    if claim is not None:
        own = last.get((reply, claim.account_id))
        if own is not None or not sent.is_for_who_writes or (reply, None) not in last:
            return Owned(claim.account_id, own, sent.number, sent.country)
    message = last.get((reply, None))
    return None if message is None else Owned(None, message, sent.number, sent.country)
