"""A file as a table of texts, whatever its format."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chappe.domain.errors import BadData
from chappe.surfaces.contact_files import csv_rows, xlsx_rows
from chappe.surfaces.contact_files.rows import Row

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Options:
    """What the person says about his file, where it cannot be seen. Shape: None for what is to be found out."""

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """An open file: its rows in batches, and its format in words.

    Shape: `share` is how much of it has been read, from 0 to 1.
    """

    rows: Iterator[list[Row]]
    share: Callable[[], float]
    says: str


@contextmanager
def opened(path: Path, options: Options) -> Iterator[Table]:
    """Open a file of contacts. Raises: BadData when it is not there, or is none."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BadData(f"cannot be read: {error.strerror or error}", field=str(path)) from None
    if not start:
        raise BadData("is empty", field=str(path))
    if start == _OLE:
        raise BadData("is a spreadsheet in the old .xls format: save it as .xlsx or as CSV", field=str(path))
    with _opened(path, options, is_workbook=start == _ZIP) as table:
        yield table


def _opened(path: Path, options: Options, *, is_workbook: bool) -> AbstractContextManager[Table]:
    if is_workbook:
        _refuse(path, "a spreadsheet", delimiter=options.delimiter, encoding=options.encoding)
        return _workbook(path, options)
    _refuse(path, "a text file", sheet=options.sheet)
    return _text(path, options)


@contextmanager
def _workbook(path: Path, options: Options) -> Iterator[Table]:
    with xlsx_rows.opened(path, options.sheet) as sheet:
        yield Table(sheet.rows(), sheet.share, f"sheet {sheet.name!r}")


@contextmanager
def _text(path: Path, options: Options) -> Iterator[Table]:
    with csv_rows.opened(path, options.delimiter, options.encoding) as text:
        yield Table(text.rows(), text.share, f"CSV, {text.encoding}, delimiter {text.delimiter!r}")


def _refuse(path: Path, what: str, **given: str | None) -> None:
    for name, value in given.items():
        if value is not None:
            raise BadData(f"is not for {what} such as {path}", field=f"--{name}")
