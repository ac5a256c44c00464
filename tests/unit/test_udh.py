"""The user data header: building it, reading it, and reading rubbish."""

import pytest

from chappe.telecom.udh import (
    NATIONAL_LOCKING_SHIFT,
    NATIONAL_SINGLE_SHIFT,
    PORTS_16,
    Concatenation,
    Element,
    MalformedHeader,
    build,
    concatenation,
    concatenation_header,
    fill_bits,
    find_concatenation,
    split_udh,
)


def test_part_one_of_two_has_the_header_of_the_standard() -> None:
    assert concatenation_header(0xCC, 2, 1).hex() == "050003cc0201"
    assert concatenation_header(0x1234, 2, 1, reference_bits=16).hex() == "06080412340201"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_header_is_read_back_as_it_was_built(bits: int) -> None:
    place = Concatenation(0x7F, 255, 254, 8 if bits == 8 else 16)
    elements, rest = split_udh(build((concatenation(place),)) + b"text")
    assert find_concatenation(elements) == place
    assert rest == b"text"


def test_a_reference_too_large_for_its_bits_wraps_around() -> None:
    elements, _ = split_udh(concatenation_header(0x1FF, 3, 3))
    assert find_concatenation(elements) == Concatenation(0xFF, 3, 3, 8)


@pytest.mark.parametrize(("total", "number"), [(0, 0), (3, 4), (3, 0), (256, 1)])
def test_an_impossible_place_is_not_written(total: int, number: int) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        concatenation_header(1, total, number)


@pytest.mark.parametrize("header", ["050003cc0000", "050003cc0304", "050003cc0300"])
def test_an_impossible_place_counts_as_none(header: str) -> None:
    elements, _ = split_udh(bytes.fromhex(header))
    assert find_concatenation(elements) is None


def test_the_place_is_found_among_other_elements() -> None:
    header = build(
        (
            Element(PORTS_16, bytes.fromhex("0b8423f0")),
            Element(NATIONAL_SINGLE_SHIFT, b"\x01"),
            concatenation(Concatenation(7, 3, 2, 8)),
            Element(NATIONAL_LOCKING_SHIFT, b"\x01"),
        )
    )
    elements, rest = split_udh(header)
    assert [element.identifier for element in elements] == [0x05, 0x24, 0x00, 0x25]
    assert find_concatenation(elements) == Concatenation(7, 3, 2, 8)
    assert rest == b""


def test_of_two_places_the_last_one_holds() -> None:
    places = (Concatenation(1, 2, 1, 8), Concatenation(2, 3, 3, 16))
    elements, _ = split_udh(build([concatenation(place) for place in places]))
    assert find_concatenation(elements) == places[1]


def test_an_element_of_the_wrong_size_is_kept_but_is_no_place() -> None:
    elements, rest = split_udh(bytes.fromhex("0400020102") + b"x")
    assert elements == (Element(0, b"\x01\x02"),)
    assert find_concatenation(elements) is None
    assert rest == b"x"


def test_an_empty_header_has_no_elements() -> None:
    assert split_udh(b"\x00hello") == ((), b"hello")


@pytest.mark.parametrize("octets", ["", "05", "050003cc02", "0100", "020003", "050004cc0201", "ff"])
def test_rubbish_is_called_malformed(octets: str) -> None:
    with pytest.raises(MalformedHeader):
        split_udh(bytes.fromhex(octets))


def test_a_header_too_large_for_a_message_is_not_built() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        build([Element(0x70, b"x" * 138)])


def test_fill_bits_bring_the_text_to_a_septet_boundary() -> None:
    assert [fill_bits(octets) for octets in (0, 4, 6, 7, 12)] == [0, 3, 1, 0, 2]
