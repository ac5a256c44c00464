"""Write a plan: campaign, reservation, messages and their places in the queue, all or nothing."""

from itertools import repeat

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import InsufficientCredits
from chappe.domain.lifecycle import CampaignState
from chappe.domain.plans import Plan
from chappe.domain.pricing import balance_credits, cost_credits
from chappe.store import links, queue, wallets
from chappe.store.ids import Ids
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_CAMPAIGN = Statement(
    "INSERT INTO campaign (id, account_id, wallet_id, kind, sender, text, created_at, send_at, expires_at, state,"
    " first_message_id, last_message_id, cost_mc, total, sent, blacklisted, duplicated, npai, invalid, not_allowed,"
    " flood, country_limit, open, delivered, failed, expired, network_error, cancelled, sms, queued_to, held_because)"
    " VALUES (:id, :account, :wallet, :kind, :sender, :text, :created_at, :send_at, :expires_at, :state,"
    " :first, :last, :cost, :total, :sent, :blacklisted, :duplicated, :npai, :invalid, :not_allowed, :flood,"
    " :country_limit, :sent, 0, 0, 0, 0, 0, :sms, :queued_to, :held_because)"
)
_MESSAGE = Statement(
    "INSERT INTO message (id, campaign_id, account_id, number, country, client_ref, text, encoding, parts, price_mc,"
    " state, dlr, infos, list_id, sender) VALUES (:id, :campaign, :account, :number, :country, :client_ref, :text,"
    " :encoding, :parts, :price, 0, 0, :infos, :list, :sender)"
)


def take_message_ids(tx: Tx, ids: Ids, account: Account, plan: Plan) -> int:
    """The first of consecutive ids for the messages of a plan, for texts that have to know them.

    Raises: InsufficientCredits, so that nobody uses ids up for nothing.
    """
    wallet = wallets.read(tx, account.wallet_id)
    if wallet.available_mc - plan.cost_mc < -wallet.postpaid_limit_mc:
        raise _not_covered(wallet, plan)
    return ids.take(tx, "message", len(plan.numbers))


def write(
    tx: Tx,
    ids: Ids,
    account: Account,
    plan: Plan,
    now: int,
    first_message: int | None = None,
    held_because: str | None = None,
) -> tuple[int, int]:
    """The ticket and the credits that are left.

    Shape: `first_message` is the first of the messages' ids, when they have been taken before. A campaign that is
           held waits for a person: it is paid for, and nothing of it comes to the queue.
    Raises: InsufficientCredits, with nothing written that the caller's rollback does not undo.
    Units: the credits are thousandths.
    """
    count = len(plan.numbers)
    cost = plan.cost_mc
    ticket = ids.take(tx, "campaign")
    left = wallets.reserve(tx, account.wallet_id, account.id, ticket, cost, now)
    if left is None:
        raise _not_covered(wallets.read(tx, account.wallet_id), plan)
    first = first_message or (ids.take(tx, "message", count) if count else 0)
    tx.run(
        _CAMPAIGN,
        id=ticket,
        account=account.id,
        wallet=account.wallet_id,
        kind=plan.kind,
        sender=plan.sender,
        text=plan.text,
        created_at=now,
        send_at=plan.send_at,
        expires_at=plan.expires_at,
        first=first,
        last=first + count - 1,
        cost=cost,
        total=plan.total,
        sent=count,
        sms=sum(plan.parts),
        state=int(CampaignState.ACCEPTED if held_because is None else CampaignState.MODERATION),
        queued_to=None if held_because is None else first - 1,
        held_because=held_because,
        **msgspec.structs.asdict(plan.left_out),
    )
    if count:
        write_messages(tx, ticket, first, account, plan)
        if plan.link_urls:
            links.insert(tx, account.id, ticket, (first, first + count - 1), plan.link_urls)
        if held_because is None:
            _write_queue(tx, first, account, plan, now)
    return ticket, left


def _not_covered(wallet: wallets.Wallet, plan: Plan) -> InsufficientCredits:
    cost, have = cost_credits(plan.cost_mc), balance_credits(wallet.available_mc)
    return InsufficientCredits(f"this costs {cost} credits and the account has {have}")


def write_messages(tx: Tx, ticket: int, first: int, account: Account, plan: Plan) -> None:
    """The messages of a plan, with consecutive ids from `first`."""
    tx.many(
        _MESSAGE,
        zip(
            range(first, first + len(plan.numbers)),
            repeat(ticket),
            repeat(account.id),
            plan.numbers,
            plan.countries,
            plan.client_refs or repeat(None),
            plan.texts or repeat(None),
            plan.encodings,
            plan.parts,
            plan.prices_mc,
            plan.infos or repeat(None),
            repeat(plan.list_id),
            plan.senders or repeat(None),
            strict=False,  # `repeat` has no end
        ),
    )


def _write_queue(tx: Tx, first: int, account: Account, plan: Plan, now: int) -> None:
    ids = range(first, first + len(plan.numbers))
    ready = plan.ready or [plan.send_at] * len(plan.numbers)
    queue.add(tx, ids, plan.lanes, plan.priority, account.id, ready, plan.validity_ms, now)
