"""One person, as somebody asks what is known of him or wants it erased."""

from typing import Final, NamedTuple

from chappe.domain.errors import BadData
from chappe.telecom.number_input import Written, read
from chappe.telecom.number_verdicts import national_part
from chappe.telecom.numbers import normalise

# The number of a message whose recipient was erased.
ERASED: Final = 0
_FIELD: Final = "NUMBER"
_SHORTEST: Final = 5
_LONGEST: Final = 15


class Person(NamedTuple):
    """Whom a number belongs to.

    Shape: `national` is the number without its country's code, as some carriers report it; None when it has none.
    """

    number: int
    national: int | None

    @property
    def masked(self) -> str:
        """The number as logs may name it."""
        return f"{str(self.number)[:-4]}****"


def read_person(written: str, country: str | None) -> Person:
    """Read a number as somebody wrote it; without a country (ISO alpha-2) it has to be international.

    Shape:  also a number that takes no message, or that nobody can have: a carrier may have reported it.
    Raises: BadData.
    """
    asked = read(written)
    if not isinstance(asked, Written):
        raise BadData("is no phone number", field=_FIELD)
    if asked.has_plus or asked.digits.startswith("00") or (country is None and not asked.digits.startswith("0")):
        return _person(asked.digits.lstrip("0"))
    if country is None:
        raise BadData("is a national number: write it with its country's code, or say --country", field=_FIELD)
    found = normalise([written], country)
    e164, problem = found.e164[0], found.problem[0]
    if e164 is None:
        raise BadData(f"is no phone number in {country} ({(problem or 'bad_format').replace('_', ' ')})", field=_FIELD)
    return _person(e164)


def _person(digits: str) -> Person:
    if not _SHORTEST <= len(digits) <= _LONGEST:
        raise BadData("is no international phone number", field=_FIELD)
    return Person(int(digits), national_part(digits))
