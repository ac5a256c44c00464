"""What a command_status means for a message and for the link, read from the table in rules/smpp.

Source: rules/smpp/statuses.json, which names its own sources.
"""

from collections.abc import Mapping
from importlib import resources
from typing import Final, Literal

import msgspec

StatusClass = Literal["success", "permanent", "temporary", "throttle", "bind_fatal", "protocol", "administrative"]
Action = Literal["accept", "fail", "retry", "slow", "later", "alert", "rebind", "report"]

ESME_ROK: Final = 0x00
ESME_RINVMSGLEN: Final = 0x01
ESME_RINVCMDLEN: Final = 0x02
ESME_RINVCMDID: Final = 0x03
ESME_RINVBNDSTS: Final = 0x04
ESME_RALYBND: Final = 0x05
ESME_RSYSERR: Final = 0x08
ESME_RINVDSTADR: Final = 0x0B
ESME_RINVMSGID: Final = 0x0C
ESME_RBINDFAIL: Final = 0x0D
ESME_RINVPASWD: Final = 0x0E
ESME_RINVSYSID: Final = 0x0F
ESME_RMSGQFUL: Final = 0x14
ESME_RINVDESTFLAG: Final = 0x40
ESME_RTHROTTLED: Final = 0x58
ESME_RX_T_APPN: Final = 0x64
ESME_RUNKNOWNERR: Final = 0xFF


class Status(msgspec.Struct, frozen=True):
    """One command_status: what it is called and what to do about it.

    Units: `dlr_status` is the status number customers read; None when no message is concerned.
    """

    value: int
    name: str
    since: str
    kind: StatusClass = msgspec.field(name="class")
    action: Action
    dlr_status: int | None


class _Table(msgspec.Struct):
    vendor_range: tuple[int, int]
    vendor_class: StatusClass
    unknown_class: StatusClass
    statuses: tuple[Status, ...]


_TABLE: Final = msgspec.json.decode(
    resources.files("chappe.rules").joinpath("smpp/statuses.json").read_bytes(), type=_Table
)
STATUSES: Final[Mapping[int, Status]] = {status.value: status for status in _TABLE.statuses}

_ACTION: Final[Mapping[StatusClass, Action]] = {
    "success": "accept",
    "permanent": "fail",
    "temporary": "retry",
    "throttle": "slow",
    "bind_fatal": "alert",
    "protocol": "rebind",
    "administrative": "report",
}
_DLR_STATUS: Final[Mapping[StatusClass, int | None]] = {
    "success": None,
    "permanent": 9,
    "temporary": 11,
    "throttle": 11,
    "bind_fatal": 7,
    "protocol": 11,
    "administrative": None,
}
_NOBODY: Final[Mapping[int, StatusClass]] = {}


def lookup(value: int, overrides: Mapping[int, StatusClass] = _NOBODY) -> Status:
    """Meaning of a command_status, also of one the standard does not know.

    Shape: `overrides` is what a carrier means by its numbers (0x45 for "no credit" and the like).
           Vendor numbers (0x400-0x4FF) are permanent, other unknown ones temporary.
    """
    known = STATUSES.get(value)
    own = overrides.get(value)
    if known is not None and (own is None or own == known.kind):
        return known
    if own is None:
        first, last = _TABLE.vendor_range
        own = _TABLE.vendor_class if first <= value <= last else _TABLE.unknown_class
    name = known.name if known is not None else f"0x{value:08X}"
    since = known.since if known is not None else ""
    return Status(value, name, since, own, _ACTION[own], _DLR_STATUS[own])


def name(value: int) -> str:
    """Name of a command_status as the standard writes it; unknown numbers in hex."""
    known = STATUSES.get(value)
    return known.name if known is not None else f"0x{value:08X}"
