"""Spreadsheets, read by a process of its own with an end to its memory and time.

A workbook is a stranger's archive: a few kilobytes may unpack to gigabytes, and one cell in the last corner makes a
sheet of seventeen milliards. Such a file ends its reader and nothing else.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from chappe.domain.errors import BadData
from chappe.surfaces.contact_files.rows import Row

MAX_FILE_BYTES: Final = 200 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 2 * 1024 * 1024 * 1024
MAX_MEMBERS: Final = 10_000


class Head(msgspec.Struct):
    """What the reader says first: the sheet, or why there is none."""

    sheet: str = ""
    rows: int = 0
    error: str = ""


@dataclass(slots=True)
class Sheet:
    """An open sheet."""

    name: str
    _path: Path
    _head: Head
    _reader: subprocess.Popen[bytes]
    _out: IO[bytes]
    _read: int = field(default=0)

    def rows(self) -> Iterator[list[Row]]:
        """Every row, in batches. Raises: BadData when the reader could not go on."""
        decoder = msgspec.json.Decoder(list[list[str]])
        for line in self._out:
            batch = list(enumerate(decoder.decode(line), self._read + 1))
            self._read += len(batch)
            yield batch
        if self._reader.wait() or self._read < self._head.rows:
            raise _unreadable(self._path)

    def share(self) -> float:
        return self._read / self._head.rows if self._head.rows else 1.0


@contextmanager
def opened(path: Path, sheet: str | None) -> Iterator[Sheet]:
    """Open a sheet, the first one unless it is named. Raises: BadData when it is not there, or too large."""
    _check_size(path)
    command = [
        sys.executable,
        "-m",
        "chappe.surfaces.contact_files.xlsx_reader",
        str(path),
        *([sheet] if sheet else []),
    ]
    reader = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    out = cast(IO[bytes], reader.stdout)
    try:
        first = out.readline()
        if not first:
            raise _unreadable(path)
        head = msgspec.json.decode(first, type=Head)
        if head.error:
            raise BadData(head.error, field=str(path))
        yield Sheet(head.sheet, path, head, reader, out)
    finally:
        out.close()
        reader.kill()
        reader.wait()


def _check_size(path: Path) -> None:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BadData(f"is larger than {MAX_FILE_BYTES >> 20} MB: save it as CSV", field=str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        raise _unreadable(path) from None
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise BadData(f"unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB: save it as CSV", field=str(path))


def _unreadable(path: Path) -> BadData:
    return BadData("is no spreadsheet that can be read, or is too large: save it as CSV", field=str(path))
