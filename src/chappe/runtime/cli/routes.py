"""`chappe route`."""

from pathlib import Path

import click

from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within


@click.group()
def route() -> None:
    """Which carrier takes which messages."""


@route.command("add")
@click.option("--carrier", "carrier_", required=True, metavar="NAME", help="The carrier that takes them.")
@click.option("--country", help="ISO 3166-1 code; without it every country that has no route of its own.")
@json_option
@data_option
def route_add(carrier_: str, country: str | None, as_json: bool, data: Path | None) -> None:
    """Send the messages to a country, or all others, to a carrier. The newest route of a country counts."""

    async def work(chappe: Chappe) -> int:
        return await chappe.routes.add(carrier_, country)

    found = within(data, work)
    if as_json:
        print_json({"route_id": found, "carrier": carrier_, "country": country})
    else:
        click.echo(f"{country.upper() if country else 'Every other country'} goes to {carrier_} now.")
