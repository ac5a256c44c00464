"""`chappe route`."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from chappe.domain.errors import BadData
from chappe.domain.pricing import MC, exact_credits
from chappe.domain.routes import NO_CONDITIONS, PARIS, Conditions
from chappe.manage.routes import NewRoute, RouteStatus
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.route_explanations import route_apply, route_explain, route_figures, route_networks, route_test
from chappe.runtime.cli.session import Command, actor, data_option, json_option, print_json, within

NONE = "none"


@click.group()
def route() -> None:
    """Which carrier takes which messages.

    Of the routes that match a message the lowest rank goes first, then the most specific one, then the cheapest
    carrier or the shares of equals. The others get it when the first cannot. docs/routing.md tells more.
    """


def _condition_options(command: Command) -> Command:
    """The options that say what a route takes."""
    options = [
        click.option("--prefix", "prefixes", multiple=True, metavar="3361", help="First digits; repeatable."),
        click.option("--network", "networks", multiple=True, metavar="NAME",
                     help="The network a number was given to (`chappe route networks FR`); repeatable."),
        click.option("--account", "accounts", multiple=True, metavar="ID|EMAIL",
                     help="Of this account and its sub-accounts; repeatable."),
        click.option("--sender", "senders", multiple=True, help="With this sender; repeatable."),
        click.option("--kind", type=click.Choice(["alert", "marketing", NONE]), help="Alerts or marketing only."),
        click.option("--max-cost", metavar="CREDITS", help="Only where the carrier takes no more for a part."),
        click.option("--within-price/--any-price", default=None,
                     help="Only where it takes no more than the customer pays."),
        click.option("--hours", metavar="HOURS", help='Like "mon-fri 08:00-20:00, sat 09:00-12:00".'),
        click.option("--zone", metavar="ZONE", help=f"Of these hours; {PARIS} by default."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@route.command("add")
@click.option("--carrier", "carrier_", required=True, metavar="NAME", help="The carrier that takes them.")
@click.option("--country", metavar="FR,BE", help="ISO 3166-1 codes, a route for each; every country by default.")
@_condition_options
@click.option("--rank", default=100, show_default=True, help="The lowest goes first.")
@click.option("--weight", type=int, help="Its share among equals; 0: only what the others cannot take.")
@click.option("--test", "is_test", is_flag=True, help="It takes nothing but `chappe route test`.")
@click.option("--note", default="", help="Why it is there.")
@json_option
@data_option
def route_add(
    carrier_: str, country: str | None, rank: int, weight: int | None, is_test: bool, note: str, as_json: bool,
    data: Path | None, **asked: Any,
) -> None:  # fmt: skip
    """Send messages to a carrier; all conditions must hold.

    \b
    chappe route add --carrier acme --country FR
    chappe route add --carrier cheap --country FR --kind marketing --within-price
    chappe route add --carrier acme --country FR --weight 70
    chappe route add --carrier other --country FR --weight 30
    chappe route add --carrier spare --rank 200 --note "when all others are down"
    """
    countries = [place.strip().upper() for place in country.split(",")] if country is not None else [None]

    async def work(chappe: Chappe) -> list[int]:
        conditions = Conditions(**_asked(chappe, asked))
        wanted = [NewRoute(place, conditions, rank, weight, is_test, note) for place in countries]
        return await chappe.routes.add(carrier_, *wanted, actor=actor())

    found = within(data, work)
    if as_json:
        rows = [
            {"route_id": each, "carrier": carrier_, "country": place}
            for each, place in zip(found, countries, strict=True)
        ]
        print_json(rows if len(rows) > 1 else rows[0])
    else:
        click.echo(f"{_named(found)} to {carrier_} added. `chappe route list` shows what is tried in which order.")


@route.command("set")
@click.argument("id_", metavar="ID", type=int)
@click.option("--carrier", "carrier_", metavar="NAME", help="Another carrier takes them.")
@click.option("--country", metavar="FR", help=f"Another country, or {NONE} for every one.")
@_condition_options
@click.option("--rank", type=int, help="The lowest goes first.")
@click.option("--weight", metavar="N", help=f"Its share among equals, or {NONE}.")
@click.option("--note", help="Why it is there.")
@data_option
def route_set(
    id_: int, carrier_: str | None, country: str | None, rank: int | None, weight: str | None, note: str | None,
    data: Path | None, **asked: Any,
) -> None:  # fmt: skip
    """Change a route: what is given replaces what was said; the word `none` takes a condition away.

    \b
    chappe route set 3 --weight 50
    chappe route set 3 --network none --prefix 33612 --prefix 33613
    """
    changed: dict[str, object] = {}
    if country is not None:
        changed["country"] = None if country.lower() == NONE else country.strip().upper()
    if rank is not None:
        changed["rank"] = rank
    if weight is not None:
        changed["weight"] = None if weight.lower() == NONE else _whole("--weight", weight)
    if note is not None:
        changed["note"] = note

    async def work(chappe: Chappe) -> None:
        conditions = _asked(chappe, asked)
        if not (changed or conditions or carrier_):
            raise BadData("say what is to change: `chappe route set --help`", field="route")
        await chappe.routes.change(id_, carrier_, actor(), conditions=conditions, **changed)

    within(data, work)
    click.echo(f"Route {id_} changed. What waits stays where it is; `chappe route apply` routes it anew.")


@route.command("remove")
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
@data_option
def route_remove(ids: tuple[int, ...], data: Path | None) -> None:
    """Remove routes. What waits stays where it is; `chappe route apply` routes it anew."""

    async def work(chappe: Chappe) -> None:
        for each in ids:
            await chappe.routes.remove(each, actor())

    within(data, work)
    click.echo(f"{_named(ids)} removed.")


@route.command("list")
@json_option
@data_option
def route_list(as_json: bool, data: Path | None) -> None:
    """Show every route, in the order in which they are tried."""

    async def work(chappe: Chappe) -> list[RouteStatus]:
        return chappe.routes.all()

    found = within(data, work)
    if as_json:
        print_json([{**each._asdict(), "health": each.health._asdict()} for each in found])
        return
    if not found:
        click.echo("No carrier yet. Add one with `chappe carrier add NAME --smpp HOST:PORT ...`.")
        return
    from rich.console import Console  # only what prints tables needs it, and it takes long to load
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("id", "rank", "carrier", "takes", "weight", "cost", "health", "note"):
        table.add_column(title, overflow="fold")
    for each in found:
        table.add_row(*_cells(each))
    Console(highlight=False).print(table, overflow="fold")


def _cells(status: RouteStatus) -> list[str]:
    is_written = bool(status.id)
    return [
        str(status.id) if is_written else "-",
        "test" if status.is_test else str(status.rank) if is_written else "last",
        status.carrier,
        status.takes,
        "-" if status.weight is None else str(status.weight),
        "-" if status.cost_mc is None else exact_credits(status.cost_mc),
        status.health.state,
        status.note if is_written else "the first carrier",
    ]


def _asked(chappe: Chappe, given: dict[str, Any]) -> dict[str, Any]:
    """The conditions that were given, by their names."""
    found: dict[str, Any] = {}
    for name in ("prefixes", "networks", "senders"):
        if given[name]:
            found[name] = () if _is_none(given[name]) else given[name]
    if given["accounts"]:
        named = () if _is_none(given["accounts"]) else given["accounts"]
        found["accounts"] = tuple([chappe.use_cases.accounts.find(each).id for each in named])
    if given["kind"] is not None:
        found["kind"] = "" if given["kind"] == NONE else given["kind"]
    if given["max_cost"] is not None:
        found["max_cost_mc"] = (
            None if given["max_cost"].lower() == NONE else credits_mc(given["max_cost"], "--max-cost")
        )
    if given["within_price"] is not None:
        found["within_price"] = given["within_price"]
    if given["hours"] is not None:
        found["hours"] = "" if given["hours"].lower() == NONE else given["hours"]
    if given["zone"] is not None:
        found["zone"] = NO_CONDITIONS.zone if given["zone"].lower() == NONE else given["zone"]
    return found


def _is_none(names: tuple[str, ...]) -> bool:
    return [name.lower() for name in names] == [NONE]


def credits_mc(text: str, field: str) -> int:
    """Credits as thousandths. Raises: BadData for what is no amount of at most three decimals."""
    try:
        amount = Decimal(text.strip().replace(",", ".")) * MC
        whole = int(amount)
    except (InvalidOperation, OverflowError, ValueError):
        raise BadData(f"must be credits like 0.045, not {text!r}", field=field) from None
    if not 0 <= whole <= 10**9 or whole != amount:
        raise BadData(f"must be credits with at most three decimals, not {text!r}", field=field)
    return whole


def _whole(field: str, text: str) -> int:
    if not text.isdigit() or not text.isascii():
        raise BadData(f"must be a whole number or {NONE}, not {text!r}", field=field)
    return int(text)


def _named(ids: Iterable[int]) -> str:
    found = list(ids)
    return f"Route{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"


for _command in (route_explain, route_test, route_apply, route_figures, route_networks):
    route.add_command(_command)
