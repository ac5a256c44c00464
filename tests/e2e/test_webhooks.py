"""Webhooks as their owner manages them."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.webhook_schedule import EventState
from chappe.domain.webhooks import MAX_WEBHOOKS
from chappe.manage.webhooks import Webhook, Webhooks
from chappe.store.ids import Ids
from chappe.store.migrations import migrate
from chappe.store.sqlite import Store
from chappe.store.webhooks import (
    AttemptRow,
    Outcome,
    events_of_message,
    insert_events,
    live_webhooks,
    record_outcomes,
)

URL = "https://hooks.example/dlr"


def account(account_id: int) -> Account:
    return Account(account_id, account_id, None, f"{account_id}@example.org", "FR", None)


SHOP, STRANGER = account(1), account(2)


def with_webhooks(scenario: Callable[[Webhooks, Store], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    """Make a test of what happens on a database of its own."""

    async def run(database: Path) -> None:
        store = Store(database)
        try:
            await scenario(Webhooks(store, Ids()), store)
        finally:
            await store.close()

    def test(tmp_path: Path) -> None:
        migrate(tmp_path / "chappe.db")
        asyncio.run(run(tmp_path / "chappe.db"))

    test.__name__ = scenario.__name__
    return test


@with_webhooks
async def test_a_webhook_is_live_and_listed_once_it_was_created(webhooks: Webhooks, store: Store) -> None:
    made = await webhooks.create(SHOP, type="DLR", url=f" {URL} ", signature="s3cret")
    assert made == Webhook(made.id, "DLR", URL, "s3cret", True, None)
    assert webhooks.list(SHOP) == [made]


@with_webhooks
async def test_several_webhooks_may_have_the_same_type(webhooks: Webhooks, store: Store) -> None:
    made = [await webhooks.create(SHOP, type="DLR", url=URL, signature=None) for _ in range(3)]
    assert webhooks.list(SHOP) == made
    assert len({webhook.id for webhook in made}) == 3


@with_webhooks
async def test_a_webhook_can_be_replaced_paused_and_deleted(webhooks: Webhooks, store: Store) -> None:
    made = await webhooks.create(SHOP, type="DLR", url=URL, signature="s3cret")
    changed = await webhooks.update(SHOP, made.id, type="MO", url="http://b.example/", signature=None)
    assert changed == Webhook(made.id, "MO", "http://b.example/", None, True, None)
    paused = await webhooks.set_live(SHOP, made.id, False)
    assert webhooks.list(SHOP) == [paused]
    assert not paused.is_live
    assert (await webhooks.set_live(SHOP, made.id, True)).is_live
    await webhooks.delete(SHOP, made.id)
    assert webhooks.list(SHOP) == []


@with_webhooks
async def test_another_accounts_webhook_is_not_found(webhooks: Webhooks, store: Store) -> None:
    made = await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    with pytest.raises(NotFound):
        await webhooks.update(STRANGER, made.id, type="DLR", url="http://evil.example/", signature=None)
    with pytest.raises(NotFound):
        await webhooks.set_live(STRANGER, made.id, False)
    with pytest.raises(NotFound):
        await webhooks.delete(STRANGER, made.id)
    assert webhooks.list(STRANGER) == []
    assert webhooks.list(SHOP) == [made]


@with_webhooks
async def test_what_cannot_be_used_is_refused_and_changes_nothing(webhooks: Webhooks, store: Store) -> None:
    made = await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    for kind, url, signature in (("DLX", URL, None), ("DLR", "ftp://a.example/", None), ("DLR", URL, "é")):
        with pytest.raises(BadData):
            await webhooks.create(SHOP, type=kind, url=url, signature=signature)
        with pytest.raises(BadData):
            await webhooks.update(SHOP, made.id, type=kind, url=url, signature=signature)
    assert webhooks.list(SHOP) == [made]


@with_webhooks
async def test_an_account_may_have_so_many_webhooks_and_no_more(webhooks: Webhooks, store: Store) -> None:
    for _number in range(MAX_WEBHOOKS):
        await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    with pytest.raises(BadData) as refusal:
        await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    assert refusal.value.field == "webhook"
    await webhooks.create(STRANGER, type="DLR", url=URL, signature=None)
    await webhooks.delete(SHOP, webhooks.list(SHOP)[0].id)
    await webhooks.create(SHOP, type="DLR", url=URL, signature=None)


@with_webhooks
async def test_events_are_made_for_the_live_webhooks_of_the_type_only(webhooks: Webhooks, store: Store) -> None:
    first = await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    second = await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    await webhooks.create(SHOP, type="MO", url=URL, signature=None)
    other = await webhooks.create(STRANGER, type="DLR", url=URL, signature=None)
    asked = [SHOP.id, STRANGER.id, SHOP.id, 99]
    assert store.glance(lambda tx: live_webhooks(tx, asked, "DLR")) == {
        SHOP.id: [first.id, second.id],
        STRANGER.id: [other.id],
    }
    await webhooks.set_live(SHOP, first.id, False)
    await webhooks.delete(STRANGER, other.id)
    assert store.glance(lambda tx: live_webhooks(tx, asked, "DLR")) == {SHOP.id: [second.id]}


@with_webhooks
async def test_the_trace_of_a_message_shows_its_events_with_their_attempts(webhooks: Webhooks, store: Store) -> None:
    made = await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    await store.write(
        lambda tx: insert_events(tx, [(11, made.id, 500, "{}", 10, 10), (12, made.id, 501, "{}", 20, 20)])
    )
    failed = AttemptRow(1, 100, None, "cannot connect", 7)
    taken = AttemptRow(2, 6000, 204, None, 3)
    for state, next_at, attempt in ((EventState.DUE, 5100, failed), (EventState.DONE, 6003, taken)):
        outcome = Outcome(made.id, 11, state, next_at, attempt)
        await store.write(lambda tx, outcome=outcome: record_outcomes(tx, [outcome]))  # type: ignore[misc]
    [event] = store.glance(lambda tx: events_of_message(tx, 500))
    assert (event.id, event.url, event.state) == (11, URL, EventState.DONE)
    assert event.attempts == [failed, taken]
    assert webhooks.list(SHOP)[0].last_http_code == 204
    [other] = store.glance(lambda tx: events_of_message(tx, 501))
    assert (other.state, other.next_at, other.attempts) == (EventState.DUE, 20, [])


@with_webhooks
async def test_an_outcome_that_is_recorded_twice_changes_nothing(webhooks: Webhooks, store: Store) -> None:
    made = await webhooks.create(SHOP, type="DLR", url=URL, signature=None)
    await store.write(lambda tx: insert_events(tx, [(11, made.id, 500, "{}", 10, 10)]))
    done = Outcome(made.id, 11, EventState.DONE, 100, AttemptRow(1, 100, 200, None, 7))
    late = Outcome(made.id, 11, EventState.DUE, 900, AttemptRow(1, 101, 500, None, 7))
    await store.write(lambda tx: record_outcomes(tx, [done]))
    await store.write(lambda tx: record_outcomes(tx, [late]))
    [event] = store.glance(lambda tx: events_of_message(tx, 500))
    assert event.state is EventState.DONE
    assert event.attempts == [done.attempt]
