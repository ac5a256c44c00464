"""Tag-length-value parameters: the optional end of a PDU.

Source: SMPP 3.4, 5.3; SMPP 5.0, 4.8; table in rules/smpp/tlvs.json.
"""

from collections.abc import Iterable, Mapping
from importlib import resources
from struct import Struct
from typing import Final, Literal

import msgspec

RECEIPTED_MESSAGE_ID: Final = 0x001E
USER_MESSAGE_REFERENCE: Final = 0x0204
SAR_MSG_REF_NUM: Final = 0x020C
SAR_TOTAL_SEGMENTS: Final = 0x020E
SAR_SEGMENT_SEQNUM: Final = 0x020F
SC_INTERFACE_VERSION: Final = 0x0210
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427
CONGESTION_STATE: Final = 0x0428

TlvType = Literal["int8", "int16", "int32", "cstring", "string", "buffer"]


class Tlv(msgspec.Struct, frozen=True):
    """What the standard says of one tag. Shape: `repeats` when a PDU may carry several."""

    tag: int
    name: str
    kind: TlvType = msgspec.field(name="type")
    repeats: bool = False


class _Table(msgspec.Struct):
    tlvs: tuple[Tlv, ...]


TLVS: Final[Mapping[str, Tlv]] = {
    tlv.name: tlv
    for tlv in msgspec.json.decode(
        resources.files("chappe.rules").joinpath("smpp/tlvs.json").read_bytes(), type=_Table
    ).tlvs
}
_head = Struct(">HH").unpack_from

ONCE: Final = frozenset(tlv.tag for tlv in TLVS.values() if not tlv.repeats)
"""Tags of the standard that a PDU carries at most once; what others mean is for their owners to say."""

_NAMES: Final[Mapping[int, str]] = {tlv.tag: tlv.name for tlv in TLVS.values()}
_WIDTH: Final[Mapping[str, int]] = {"int8": 1, "int16": 2, "int32": 4}
_WIDEST: Final = 8  # twice what the standard has; anything wider is no number


def name(tag: int) -> str:
    """Name of a tag; unknown tags in hex."""
    return _NAMES.get(tag) or f"0x{tag:04X}"


def is_chain(raw: bytes) -> bool:
    """Tell whether these bytes are whole TLVs, one after the other."""
    at, end = 0, len(raw)
    while end - at >= 4:
        at += 4 + (raw[at + 2] << 8) + raw[at + 3]
    return at == end


def parse(raw: bytes) -> list[tuple[int, bytes]]:
    """Cut the optional part into (tag, value); what is not a whole TLV at the end is left out."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(raw)
    while end - at >= 4:
        value = at + 4
        after = value + (raw[at + 2] << 8) + raw[at + 3]
        if after > end:
            break
        found.append(((raw[at] << 8) + raw[at + 1], raw[value:after]))
        at = after
    return found


def tags(raw: bytes) -> list[int]:
    """The tags of the whole TLVs, in their order. Cost: about 0.2 µs each."""
    found: list[int] = []
    at, last = 0, len(raw) - 4
    while at <= last:
        tag, length = _head(raw, at)
        at += 4 + length
        if at > last + 4:
            break
        found.append(tag)
    return found


def find(raw: bytes, tag: int) -> bytes | None:
    """Value of the first TLV with this tag."""
    at, end = 0, len(raw)
    high, low = tag >> 8, tag & 0xFF
    while end - at >= 4:
        value = at + 4
        after = value + (raw[at + 2] << 8) + raw[at + 3]
        if after > end:
            return None
        if raw[at + 1] == low and raw[at] == high:
            return raw[value:after]
        at = after
    return None


def find_int(raw: bytes, tag: int) -> int | None:
    """Number in the first TLV with this tag, of 1 to 8 octets; None when missing or of another width."""
    value = find(raw, tag)
    return int.from_bytes(value, "big") if value and len(value) <= _WIDEST else None


def find_text(raw: bytes, tag: int) -> str | None:
    """Text in the first TLV with this tag, up to its NUL if it has one."""
    value = find(raw, tag)
    return None if value is None else value.partition(b"\0")[0].decode("latin-1")


def encode(pairs: Iterable[tuple[int, bytes]]) -> bytes:
    """Write (tag, value) pairs one after the other.

    Raises: ValueError for a tag or a value that does not fit 16 bits.
    """
    parts = []
    for tag, value in pairs:
        if not 0 <= tag <= 0xFFFF:
            raise ValueError(f"TLV tag {tag} does not fit 16 bits")
        if len(value) > 0xFFFF:
            raise ValueError(f"TLV {name(tag)} is longer than 65535 octets")
        parts.append(tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value)
    return b"".join(parts)


def value_of(tlv_name: str, value: int | str | bytes) -> tuple[int, bytes]:
    """Write a value the way the standard wants it for this TLV, ready for `encode`.

    Raises: KeyError for an unknown name, ValueError for a value that does not fit.
    """
    known = TLVS[tlv_name]
    if isinstance(value, bytes):
        return known.tag, value
    width = _WIDTH.get(known.kind)
    if isinstance(value, int):
        if width is None:
            raise ValueError(f"{tlv_name} is no number")
        if not 0 <= value < 1 << 8 * width:
            raise ValueError(f"{tlv_name} does not fit {width} octets")
        return known.tag, value.to_bytes(width, "big")
    if width is not None:
        raise ValueError(f"{tlv_name} is a number")
    return known.tag, value.encode("ascii") + (b"\0" if known.kind == "cstring" else b"")
