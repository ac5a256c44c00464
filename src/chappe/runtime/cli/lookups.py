"""`chappe lookup`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.domain.delay import PARIS
from chappe.manage.lookups import Lookup, LookupFilter
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within


@click.group()
def lookup() -> None:
    """What carriers told about numbers (POST /lookup)."""


@lookup.command("list")
@click.option("--account", "account_", required=True, metavar="ID|EMAIL", help="Whose look-ups.")
@click.option("--number", help="Only numbers that contain these digits.")
@click.option("--most", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The newest so many.")
@json_option
@data_option
def lookup_list(account_: str, number: str | None, most: int, as_json: bool, data: Path | None) -> None:
    """List the look-ups of an account, the newest first; numbers are masked but in JSON."""

    async def work(chappe: Chappe) -> list[Lookup]:
        wanted = LookupFilter(number=number, length=most)
        return (await chappe.use_cases.lookups.find(chappe.use_cases.accounts.find(account_), wanted)).rows

    found = within(data, work)
    if as_json:
        print_json(found)
        return
    for row in found:
        result = row.result
        at = datetime.fromtimestamp(row.asked_at / 1000, PARIS).strftime("%Y-%m-%d %H:%M:%S")
        facts = [result.network.name or "-", result.mcc_mnc or "-", result.group]
        facts += [word for word, is_so in (("ported", result.is_ported), ("roaming", result.is_roaming)) if is_so]
        click.echo(f"{at}  {result.to[:-4]}****  {', '.join(facts)}")
