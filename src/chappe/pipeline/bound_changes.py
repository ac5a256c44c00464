"""What customers who bind do to messages they have submitted: ask about them, take them back, replace them.

Only a message that no carrier has seen is taken back; its credits are released in the same unit of work.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, NamedTuple

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_deliveries import Told
from chappe.domain.bound_submits import BoundSubmit, Reason, Taken, reason_of, request_of
from chappe.domain.errors import Refusal
from chappe.domain.lifecycle import Dlr
from chappe.domain.requests import Submission, SubmitRequest
from chappe.pipeline.bound_parts import give_up
from chappe.pipeline.cancel import take_back
from chappe.pipeline.submit import Accepted, Submitter
from chappe.store import bound_messages, bound_parts, moderation, queue
from chappe.store.bound_messages import BoundMessage, Standing
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.telecom.data_coding import Unreadable

# How many earlier messages between two addresses are looked at for one that can be replaced.
LOOKED_AT: Final = 5


class Asked(NamedTuple):
    """What is known of an id. Shape: `standing` is None for a part whose others have not come."""

    standing: Standing | None


class BoundChanges:
    """Everything a customer can do to what he has submitted."""

    def __init__(self, store: Store, submitter: Submitter) -> None:
        self._store = store
        self._submitter = submitter

    def query(self, user: BindUser, ref: int) -> Asked | None:
        """What became of a message; of one to several recipients, what became of the first."""

        def look(tx: Tx) -> Asked | None:
            messages = bound_messages.of_ref(tx, user.id, ref)
            if messages:
                return Asked(next(iter(bound_messages.standing(tx, messages[:1])), None))
            return Asked(None) if bound_parts.set_of(tx, user.id, ref) else None

        return self._store.glance(look)

    async def cancel(self, user: BindUser, ref: int) -> int | None:
        """Take back what no carrier has seen of a message; how much that was, None when there is no such message.

        Shape: a part that waits is taken back with those that came before it; each has its receipt.
        """

        def unit(tx: Tx) -> int | None:
            messages = bound_messages.of_ref(tx, user.id, ref)
            if messages:
                return len(_take_back(tx, messages))
            of = bound_parts.set_of(tx, user.id, ref)
            if of is None:
                return None
            parts = bound_parts.of_set(tx, of)
            give_up(tx, of, parts, Dlr.NOT_SENT, now_ms())
            return len(parts)

        return await self._store.write(unit)

    async def replace(self, user: BindUser, ref: int, text: BoundSubmit) -> Taken | Refusal | Reason | None:
        """Put another text in the place of a message that no carrier has seen, under the same ids.

        Shape: of `text` the addresses are those of the message, whatever it says; a time that it does not give stays.
               None when there is no such message. A part that waits for others is no text yet.
        """
        messages = self._store.glance(lambda tx: bound_messages.of_ref(tx, user.id, ref))
        if not messages:
            of = self._store.glance(lambda tx: bound_parts.set_of(tx, user.id, ref))
            return "nothing_to_replace" if of else None
        standing = self._store.glance(lambda tx: bound_messages.standing(tx, messages))
        if len(standing) != 1:
            return "nothing_to_replace"
        [old] = standing
        try:
            request = request_of([text], user.options.kind, now_ms())
        except Unreadable:
            return "unreadable"
        except Refusal as refusal:
            return refusal
        request = replace(
            request,
            numbers=[f"+{old.number}"],
            sender=old.sender,
            send_at=old.send_at if text.send_at is None else text.send_at,
            validity_s=request.validity_s or max(1, (old.expires_at - max(now_ms(), old.send_at)) // 1000),
            client_refs=[old.client_ref] if old.client_ref else [],
        )

        def bound(was: BoundMessage, accepted: Accepted) -> BoundMessage:
            told = [Told(each.ref, text.registered) for each in was.told]
            return was._replace(message_id=accepted.first, told=told)

        swapped = await self._swap(user, [old.id], request, bound)
        return Taken(ref) if isinstance(swapped, Accepted) else swapped

    async def submit_in_place(self, user: BindUser, submit: BoundSubmit) -> Taken | Refusal | Reason | None:
        """Submit a text that replaces an earlier one between the same addresses; None when there is none to replace.

        Shape: both came with replace_if_present; the earlier one's ids are forgotten.
        """

        def waiting(tx: Tx) -> list[int]:
            found = bound_messages.replaceable(tx, user.id, submit.source, submit.destinations[0], LOOKED_AT)
            return queue.unseen_among(tx, found) if found else found

        old = self._store.glance(waiting)
        if not old:
            return None
        try:
            request = request_of([submit], user.options.kind, now_ms())
        except Unreadable:
            return "unreadable"
        except Refusal as refusal:
            return refusal

        def bound(was: BoundMessage, accepted: Accepted) -> BoundMessage:
            told = [Told(accepted.first, submit.registered)]
            return was._replace(message_id=accepted.first, told=told, accepted_at=now_ms())

        swapped = await self._swap(user, old, request, bound)
        if isinstance(swapped, Accepted):
            return Taken(swapped.first)
        return None if swapped == "nothing_to_replace" else swapped

    async def _swap(
        self,
        user: BindUser,
        old: Collection[int],
        request: SubmitRequest,
        bound: Callable[[BoundMessage, Accepted], BoundMessage],
    ) -> Accepted | Refusal | Reason:
        try:
            accepting = await self._submitter.accepting(user.account, request)
            if isinstance(accepting, Submission):
                return reason_of(accepting)

            def unit(tx: Tx) -> Accepted | None:
                unseen = queue.unseen_among(tx, old)
                known = bound_messages.among(tx, unseen)
                bound_messages.delete(tx, unseen)  # before: what is replaced has no receipt
                gone = _take_back(tx, unseen)
                if not gone:
                    raise _Seen
                accepted = accepting(tx)
                left = [was for message, was in known.items() if message not in gone]
                bound_messages.insert(tx, [bound(known[gone[-1]], accepted), *left])
                return accepted

            return await self._store.write(unit) or "nothing_to_replace"
        except _Seen:
            return "nothing_to_replace"
        except Refusal as refusal:
            return refusal


class _Seen(Exception):
    """A carrier was faster: the unit of work is given up."""


def _take_back(tx: Tx, messages: Collection[int]) -> list[int]:
    """Cancel what no carrier has seen; nobody has to decide any more about what was held."""
    gone = take_back(tx, queue.unseen_among(tx, messages))
    for each in bound_messages.standing(tx, gone) if gone else ():
        moderation.settle(tx, each.campaign_id)
    return gone
