"""Makes a vendor's requests, and says of each that fails whether the vendor may have read it."""

import os
import ssl
from typing import Final, NamedTuple

import aiohttp

from chappe.carriers.guarded_http import guarded_session, read_capped
from chappe.carriers.http.vendor import Call, Told

USER_AGENT: Final = "Chappe"
# The operator chose the address: his carrier may well be in a private network.
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
MAX_ANSWER_BYTES: Final = 256 * 1024
CONNECT_S: Final = 10.0


class Unsent(NamedTuple):
    """Nothing of the request was written."""

    reason: str


class Lost(NamedTuple):
    """The request was written, or some of it, and no whole answer came."""

    reason: str


class HttpClient:
    """The connections to one vendor, kept open between requests; made on the loop that uses them."""

    def __init__(self, *, timeout_s: float, tls_ca_file: str = "") -> None:
        """Raises: OSError when the file of certificates cannot be read."""
        self._tls = ssl.create_default_context(cafile=tls_ca_file) if tls_ca_file else True
        self._session = guarded_session(
            _EVERYWHERE, user_agent=USER_AGENT, connect_s=min(CONNECT_S, timeout_s), total_s=timeout_s
        )
        # A request whose connection breaks is repeated by the library when its method is GET or PUT. Only we know
        # whether a message may be sent again (tests/unit/test_http_client.py).
        self._session._retry_connection = False

    async def make(self, call: Call) -> Told | Unsent | Lost:
        """One request, and what came of it; redirects are an answer like any other."""
        try:
            async with self._session.request(
                call.method,
                call.url,
                headers=call.headers,
                data=call.body or None,
                allow_redirects=False,
                ssl=self._tls,
            ) as response:
                body = await read_capped(response, MAX_ANSWER_BYTES)
                return Told(response.status, {name.lower(): value for name, value in response.headers.items()}, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            return Unsent(_named(error))
        except TimeoutError:
            return Lost("no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Lost(type(error).__name__)

    async def close(self) -> None:
        await self._session.close()


def _named(error: Exception) -> str:
    """Why there is no connection, without the address."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return "cannot connect: no answer in time"
        case aiohttp.ClientConnectorDNSError():
            return "cannot connect: the name is not known"
        case aiohttp.ClientConnectorCertificateError():
            return "cannot connect: the certificate is not valid"
        case aiohttp.ClientConnectorError():
            cause = error.os_error
            return f"cannot connect: {os.strerror(cause.errno) if cause.errno else type(cause).__name__}"
        case _:
            return "the address cannot be used"
