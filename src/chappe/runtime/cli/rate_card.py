"""A rate card: a TOML file of countries and their prices."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Final

from chappe.domain.countries import countries
from chappe.domain.errors import BadData
from chappe.domain.rule_table import read_value
from chappe.domain.rulebook import EVERYWHERE

MAX_BYTES: Final = 100_000
DEFAULT: Final = "default"


def read_rates(file: Path) -> dict[str, str]:
    """The prices of a card by country; EVERYWHERE has the default.

    Raises: BadData that names the line.
    """
    content = file.read_bytes()
    if len(content) > MAX_BYTES:
        raise BadData(f"has {len(content)} bytes; at most {MAX_BYTES}", field=file.name)
    try:
        # Decimal keeps 0.1 what it is; a credit is never a binary fraction.
        card = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadData(f"is no rate card: {error}", field=file.name) from None
    known = frozenset(countries())
    found: dict[str, str] = {}
    for place, price in card.items():
        if place != DEFAULT and place.upper() not in known:
            raise BadData(f"there is no country {place!r}; two letters like FR, or default", field=file.name)
        if isinstance(price, bool) or not isinstance(price, int | Decimal):
            raise BadData(f"the price of {place} must be a number like 1 or 0.8", field=file.name)
        try:
            read_value("price", str(price))
        except BadData as error:
            raise BadData(f"the price of {place} {error.reason}", field=file.name) from None
        found[EVERYWHERE if place == DEFAULT else place.upper()] = str(price)
    if not found:
        raise BadData("has no prices: a line is like FR = 1", field=file.name)
    return found
