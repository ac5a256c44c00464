"""API tokens: what they may be limited to, and from where they may be used."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from chappe.domain.errors import BadData

MAX_NAME_CHARACTERS: Final = 255
# A hundred years: longer is the same as for ever, and every date stays printable.
MAX_TTL_S: Final = 100 * 365 * 24 * 3600
MAX_ALLOWED_IPS: Final = 100

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it later; its text can never be read again.

    Units: milliseconds UTC, seconds. Shape: no `allowed_ips` means from anywhere.
    """

    id: int
    name: str
    ttl_s: int | None
    allowed_ips: tuple[str, ...]
    created_at: int
    expires_at: int | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, the only time its text is shown."""

    token_id: int
    token: str
    allowed_ips: tuple[str, ...]


def networks(allowed_ips: tuple[str, ...]) -> Networks:
    """The networks that a token may be used from.

    Raises: BadData when one is no IPv4 or IPv6 address or network.
    """
    if len(allowed_ips) > MAX_ALLOWED_IPS:
        raise BadData(f"has more than {MAX_ALLOWED_IPS} entries", field="allowed_ips")
    found = []
    for text in allowed_ips:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            raise BadData(f"{text!r} is no IP address or network", field="allowed_ips") from None
    return tuple(found)


def may_come_from(allowed: Networks, client_ip: str | None) -> bool:
    """Whether a token limited to these networks may be used from this address; unlimited ones always may."""
    if not allowed:
        return True
    address = _address(client_ip)
    return address is not None and any(address in network for network in allowed)


def _address(client_ip: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(client_ip or "")
    except ValueError:
        return None
    # A socket that listens to both families shows an IPv4 caller like this.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
