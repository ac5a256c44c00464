"""What is known of a request that failed: whether the vendor may have read it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chappe.carriers.http import client as client_module
from chappe.carriers.http.client import MAX_ANSWER_BYTES, HttpClient, Lost, Unsent
from chappe.carriers.http.vendor import Call, Told
from tests.builders import on_loop
from tests.http_vendor import Answers, Asked, Behaviour, Says, vendor
from tests.server import free_port

Made = Told | Unsent | Lost


async def make(answers: Answers, *calls: Call, timeout_s: float = 5) -> tuple[list[Made], list[Asked]]:
    """Make requests one after the other; what came of each, and what the vendor saw. `URL` stands for its address."""
    client = HttpClient(timeout_s=timeout_s)
    try:
        async with vendor(answers) as served:
            made = []
            for call in calls:
                url = call.url.replace("URL", served.url)
                made.append(await client.make(Call(call.method, url, call.headers, call.body)))
            return made, served.asked
    finally:
        await client.close()


POST = Call("POST", "URL/sms", {"X-A": "1"}, b"hello")


@on_loop
async def test_answers_come_back_as_they_are() -> None:
    (told,), (asked,) = await make(lambda _: Says(418, "teapot", {"Retry-After": "3"}), POST)
    assert isinstance(told, Told)
    assert (told.status, told.headers["retry-after"], told.body) == (418, "3", b"teapot")
    assert (asked.method, asked.body, asked.headers["x-a"]) == ("POST", b"hello", "1")


@on_loop
async def test_redirects_are_not_followed() -> None:
    (told,), asked = await make(lambda _: Says(302, "", {"Location": "http://127.0.0.1:1/"}), POST)
    assert isinstance(told, Told)
    assert (told.status, len(asked)) == (302, 1)


@on_loop
async def test_nobody_who_listens_means_that_nothing_was_written() -> None:
    client = HttpClient(timeout_s=5)
    made = await client.make(Call("POST", f"http://127.0.0.1:{free_port()}/", {}, b"x"))
    unknown = await client.make(Call("POST", "http://nobody.invalid/", {}, b"x"))
    nonsense = await client.make(Call("POST", "http://[::1/", {}, b"x"))
    await client.close()
    assert isinstance(made, Unsent)
    assert made.reason.startswith("cannot connect")
    assert isinstance(unknown, Unsent)
    assert isinstance(nonsense, Unsent)


@pytest.mark.parametrize("share", [0.5, 1.0])  # 1: the time for all is over with the time for the connection
def test_a_connection_that_takes_too_long_means_that_nothing_was_written(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CONNECT_SHARE", share)

    async def run() -> None:
        is_over = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()  # the greeting of TLS is never answered
            writer.close()
            is_over.set()

        assert await _against(silent, "https", timeout_s=0.4) == Unsent("cannot connect: no answer in time")
        await is_over.wait()
        await asyncio.sleep(0.01)

    asyncio.run(run())


@pytest.mark.parametrize("host", ["api..example.net", f"{'x' * 64}.example.net"])
@on_loop
async def test_a_name_that_is_none_means_that_nothing_was_written(host: str) -> None:
    client = HttpClient(timeout_s=5)
    made = await client.make(Call("POST", f"https://{host}/", {}, b"x"))
    await client.close()
    assert made == Unsent("the address cannot be used")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("how", ["break", "half", "hang"])
def test_a_request_that_was_written_may_have_been_read_and_is_never_made_twice(method: str, how: Behaviour) -> None:
    async def run() -> None:
        def answers(asked: Asked) -> Behaviour:
            return Says() if asked.target == "/first" else how

        # The second goes over the connection of the first: the library would make a GET again on another one.
        first = Call(method, "URL/first", {})
        made, asked = await make(answers, first, Call(method, "URL/second", {}), timeout_s=0.5)
        assert isinstance(made[0], Told)
        assert isinstance(made[1], Lost)
        assert [each.target for each in asked] == ["/first", "/second"]

    asyncio.run(run())


@on_loop
async def test_the_connection_is_kept_for_the_next_request() -> None:
    client = HttpClient(timeout_s=5)
    async with vendor(lambda _: Says()) as served:
        for _ in range(3):
            await client.make(Call("POST", served.url, {}, b"x"))
        assert served.connections == 1
        await client.close()


@on_loop
async def test_an_answer_that_never_ends_is_cut() -> None:
    (told,), _ = await make(lambda _: Says(200, "x" * (MAX_ANSWER_BYTES + 1)), POST)
    assert isinstance(told, Told)
    assert len(told.body) <= MAX_ANSWER_BYTES


@on_loop
async def test_garbage_is_lost() -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        writer.close()

    made = await _against(garbage)
    assert isinstance(made, Lost)


async def _against(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    scheme: str = "http",
    timeout_s: float = 2,
) -> Made:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = HttpClient(timeout_s=timeout_s)
    try:
        return await client.make(Call("POST", f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, b"x"))
    finally:
        await client.close()
        server.close()
