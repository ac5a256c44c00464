"""Tell customers who bind what happened: deliveries, written in the transaction of what they tell of."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chappe.domain.bind_users import DefaultAlphabet
from chappe.domain.bound_deliveries import BoundReceipt, replies_of, wants_final, wants_intermediate
from chappe.domain.lifecycle import FINAL, Dlr
from chappe.domain.outcomes import Tracked
from chappe.domain.privacy import ERASED
from chappe.store import bind_users, bound_deliveries, bound_messages
from chappe.store.bound_deliveries import NewDelivery
from chappe.store.bound_messages import BoundMessage
from chappe.store.sqlite import Tx


class NewReply(NamedTuple):
    """A reply that has found its owner, and the message it answers, if it answers one.

    Shape: numbers as the carrier reported them.
    """

    reply_id: int
    source: str
    destination: str
    text: str
    account_id: int
    message_id: int | None


def tell_final(tx: Tx, messages: Sequence[Tracked], now: int) -> None:
    """Queue the receipts of messages that are at their end.

    Shape: an earlier receipt that nobody has taken yet is taken back: this one says more.
    """
    bound = bound_messages.asking(tx, [message.id for message in messages if message.number != ERASED])
    if not bound:
        return
    told = [message for message in messages if message.id in bound]
    older = [m.id for m in told if m.was in FINAL or any(wants_intermediate(t.registered) for t in bound[m.id].told)]
    if older:
        bound_deliveries.supersede(tx, older)
    deliveries = [
        _receipt(bound[message.id], told_id.ref, message, now)
        for message in told
        for told_id in bound[message.id].told
        if wants_final(told_id.registered, message.dlr)
    ]
    bound_deliveries.insert(tx, deliveries, now)


def tell_sent(tx: Tx, messages: Sequence[Tracked], now: int) -> None:
    """Queue the notifications that messages are on their way, for those who asked for them."""
    if not messages:
        return
    bound = bound_messages.asking(tx, [message.id for message in messages if message.number != ERASED], early=True)
    deliveries = [
        _receipt(bound[message.id], told.ref, message, now, is_final=False)
        for message in messages
        if message.id in bound
        for told in bound[message.id].told
        if wants_intermediate(told.registered)
    ]
    if deliveries:
        bound_deliveries.insert(tx, deliveries, now)


def tell_replies(tx: Tx, replies: Sequence[NewReply], now: int) -> None:
    """Queue replies: for the user whose message was answered, else for the account's first who takes them."""
    if not replies:
        return
    takers: dict[int, list[int]] = {}
    alphabets: dict[int, DefaultAlphabet] = {}
    for user, account, options in bind_users.of_accounts(tx, {reply.account_id for reply in replies}):
        if options.replies:
            takers.setdefault(account, []).append(user)
            alphabets[user] = options.alphabet
    if not takers:
        return
    answered = bound_messages.among(tx, {reply.message_id for reply in replies if reply.message_id is not None})
    deliveries: list[NewDelivery] = []
    for reply in replies:
        users = takers.get(reply.account_id)
        if not users:
            continue
        own = answered.get(reply.message_id) if reply.message_id is not None else None
        user = own.bind_user_id if own and own.bind_user_id in users else users[0]
        parts = replies_of(reply.source, reply.destination, reply.text, reply.reply_id, alphabets[user])
        deliveries += [NewDelivery(user, reply.message_id, part) for part in parts]
    bound_deliveries.insert(tx, deliveries, now)


def tell_rejected(
    tx: Tx, user: int, parts: Iterable[tuple[int, int]], source: str, destination: str, at: int, dlr: Dlr, now: int
) -> None:
    """Queue receipts for parts, as (id, registered_delivery), that never became a message. Units: milliseconds UTC."""
    deliveries = [
        NewDelivery(user, None, BoundReceipt(ref, dlr, True, source, destination, at, now))
        for ref, registered in parts
        if wants_final(registered, dlr)
    ]
    bound_deliveries.insert(tx, deliveries, now)


def _receipt(bound: BoundMessage, ref: int, message: Tracked, now: int, *, is_final: bool = True) -> NewDelivery:
    body = BoundReceipt(
        ref, message.dlr, is_final, bound.source, bound.destination, bound.accepted_at, message.done_at or now,
        message.client_ref,
    )  # fmt: skip
    return NewDelivery(bound.bind_user_id, bound.message_id, body)
