"""Take back what no carrier has seen of a campaign, in pieces, so that a large one does not hold up the others."""

import asyncio
from collections.abc import Collection
from functools import partial

import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import CampaignState
from chappe.domain.outcomes import cancel
from chappe.domain.pricing import balance_credits
from chappe.pipeline.bound_events import tell_final
from chappe.store import campaigns, moderation, queue, tracking, wallets
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.submit")

# Messages in one unit of work: some 10 ms of the loop.
CHUNK = 1000


async def cancel_campaign(store: Store, account: Account, ticket: int) -> int:
    """Cancel the messages of a campaign from the first on, ahead of the carrier; the credits there are then.

    Shape: what is being handed over meanwhile is sent; what is not in the queue yet will not come to it. Nobody has to
           decide any more about one that was held.
    Raises: NotFound; BadData when everything has left already, or was refused.
    """
    found = store.glance(lambda tx: campaigns.one(tx, account.id, ticket))
    span = store.glance(lambda tx: campaigns.span(tx, account.id, ticket))
    if found is None or span is None:
        raise NotFound(f"there is no campaign {ticket}", field="id")
    if found.state == CampaignState.DENIED:
        raise BadData(f"campaign {ticket} was refused: its credits are given back", field="id")
    first, last = span
    count = 0
    for start in range(first, last + 1, CHUNK):
        end = min(start + CHUNK - 1, last)
        if store.glance(partial(queue.unseen, first=start, last=end)):
            count += await store.write(partial(_take_back, ticket=ticket, first=start, last=end))
        await asyncio.sleep(0)  # let the others in
    if not count:
        raise BadData(f"nothing of campaign {ticket} can be taken back: it was sent or cancelled", field="id")
    _log.info("cancelled", ticket=ticket, account=account.id, messages=count)
    return balance_credits(store.glance(lambda tx: wallets.read(tx, account.wallet_id)).available_mc)


def _take_back(tx: Tx, ticket: int, first: int, last: int) -> int:
    count = len(take_back(tx, queue.unseen(tx, first, last)))
    moderation.settle(tx, ticket)
    return count


def take_back(tx: Tx, unseen: Collection[int]) -> list[int]:
    """Cancel messages that no carrier has seen and release their credits; which it were.

    Shape: of accepted campaigns only: nothing is reserved for the others.
    """
    now = now_ms()
    messages = tracking.load(tx, unseen)
    taken_back = [message for message in messages.values() if cancel(message, now)]
    tracking.save(tx, taken_back, now)
    tell_final(tx, taken_back, now)
    ids = [message.id for message in taken_back]
    queue.leave(tx, ids)
    return ids
