"""Who may bind over SMPP, and what he may do then."""

import re
from ipaddress import ip_address, ip_network
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.requests import Kind

DefaultAlphabet = Literal["gsm7", "latin1", "ascii"]
Ia5 = Literal["ascii", "gsm7"]
BindMode = Literal["receiver", "transmitter", "transceiver"]

# Source: SMPP 3.4, 4.1.1: 16 and 9 octets with the final NUL.
MAX_SYSTEM_ID: Final = 15
MAX_PASSWORD: Final = 8
MIN_PASSWORD: Final = 4
MAX_NETWORKS: Final = 100
MAX_CERTIFICATE: Final = 255
_SYSTEM_ID: Final = re.compile(rf"[!-~]{{1,{MAX_SYSTEM_ID}}}")
_PASSWORD: Final = re.compile(rf"[!-~]{{{MIN_PASSWORD},{MAX_PASSWORD}}}")
_RANGES: Final = {"window": (1, 10_000), "rate": (0, 100_000), "binds": (1, 1000), "deliveries": (1, 1000)}


class BindOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one bind user may do.

    Shape: `networks` are who may connect, everybody when there are none; `certificate` is a name that his client
           certificate must have (CN or dNSName), "" when he needs none. `alphabet` is what data_coding 0 means, `ia5`
           what 1 does, `kind` what his messages are.
    Units: `window` are submits that wait for our answer on one connection, `deliveries` receipts and replies that wait
           for his; `rate` is messages in a second over all his connections, 0 for as many as he likes: a part of a long
           text counts as one, a submit_multi as one for each destination; `binds` are his connections at the same time.
    """

    window: int = 500
    rate: int = 0
    binds: int = 10
    networks: tuple[str, ...] = ()
    tls: bool = False
    certificate: str = ""
    alphabet: DefaultAlphabet = "gsm7"
    ia5: Ia5 = "ascii"
    kind: Kind = "alert"
    replies: bool = True
    deliveries: int = 100

    def allows(self, address: str) -> bool:
        """Whether somebody may connect from an address."""
        if not self.networks:
            return True
        where = ip_address(address.partition("%")[0])
        mapped = getattr(where, "ipv4_mapped", None)
        return any((mapped or where) in ip_network(network) for network in self.networks)


class BindUser(NamedTuple):
    """A customer's user who may bind. Units: milliseconds UTC."""

    id: int
    system_id: str
    account: Account
    options: BindOptions
    password_hash: str
    created_at: int
    kicked_at: int | None
    expired: int


def checked_system_id(text: str) -> str:
    """Raises: BadData."""
    if not _SYSTEM_ID.fullmatch(text):
        raise BadData(f"must be 1 to {MAX_SYSTEM_ID} printable ASCII characters without blanks", field="system_id")
    return text


def checked_password(text: str) -> str:
    """Raises: BadData."""
    if not _PASSWORD.fullmatch(text):
        why = f"must be {MIN_PASSWORD} to {MAX_PASSWORD} printable ASCII characters without blanks: SMPP takes no more"
        raise BadData(why, field="password")
    return text


def checked(options: BindOptions) -> BindOptions:
    """The options in one form. Raises: BadData."""
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(options, name) <= high:
            raise BadData(f"must be between {low} and {high}, not {getattr(options, name)}", field=name)
    if options.alphabet not in get_args(DefaultAlphabet):
        raise BadData(f"must be one of {', '.join(get_args(DefaultAlphabet))}", field="alphabet")
    if options.ia5 not in get_args(Ia5):
        raise BadData(f"must be one of {', '.join(get_args(Ia5))}", field="ia5")
    if len(options.networks) > MAX_NETWORKS:
        raise BadData(f"at most {MAX_NETWORKS} networks", field="networks")
    if len(options.certificate) > MAX_CERTIFICATE:
        raise BadData(f"at most {MAX_CERTIFICATE} characters", field="certificate")
    return msgspec.structs.replace(
        options,
        networks=tuple(_network(each) for each in options.networks),
        tls=options.tls or bool(options.certificate),
    )


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise BadData(f"must be networks like 192.0.2.0/24: {error}", field="networks") from None
