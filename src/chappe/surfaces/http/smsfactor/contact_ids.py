"""Ids of contacts on the wire: 24 hexadecimal digits, as the vendor's clients know them.

A contact's are its list (8 digits) and its id in it (16), so that whose it is can be told by the list; those of an
exclusion are its number.
"""

import re
from typing import Final

from chappe.domain.errors import NotFound
from chappe.surfaces.http.smsfactor.call import Call

_HEX: Final = re.compile("[0-9a-fA-F]{24}")
_OF_LIST: Final = 8
_MAX_ID: Final = 2**63 - 1
# The longest number there is has 15 digits.
_MAX_NUMBER: Final = 10**15


def contact_id(list_id: int, contact: int) -> str:
    return f"{list_id:08x}{contact:016x}"


def exclusion_id(number: int) -> str:
    return f"{number:024x}"


def contact_of(call: Call) -> tuple[int, int]:
    """The list and the contact in the path. Raises: NotFound when it cannot be the id of any."""
    place = _place(call)
    contact = int(place[_OF_LIST:], 16)
    if contact > _MAX_ID:
        raise NotFound("there is no such contact", field="id")
    return int(place[:_OF_LIST], 16), contact


def excluded_of(call: Call) -> int:
    """The number whose id is in the path. Raises: NotFound when it cannot be the id of any."""
    number = int(_place(call), 16)
    if number >= _MAX_NUMBER:
        raise NotFound("there is no such contact", field="id")
    return number


def _place(call: Call) -> str:
    if not _HEX.fullmatch(call.place):
        raise NotFound("there is no such contact", field="id")
    return call.place
