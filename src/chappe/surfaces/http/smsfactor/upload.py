"""The body of a request, never more of it in memory than the limit."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from chappe.domain.errors import BadData

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# So many times the limit is read and thrown away, so that a caller who sends before he listens is answered.
DISCARD_FACTOR = 8


class Gone(Exception):
    """The caller hung up before his request was complete; nobody waits for an answer."""


class Upload:
    """What the caller is sending besides the head of his request."""

    __slots__ = ("_has_more", "_headers", "_limit", "_receive", "_waits_for_leave")

    def __init__(self, headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> None:
        self._headers = headers
        self._receive = receive
        self._limit = limit
        self._has_more = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        self._waits_for_leave = headers.get(b"expect", b"").lower() == b"100-continue"

    async def read(self) -> bytes:
        """The whole body. Raises: BadData as soon as it is known to be longer than the limit; Gone."""
        announced = self._headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._limit:
            raise self._too_long()
        body = await self._next()
        if not self._has_more:
            if len(body) > self._limit:
                raise self._too_long()
            return body
        gathered = bytearray(body)
        while self._has_more and len(gathered) <= self._limit:
            gathered += await self._next()
        if len(gathered) > self._limit:
            raise self._too_long()
        return bytes(gathered)

    async def finish(self) -> None:
        """Let the caller send what he still has to send before he is answered.

        A server that hangs up on somebody who is still sending may take the answer away with it.
        Raises: Gone.
        """
        left = self._limit * DISCARD_FACTOR
        while self._has_more and not self._waits_for_leave and left > 0:
            left -= len(await self._next())

    async def _next(self) -> bytes:
        if not self._has_more:
            return b""
        self._waits_for_leave = False
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Gone
        self._has_more = message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk

    def _too_long(self) -> BadData:
        return BadData(f"is longer than {self._limit} bytes (max_body_bytes)", field="body")
