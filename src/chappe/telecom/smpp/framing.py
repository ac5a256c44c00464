"""Cuts a byte stream into buffers that start at a PDU, however the network cut it before."""

from .pdu import HEADER, MIN_LENGTH


class Framing:
    """Holds the start of a PDU back until the rest has come.

    Shape: `take` the bytes of a read, read whole PDUs from them, `keep` the rest.
    Cost: every byte is copied at most twice, even when a large PDU trickles in byte by byte.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._needed = MIN_LENGTH
        self.waiting_since: float | None = None

    def take(self, data: bytes) -> bytes:
        """Bytes that start at a PDU and hold at least what it needs next, or nothing yet."""
        if not self._held:
            return data
        self._held.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return b""
        whole = b"".join(self._held)
        self._held.clear()
        return whole

    def keep(self, data: bytes, start: int, now: float) -> None:
        """Put away what follows the last whole PDU, after everything before `start` was read."""
        left = len(data) - start
        if not left:
            if not self._held:
                self.waiting_since = None
            return
        if start or self.waiting_since is None:
            self.waiting_since = now
        self._held = [data[start:]]
        self._size = left
        self._needed = HEADER.unpack_from(data, start)[0] if left >= MIN_LENGTH else MIN_LENGTH
