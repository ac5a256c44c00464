"""Ask a load tool what it counted, and change what it does, over a small HTTP port of its own."""

import asyncio
import http.client
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

T = TypeVar("T")
Answer = Callable[[str, dict[str, str]], object]
ASK_S = 10


async def serve_control(port: int, answer: Answer) -> asyncio.Server:
    """Answer GET requests with JSON: `answer` gets the path and the query, LookupError means not found."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ASK_S):
                head = await reader.readuntil(b"\r\n\r\n")
            target = urlsplit(head.split(b" ", 2)[1].decode())
            status, body = 200, answer(target.path, dict(parse_qsl(target.query, keep_blank_values=True)))
        except (LookupError, ValueError) as error:
            status, body = 404, {"error": str(error)}
        except (asyncio.IncompleteReadError, TimeoutError):
            writer.close()
            return
        encoded = msgspec.json.encode(body)
        writer.write(b"HTTP/1.1 %d -\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(encoded)))
        writer.write(encoded)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)


def ask(port: int, path: str, type_: type[T]) -> T:
    """The answer of a load tool. Raises: OSError when it does not listen, ValueError when it does not know."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(body.decode())
    return msgspec.json.decode(body, type=type_)
