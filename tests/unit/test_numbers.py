"""Phone numbers as people write them: the vectors, and the corners they leave."""

from pathlib import Path
from typing import cast

import msgspec
import pytest

from chappe.telecom.number_verdicts import verdict
from chappe.telecom.numbers import Normalised, Problem, normalise

VECTORS = Path(__file__).parents[1] / "vectors" / "numbers.json"


class Vector(msgspec.Struct):
    input: str
    e164: str | None
    country: str | None
    kind: str = msgspec.field(name="class")
    invalid_shape: bool

    @property
    def expected(self) -> tuple[str | None, str | None, Problem | None]:
        problem = cast(Problem, self.kind) if self.invalid_shape else None
        return self.e164, self.country, problem


class File(msgspec.Struct):
    vectors: list[Vector]


FILE = msgspec.json.decode(VECTORS.read_bytes(), type=File)


def rows(normalised: Normalised) -> list[tuple[str | None, str | None, Problem | None]]:
    return list(zip(normalised.e164, normalised.country, normalised.problem, strict=True))


def one(raw: str, country: str = "FR") -> tuple[str | None, str | None, Problem | None]:
    return rows(normalise([raw], country))[0]


@pytest.mark.parametrize("vector", FILE.vectors, ids=lambda vector: ascii(vector.input))
def test_an_input_is_read_as_in_its_vector(vector: Vector) -> None:
    assert one(vector.input) == vector.expected
    assert tuple(verdict(vector.input, "FR")) == vector.expected


def test_all_vectors_in_one_batch_keep_their_places() -> None:
    batch = normalise([vector.input for vector in FILE.vectors], "FR")
    assert rows(batch) == [vector.expected for vector in FILE.vectors]


def test_no_inputs_give_empty_columns() -> None:
    assert normalise([], "FR") == Normalised([], [], [])


@pytest.mark.parametrize("raw", [None, 33612345678, b"33612345678", ["33612345678"], 3.3612345678e10])
def test_what_is_not_a_string_is_badly_formatted_and_spoils_no_neighbour(raw: object) -> None:
    batch = cast(list[str], ["0612345678", raw, "+33 6 12 34 56 79"])
    assert rows(normalise(batch, "FR")) == [
        ("33612345678", "FR", None),
        (None, None, "bad_format"),
        ("33612345679", "FR", None),
    ]


@pytest.mark.parametrize("raw", ["0612345678" + " " * 60, "6" * 65, "0612345678," * 100_000, "\n" * 100])
def test_what_is_absurdly_long_is_badly_formatted(raw: str) -> None:
    assert one(raw) == (None, None, "bad_format")


def test_line_breaks_within_an_input_do_not_shift_the_rows() -> None:
    batch = ["06 12\n34 56 78", "\n", "\n0612345679\n", ""]
    assert rows(normalise(batch, "FR")) == [
        ("33612345678", "FR", None),
        (None, None, "bad_format"),
        ("33612345679", "FR", None),
        (None, None, "bad_format"),
    ]


def test_a_decimal_point_before_zeros_is_not_a_separator() -> None:
    # The zero of 33612345678.0 must not become an eleventh digit where the plan would allow one.
    assert one("4915112345678.0", "DE") == one("4915112345678", "DE")
    assert one("06.12.34.56.00") == ("33612345600", "FR", None)


@pytest.mark.parametrize(
    ("country", "raw", "e164", "place"),
    [
        ("CH", "079 123 45 67", "41791234567", "CH"),
        ("BE", "0470/12.34.56", "32470123456", "BE"),
        ("GB", "07400 123456", "447400123456", "GB"),
        ("GB", "07781 123456", "447781123456", "GG"),
        ("US", "(506) 234-5678", "15062345678", "CA"),
        ("US", "1-201-555-0123", "12015550123", "US"),
        ("US", "011 33 6 12 34 56 78", "33612345678", "FR"),
        ("IT", "312 345 6789", "393123456789", "IT"),
        ("BR", "(011) 96123-4567", "5511961234567", "BR"),
        ("AR", "011 15 2345-6789", "5491123456789", "AR"),
        ("NC", "75 12 34", "687751234", "NC"),
        ("KZ", "8 701 234 5678", "77012345678", "KZ"),
        ("DE", "33612345678", "33612345678", "FR"),
    ],
)
def test_an_account_abroad_writes_the_numbers_of_its_own_country(country: str, raw: str, e164: str, place: str) -> None:
    assert one(raw, country) == (e164, place, None)


@pytest.mark.parametrize("country", ["GP", "MQ", "GF", "RE", "YT"])
def test_an_overseas_account_dials_the_mainland_and_its_neighbours_alike(country: str) -> None:
    assert one("0612345678", country) == ("33612345678", "FR", None)
    assert one("0690123456", country) == ("590690123456", "GP", None)
    assert one("0692123456", country) == ("262692123456", "RE", None)


def test_saint_pierre_has_a_plan_of_its_own() -> None:
    assert one("55 12 34", "PM") == ("508551234", "PM", None)
    assert one("687751234", "PM") == ("687751234", "NC", None)


def test_a_fixed_line_overseas_belongs_to_its_own_code() -> None:
    assert one("0590 20 12 34", "GP") == ("590590201234", "GP", "not_mobile")


def test_an_account_of_no_known_country_writes_international_numbers() -> None:
    assert one("+33612345678", "XX") == ("33612345678", "FR", None)
    assert one("33612345678", "") == ("33612345678", "FR", None)
    assert one("0612345678", "XX") == (None, None, "bad_format")


def test_a_national_mobile_goes_before_a_number_abroad_with_the_same_digits() -> None:
    assert one("687751234", "FR") == ("33687751234", "FR", None)
    assert one("+687751234", "FR") == ("687751234", "NC", None)


def test_the_documented_example_of_an_unallocated_range_is_kept() -> None:
    assert one("33700000000") == ("33700000000", "FR", None)


def test_a_number_of_sixteen_digits_is_too_long_whatever_the_plan_says() -> None:
    assert one("+49151123456789012")[2] == "too_long"
