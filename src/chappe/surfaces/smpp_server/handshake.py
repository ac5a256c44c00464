"""A connection to a port with TLS until it speaks TLS: counted from its first moment, like any other."""

import asyncio
import ssl
from typing import cast

import structlog

from chappe.surfaces.smpp_server.link import Link

_log = structlog.get_logger("chappe.binds")


class Handshake(asyncio.Protocol):
    """Leads a link from its socket to TLS, within so many seconds.

    A server that is opened with a context tells of a connection after its handshake only: whoever says nothing would
    be in no count.
    """

    def __init__(self, link: Link, context: ssl.SSLContext, *, within_s: float) -> None:
        self._link = link
        self._context = context
        self._within_s = within_s
        self._loop = asyncio.get_running_loop()
        self._shaking: asyncio.Task[None] | None = None
        # What came too early for who was to have it: before the handshake the octets of TLS, after it those of SMPP.
        self._early: list[bytes] = []
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        plain = cast(asyncio.Transport, transport)
        if self._link.arrives(plain):
            self._shaking = self._loop.create_task(self._shake(plain))

    def data_received(self, data: bytes) -> None:
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._link.connection_lost(exc)

    async def _shake(self, plain: asyncio.Transport) -> None:
        self._loop.call_soon(self._feed, plain)  # as soon as there is somebody to feed
        transport: asyncio.Transport | None = None
        try:
            transport = await self._loop.start_tls(
                plain, self, self._context, server_side=True, ssl_handshake_timeout=self._within_s
            )
        except OSError as error:  # no TLS, too slow, or gone
            _log.info("no TLS", reason=str(error), address=self._link.address)
        finally:
            if transport is None or self._is_over:
                plain.abort()
                self.connection_lost(None)
        if transport is not None and not self._is_over:
            self._hand_over(transport)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        try:
            transport.set_protocol(self._link)
            self._link.connection_made(transport)
            if self._early:
                self._link.data_received(b"".join(self._early))
        except Exception:
            _log.exception("bug", address=self._link.address)
            transport.abort()

    def _feed(self, plain: asyncio.Transport) -> None:
        """Give TLS what was read before it was there: some loops read before the task has had its turn."""
        early, self._early = b"".join(self._early), []
        taker = cast(asyncio.BufferedProtocol, plain.get_protocol())
        while early and not plain.is_closing():
            room = memoryview(taker.get_buffer(len(early)))
            size = min(len(early), len(room))
            room[:size] = early[:size]
            early = early[size:]
            taker.buffer_updated(size)
