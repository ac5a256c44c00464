"""Tell customers what became of their messages: webhook events, written with the change they tell of."""

from chappe.domain.outcomes import Tracked
from chappe.domain.webhooks import dlr_payloads
from chappe.store import webhooks
from chappe.store.ids import Ids
from chappe.store.sqlite import Tx


def announce(tx: Tx, ids: Ids, messages: list[Tracked], now: int) -> None:
    """Queue one event for each final message and each webhook of its account that wants delivery reports."""
    if not messages:
        return
    hooks = webhooks.live_webhooks(tx, {message.account_id for message in messages}, "DLR")
    if not hooks:
        return
    told = [message for message in messages if message.account_id in hooks]
    payloads = dlr_payloads(
        [now] * len(told), [m.dlr for m in told], [m.number for m in told], [m.client_ref for m in told],
        [m.campaign_id for m in told], [m.country for m in told],
    )  # fmt: skip
    rows = [
        (webhook, message.id, payload)
        for message, payload in zip(told, payloads, strict=True)
        for webhook in hooks[message.account_id]
    ]
    first = ids.take(tx, "event", len(rows))
    webhooks.insert_events(tx, [(first + i, *row, now, now) for i, row in enumerate(rows)])


def announce_balance(tx: Tx, ids: Ids, account: int, payload: str, now: int) -> None:
    """Queue one event for each webhook of an account that wants to know when credits run out."""
    hooks = webhooks.live_webhooks(tx, [account], "BALANCE_ALERT").get(account, [])
    if hooks:
        first = ids.take(tx, "event", len(hooks))
        webhooks.insert_events(tx, [(first + i, hook, None, payload, now, now) for i, hook in enumerate(hooks)])
