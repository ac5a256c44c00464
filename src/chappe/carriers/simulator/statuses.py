"""Statuses as people write them."""

from typing import Final

from chappe.telecom.smpp import status

_NUMBERS: Final = {known.name: known.value for known in status.STATUSES.values()}


def status_number(text: str) -> int:
    """Number of a command_status given by name or number (`0x58`, `88`).

    Raises: ValueError for anything else.
    """
    if text in _NUMBERS:
        return _NUMBERS[text]
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= 0xFFFFFFFF:
        raise ValueError(f"unknown status {text!r}")
    return number
