"""When what came of posts cannot be written down, few posts are made, and none is forgotten or repeated."""

import asyncio
from pathlib import Path

from chappe.pipeline.notify import NotifySettings
from chappe.store.sqlite import Store
from tests.webhook_receiver import OK, always, hook, notifying, on_a_database, post, receiver, settled, until

SETTINGS = NotifySettings(batch=8)
UNWRITTEN = 4 * SETTINGS.batch
EVENTS = range(1, 601)


def limit_pages(store: Store, pages: int) -> None:
    """As good as a full disk: the database may not grow beyond this, or beyond what it has now."""
    store._writer.connection.pragma("max_page_count", pages)


@on_a_database
async def test_a_full_disk_stops_the_posts_and_nothing_is_lost_when_there_is_room_again(database: Path) -> None:
    store = Store(database)
    async with receiver(always(OK)) as customer:
        await hook(store, 66, customer.url)
        await post(store, 66, *EVENTS)
        limit_pages(store, 1)
        async with notifying(store, settings=SETTINGS) as notifier:
            await until(lambda: len(customer.requests) - notifier.counts.posts > UNWRITTEN)
            for _ in range(50):
                await asyncio.sleep(0.002)
                unwritten = len(customer.requests) - notifier.counts.posts
                assert unwritten <= UNWRITTEN + 1 + SETTINGS.per_host
            limit_pages(store, 1_000_000)
            events = await settled(store, *EVENTS)
    assert sorted(customer.event_ids()) == list(EVENTS)
    assert all(len(event.attempts) == 1 for event in events)
    await store.close()
