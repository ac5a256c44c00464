"""Makes a vendor's requests, and says of each that fails whether the vendor may have read it."""

import os
import ssl
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import aiohttp

from chappe.carriers.guarded_http import guarded_session, read_capped
from chappe.carriers.http.vendor import Call, Told

USER_AGENT: Final = "Chappe"
# The operator chose the address: his carrier may well be in a private network.
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
MAX_ANSWER_BYTES: Final = 256 * 1024
CONNECT_S: Final = 10.0
# A connection may take this share of the time at most: what is left is for the answer.
CONNECT_SHARE: Final = 0.8


class Unsent(NamedTuple):
    """Nothing of the request was written."""

    reason: str


class Lost(NamedTuple):
    """The request was written, or some of it, and no whole answer came."""

    reason: str


@dataclass(slots=True)
class _Progress:
    """How far one request got."""

    is_begun: bool = False


class HttpClient:
    """The connections to one vendor, kept open between requests; made on the loop that uses them."""

    def __init__(self, *, timeout_s: float, tls_ca_file: str = "") -> None:
        """Raises: OSError when the file of certificates cannot be read."""
        self._tls = ssl.create_default_context(cafile=tls_ca_file) if tls_ca_file else True
        self._session = guarded_session(
            _EVERYWHERE,
            user_agent=USER_AGENT,
            connect_s=min(CONNECT_S, timeout_s * CONNECT_SHARE),
            total_s=timeout_s,
            traces=[_traced()],
        )
        # A request whose connection breaks is repeated by the library when its method is GET or PUT. Only we know
        # whether a message may be sent again (tests/unit/test_http_client.py).
        self._session._retry_connection = False

    async def make(self, call: Call) -> Told | Unsent | Lost:
        """One request, and what came of it; redirects are an answer like any other."""
        progress = _Progress()
        try:
            async with self._session.request(
                call.method,
                call.url,
                headers=call.headers,
                data=call.body or None,
                allow_redirects=False,
                ssl=self._tls,
                trace_request_ctx=progress,
            ) as response:
                body = await read_capped(response, MAX_ANSWER_BYTES)
                return Told(response.status, {name.lower(): value for name, value in response.headers.items()}, body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if not progress.is_begun:
                return Unsent(_named(error))
            return Lost("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)

    async def close(self) -> None:
        await self._session.close()


def _traced() -> aiohttp.TraceConfig:
    """Notes when a request begins to be written: just before its first octet, whatever the connection is like."""

    async def begins(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        context.trace_request_ctx.is_begun = True

    traced = aiohttp.TraceConfig()
    traced.on_request_headers_sent.append(begins)
    return traced


def _named(error: Exception) -> str:
    """Why there is no connection, without the address."""
    match error:
        case TimeoutError():
            return "cannot connect: no answer in time"
        case aiohttp.ClientConnectorDNSError():
            return "cannot connect: the name is not known"
        case aiohttp.ClientConnectorCertificateError():
            return "cannot connect: the certificate is not valid"
        case aiohttp.ClientConnectorError():
            cause = error.os_error
            return f"cannot connect: {os.strerror(cause.errno) if cause.errno else type(cause).__name__}"
        case ValueError():  # InvalidURL, or a name that is none
            return "the address cannot be used"
        case _:
            return f"cannot connect: {type(error).__name__}"
