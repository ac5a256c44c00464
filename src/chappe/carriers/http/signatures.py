"""How vendors prove that something comes from them, checked without telling an attacker how far he got."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from chappe.carriers.http.vendor import NotGenuine, Posted

# Something posted that was signed longer ago, or is signed for later, is somebody's recording.
MAX_AGE_S = 900


def check_same(given: str, wanted: str, what: str) -> None:
    """Raises: NotGenuine unless the two are the same and not empty."""
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise NotGenuine(f"{what} is missing or wrong")


def mac(digest: str, secret: str, over: bytes) -> bytes:
    """The HMAC of some octets."""
    return hmac.digest(secret.encode(), over, digest)


def check_age(text: str, now_s: float) -> None:
    """Look at the time of a signature, in seconds or milliseconds. Raises: NotGenuine when it is not now."""
    try:
        at_s = float(text)
    except ValueError:
        raise NotGenuine("the time of the signature is missing") from None
    if at_s > 1e11:
        at_s /= 1000
    if not abs(now_s - at_s) <= MAX_AGE_S:
        raise NotGenuine("the signature is too old, or the clocks differ")


def check_basic(posted: Posted, user: str, password: str) -> None:
    """Raises: NotGenuine unless the request has this user name and password. Source: RFC 7617."""
    scheme, _, given = posted.headers.get("authorization", "").partition(" ")
    try:
        told = base64.b64decode(given, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        told = ""
    check_same(told, f"{user}:{password}", "the password")


def check_network(posted: Posted, networks: Sequence[str]) -> None:
    """Raises: NotGenuine unless the request comes from one of these networks."""
    try:
        peer = ip_address(posted.peer)
    except ValueError:
        raise NotGenuine("nobody knows where it comes from") from None
    if not any(peer in ip_network(network) for network in networks):
        raise NotGenuine("it comes from a network that is not the vendor's")


def basic(user: str, password: str) -> str:
    """The header that says who we are. Source: RFC 7617."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
