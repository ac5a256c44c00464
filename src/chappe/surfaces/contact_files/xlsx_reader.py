"""The process that reads a sheet: `python -m chappe.surfaces.contact_files.xlsx_reader FILE [SHEET]`.

It writes lines of JSON: first a `Head`, then arrays of rows.
"""

import resource
import sys
from datetime import date, datetime, time
from itertools import islice
from typing import Any, Final

import msgspec
from python_calamine import CalamineError, CalamineWorkbook

from chappe.surfaces.contact_files.rows import BATCH
from chappe.surfaces.contact_files.xlsx_rows import Head

MAX_MEMORY_BYTES: Final = 3 * 1024 * 1024 * 1024
MAX_CPU_S: Final = 300
MAX_ROWS: Final = 1_048_576  # a sheet has no more


def main(path: str, wanted: str | None) -> None:
    """Write the sheet to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - the library wants the file, and finds the format by it
            workbook = CalamineWorkbook.from_filelike(file)
            names = workbook.sheet_names
            if not names or (wanted is not None and wanted not in names):
                out.write(_line(Head(error=f"has no sheet {wanted!r}, but {', '.join(map(repr, names))}")))
                return
            sheet = workbook.get_sheet_by_name(wanted or names[0])
    except CalamineError as error:
        out.write(_line(Head(error=f"is no spreadsheet that can be read: {error}")))
        return
    if sheet.total_height > MAX_ROWS:
        out.write(_line(Head(error=f"has more than {MAX_ROWS:,} rows")))
        return
    out.write(_line(Head(sheet=sheet.name, rows=sheet.total_height)))
    rows = sheet.iter_rows()
    while batch := [[_text(cell) for cell in row] for row in islice(rows, BATCH)]:
        out.write(_line(batch))
    out.flush()


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _text(cell: Any) -> str:
    """A cell as it would stand in a CSV file: a whole number without decimals or exponent."""
    match cell:
        case str():
            return cell
        case bool():
            return "1" if cell else "0"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case datetime():
            return cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case None:
            return ""
        case _:
            return str(cell)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
