"""`chappe number`."""

from pathlib import Path

import click

from chappe.domain.inbound import InboundNumber
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, within

_keyword = click.option("--keyword", metavar="WORD", help="Only texts that begin with this word.")


@click.group()
def number() -> None:
    """Numbers and keywords at which people reach accounts.

    \b
    chappe number add 36180 --account shop@example.org --keyword PROMO
    chappe number add +33644630000 --account shop@example.org

    A text goes to the account of its first word at that number, else to the account of the number, else to whoever
    wrote last to its sender. docs/replies.md tells more.
    """


@number.command("add")
@click.argument("number_", metavar="NUMBER")
@click.option("--account", "account_", metavar="ID|EMAIL", required=True, help="Whose it is from now on.")
@_keyword
@data_option
def number_add(number_: str, account_: str, keyword: str | None, data: Path | None) -> None:
    """Give a number, or a keyword at it, to an account. NUMBER is a short code, or a number with its country code."""

    async def work(chappe: Chappe) -> InboundNumber:
        account = chappe.use_cases.accounts.find(account_)
        return await chappe.inbound.add(account, number_, keyword, actor())

    click.echo(f"{_said(within(data, work))} is {account_}'s now.")


@number.command("list")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Only those of this account.")
@json_option
@data_option
def number_list(account_: str | None, as_json: bool, data: Path | None) -> None:
    """List numbers and keywords with their accounts."""

    async def work(chappe: Chappe) -> list[tuple[InboundNumber, str]]:
        owner = chappe.use_cases.accounts.find(account_) if account_ else None
        found = await chappe.inbound.list(owner)
        emails = {each: chappe.use_cases.accounts.find(each).email for each in {row.account_id for row in found}}
        return [(row, emails[row.account_id]) for row in found]

    found = within(data, work)
    if as_json:
        print_json([row._asdict() | {"account": email} for row, email in found])
        return
    for row, email in found:
        click.echo(f"{row.number:<16} {row.keyword or 'everything else':<21} {email}")
    if not found:
        click.echo("No number is given to an account: texts go to whoever wrote last to their senders.")


@number.command("remove")
@click.argument("number_", metavar="NUMBER")
@_keyword
@data_option
def number_remove(number_: str, keyword: str | None, data: Path | None) -> None:
    """Take a number, or a keyword at it, from its account. NUMBER as `chappe number list` shows it."""
    click.echo(
        f"{_said(within(data, lambda chappe: chappe.inbound.remove(number_, keyword, actor())))} is nobody's now."
    )


def _said(row: InboundNumber) -> str:
    return f"{row.keyword} at {row.number}" if row.keyword else row.number
