"""CSV as programs write it: its encoding and delimiter are found out, and it is read as it goes."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from chappe.domain.errors import BadData
from chappe.surfaces.contact_files.rows import BATCH, Row

DELIMITERS: Final = ";,\t|"
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SAMPLE_LINES: Final = 100
_SAMPLE_CHARACTERS: Final = 1 << 16
_PIECE: Final = 1 << 20
_SEP: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # as Excel writes it, for itself


@dataclass(frozen=True, slots=True)
class CsvFile:
    """An open CSV file."""

    encoding: str
    delimiter: str
    _raw: io.FileIO
    _text: io.TextIOWrapper
    _size: int
    _lines_before: int

    def rows(self) -> Iterator[list[Row]]:
        """Every row, in batches. Raises: BadData where the file is no CSV, or in another encoding."""
        reader = csv.reader(self._text, delimiter=self.delimiter)
        before = self._lines_before
        try:
            while batch := [(before + reader.line_num, cells) for cells in islice(reader, BATCH)]:
                yield batch
        except csv.Error as error:
            why = f"is no CSV ({error}): is there a quote that is never closed?"
            raise BadData(why, field=f"line {before + reader.line_num}") from None
        except UnicodeError:
            why = f"is not in {self.encoding}: name the encoding with --encoding"
            raise BadData(why, field=f"after line {before + reader.line_num}") from None

    def share(self) -> float:
        return self._raw.tell() / self._size


@contextmanager
def opened(path: Path, delimiter: str | None, encoding: str | None) -> Iterator[CsvFile]:
    """Open a CSV file. Raises: BadData when the encoding is unknown."""
    encoding = _checked(encoding) if encoding else _encoding(path)
    with open(path, "rb", buffering=0) as raw:  # noqa: PTH123 - unbuffered, to see how far it has been read
        text = io.TextIOWrapper(io.BufferedReader(raw, _PIECE), encoding=encoding, errors=_errors(encoding), newline="")
        sample = _sample(text, encoding)
        hint = _SEP.match(sample)
        text.seek(0)
        if hint:
            text.readline()
            sample = sample[hint.end() :]
        found = delimiter or (hint[1] if hint else _delimiter(sample))
        yield CsvFile(encoding, found, raw, text, path.stat().st_size, 1 if hint else 0)


def _sample(text: io.TextIOWrapper, encoding: str) -> str:
    try:
        return text.read(_SAMPLE_CHARACTERS)
    except UnicodeError:
        raise BadData(f"is not what the file is written in: {encoding}", field="--encoding") from None


def _checked(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise BadData(f"is no encoding: {encoding}", field="--encoding") from None


def _errors(encoding: str) -> str:
    """Windows-1252 leaves five octets without a meaning; they are no reason to refuse a file."""
    return "replace" if encoding == "cp1252" else "strict"


def _encoding(path: Path) -> str:
    """The encoding of a text: by its mark, else UTF-8 if all of it is, else Windows-1252. Cost: one reading."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        piece = file.read(_PIECE)
        for mark, encoding in _MARKS:
            if piece.startswith(mark):
                return encoding
        if b"\0" in piece:
            raise BadData("is no text, or in an encoding to be named with --encoding, like utf-16-le", field=str(path))
        try:
            while piece:
                decoder.decode(piece)
                piece = file.read(_PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _delimiter(sample: str) -> str:
    """The one that cuts most of the first lines into the same number of cells, and into more than one."""
    lines = sample.splitlines(keepends=True)
    if len(sample) == _SAMPLE_CHARACTERS:
        lines = lines[:-1] or lines
    lines = lines[:_SAMPLE_LINES]
    best, best_score = DELIMITERS[0], (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
        except csv.Error:
            continue
        for width, times in widths.items():
            score = (times / widths.total(), width)
            if width > 1 and score > best_score:
                best, best_score = delimiter, score
    return best
