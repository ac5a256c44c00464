"""A vendor's HTTP API on a real socket: it answers as told, hangs, or breaks the connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. Shape: names of headers are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Says:
    """An answer."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0


Behaviour = Says | Literal["hang", "break", "half"]
Answers = Callable[[Asked], Behaviour]


@dataclass(slots=True)
class Vendor:
    """What was asked, and how it is answered; `answers` may be replaced at any time."""

    answers: Answers
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = head[0].split(" ")
        asked = Asked(method, target, headers, body)
        self.asked.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._answer(self.answers(asked), reader, writer)
        finally:
            self.at_once -= 1

    async def _answer(self, how: Behaviour, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if how == "hang":
            await reader.read()
            writer.close()
        elif how == "break":
            writer.transport.abort()
        elif how == "half":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            await writer.drain()
            writer.transport.abort()
        else:
            await asyncio.sleep(how.after_s)
            told = how.body.encode()
            lines = {"Content-Type": "application/json", **how.headers, "Content-Length": str(len(told))}
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            writer.write(f"HTTP/1.1 {how.status} X\r\n{head}\r\n".encode() + told)


@asynccontextmanager
async def vendor(answers: Answers, port: int = 0) -> AsyncIterator[Vendor]:
    """A vendor that listens."""
    made = Vendor(answers)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


def taken(asked: Asked) -> Says:
    """The answer of the plain template: the message is taken, under an id made of its key."""
    return Says(200, json.dumps({"id": f"v-{asked.json['key']}"}))


PLAIN = """
name = "plain"
[[settings]]
name = "token"
secret = true
[request]
url = "{url}/sms"
headers = { Authorization = "Bearer {token}" }
body = { to = "+{to}", text = "{text}", from = "{sender}", unicode = "{unicode}", key = "{key}" }
[answer]
id = "id"
code = "error"
outcomes = { bad_number = "permanent INVALID_DESTINATION", busy = "temporary", no_credit = "closed" }
[receipt]
when = { path = "kind", among = ["receipt"] }
id = "id"
number = "to"
state = "state"
states = { done = "DELIVERED", lost = "NOT_DELIVERED", going = "-" }
[reply]
when = { path = "kind", among = ["reply"] }
sender = "from"
to = "to"
text = "text"
"""
"""A vendor as simple as can be."""
