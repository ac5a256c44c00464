"""Files of contacts become rows: any dialect of CSV, spreadsheets, and what only looks like one."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from chappe.domain.errors import BadData
from chappe.surfaces.contact_files import xlsx_reader, xlsx_rows
from chappe.surfaces.contact_files.columns import layout
from chappe.surfaces.contact_files.rows import BATCH
from chappe.surfaces.contact_files.table import Options, opened


def read(path: Path, **options: str) -> list[tuple[int, list[str]]]:
    with opened(path, Options(**options)) as table:
        return [row for batch in table.rows for row in batch]


def cells(path: Path, **options: str) -> list[list[str]]:
    return [row for _, row in read(path, **options)]


def workbook(path: Path, rows: Sequence[Sequence[object]], title: str = "People") -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    other = book.create_sheet("Other")
    other.append(["other"])
    book.save(path)
    return path


class TestCsv:
    """Text files."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    @pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_encoding_and_delimiter_are_found_out(
        self, encoding: str, delimiter: str, end: str, tmp_path: Path
    ) -> None:
        rows = [["Prénom", "Téléphone"], ["Zoé", "0612345678"], ["Chloé", "0612345679"]]
        text = end.join(delimiter.join(row) for row in rows) + end
        (tmp_path / "f.csv").write_bytes(text.encode(encoding))
        assert cells(tmp_path / "f.csv") == rows

    def test_utf_16_of_the_other_order(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_bytes(b"\xfe\xff" + "Zoé;0612345678\n".encode("utf-16-be"))
        assert cells(tmp_path / "f.csv") == [["Zoé", "0612345678"]]

    def test_a_letter_of_another_encoding_may_come_late(self, tmp_path: Path) -> None:
        text = "0612345678;Ana\n" * 200_000 + "0612345678;Zoé\n"
        (tmp_path / "f.csv").write_bytes(text.encode("cp1252"))
        assert read(tmp_path / "f.csv")[-1] == (200_001, ["0612345678", "Zoé"])

    def test_quotes_may_hold_delimiters_and_lines_and_a_row_is_known_by_its_last_line(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_text('a;"x;\ny";b\n0612345678;"say ""hi""";c\n')
        assert read(tmp_path / "f.csv") == [(2, ["a", "x;\ny", "b"]), (3, ["0612345678", 'say "hi"', "c"])]

    def test_one_column_needs_no_delimiter(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_text("06 12 34 56 78\n+33 6 12 34 56 79\n")
        assert cells(tmp_path / "f.csv") == [["06 12 34 56 78"], ["+33 6 12 34 56 79"]]

    def test_a_comma_within_some_fields_is_not_the_delimiter(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_text("name;mobile;note\nA;0612345678;one, two, three\nB;0612345679;four\n")
        assert len(cells(tmp_path / "f.csv")[1]) == 3

    def test_the_hint_that_excel_leaves_is_no_row(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_text("sep=:\nmobile:name\n0612345678:A\n")
        assert read(tmp_path / "f.csv") == [(2, ["mobile", "name"]), (3, ["0612345678", "A"])]

    def test_what_the_person_says_counts(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_bytes("a,b;Ж\n".encode("koi8-r"))
        assert cells(tmp_path / "f.csv", encoding="koi8-r", delimiter=",") == [["a", "b;Ж"]]

    def test_rows_come_in_batches(self, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_text("0612345678\n" * (BATCH + 1))
        with opened(tmp_path / "f.csv", Options()) as table:
            assert [len(batch) for batch in table.rows] == [BATCH, 1]
            assert table.share() == 1.0

    @pytest.mark.parametrize(
        ("content", "options", "said"),
        [
            (b"", {}, "is empty"),
            (b"0612345678;\xe9\n", {"encoding": "utf-8"}, "is not what the file is written in: utf-8"),
            (b"0612345678\n", {"encoding": "klingon"}, "is no encoding: klingon"),
            (b'0612345678;"never closed\n' + b"x" * 200_000, {}, "is there a quote that is never closed?"),
            (b"a\0b\0c\0", {}, "is no text, or in an encoding"),
            (b"0612345678\n", {"sheet": "A"}, "--sheet: is not for a text file"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {}, "old .xls format"),
        ],
    )
    def test_what_is_wrong_is_said(self, content: bytes, options: dict[str, str], said: str, tmp_path: Path) -> None:
        (tmp_path / "f.csv").write_bytes(content)
        with pytest.raises(BadData, match=said.replace("?", r"\?")):
            read(tmp_path / "f.csv", **options)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadData, match="No such file"):
            read(tmp_path / "f.csv")
        with pytest.raises(BadData, match="Is a directory"):
            read(tmp_path)


class TestSpreadsheets:
    """Workbooks, which are a stranger's archives."""

    def test_cells_are_read_as_they_would_stand_in_a_text(self, tmp_path: Path) -> None:
        path = workbook(
            tmp_path / "f.xlsx",
            [
                ["Mobile", "Name", "Born", "Score"],
                [612345678, "Zoé", date(1990, 5, 17), 1.5],
                [6.12345679e8, None, datetime(2031, 5, 17, 9, 30), True],
                ["+33 6 12 34 56 80", "A", None, 33612345681.0],
            ],
        )
        assert read(path) == [
            (1, ["Mobile", "Name", "Born", "Score"]),
            (2, ["612345678", "Zoé", "1990-05-17", "1.5"]),
            (3, ["612345679", "", "2031-05-17 09:30:00", "1"]),
            (4, ["+33 6 12 34 56 80", "A", "", "33612345681"]),
        ]

    def test_a_sheet_is_chosen_by_its_name(self, tmp_path: Path) -> None:
        path = workbook(tmp_path / "f.xlsx", [["people"]])
        assert cells(path) == [["people"]]
        assert cells(path, sheet="Other") == [["other"]]
        with pytest.raises(BadData, match="has no sheet 'Missing', but 'People', 'Other'"):
            read(path, sheet="Missing")
        with pytest.raises(BadData, match="--delimiter: is not for a spreadsheet"):
            read(path, delimiter=";")

    def test_rows_that_begin_further_down_keep_their_lines(self, tmp_path: Path) -> None:
        path = workbook(tmp_path / "f.xlsx", [[], [], ["0612345678"], [], ["0612345679"]])
        assert [row for row in read(path) if row[1] != [""]] == [(3, ["0612345678"]), (5, ["0612345679"])]

    def test_an_empty_sheet_has_no_rows(self, tmp_path: Path) -> None:
        assert read(workbook(tmp_path / "f.xlsx", [])) == []

    def test_an_archive_of_something_else_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "f.xlsx", "w") as archive:
            archive.writestr("hello.txt", "hello")
        with pytest.raises(BadData, match="is no spreadsheet that can be read"):
            read(tmp_path / "f.xlsx")
        (tmp_path / "f.xlsx").write_bytes(b"PK\x03\x04 and then nothing")
        with pytest.raises(BadData, match="is no spreadsheet that can be read"):
            read(tmp_path / "f.xlsx")

    def test_an_archive_that_unpacks_to_too_much_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = workbook(tmp_path / "f.xlsx", [["0612345678"]])
        monkeypatch.setattr(xlsx_rows, "MAX_UNPACKED_BYTES", 1000)
        with pytest.raises(BadData, match="unpacks to more than"):
            read(path)
        monkeypatch.setattr(xlsx_rows, "MAX_FILE_BYTES", 1000)
        with pytest.raises(BadData, match="is larger than"):
            read(path)

    def test_a_cell_in_the_last_corner_does_not_take_the_machine(self, tmp_path: Path) -> None:
        path = workbook(tmp_path / "f.xlsx", [["0612345678"]])
        with pytest.raises(BadData, match="is too large"):
            read(_with_cell(path, "XFD1048576"))

    def test_a_whole_number_has_no_exponent(self) -> None:
        assert xlsx_reader._text(6.12e8) == "612000000"
        assert xlsx_reader._text(0.5) == "0.5"


def _with_cell(path: Path, place: str) -> Path:
    """The workbook with one more cell, written as no program would."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                more = f'<row r="{row}"><c r="{place}" t="n"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", more.encode())
            new.writestr(name, content)
    return path


class TestLayout:
    """Which column is which."""

    @pytest.mark.parametrize(
        "heading",
        [
            "mobile", "Mobile phone", "Phone", "phone_number", "Téléphone", "N° de téléphone", "TEL PORTABLE",
            "Portable", "Numéro", "gsm", "MSISDN", "Cellulare", "Numero di cellulare", "Telefono", "Destinataire",
            "value", "Tel.",
        ],
    )  # fmt: skip
    def test_a_heading_names_the_number_even_where_the_rows_hold_none(self, heading: str) -> None:
        found = layout([["id", "x", heading], ["1", "y", ""]], {}, "FR", has_heading=None)
        assert (found.number, found.has_heading, found.infos) == (2, True, (0, 1, None, None))

    def test_of_two_phones_the_mobile_is_taken(self) -> None:
        rows = [["Nom", "Téléphone", "Mobile"], ["A", "0140506070", "0612345678"], ["B", "0612345670", ""]]
        assert layout(rows, {}, "FR", has_heading=None).number == 2

    def test_without_a_heading_the_content_tells(self) -> None:
        found = layout([["Ana", "0612345678"], ["Ben", "0612345679"]], {}, "FR", has_heading=None)
        assert (found.number, found.has_heading) == (1, False)

    def test_a_heading_that_says_nothing_is_one_all_the_same(self) -> None:
        found = layout([["a", "b"], ["Ana", "0612345678"]], {}, "FR", has_heading=None)
        assert (found.number, found.has_heading, found.headings) == (1, True, ("a", "b"))

    def test_a_single_column(self) -> None:
        assert layout([["0612345678"], ["x"]], {}, "FR", has_heading=None).has_heading is False
        assert layout([["x"], ["0612345678"]], {}, "FR", has_heading=None).has_heading is True
        assert layout([["0612345678"]], {}, "FR", has_heading=None).number == 0

    def test_columns_are_named_by_heading_or_place(self) -> None:
        rows = [["Prénom", "Nom", "Mobile"], ["Ana", "Li", "0612345678"]]
        found = layout(rows, {"number": "mobile", "info3": "PRENOM", "info1": "2"}, "FR", has_heading=None)
        assert (found.number, found.infos) == (2, (1, None, 0, None))
        assert found.says() == "number = 'Mobile', info1 = 'Nom', info3 = 'Prénom'"

    def test_headings_info1_to_info4_say_what_they_are(self) -> None:
        rows = [["info2", "other", "value", "info1"], ["b", "o", "0612345678", "a"]]
        assert layout(rows, {}, "FR", has_heading=None).infos == (3, 0, None, None)

    def test_the_person_may_say_that_there_is_no_heading(self) -> None:
        found = layout([["mobile"], ["0612345678"]], {"number": "1"}, "FR", has_heading=False)
        assert (found.has_heading, found.headings) == (False, ())

    @pytest.mark.parametrize(
        ("rows", "wanted", "said"),
        [
            ([["Nom", "Ville"], ["A", "Nantes"]], {}, r"no column has phone numbers; .*1 \(Nom\), 2 \(Ville\)"),
            ([["Nom", "Mobile"], ["A", "06"]], {"number": "Phone"}, r"no column 'Phone', but 1 \(Nom\), 2 \(Mobile\)"),
            ([["0612345678"]], {"number": "2"}, r"no column '2', but 1"),
            ([["0612345678"]], {"info1": "0"}, r"no column '0', but 1"),
        ],
    )
    def test_what_columns_there_are_is_said(self, rows: list[list[str]], wanted: dict[str, str], said: str) -> None:
        with pytest.raises(BadData, match=said):
            layout(rows, wanted, "FR", has_heading=None)
