"""An HTTP client for addresses that customers choose: it does not call into our own networks.

The address is looked at when the connection is made, after the name was resolved, so that neither a name that
leads inside nor one that changes between two look-ups gets through.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_ANSWER_BYTES: Final = 65_536
# Kept shorter than the five seconds after which common servers close, or a post may meet the closing.
KEEP_ALIVE_S: Final = 4.0

# Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates).
_CLOSED_4: Final = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
_OPEN_6: Final = IPv6Network("2000::/3")  # the only block that holds global unicast addresses
_CLOSED_6: Final = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_6TO4: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")


class PrivateAddress(OSError):
    """The name leads to an address that is not on the public Internet, and that was not allowed."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "address not allowed")


def may_call(address: Address, allow_networks: Sequence[Network] = ()) -> bool:
    """Whether an address is on the public Internet, or in one of the networks that are allowed.

    Shape: an IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is judged as what it is.
    Source: IANA special-purpose address registries; RFC 4291 2.5.5.2, RFC 3056, RFC 6052.
    """
    inner = _inner(address)
    if any(address in network or inner in network for network in allow_networks):
        return True
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in _CLOSED_4)
    return inner in _OPEN_6 and not any(inner in network for network in _CLOSED_6)


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def guarded_session(
    allow_networks: Sequence[str] | Sequence[Network] = (),
    *,
    user_agent: str,
    connect_s: float = 5.0,
    total_s: float = 10.0,
    traces: Sequence[aiohttp.TraceConfig] = (),
) -> aiohttp.ClientSession:
    """A client without cookies, proxies or decompression, that refuses addresses which are not public.

    Redirects are the request's to refuse (`allow_redirects=False`); the caller limits how many run at once.
    Raises: from a request to such an address ClientConnectorError, whose `os_error` is a PrivateAddress.
    """
    allowed = [ip_network(network) for network in allow_networks]

    def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_call(ip_address(address[0]), allowed):
            raise PrivateAddress
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=0, socket_factory=open_socket, keepalive_timeout=KEEP_ALIVE_S, resolver=_Resolver()
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=total_s, connect=connect_s),
        auto_decompress=False,
        trust_env=False,
        trace_configs=list(traces),
    )


async def read_capped(response: aiohttp.ClientResponse, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The body of an answer, cut at `limit`; the connection of a longer one is closed and not used again."""
    if (response.content_length or 0) > limit:
        response.close()
        return b""
    content = response.content
    if content.is_eof():  # nearly always: a short answer comes in one piece with its headers
        body = content.read_nowait()
        response.release()
        return body[:limit]
    chunks: list[bytes] = []
    size = 0
    while size < limit and (chunk := await content.read(limit - size)):
        chunks.append(chunk)
        size += len(chunk)
    if content.at_eof():
        response.release()
    else:
        response.close()
    return b"".join(chunks)


class _Resolver(AbstractResolver):
    """Looks names up in threads of its own: a name server that hangs must not keep other work waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for found_family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
