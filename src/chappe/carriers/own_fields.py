"""The TLVs that a carrier wants of its own, written into every submit or into those of one kind."""

import re
from collections.abc import Iterable
from typing import Final

from chappe.carriers.connection import Outgoing
from chappe.carriers.smpp_options import OwnField
from chappe.telecom.smpp import tlv

PLACES: Final = ("message_id", "campaign", "part")
_PLACE: Final = re.compile(r"\{(" + "|".join(PLACES) + r")\}")
_WIDTHS: Final = {"int8": 1, "int16": 2, "int32": 4}


class OwnFields:
    """Fields that are the same for every submit are written once, the others for each."""

    def __init__(self, fields: Iterable[OwnField]) -> None:
        every = list(fields)
        self._is_any = bool(every)
        # By whether the message is an alert.
        kinds = ("marketing", "alert")
        mine = [[field for field in every if field.kind in ("", kind)] for kind in kinds]
        self._fixed = [tlv.encode(map(written, filter(_is_fixed, some))) for some in mine]
        self._others = [[field for field in some if not _is_fixed(field)] for some in mine]

    def __bool__(self) -> bool:
        return self._is_any

    def of(self, message: Outgoing, part: int) -> bytes:
        """The fields of one submit; parts count from 1. Raises: ValueError for a value that does not fit."""
        fixed, others = self._fixed[message.is_alert], self._others[message.is_alert]
        if not others:
            return fixed
        values = {"message_id": message.message_id, "campaign": message.campaign_id, "part": part}
        return fixed + tlv.encode([written(field, values) for field in others])


def written(field: OwnField, values: dict[str, int] | None = None) -> tuple[int, bytes]:
    """A field as tag and octets.

    Shape:  a number too large for its width wraps around: it is a reference, not an amount.
    Raises: ValueError for a value that is none of its type.
    """
    given = values or {}
    text = _PLACE.sub(lambda found: str(given.get(found[1], 0)), field.value)
    width = _WIDTHS.get(field.type)
    if width is not None:
        number = int(text, 0)
        if number < 0 or (not given and number >= 1 << 8 * width):
            raise ValueError(f"{field.value} does not fit {width} octets")
        return field.tag, (number % (1 << 8 * width)).to_bytes(width, "big")
    if field.type == "hex":
        return field.tag, bytes.fromhex(text)
    return field.tag, text.encode("ascii") + (b"\0" if field.type == "cstring" else b"")


def _is_fixed(field: OwnField) -> bool:
    return _PLACE.search(field.value) is None
