"""Campaigns too large for one unit of work: written in pieces, accepted in one, queued in pieces.

While it is being prepared a campaign has its span of message ids and `created_at` says when it last got on; nobody else
reads it, and nothing is reserved. From its acceptance `queued_to` is the last message that has come to the queue, until
all have.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import InsufficientCredits, Unavailable
from chappe.domain.lifecycle import CampaignState
from chappe.domain.plans import Plan, Tally, Terms
from chappe.domain.pricing import balance_credits, cost_credits
from chappe.domain.requests import Kind
from chappe.domain.route_places import Terms as RouteTerms
from chappe.domain.routing import RouteTable, Traffic
from chappe.domain.submission import priority_of
from chappe.store import accounts, queue, submissions, usage, wallets
from chappe.store.ids import Ids
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_BEGIN = Statement(
    "INSERT INTO campaign (id, account_id, wallet_id, kind, sender, text, created_at, send_at, expires_at, state,"
    " first_message_id, last_message_id, cost_mc, total, sent, blacklisted, duplicated, npai, invalid, not_allowed,"
    " flood, country_limit, open, delivered, failed, expired, network_error, cancelled, lists, queued_to)"
    " VALUES (:id, :account, :wallet, :kind, :sender, :text, :at, :send_at, :expires_at, :state,"
    " :first, :last, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, :lists, :first - 1)"
)
_GETS_ON = Statement("UPDATE campaign SET created_at = :at WHERE id = :id AND state = 1")
_ACCEPT = Statement(
    "UPDATE campaign SET state = :state, created_at = :at, last_message_id = first_message_id + :sent - 1,"
    " cost_mc = :cost,"
    " sms = :sms, total = :total, sent = :sent, blacklisted = :blacklisted, duplicated = :duplicated, npai = :npai,"
    " invalid = :invalid, not_allowed = :not_allowed, flood = :flood, country_limit = :country_limit, open = :sent,"
    " send_at = :send_at, expires_at = :expires_at, held_because = :held_because,"
    " queued_to = CASE WHEN :sent > 0 THEN queued_to END WHERE id = :id AND state = 1"
)
_UNQUEUED = Statement("SELECT id, queued_to FROM campaign WHERE queued_to IS NOT NULL AND state = 0 ORDER BY id")
_NEXT = Statement(
    "SELECT account_id, kind, send_at, queued_to, last_message_id FROM campaign"
    " WHERE id = :id AND queued_to IS NOT NULL AND state = 0"
)
_WAITING = Statement(
    "SELECT m.id, m.number, m.country, COALESCE(m.sender, c.sender), m.price_mc, m.parts FROM message m"
    " JOIN campaign c ON c.id = m.campaign_id WHERE m.id BETWEEN :first AND :last AND m.state = 0 ORDER BY m.id"
)
_QUEUED_TO = Statement(
    "UPDATE campaign SET queued_to = :upto,"
    " expires_at = CASE WHEN expires_at < :expires_at THEN :expires_at ELSE expires_at END WHERE id = :id"
)
_ABANDONED = Statement(
    "SELECT id FROM campaign WHERE queued_to IS NOT NULL AND (state = 2 OR state = 1 AND created_at < :before)"
)
_DISCARD = Statement("UPDATE campaign SET state = 2 WHERE id = :id AND state = 1")
_DISCARDED = Statement(
    "SELECT first_message_id, last_message_id, account_id FROM campaign WHERE id = :id AND state = 2"
)
_DELETE_MESSAGES = Statement("DELETE FROM message WHERE id BETWEEN :first AND :last AND campaign_id = :id")
_DELETED_TO = Statement("UPDATE campaign SET first_message_id = :first WHERE id = :id")
_DELETE = Statement("DELETE FROM campaign WHERE id = :id")


Planned = Callable[[int, str, list[int], list[str], int], list[int]]
"""When messages may leave: of the account, kind, numbers, countries, and the first moment that comes into question."""


class Preparation(NamedTuple):
    """A campaign that is being written, and the id of its first message."""

    ticket: int
    first: int


class Unqueued(NamedTuple):
    """An accepted campaign whose messages after `queued_to` are not in the queue yet."""

    ticket: int
    queued_to: int


def begin(tx: Tx, ids: Ids, account: Account, terms: Terms, lists: list[int], bound: int, at: int) -> Preparation:
    """Begin a campaign of `bound` messages at most."""
    ticket = ids.take(tx, "campaign")
    first = ids.take(tx, "message", bound) if bound else 0
    tx.run(
        _BEGIN,
        id=ticket,
        account=account.id,
        wallet=account.wallet_id,
        kind=terms.kind,
        sender=terms.sender,
        text=terms.text,
        at=at,
        send_at=terms.send_at,
        expires_at=terms.expires_at,
        state=int(CampaignState.PREPARING),
        first=first,
        last=first + bound - 1,
        lists=msgspec.json.encode(lists).decode(),
    )
    return Preparation(ticket, first)


def extend(tx: Tx, ticket: int, first: int, account: Account, plan: Plan, at: int) -> None:
    """Write some more messages, with consecutive ids from `first`.

    Raises: Unavailable when the preparation was given up as one of a dead process.
    """
    if not tx.run(_GETS_ON, id=ticket, at=at):
        raise Unavailable(f"campaign {ticket} took too long to be written")
    submissions.write_messages(tx, ticket, first, account, plan)


def accept(tx: Tx, ticket: int, account: Account, terms: Terms, tally: Tally, at: int, held_because: str | None) -> int:
    """Reserve the cost and let the campaign be there, or be held for a person; the credits that are left.

    Raises: InsufficientCredits, with nothing written; Unavailable as of `extend`.
    Units: thousandths of a credit.
    """
    left = wallets.reserve(tx, account.wallet_id, account.id, ticket, tally.cost_mc, at)
    if left is None:
        have = balance_credits(wallets.read(tx, account.wallet_id).available_mc)
        raise InsufficientCredits(f"this costs {cost_credits(tally.cost_mc)} credits and the account has {have}")
    accepted = tx.run(
        _ACCEPT,
        id=ticket,
        at=at,
        cost=tally.cost_mc,
        sms=tally.sms,
        total=tally.total,
        sent=tally.sent,
        state=int(CampaignState.ACCEPTED if held_because is None else CampaignState.MODERATION),
        held_because=held_because,
        send_at=tally.first_at or terms.send_at,
        expires_at=tally.expires_at or terms.expires_at,
        **msgspec.structs.asdict(tally.left_out),
    )
    if not accepted:
        raise Unavailable(f"campaign {ticket} took too long to be written")
    return left


def unqueued(tx: Tx) -> list[Unqueued]:
    """The accepted campaigns that are not wholly in the queue, oldest first."""
    return [Unqueued._make(row) for row in tx.rows(_UNQUEUED)]


def enqueue(tx: Tx, ticket: int, routes: RouteTable, planned: Planned, validity_ms: int, now: int, n: int) -> bool:
    """Bring the next `n` messages of an accepted campaign into the queue; whether there are more.

    Whoever does it, and however many at once: where it stands is read and written in the same unit of work. What was
    cancelled meanwhile stays out.
    """
    row = tx.row(_NEXT, id=ticket)
    if row is None:
        return False
    account, kind, send_at, queued_to, last = row
    upto = min(queued_to + n, last)
    waiting = tx.rows(_WAITING, first=queued_to + 1, last=upto)
    expires_at = 0
    if waiting:
        messages, numbers, countries = map(list, zip(*[row[:3] for row in waiting], strict=True))
        ready = planned(account, kind, numbers, countries, send_at)
        # Sender and price of a part are the same for everybody of a campaign in a country.
        terms = {country: RouteTerms(sender or "", price // parts) for _, _, country, sender, price, parts in waiting}
        lanes = routes.router(_traffic(tx, account, kind)).lanes(numbers, countries, terms, ready)
        queue.add(tx, messages, lanes, priority_of(kind), account, ready, validity_ms, now)
        expires_at = max(ready) + validity_ms
    tx.run(_QUEUED_TO, id=ticket, upto=upto if upto < last else None, expires_at=expires_at)
    return bool(upto < last)


def _traffic(tx: Tx, account: int, kind: Kind) -> Traffic:
    owner = accounts.by_id(tx, account)
    if owner is None:
        raise LookupError(f"there is no account {account}")
    return Traffic(account, owner.parent_id, kind, owner.is_sandbox)


def abandoned(tx: Tx, before: int) -> list[int]:
    """Campaigns that will not be accepted: discarded ones, and those that have not got on since `before`."""
    return [row[0] for row in tx.rows(_ABANDONED, before=before)]


def discard(tx: Tx, ticket: int) -> None:
    """From now on the campaign cannot be accepted."""
    tx.run(_DISCARD, id=ticket)


def delete(tx: Tx, ticket: int, n: int) -> bool:
    """Delete the next `n` messages of a discarded campaign, with the last of them itself; whether there are more."""
    row = tx.row(_DISCARDED, id=ticket)
    if row is None:
        return False
    first, last, account = row
    upto = min(first + n - 1, last)
    usage.forget_messages(tx, account, first, upto)
    tx.run(_DELETE_MESSAGES, id=ticket, first=first, last=upto)
    if upto < last:
        tx.run(_DELETED_TO, id=ticket, first=upto + 1)
        return True
    tx.run(_DELETE, id=ticket)
    return False
