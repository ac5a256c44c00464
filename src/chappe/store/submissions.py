"""Write a plan: campaign, reservation, messages and their places in the queue, all or nothing."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, repeat
from typing import NamedTuple

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


class NewCampaign(NamedTuple):
    """A plan that is to be written.

    Shape: `first_message` is the first of the messages' ids, when they have been taken before. A campaign that is
           `held_because` of something waits for a person: it is paid for, and nothing of it comes to the queue.
    """

    plan: Plan
    first_message: int | None = None
    held_because: str | None = None


class Written(NamedTuple):
    """A campaign that was written. Units: `available_mc` is what is left to spend, in thousandths of a credit."""

    ticket: int
    first_message: int
    available_mc: int


def write(
    tx: Tx,
    ids: Ids,
    account: Account,
    plan: Plan,
    now: int,
    first_message: int | None = None,
    held_because: str | None = None,
) -> Written:
    """Write one plan. Shape: as of `NewCampaign`.

    Raises: InsufficientCredits, with nothing written but the ids that were taken.
    """
    [written] = write_all(tx, ids, account, [NewCampaign(plan, first_message, held_because)], now)
    if isinstance(written, InsufficientCredits):
        raise written
    return written


def write_all(
    tx: Tx, ids: Ids, account: Account, campaigns: Sequence[NewCampaign], now: int
) -> list[Written | InsufficientCredits]:
    """Write plans of one account, one after the other as far as the credits go.

    Shape: of those that are not covered nothing is written but the ids that were taken.
    Cost:  some 40 microseconds a plan of one message.
    """
    tickets = ids.take(tx, "campaign", len(campaigns))
    counts = [0 if each.first_message else len(each.plan.numbers) for each in campaigns]
    mint = ids.take(tx, "message", sum(counts)) if any(counts) else 0
    firsts = [each.first_message or mint + before for each, before in zip(campaigns, _before(counts), strict=True)]
    costs = [(tickets + i, each.plan.cost_mc) for i, each in enumerate(campaigns)]
    left = wallets.reserve_all(tx, account.wallet_id, account.id, costs, now)
    results: list[Written | InsufficientCredits] = []
    rows: list[_Row] = []
    for i, available in enumerate(left):
        if available is None:
            results.append(_not_covered(wallets.read(tx, account.wallet_id), campaigns[i].plan))
        else:
            first = firsts[i] if campaigns[i].plan.numbers else 0
            results.append(Written(tickets + i, first, available))
            rows.append(_Row(tickets + i, first, campaigns[i]))
    if rows:
        _write_rows(tx, account, rows, now)
    return results


class _Row(NamedTuple):
    ticket: int
    first: int
    campaign: NewCampaign

    @property
    def last(self) -> int:
        return self.first + len(self.campaign.plan.numbers) - 1


def _before(counts: Sequence[int]) -> Iterable[int]:
    """How many there are before each."""
    return accumulate(counts[:-1], initial=0)


def _write_rows(tx: Tx, account: Account, rows: Sequence[_Row], now: int) -> None:
    tx.many(_CAMPAIGN, [_campaign(account, row, now) for row in rows])
    full = [row for row in rows if row.campaign.plan.numbers]
    tx.many(_MESSAGE, chain.from_iterable(_messages(row.ticket, row.first, account, row.campaign.plan) for row in full))
    groups: dict[tuple[int, int], list[_Row]] = {}
    for row in full:
        plan = row.campaign.plan
        if plan.link_urls:
            links.insert(tx, account.id, row.ticket, (row.first, row.last), plan.link_urls)
        if row.campaign.held_because is None:
            groups.setdefault((plan.priority, plan.validity_ms), []).append(row)
    for group in groups.values():
        _write_queue(tx, account, group, now)


def _campaign(account: Account, row: _Row, now: int) -> tuple[object, ...]:
    plan, held_because = row.campaign.plan, row.campaign.held_because
    return _CAMPAIGN.values(
        {
            "id": row.ticket,
            "account": account.id,
            "wallet": account.wallet_id,
            "kind": plan.kind,
            "sender": plan.sender,
            "text": plan.text,
            "created_at": now,
            "send_at": plan.send_at,
            "expires_at": plan.expires_at,
            "first": row.first,
            "last": row.last,
            "cost": plan.cost_mc,
            "total": plan.total,
            "sent": len(plan.numbers),
            "sms": sum(plan.parts),
            "state": int(CampaignState.ACCEPTED if held_because is None else CampaignState.MODERATION),
            "queued_to": None if held_because is None else row.first - 1,
            "held_because": held_because,
            **msgspec.structs.asdict(plan.left_out),
        }
    )


def _not_covered(wallet: wallets.Wallet, plan: Plan) -> InsufficientCredits:
    cost, have = cost_credits(plan.cost_mc), balance_credits(wallet.available_mc)
    return InsufficientCredits(f"this costs {cost} credits and the account has {have}")


def write_messages(tx: Tx, ticket: int, first: int, account: Account, plan: Plan) -> None:
    """The messages of a plan, with consecutive ids from `first`."""
    tx.many(_MESSAGE, _messages(ticket, first, account, plan))


def _messages(ticket: int, first: int, account: Account, plan: Plan) -> Iterable[tuple[object, ...]]:
    return zip(
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
    )


def _write_queue(tx: Tx, account: Account, group: Sequence[_Row], now: int) -> None:
    """Queue campaigns of one priority and validity."""
    plans = [row.campaign.plan for row in group]
    ids = [message for row in group for message in range(row.first, row.last + 1)]
    lanes = [lane for plan in plans for lane in plan.lanes]
    ready = [at for plan in plans for at in plan.ready or repeat(plan.send_at, len(plan.numbers))]
    queue.add(tx, ids, lanes, plans[0].priority, account.id, ready, plans[0].validity_ms, now)
