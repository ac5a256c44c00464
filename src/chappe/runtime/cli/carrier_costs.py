"""`chappe carrier cost`."""

import csv
from pathlib import Path
from typing import Final

import click

from chappe.domain.countries import countries
from chappe.domain.errors import BadData
from chappe.domain.pricing import exact_credits
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.routes import credits_mc
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, within

MAX_BYTES: Final = 5_000_000
MAX_PLACES: Final = 50_000
DEFAULT: Final = "default"


@click.group()
def cost() -> None:
    """What a carrier takes for a part: the cheapest of equal routes goes first."""


@cost.command("load")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def cost_load(name: str, file: Path, data: Path | None) -> None:
    """Load a CSV file of places and credits for a part, instead of what was known.

    \b
    A line is a country (FR,0.045), the first digits of numbers (33612,0.04) or the rest (default,0.1).
    The longest digits count before the country. A first line with titles is passed over.
    """
    found = read_costs(file)
    within(data, lambda chappe: chappe.routes.load_costs(name, found, actor()))
    click.echo(f"{len(found)} costs of {name} are loaded.")


@cost.command("list")
@click.argument("name")
@json_option
@data_option
def cost_list(name: str, as_json: bool, data: Path | None) -> None:
    """Show what is known of a carrier's costs."""

    async def work(chappe: Chappe) -> dict[str, int]:
        return chappe.routes.costs(name)

    found = within(data, work)
    if as_json:
        print_json({place or DEFAULT: exact_credits(cost) for place, cost in found.items()})
        return
    for place, cost in found.items():
        click.echo(f"{place or DEFAULT:<16} {exact_credits(cost)}")
    if not found:
        click.echo(f"Nothing is known. Load a file with `chappe carrier cost load {name} FILE.csv`.")


def read_costs(file: Path) -> dict[str, int]:
    """Costs by place. Raises: BadData that names the line. Units: thousandths of a credit."""
    content = file.read_bytes()
    if len(content) > MAX_BYTES:
        raise BadData(f"has {len(content)} bytes; at most {MAX_BYTES}", field=file.name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadData("is not UTF-8", field=file.name) from None
    found: dict[str, int] = {}
    delimiter = ";" if text.partition("\n")[0].count(";") else ","
    for line, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and not any(character.isdigit() for character in "".join(cells[1:2]))):
            continue
        if len(cells) < 2:
            raise BadData(f"line {line} has no cost: a line is like FR,0.045", field=file.name)
        place = _place(cells[0], f"{file.name} line {line}")
        if place in found:
            raise BadData(f"line {line} names {cells[0]} again", field=file.name)
        found[place] = credits_mc(cells[1], f"{file.name} line {line}")
    if not found:
        raise BadData("has no costs: a line is like FR,0.045", field=file.name)
    if len(found) > MAX_PLACES:
        raise BadData(f"has {len(found)} places; at most {MAX_PLACES}", field=file.name)
    return found


def _place(text: str, field: str) -> str:
    if text.lower() in (DEFAULT, "*"):
        return ""
    digits = text.lstrip("+")
    if digits.isascii() and digits.isdigit() and not digits.startswith("0") and len(digits) <= 15:
        return digits
    if text.upper() in countries():
        return text.upper()
    raise BadData(f"must be a country like FR, digits like 3361, or default, not {text!r}", field=field)
