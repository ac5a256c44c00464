"""Tell accounts of replies: the one place where one is announced, in the unit of work that gives it to its owner."""

from collections.abc import Sequence
from typing import NamedTuple

from chappe.domain.replies import StoredReply
from chappe.domain.webhooks import reply_payload
from chappe.pipeline.bound_events import NewReply, tell_replies
from chappe.pipeline.events import News, announce_payloads
from chappe.store.ids import Ids
from chappe.store.replies import LastMessage
from chappe.store.sqlite import Tx


class GivenReply(NamedTuple):
    """A reply in the hands of its owner. Shape: `message` is what it answers, None when the account wrote nothing."""

    reply: StoredReply
    account_id: int
    number: int
    message: LastMessage | None
    is_optout: bool


def announce_replies(tx: Tx, ids: Ids, given: Sequence[GivenReply], now: int) -> None:
    """Queue MO and STOP events for those of the accounts that want them, and deliveries for those that bind."""
    mo = [_news(each) for each in given if not each.is_optout]
    stop = [_news(each) for each in given if each.is_optout]
    announce_payloads(tx, ids, "MO", mo, now)
    announce_payloads(tx, ids, "STOP", stop, now)
    tell_replies(tx, [_bound(each) for each in given], now)


def _news(each: GivenReply) -> News:
    reply, message = each.reply, each.message
    ref = message.client_ref if message else None
    payload = reply_payload(reply.received_at, reply.text, each.number, each.account_id, ref)
    return News(each.account_id, payload, message.id if message else None)


def _bound(each: GivenReply) -> NewReply:
    reply, message = each.reply, each.message
    return NewReply(
        reply.id, reply.source, reply.destination, reply.text, each.account_id, message.id if message else None
    )
