"""A customer's web server on a loopback port, and a notifier that posts to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chappe.carriers.guarded_http import guarded_session
from chappe.domain.webhook_schedule import EventState
from chappe.pipeline.notify import USER_AGENT, Notifier, NotifySettings
from chappe.store.clock import now_ms
from chappe.store.migrations import migrate
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from chappe.store.webhooks import EventTrace, events_of_message, insert_events, insert_webhook

ACCOUNT = 7
DEADLINE_S = 20.0
LOOPBACK = ("127.0.0.0/8", "::1/128")
BODY = '{"status":3,"message_id":"m-1"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


@dataclass(frozen=True, slots=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Receiver:
    """A customer's web server: what it was sent, and how it answers."""

    answer: Answer
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dlr"

    def event_ids(self) -> list[int]:
        return [int(request.headers["x-chappe-event"]) for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                request = Request(head[0], headers, body)
                self.requests.append(request)
                await self.answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def always(raw: bytes, *, close: bool = False) -> Answer:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if close:
            writer.close()

    return answer


def hanging_until(gone: asyncio.Event) -> Answer:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    return answer


def status(code: int) -> Answer:
    return always(f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n".encode())


@asynccontextmanager
async def receiver(answer: Answer) -> AsyncIterator[Receiver]:
    made = Receiver(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@asynccontextmanager
async def notifying(
    store: Store,
    *,
    allow: tuple[str, ...] = LOOPBACK,
    total_s: float = 5.0,
    settings: NotifySettings | None = None,
) -> AsyncIterator[Notifier]:
    async with guarded_session(allow, user_agent=USER_AGENT, total_s=total_s) as session:
        notifier = Notifier(store, session, settings)
        running = asyncio.create_task(notifier.run())
        try:
            yield notifier
        finally:
            await notifier.stop()
            await running


Scenario = Callable[[Path], Coroutine[None, None, None]]


def on_a_database(scenario: Scenario) -> Callable[[Path], None]:
    """Make a test of what happens on a database of its own."""

    def test(tmp_path: Path) -> None:
        database = tmp_path / "chappe.db"
        migrate(database)
        asyncio.run(scenario(database))

    test.__name__ = scenario.__name__
    return test


def hook(store: Store, webhook_id: int, url: str, signature: str | None = None) -> Awaitable[None]:
    return store.write(
        lambda tx: insert_webhook(
            tx,
            webhook_id=webhook_id,
            account_id=ACCOUNT,
            kind="DLR",
            url=url,
            signature=signature,
            created_at=now_ms(),
        )
    )


def post(store: Store, webhook_id: int, *event_ids: int, due_at: int | None = None) -> Awaitable[None]:
    """Events to be posted; each one's message has the same id."""
    now = now_ms()
    rows = [(i, webhook_id, i, BODY, now, now if due_at is None else due_at) for i in event_ids]
    return store.write(lambda tx: insert_events(tx, rows))


def trace(store: Store, event_id: int) -> EventTrace:
    return store.glance(lambda tx: events_of_message(tx, event_id))[0]


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


async def attempted(store: Store, event_id: int, times: int = 1) -> EventTrace:
    await until(lambda: len(trace(store, event_id).attempts) >= times)
    return trace(store, event_id)


async def settled(store: Store, *event_ids: int) -> list[EventTrace]:
    await until(lambda: all(trace(store, i).state is not EventState.DUE for i in event_ids))
    return [trace(store, i) for i in event_ids]


_MAKE_DUE = Statement("UPDATE event SET next_at = :now WHERE state = 0")


def let_time_pass(store: Store) -> Awaitable[int]:
    """Until the retries that are waiting are due."""
    return store.write(lambda tx: tx.run(_MAKE_DUE, now=now_ms()))
