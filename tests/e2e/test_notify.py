"""Events reach the customers' servers, and every attempt is on record."""

import asyncio
import json
from pathlib import Path

from chappe.domain.webhook_schedule import MAX_WAIT_MS, EventState
from chappe.pipeline.notify import NotifySettings
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.store.webhooks import delete_webhook, insert_events, set_live, update_webhook, webhooks_of
from tests.webhook_receiver import (
    ACCOUNT,
    BODY,
    DEADLINE_S,
    OK,
    Request,
    always,
    attempted,
    hanging_until,
    hook,
    let_time_pass,
    notifying,
    on_a_database,
    post,
    receiver,
    settled,
    status,
    trace,
    until,
)


@on_a_database
async def test_an_event_is_posted_with_its_body_secret_and_id(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer, notifying(store):
        await hook(store, 66, customer.url, "s3cret")
        await post(store, 66, 501)
        [event] = await settled(store, 501)
    [request] = customer.requests
    assert request.line == "POST /dlr HTTP/1.1"
    assert request.body.decode() == BODY
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-smsfactor-signature"] == "s3cret"
    assert request.headers["x-chappe-event"] == "501"
    assert request.headers["x-chappe-attempt"] == "1"
    assert request.headers["user-agent"].startswith("Chappe/")
    assert "cookie" not in request.headers
    assert event.state is EventState.DONE
    assert [(a.number, a.http_code, a.error) for a in event.attempts] == [(1, 200, None)]
    assert store.glance(lambda tx: webhooks_of(tx, ACCOUNT))[0].last_http_code == 200
    await store.close()


@on_a_database
async def test_a_webhook_without_a_secret_has_no_signature_header(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer, notifying(store):
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        await settled(store, 501)
    assert "x-smsfactor-signature" not in customer.requests[0].headers
    await store.close()


@on_a_database
async def test_many_events_of_many_webhooks_are_posted_once_each_over_few_connections(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer:
        for webhook_id in range(1, 6):
            await hook(store, webhook_id, f"{customer.url}/{webhook_id}")
            await post(store, webhook_id, *range(webhook_id * 10_000, webhook_id * 10_000 + 400))
        async with notifying(store) as notifier:
            await until(lambda: notifier.counts.delivered >= 1000)
        # The rest is for another notifier, as after a restart.
        assert len(customer.requests) == notifier.counts.posts
        async with notifying(store) as successor:
            await until(lambda: notifier.counts.delivered + successor.counts.delivered == 2000)
    ids = customer.event_ids()
    assert len(ids) == len(set(ids)) == 2000
    assert customer.connections <= 2 * NotifySettings().per_host
    await store.close()


@on_a_database
async def test_nothing_is_posted_while_a_webhook_is_paused(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer, notifying(store):
        await hook(store, 1, f"{customer.url}/1")
        await hook(store, 2, f"{customer.url}/2")
        await store.write(lambda tx: set_live(tx, ACCOUNT, 1, False))
        await post(store, 1, *range(1000, 1010))
        await post(store, 2, *range(2000, 2010))
        await settled(store, *range(2000, 2010))
        assert all(event_id >= 2000 for event_id in customer.event_ids())
        await store.write(lambda tx: set_live(tx, ACCOUNT, 1, True))
        await settled(store, *range(1000, 1010))
    assert sorted(customer.event_ids()) == [*range(1000, 1010), *range(2000, 2010)]
    await store.close()


@on_a_database
async def test_the_events_of_a_deleted_webhook_are_given_up(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer:
        await hook(store, 66, customer.url)
        await post(store, 66, *range(1, 2501))
        assert await store.write(lambda tx: delete_webhook(tx, ACCOUNT, 66))
        assert trace(store, 1).state is EventState.GIVEN_UP
        async with notifying(store):
            events = await settled(store, *range(1, 2501))
    assert {event.state for event in events} == {EventState.GIVEN_UP}
    assert customer.requests == []
    assert events[0].url is None
    await store.close()


@on_a_database
async def test_a_changed_address_gets_the_events_that_wait(database: Path) -> None:
    store = Store(database)
    async with receiver(status(500)) as old, receiver(always(OK)) as new, notifying(store):
        await hook(store, 66, old.url)
        await post(store, 66, 501)
        await attempted(store, 501)
        await store.write(lambda tx: update_webhook(tx, ACCOUNT, 66, kind="DLR", url=new.url, signature="fresh"))
        await let_time_pass(store)
        await settled(store, 501)
    assert len(old.requests) == 1
    assert [request.headers["x-smsfactor-signature"] for request in new.requests] == ["fresh"]
    await store.close()


@on_a_database
async def test_what_waited_a_week_for_a_paused_webhook_is_given_up(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer:
        await hook(store, 66, customer.url)
        await post(store, 66, 501, due_at=now_ms() - MAX_WAIT_MS - 60_000)
        await post(store, 66, 502)
        await store.write(lambda tx: set_live(tx, ACCOUNT, 66, False))
        async with notifying(store):
            await settled(store, 501)
            await store.write(lambda tx: set_live(tx, ACCOUNT, 66, True))
            await settled(store, 502)
    assert customer.event_ids() == [502]
    assert trace(store, 501).state is EventState.GIVEN_UP
    await store.close()


@on_a_database
async def test_old_events_of_a_webhook_that_answers_are_posted_however_old(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer, notifying(store):
        await hook(store, 66, customer.url)
        await post(store, 66, 501, due_at=now_ms() - 4 * MAX_WAIT_MS)
        [event] = await settled(store, 501)
    assert event.state is EventState.DONE
    await store.close()


@on_a_database
async def test_a_stop_waits_for_the_answers_under_way_and_writes_them_down(database: Path) -> None:
    answer_now = asyncio.Event()

    async def slow(_: Request, writer: asyncio.StreamWriter) -> None:
        await answer_now.wait()
        writer.write(OK)

    store = Store(database)
    async with receiver(slow) as customer:
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        async with notifying(store) as notifier:
            await until(lambda: len(customer.requests) == 1)
            stopping = asyncio.create_task(notifier.stop())
            await post(store, 66, 502)
            answer_now.set()
            await stopping
            assert trace(store, 501).state is EventState.DONE
            assert trace(store, 502).attempts == []
    await store.close()


@on_a_database
async def test_a_stop_does_not_wait_for_ever_and_loses_nothing(database: Path) -> None:
    gone = asyncio.Event()
    store = Store(database)
    async with receiver(hanging_until(gone)) as customer:
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        async with notifying(store, settings=NotifySettings(drain_s=0.05)) as notifier:
            await until(lambda: len(customer.requests) == 1)
            await asyncio.wait_for(notifier.stop(), DEADLINE_S)
        event = trace(store, 501)
        assert (event.state, event.attempts) == (EventState.DUE, [])
        gone.set()
        customer.answer = always(OK)
        async with notifying(store):
            await settled(store, 501)
    assert [request.headers["x-chappe-attempt"] for request in customer.requests] == ["1", "1"]
    await store.close()


@on_a_database
async def test_the_body_arrives_unchanged_whatever_letters_it_has(database: Path) -> None:
    body = json.dumps({"message_id": "é€🙂\n\u2028"}, ensure_ascii=False)
    store = Store(database)
    now = now_ms()

    def unit(tx: Tx) -> None:
        insert_events(tx, [(501, 66, 501, body, now, now)])

    async with receiver(always(OK)) as customer, notifying(store):
        await hook(store, 66, customer.url)
        await store.write(unit)
        await settled(store, 501)
    assert customer.requests[0].body == body.encode()
    await store.close()
