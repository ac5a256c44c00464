"""Tell customers what happened, in the transaction of what is told: by webhook events, and over SMPP those who bind."""

from collections.abc import Sequence
from typing import NamedTuple

from chappe.domain.outcomes import Tracked
from chappe.domain.privacy import ERASED
from chappe.domain.webhooks import WebhookType, dlr_payloads
from chappe.pipeline.bound_events import tell_final
from chappe.store import webhooks
from chappe.store.ids import Ids
from chappe.store.sqlite import Tx


def announce(tx: Tx, ids: Ids, messages: list[Tracked], now: int) -> None:
    """Queue one event for each final message and each webhook of its account that wants delivery reports, and the
    receipts of what came over SMPP.

    Nothing is told of who was erased.
    """
    if not messages:
        return
    tell_final(tx, messages, now)
    hooks = webhooks.live_webhooks(tx, {message.account_id for message in messages}, "DLR")
    if not hooks:
        return
    told = [message for message in messages if message.account_id in hooks and message.number != ERASED]
    payloads = dlr_payloads(
        [now] * len(told), [m.dlr for m in told], [m.number for m in told], [m.client_ref for m in told],
        [m.campaign_id for m in told], [m.country for m in told],
    )  # fmt: skip
    news = [News(m.account_id, payload, m.id) for m, payload in zip(told, payloads, strict=True)]
    _insert(tx, ids, hooks, news, now)


class News(NamedTuple):
    """Something to tell one account. Shape: `payload` is the body as it will be posted."""

    account_id: int
    payload: str
    message_id: int | None = None


def announce_payload(tx: Tx, ids: Ids, account: int, kind: WebhookType, payload: str, now: int) -> None:
    """Queue an event for each webhook of the account that wants events of this type."""
    announce_payloads(tx, ids, kind, [News(account, payload)], now)


def announce_payloads(tx: Tx, ids: Ids, kind: WebhookType, news: Sequence[News], now: int) -> None:
    """Queue events for those of the accounts that have webhooks of this type."""
    if news and (hooks := webhooks.live_webhooks(tx, {each.account_id for each in news}, kind)):
        _insert(tx, ids, hooks, news, now)


def _insert(tx: Tx, ids: Ids, hooks: dict[int, list[int]], news: Sequence[News], now: int) -> None:
    rows = [(webhook, each.message_id, each.payload) for each in news for webhook in hooks.get(each.account_id, ())]
    if not rows:
        return
    first = ids.take(tx, "event", len(rows))
    webhooks.insert_events(tx, [(first + i, *row, now, now) for i, row in enumerate(rows)])
