"""The network that a number was given to, by the digits it begins with.

A number that was ported since belongs to another one: only a look-up can tell.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

UNKNOWN: Final = ""


class _Plan(NamedTuple):
    """The networks by the first digits of their numbers, and the lengths of those digits, longest first."""

    names: dict[str, str]
    lengths: tuple[int, ...]


def network_of(number: int) -> str:
    """The name of a number's network, UNKNOWN when nobody has written it down.

    Source: libphonenumber's carrier data, in English; the longest prefix counts.
    Cost:   a microsecond; the first call of a process loads some 29,000 prefixes in a tenth of a second.
    """
    [name] = networks_of([number])
    return name


def networks_of(numbers: Iterable[int]) -> list[str]:
    """The same for many numbers."""
    names, lengths = _plan()
    found = []
    for number in numbers:
        digits = str(number)
        for length in lengths:
            name = names.get(digits[:length])
            if name is not None:
                break
        found.append(name or UNKNOWN)
    return found


def networks_in(country: str) -> Sequence[str]:
    """The names of a country's networks, in the order of the alphabet. Shape: `country` is ISO alpha-2.

    Where several countries share a calling code, the networks of all of them.
    """
    codes = tuple(str(code) for code, places in COUNTRY_CODE_TO_REGION_CODE.items() if country in places)
    return sorted({name for prefix, name in _plan().names.items() if codes and prefix.startswith(codes)})


def known(name: str) -> str | None:
    """A network's name as the data spell it, whatever the case; None for one they do not have."""
    return _spelled().get(name.casefold())


@cache
def _spelled() -> dict[str, str]:
    return {name.casefold(): name for name in _plan().names.values()}


@cache
def _plan() -> _Plan:
    # Five megabytes, and few installations route by networks.
    from phonenumbers.carrierdata import CARRIER_DATA

    names = {prefix: named["en"] for prefix, named in CARRIER_DATA.items() if "en" in named}
    return _Plan(names, tuple(sorted({len(prefix) for prefix in names}, reverse=True)))
