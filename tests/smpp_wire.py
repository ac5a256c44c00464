"""SMPP octet by octet on a real socket, for peers that break its rules."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple, cast

from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.pdu import HEADER, MIN_LENGTH

OK: Final = 0


class Heard(NamedTuple):
    """One PDU as it came."""

    command: int
    status: int
    sequence: int
    body: bytes


def octets(command: int, sequence: int, body: bytes = b"", status: int = OK, length: int | None = None) -> bytes:
    """A PDU as its writer wants it, its length right unless another is given."""
    total = MIN_LENGTH + len(body) if length is None else length
    return HEADER.pack(total, command, status, sequence) + body


class Wire:
    """One connection: PDUs are read whole and written as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.heard: list[Heard] = []

    async def pdu(self) -> Heard:
        """The next PDU of the other side. Raises: EOFError when there is none."""
        length, command, status, sequence = HEADER.unpack(await self.reader.readexactly(MIN_LENGTH))
        found = Heard(command, status, sequence, await self.reader.readexactly(length - MIN_LENGTH))
        self.heard.append(found)
        return found

    async def until(self, command: int) -> Heard:
        """The next PDU with this command; those before it are in `heard`."""
        while True:
            found = await self.pdu()
            if found.command == command:
                return found

    async def ended(self) -> list[Heard]:
        """Everything that comes until the other side closes the connection."""
        found: list[Heard] = []
        with suppress(EOFError, ConnectionError):
            while True:
                found.append(await self.pdu())
        return found

    def say(self, *parts: bytes) -> None:
        """Write octets, as one piece."""
        self.writer.write(b"".join(parts))

    async def drip(self, data: bytes, pause_s: float = 0.0) -> None:
        """Write one octet after the other."""
        for at in range(len(data)):
            self.writer.write(data[at : at + 1])
            await self.writer.drain()
            await asyncio.sleep(pause_s)

    async def hang_up(self) -> None:
        """Close the connection, and wait until it is."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def stop_reading(self) -> None:
        """Leave everything that comes from now on to the machine's buffers."""
        cast(asyncio.Transport, self.writer.transport).pause_reading()

    def reset(self) -> None:
        """Cut the connection as a machine does that has lost it."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Life = Callable[[Wire], Awaitable[None]]


async def listening(life: Life) -> tuple[asyncio.Server, int]:
    """A port on which every connection lives such a life, and its number."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await life(Wire(reader, writer))
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


def answered(heard: Heard, body: bytes = b"", status: int = OK) -> bytes:
    """The ordinary answer to a request."""
    return octets(heard.command | RESPONSE, heard.sequence, body, status)
