"""The user data header: what a message says about itself before its text, such as "part 2 of 3"."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

CONCATENATION_8: Final = 0x00
PORTS_8: Final = 0x04
PORTS_16: Final = 0x05
CONCATENATION_16: Final = 0x08
NATIONAL_SINGLE_SHIFT: Final = 0x24
NATIONAL_LOCKING_SHIFT: Final = 0x25


class Element(NamedTuple):
    """One information element of a header."""

    identifier: int
    data: bytes


class Concatenation(NamedTuple):
    """The place of a part in its message; parts with the same reference belong together."""

    reference: int
    total: int
    number: int
    reference_bits: Literal[8, 16]


class MalformedHeader(ValueError):
    """A header's lengths contradict each other or the octets there are."""


def build(elements: Sequence[Element]) -> bytes:
    """Write a header, its length octet first.

    Raises: ValueError when the elements do not fit into 140 octets.
    """
    body = b"".join([bytes((identifier, len(data))) + data for identifier, data in elements])
    if len(body) >= 140:
        raise ValueError(f"a header of {len(body) + 1} octets does not fit")
    return bytes((len(body),)) + body


def concatenation(place: Concatenation) -> Element:
    """Write the place of a part as an element; a reference too large for its bits wraps around.

    Raises: ValueError when the place is impossible: part 0, part 4 of 3, more than 255.
    Source: 3GPP TS 23.040 9.2.3.24.1 and .8.
    """
    if not 1 <= place.number <= place.total <= 255:
        raise ValueError(f"part {place.number} of {place.total} cannot be written")
    numbers = bytes((place.total, place.number))
    if place.reference_bits == 8:
        return Element(CONCATENATION_8, bytes((place.reference & 0xFF,)) + numbers)
    return Element(CONCATENATION_16, (place.reference & 0xFFFF).to_bytes(2, "big") + numbers)


def concatenation_header(reference: int, total: int, number: int, *, reference_bits: Literal[8, 16] = 8) -> bytes:
    """Write the whole header of one part of a long message: 6 octets, or 7 with a 16-bit reference.

    Raises: ValueError when the place is impossible.
    """
    return build((concatenation(Concatenation(reference, total, number, reference_bits)),))


def split_udh(octets: bytes) -> tuple[tuple[Element, ...], bytes]:
    """Take a header off the front of user data: its elements, and what follows.

    Raises: MalformedHeader, and nothing else, whatever the octets are.
    Source: 3GPP TS 23.040 9.2.3.24.
    """
    if not octets:
        raise MalformedHeader("there is no length octet")
    end = 1 + octets[0]
    if end > len(octets):
        raise MalformedHeader(f"a header of {end} octets in {len(octets)}")
    elements: list[Element] = []
    at = 1
    while at < end:
        if at + 2 > end or at + 2 + octets[at + 1] > end:
            raise MalformedHeader(f"the element at {at} runs past the header's {end} octets")
        after = at + 2 + octets[at + 1]
        elements.append(Element(octets[at], octets[at + 2 : after]))
        at = after
    return tuple(elements), octets[end:]


def languages(single_id: int, locking_id: int) -> tuple[Element, ...]:
    """Announce national tables: the shift table's language and the locking table's, 0 for the default table.

    Source: 3GPP TS 23.040 9.2.3.24.15 and .16.
    """
    named = ((NATIONAL_SINGLE_SHIFT, single_id), (NATIONAL_LOCKING_SHIFT, locking_id))
    return tuple([Element(identifier, bytes((language,))) for identifier, language in named if language])


def find_languages(elements: Sequence[Element]) -> tuple[int, int]:
    """Find the languages of the shift table and of the locking table; 0 where none is announced.

    Source: 3GPP TS 23.040 9.2.3.24.15 and .16.
    """
    found = {identifier: data[0] for identifier, data in elements if len(data) == 1}
    return found.get(NATIONAL_SINGLE_SHIFT, 0), found.get(NATIONAL_LOCKING_SHIFT, 0)


def find_concatenation(elements: Sequence[Element]) -> Concatenation | None:
    """Find the place of a part in its message; None when it is a message of its own.

    Shape:  an impossible place (part 0, part 4 of 3) counts as none; of several places the last one holds.
    Source: 3GPP TS 23.040 9.2.3.24.1, 9.2.3.24.8.
    """
    for identifier, data in reversed(elements):
        bits: Literal[8, 16]
        if identifier == CONCATENATION_8 and len(data) == 3:
            bits = 8
        elif identifier == CONCATENATION_16 and len(data) == 4:
            bits = 16
        else:
            continue
        total, number = data[-2], data[-1]
        if 1 <= number <= total:
            return Concatenation(int.from_bytes(data[:-2], "big"), total, number, bits)
    return None


def fill_bits(header_octets: int) -> int:
    """Say how many zero bits stand between a header and packed septets.

    Source: 3GPP TS 23.040 9.2.3.24: the text starts at a septet boundary.
    """
    return -header_octets * 8 % 7
