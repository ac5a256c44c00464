"""Whose data it is about: a number in any spelling."""

import pytest

from chappe.domain.errors import BadData
from chappe.domain.privacy import read_person

ANNA = 33612345678


@pytest.mark.parametrize("written", ["+33 6 12 34 56 78", "0033612345678", "33612345678", "tel:+33-6-12-34-56-78"])
def test_an_international_number_is_read_in_any_spelling(written: str) -> None:
    assert read_person(written, None).number == ANNA
    assert read_person(written, "FR").number == ANNA


@pytest.mark.parametrize("written", ["06 12 34 56 78", "0612345678", "06.12.34.56.78"])
def test_a_national_number_needs_its_country(written: str) -> None:
    assert read_person(written, "FR").number == ANNA
    with pytest.raises(BadData, match="--country"):
        read_person(written, None)


def test_a_number_that_takes_no_message_can_be_a_persons_too() -> None:
    assert read_person("01 23 45 67 89", "FR").number == 33123456789
    assert read_person("+999123456789", None) == (999123456789, None)


@pytest.mark.parametrize("written", ["", "Anna", "+1", "+123456789012345678", "33 6 12 34 56 7x"])
def test_what_is_no_number_is_said_to_be_none(written: str) -> None:
    with pytest.raises(BadData, match="NUMBER"):
        read_person(written, None)


def test_logs_name_it_without_its_end() -> None:
    assert read_person("+33612345678", None).masked == "3361234****"
    assert read_person("+33612345678", None).national == 612345678
