"""Whatever the customers' servers do, events are not lost, others are not delayed, and nobody gets inside."""

import asyncio
from pathlib import Path

from chappe.domain.webhook_schedule import OPENS_AFTER, RETRY_S, EventState
from chappe.pipeline.notify import NotifySettings
from chappe.store.sqlite import Store
from tests.webhook_receiver import (
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
async def test_a_retry_waits_by_the_schedule_and_survives_a_restart(database: Path) -> None:
    async with receiver(status(503)) as customer:
        store = Store(database)
        async with notifying(store):
            await hook(store, 66, customer.url)
            await post(store, 66, 501)
            event = await attempted(store, 501)
        await store.close()
        assert event.state is EventState.DUE
        delay_s = (event.next_at - event.attempts[0].at) / 1000
        assert RETRY_S[0] <= delay_s < RETRY_S[0] * 1.5
        assert event.attempts[0].http_code == 503

        customer.answer = always(OK)
        store = Store(database)
        async with notifying(store):
            await let_time_pass(store)
            [event] = await settled(store, 501)
        assert event.state is EventState.DONE
        assert [(a.number, a.http_code) for a in event.attempts] == [(1, 503), (2, 200)]
        assert [r.headers["x-chappe-attempt"] for r in customer.requests] == ["1", "2"]
        assert customer.event_ids() == [501, 501]
        await store.close()


@on_a_database
async def test_an_event_that_nobody_takes_is_given_up_after_the_schedule(database: Path) -> None:
    store = Store(database)
    async with receiver(status(404)) as customer:
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        # A restart before each retry, so that the breaker's pause need not be waited for.
        for attempt in range(1, len(RETRY_S) + 2):
            async with notifying(store):
                await let_time_pass(store)
                await attempted(store, 501, attempt)
    event = trace(store, 501)
    assert event.state is EventState.GIVEN_UP
    assert [a.number for a in event.attempts] == list(range(1, len(RETRY_S) + 2))
    await store.close()


@on_a_database
async def test_a_server_that_hangs_is_left_after_the_time_limit(database: Path) -> None:
    gone = asyncio.Event()
    store = Store(database)
    async with receiver(hanging_until(gone)) as customer, notifying(store, total_s=0.2):
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        event = await attempted(store, 501)
        gone.set()
    assert (event.state, event.attempts[0].http_code) == (EventState.DUE, None)
    assert event.attempts[0].error == "no answer in time"
    assert event.attempts[0].duration_ms >= 200
    await store.close()


@on_a_database
async def test_a_server_that_hangs_does_not_delay_the_others(database: Path) -> None:
    gone = asyncio.Event()
    store = Store(database)
    async with receiver(hanging_until(gone)) as stuck, receiver(always(OK)) as well, notifying(store):
        await hook(store, 1, stuck.url)
        await hook(store, 2, well.url)
        await post(store, 1, *range(1000, 1600))
        await until(lambda: len(stuck.requests) > 0)
        await post(store, 2, *range(2000, 2100))
        await settled(store, *range(2000, 2100))
        assert all(trace(store, i).attempts == [] for i in range(1000, 1600))
        gone.set()
    await store.close()


@on_a_database
async def test_a_redirect_is_not_followed(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as inside:
        away = f"HTTP/1.1 307 X\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n"
        async with receiver(always(away.encode())) as customer, notifying(store):
            await hook(store, 66, customer.url)
            await post(store, 66, 501)
            event = await attempted(store, 501)
    assert inside.requests == []
    assert (event.state, event.attempts[0].http_code) == (EventState.DUE, 307)
    await store.close()


@on_a_database
async def test_a_connection_that_closes_early_is_a_failed_attempt(database: Path) -> None:
    store = Store(database)
    async with receiver(always(b"", close=True)) as customer, notifying(store):
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        event = await attempted(store, 501)
    assert event.state is EventState.DUE
    assert event.attempts[0].error == "connection closed without an answer"
    await store.close()


@on_a_database
async def test_an_answer_that_is_not_http_is_a_failed_attempt(database: Path) -> None:
    store = Store(database)
    async with receiver(always(b"220 mail.example ESMTP\r\n\r\n", close=True)) as customer, notifying(store):
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        event = await attempted(store, 501)
    assert event.state is EventState.DUE
    assert event.attempts[0].error == "answer cannot be read"
    await store.close()


@on_a_database
async def test_a_good_status_counts_even_when_its_body_breaks_off(database: Path) -> None:
    store = Store(database)
    half = always(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf of", close=True)
    async with receiver(half) as customer, notifying(store):
        await hook(store, 66, customer.url)
        await post(store, 66, 501)
        [event] = await settled(store, 501)
    assert event.state is EventState.DONE
    assert event.attempts[0].error is None
    await store.close()


@on_a_database
async def test_huge_answers_are_not_read_to_the_end(database: Path) -> None:
    size = 10_000_000
    sent: list[int] = []

    async def huge(request: Request, writer: asyncio.StreamWriter) -> None:
        has_length = request.line.startswith("POST /length")
        kind = f"Content-Length: {size}" if has_length else "Connection: close"
        writer.write(f"HTTP/1.1 200 OK\r\n{kind}\r\n\r\n".encode())
        sent.append(0)
        place = len(sent) - 1
        for _ in range(size // 10_000):
            writer.write(b"x" * 10_000)
            await writer.drain()
            sent[place] += 10_000

    store = Store(database)
    async with receiver(huge) as customer, notifying(store):
        base = customer.url.removesuffix("/dlr")
        await hook(store, 1, f"{base}/length")
        await hook(store, 2, f"{base}/endless")
        await post(store, 1, 501)
        await post(store, 2, 502)
        events = await settled(store, 501, 502)
    assert [event.state for event in events] == [EventState.DONE] * 2
    # What fits into the sockets' buffers had left already; the rest was never asked for.
    assert max(sent) < size
    await store.close()


TRIES = 5


@on_a_database
async def test_private_addresses_are_refused_by_default_and_tried_again(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as inside:
        names = ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "①②⑦.0.0.1"]
        for place, name in enumerate(names):
            await hook(store, place + 1, f"http://{name}:{inside.port}/dlr")
            await post(store, place + 1, 500 + place)
        for attempt in range(1, TRIES + 1):
            async with notifying(store, allow=()):
                await let_time_pass(store)
                for place in range(len(names)):
                    await attempted(store, 500 + place, attempt)
        events = [trace(store, 500 + place) for place in range(len(names))]
    assert inside.connections == 0
    assert {event.state for event in events} == {EventState.DUE}, "the name may lead elsewhere tomorrow"
    for event in events:
        assert [a.error for a in event.attempts] == ["address not allowed"] * TRIES
    await store.close()


@on_a_database
async def test_a_name_that_leads_into_an_allowed_network_is_called(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as inside, notifying(store):
        await hook(store, 66, f"http://localhost:{inside.port}/dlr")
        await post(store, 66, 501)
        [event] = await settled(store, 501)
    assert event.state is EventState.DONE
    await store.close()


@on_a_database
async def test_failures_to_connect_are_told_in_words(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as closed:
        pass
    async with notifying(store):
        await hook(store, 1, closed.url)
        await hook(store, 2, "http://no-such-name.invalid/")
        await hook(store, 3, f"https://127.0.0.1:{'1' * 400}/")
        for webhook_id in (1, 2, 3):
            await post(store, webhook_id, 500 + webhook_id)
        events = [await attempted(store, 500 + webhook_id) for webhook_id in (1, 2, 3)]
    errors = [event.attempts[0].error for event in events]
    assert errors == ["cannot connect", "name not found", "address cannot be used"]
    await store.close()


@on_a_database
async def test_a_webhook_that_keeps_failing_is_not_stormed(database: Path) -> None:
    store = Store(database)
    async with receiver(status(500)) as broken, receiver(always(OK)) as well, notifying(store):
        await hook(store, 1, broken.url)
        await hook(store, 2, well.url)
        await post(store, 1, *range(1000, 1500))
        await until(lambda: len(broken.requests) >= OPENS_AFTER)
        for event_id in range(2000, 2020):
            await post(store, 2, event_id)
            await settled(store, event_id)
    assert len(broken.requests) < OPENS_AFTER + NotifySettings().per_host
    await store.close()
