"""`chappe rule` and `chappe rate`."""

from pathlib import Path

import click

from chappe.domain.accounts import Account
from chappe.domain.rule_table import RULES
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, AccountRules, Override, check_country
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.rate_card import read_rates
from chappe.runtime.cli.rule_page import page, told
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, within

_account_option = click.option("--account", "account_", metavar="ID|EMAIL", help="For this account only.")
_country_option = click.option("--country", metavar="FR", help="In this country only.")
_note_option = click.option("--note", required=True, help="Why: it goes into the audit log.")


@click.group(invoke_without_command=True)
@click.option("--reference", is_flag=True, help="Print docs/rules.md.")
@click.pass_context
def rule(context: click.Context, reference: bool) -> None:
    """Rules that differ from those of the country files, for all accounts or for one."""
    if reference:
        click.echo(page(), nl=False)
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())


@rule.command("set")
@click.argument("name")
@click.argument("value")
@_account_option
@_country_option
@_note_option
@data_option
def rule_set(name: str, value: str, account_: str | None, country: str | None, note: str, data: Path | None) -> None:
    """Set a rule; messages are decided by it half a second later.

    \b
    chappe rule set marketing_hours strict --country FR --note "operator asks for 8:30"
    chappe rule set may_send no --note "only what we name" && chappe rule set may_send yes --country FR --note "home"
    chappe rule set messages_per_day 5000 --account shop@example.org --note "contract of May"
    """

    async def work(chappe: Chappe) -> None:
        place = (country or EVERYWHERE).upper()
        await chappe.rules.set([Override(_scope(chappe, account_), place, name, value, note)], actor())

    within(data, work)
    click.echo(f"{name} is {value}{_where(account_, country)}.")


@rule.command("unset")
@click.argument("name")
@_account_option
@_country_option
@_note_option
@data_option
def rule_unset(name: str, account_: str | None, country: str | None, note: str, data: Path | None) -> None:
    """Let the country's file, or the default, hold again."""

    async def work(chappe: Chappe) -> None:
        place = (country or EVERYWHERE).upper()
        await chappe.rules.unset(_scope(chappe, account_), place, name, actor(), note)

    within(data, work)
    click.echo(f"{name} is not set{_where(account_, country)} any more.")


@rule.command("list")
@json_option
@data_option
def rule_list(as_json: bool, data: Path | None) -> None:
    """Show everything that was set."""

    async def work(chappe: Chappe) -> list[Override]:
        return chappe.rules.all()

    found = within(data, work)
    if as_json:
        print_json([each._asdict() for each in found])
        return
    for each in found:
        whose = f"account {each.account_id}" if each.account_id != EVERYBODY else "installation"
        click.echo(f"{whose:<14} {each.country or '-':<3} {each.name:<20} {each.value}   ({each.note})")
    if not found:
        click.echo("Nothing was set: the country files and the settings hold. `chappe rule show` tells what they say.")


@rule.command("show")
@_account_option
@_country_option
@json_option
@data_option
def rule_show(account_: str | None, country: str | None, as_json: bool, data: Path | None) -> None:
    """Show what holds, for an account or for everybody, and where each rule comes from."""
    place = (country or EVERYWHERE).upper()

    async def work(chappe: Chappe) -> AccountRules:
        check_country(place)
        return chappe.rules.of(_account(chappe, account_) or _NOBODY)

    rules = within(data, work)
    found = [rules.because(name, place if RULES[name].has_country else EVERYWHERE) for name in RULES]
    if as_json:
        print_json([each._asdict() for each in found])
        return
    for each in found:
        click.echo(f"{each.rule:<20} {each.value or '-':<34} {told(each)}")


# Stands for any account that has no rules of its own.
_NOBODY = Account(EVERYBODY, EVERYBODY, None, "", "", None)


def _account(chappe: Chappe, named: str | None) -> Account | None:
    return chappe.use_cases.accounts.find(named) if named else None


def _scope(chappe: Chappe, named: str | None) -> int:
    account = _account(chappe, named)
    return account.id if account else EVERYBODY


def _where(account: str | None, country: str | None) -> str:
    return (f" in {country.upper()}" if country else "") + (f" for {account}" if account else "")


@click.group()
def rate() -> None:
    """Prices: the credits of a part, country by country."""


@rate.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_account_option
@_note_option
@data_option
def rate_load(file: Path, account_: str | None, note: str, data: Path | None) -> None:
    """Load a rate card: a TOML file with a line `FR = 1` or `IE = 0.8` for each country.

    `default = 1.5` is the price of all the others. Prices that the file does not name stay as they are. What was
    accepted before keeps its price.
    """
    prices = read_rates(file)

    async def work(chappe: Chappe) -> None:
        scope = _scope(chappe, account_)
        await chappe.rules.set([Override(scope, place, "price", text, note) for place, text in prices.items()], actor())

    within(data, work)
    click.echo(f"{len(prices)} prices are loaded{_where(account_, None)}.")


@rate.command("list")
@_account_option
@json_option
@data_option
def rate_list(account_: str | None, as_json: bool, data: Path | None) -> None:
    """Show the prices that differ from one credit a part."""

    async def work(chappe: Chappe) -> dict[str, str]:
        rules = chappe.rules.of(_account(chappe, account_) or _NOBODY)
        places = dict.fromkeys(each.country for each in chappe.rules.all() if each.name == "price")
        return {place or "default": rules.because("price", place).value for place in places}

    found = within(data, work)
    if as_json:
        print_json(found)
        return
    for place, price in found.items():
        click.echo(f"{place:<8} {price}")
    if not found:
        click.echo("Every country costs one credit a part.")
