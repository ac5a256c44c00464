"""Carriers that refuse, keep silent, talk garbage or vanish: named in the carrier list, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chappe.manage.carrier_status import BindStatus
from tests.builders import on_loop
from tests.sending import Sending, installation, sending_to, simulated

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def facing(folder: Path, peer: Peer) -> AsyncIterator[Sending]:
    """An installation whose only carrier is a socket that behaves like `peer`."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await peer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with installation(folder) as sending:
        await sending.add_carrier(server.sockets[0].getsockname()[1])
        sending.start_gateway()
        yield sending
    server.close()


async def bind_that_says(sending: Sending, *words: str, within_s: float = 20.0) -> BindStatus:
    """Wait until the carrier list shows all these words of its bind."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        binds = (await sending.carrier()).binds
        if binds and all(word in f"{binds[0].state} {binds[0].detail}" for word in words):
            return binds[0]
        assert asyncio.get_running_loop().time() < deadline, binds
        await asyncio.sleep(0.05)


@on_loop
async def test_a_carrier_that_refuses_the_bind_is_named_with_its_reason_and_messages_wait(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(bind_status="ESME_RINVPASWD")) as (sending, carrier):
        await bind_that_says(sending, "refused", "ESME_RINVPASWD", "next try in")
        ticket = await sending.submit("33612345678")
        await asyncio.sleep(0.2)
        assert sending.states(ticket) == ["ready"]
        assert carrier.stats().received == 0


@on_loop
async def test_a_carrier_that_talks_garbage_is_named_and_messages_wait(tmp_path: Path) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with facing(tmp_path, garbage) as sending:
        ticket = await sending.submit("33612345678")
        await bind_that_says(sending, "down", "garbage")
        assert sending.states(ticket) == ["ready"]


@on_loop
async def test_a_carrier_that_never_answers_the_bind_is_given_up_after_a_while(tmp_path: Path) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(30)

    async with facing(tmp_path, silence) as sending:
        ticket = await sending.submit("33612345678")
        await bind_that_says(sending, "never answered")
        assert sending.states(ticket) == ["ready"]


@on_loop
async def test_a_carrier_that_is_not_there_costs_nothing_and_is_tried_again(tmp_path: Path) -> None:
    async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)

    async with facing(tmp_path, nobody) as sending:
        await bind_that_says(sending, "down", "closed the connection")
        commits = sending.store.commits
        await sending.submit("33612345678")
        await asyncio.sleep(1.0)
        # A heartbeat and the submit itself; a lane that is down claims nothing.
        assert sending.store.commits - commits < 6


@on_loop
async def test_answers_with_odd_ids_and_no_body_do_not_drop_the_bind(tmp_path: Path) -> None:
    received: list[bytes] = []

    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(16)
            length, command, _, sequence = (int.from_bytes(head[i : i + 4], "big") for i in (0, 4, 8, 12))
            await reader.readexactly(length - 16)
            body = b""
            if command == 9:
                body = b"odd carrier without a final zero"
            elif command == 4:
                received.append(head)
                body = b"" if len(received) == 1 else b"id with spaces \xff\0"
            answer = (0x80000000 | command).to_bytes(4, "big") + bytes(4) + sequence.to_bytes(4, "big") + body
            writer.write((len(answer) + 4).to_bytes(4, "big") + answer)

    async with facing(tmp_path, odd) as sending:
        await sending.bound()
        ticket = await sending.submit("33612345678", "33612345679")
        await sending.until_all(ticket, "sent")
        assert (await sending.carrier()).is_bound


@pytest.mark.parametrize("status", [0x14, 0x45, 0xFF, 0x401, 0x12345678])
@on_loop
async def test_every_refusal_leaves_the_message_in_a_named_state(tmp_path: Path, status: int) -> None:
    async with sending_to(tmp_path, simulated(refuse={hex(status): 100})) as (sending, _):
        ticket = await sending.submit("33612345678")
        deadline = asyncio.get_running_loop().time() + 10
        while sending.states(ticket)[0] not in ("failed", "waiting for the next try"):
            assert asyncio.get_running_loop().time() < deadline, sending.states(ticket)
            await asyncio.sleep(0.02)
        assert any(step.step.startswith("refused") for step in sending.traces(ticket)[0].steps)
