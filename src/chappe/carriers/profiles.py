"""Profiles of carriers: what is known of one, as settings to begin with, with its sources and examples.

A profile is a TOML file: those in `rules/carriers`, or an operator's own.
"""

import datetime
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from chappe.carriers.kinds import KINDS, options_from
from chappe.carriers.options import CarrierOptions
from chappe.domain.errors import BadData

_FOLDER: Final = resources.files("chappe.rules").joinpath("carriers")
GENERIC: Final = "generic"
_MAX_OCTETS = 1 << 20


class ProfileSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a profile's facts come from."""

    title: str
    url: str = ""
    date: str = ""


class ConnectionDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the connection goes without saying. Shape: None where the operator has to say it, or the default does."""

    port: int | None = None
    tls: bool | None = None
    binds: int | None = None
    window: int | None = None
    rate: int | None = None


class SubmitExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message, and the submit_sm bodies it becomes, in hexadecimal. Shape: `sender` empty for the carrier's own."""

    what: str
    to: int
    text: str
    pdus: tuple[str, ...]
    sender: str = ""
    unicode: bool = False
    kind: Literal["alert", "marketing"] = "alert"
    message_id: int = 1
    campaign: int = 1
    validity_s: float = 86_400


class DeliveryExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A deliver_sm body in hexadecimal, and what it says.

    Shape: a receipt has `id`, `dlr` and `final`; a reply has `source`, `destination` and `text`.
    """

    what: str
    pdu: str
    id: str = ""
    number: int = 0
    dlr: str = ""
    final: bool = True
    source: str = ""
    destination: str = ""
    text: str = ""


class StatusExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A status in the answer to a submit, and what becomes of the message: the class, and the last word."""

    status: str
    means: str
    dlr: str
    name: str = ""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of a carrier. The examples are the tests of its file."""

    title: str
    kind: str = "smpp"
    read: datetime.date | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[ProfileSource, ...] = ()
    connection: ConnectionDefaults = ConnectionDefaults()
    options: dict[str, Any] = {}
    submits: tuple[SubmitExample, ...] = ()
    deliveries: tuple[DeliveryExample, ...] = ()
    statuses: tuple[StatusExample, ...] = ()

    def read_options(self) -> CarrierOptions:
        """Its options. Raises: BadData."""
        return options_from(self.kind, self.options)


@cache
def names() -> tuple[str, ...]:
    """The profiles that come with Chappe."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


def profile(name: str) -> Profile:
    """A profile by its name, or by the path of a file of one's own, which ends with .toml.

    Raises: BadData that says what is wrong with it.
    """
    if name.endswith(".toml"):
        try:
            with Path(name).open("rb") as file:
                return _read(name, file.read(_MAX_OCTETS))
        except OSError as error:
            raise BadData(f"the file {name} cannot be read: {error.strerror}", field="profile") from None
    if name not in names():
        raise BadData(
            f"must be one of {', '.join(names())}, or a file of your own that ends with .toml, not {name!r}",
            field="profile",
        )
    return _built_in(name)


@cache
def _built_in(name: str) -> Profile:
    return _read(name, _FOLDER.joinpath(f"{name}.toml").read_bytes())


def _read(name: str, octets: bytes) -> Profile:
    try:
        found = msgspec.convert(tomllib.loads(octets.decode()), Profile)
        if found.kind not in KINDS:
            raise ValueError(f"the kind {found.kind} is none of {', '.join(KINDS)}")
        found.read_options()
    except BadData as error:
        raise BadData(f"in {name}: {error.field}: {error.reason}", field="profile") from None
    except ValueError as error:  # not TOML, not UTF-8, or not of this form
        raise BadData(f"in {name}: {error}", field="profile") from None
    return found
