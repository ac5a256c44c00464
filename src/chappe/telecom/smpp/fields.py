"""The field types of SMPP: read leniently, written strictly.

Source: SMPP 3.4, 3.1 (types) and 7.1.1 (times).
"""

from . import oddities, tlv

MAX_SHORT_MESSAGE = 254
_TIME_LENGTH = 16


class EncodingError(ValueError):
    """A value does not fit the wire; `field` names it. Our own fault, so nothing is sent."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class Reader:
    """Reads fields from one body, never past its end; what is wrong is noted, not raised."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._at = start
        self._end = end
        self.oddities: list[str] = []

    def note(self, oddity: str) -> None:
        """Remember an oddity once."""
        if oddity not in self.oddities:
            self.oddities.append(oddity)

    def octet(self) -> int:
        """An unsigned number of one octet; 0 when the body is over."""
        if self._at >= self._end:
            self.note(oddities.BODY_ENDS_EARLY)
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def number(self, width: int) -> int:
        """An unsigned number of `width` octets."""
        value = 0
        for _ in range(width):
            value = value << 8 | self.octet()
        return value

    def text(self, limit: int) -> str:
        """A string up to its NUL; `limit` counts the NUL, longer ones are kept and noted."""
        start = self._at
        if start >= self._end:
            self.note(oddities.BODY_ENDS_EARLY)
            return ""
        stop = self._data.find(0, start, self._end)
        if stop < 0:
            self.note(oddities.NO_FINAL_NUL)
            stop = self._end
            self._at = stop
        else:
            self._at = stop + 1
        if stop - start >= limit:
            self.note(oddities.FIELD_TOO_LONG)
        return self._data[start:stop].decode("latin-1")

    def short_message(self) -> bytes:
        """An octet count and that many octets, or as many as there are."""
        count = self.octet()
        start = self._at
        self._at = min(start + count, self._end)
        if self._at - start < count:
            self.note(oddities.TEXT_CUT)
        return self._data[start : self._at]

    def rest(self) -> bytes:
        """Everything after the last field: TLVs, or noise that is kept as it came."""
        raw = self._data[self._at : self._end]
        self._at = self._end
        if raw and not tlv.is_chain(raw):
            self.note(oddities.TRAILING_BYTES)
        return raw


def write_octet(field: str, value: int) -> bytes:
    """One octet, unsigned.

    Raises: EncodingError outside 0 to 255.
    """
    if not 0 <= value <= 0xFF:
        raise EncodingError(field, f"{value} does not fit one octet")
    return bytes((value,))


def write_text(field: str, value: str, limit: int) -> bytes:
    """ASCII text and its NUL; `limit` counts the NUL.

    Raises: EncodingError for text that is too long, not ASCII or holds a NUL.
    """
    if len(value) >= limit:
        raise EncodingError(field, f"{len(value)} characters, {limit - 1} fit")
    if not value.isascii():
        raise EncodingError(field, "not ASCII")
    if "\0" in value:
        raise EncodingError(field, "holds a NUL")
    return value.encode("ascii") + b"\0"


def write_time(field: str, value: str) -> bytes:
    """A time as `times` writes it, or nothing.

    Raises: EncodingError for any other length.
    """
    if value and len(value) != _TIME_LENGTH:
        raise EncodingError(field, "a time is empty or 16 characters long")
    return write_text(field, value, _TIME_LENGTH + 1)


def write_short_message(field: str, value: bytes) -> bytes:
    """An octet count and the octets.

    Raises: EncodingError above 254 octets: longer texts belong in message_payload.
    """
    if len(value) > MAX_SHORT_MESSAGE:
        raise EncodingError(field, f"{len(value)} octets, {MAX_SHORT_MESSAGE} fit")
    return bytes((len(value),)) + value


def write_rest(field: str, value: bytes) -> bytes:
    """The TLVs of a PDU.

    Raises: EncodingError when the bytes are not whole TLVs.
    """
    if value and not tlv.is_chain(value):
        raise EncodingError(field, "not a chain of whole TLVs")
    return value
