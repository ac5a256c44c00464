"""`chappe sender`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from chappe.domain.registrations import Registration
from chappe.domain.rulebook import EVERYBODY
from chappe.manage.senders import Decision
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, visible, within


@click.group()
def sender() -> None:
    """Senders that were registered, for countries that show no others."""


@sender.command("list")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Only what this account registered.")
@click.option("--waiting", is_flag=True, help="Only those that nobody has decided about.")
@json_option
@data_option
def sender_list(account_: str | None, waiting: bool, as_json: bool, data: Path | None) -> None:
    """List the registered senders, the oldest first. Times are UTC."""

    async def work(chappe: Chappe) -> list[Registration]:
        owner = chappe.use_cases.accounts.find(account_).id if account_ else None
        found = await chappe.use_cases.senders.all(is_waiting=waiting)
        return [each for each in found if owner in (None, each.account_id)]

    found = within(data, work)
    if as_json:
        print_json([each._asdict() | {"state": each.state.name.lower()} for each in found])
        return
    for each in found:
        at = datetime.fromtimestamp(each.created_at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = "  ".join(filter(None, (each.purpose, f"({each.note})" if each.note else "")))
        what = f"{each.id:>6}  {at}  {each.state.name.lower():<8}  {each.text:<15} {each.country or 'everywhere':<10}"
        click.echo(f"{what}  {_whose(each)}  {visible(said)}".rstrip())


@sender.command("add")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Whose it is.  [default: everybody's]")
@click.option("--text", required=True, help="The name, or the number that the platform has.")
@click.option("--country", default="", metavar="CODE", help="Where it holds.  [default: everywhere]")
@click.option("--note", required=True, help="Why, for the audit log.")
@data_option
def sender_add(account_: str | None, text: str, country: str, note: str, data: Path | None) -> None:
    """Give a sender to an account, or to everybody, approved at once."""

    async def work(chappe: Chappe) -> Registration:
        owner = chappe.use_cases.accounts.find(account_) if account_ else None
        return await chappe.use_cases.senders.add(owner, text, country, actor(), note)

    _say(within(data, work))


@sender.command("approve")
@click.argument("id_", metavar="ID", type=int)
@click.option("--note", required=True, help="What the account is told, for the audit log too.")
@data_option
def sender_approve(id_: int, note: str, data: Path | None) -> None:
    """Let an account send under what it registered; it is told by mail."""
    _decide(id_, "approve", note, data)


@sender.command("refuse")
@click.argument("id_", metavar="ID", type=int)
@click.option("--note", required=True, help="What the account is told, for the audit log too.")
@data_option
def sender_refuse(id_: int, note: str, data: Path | None) -> None:
    """Do not let an account send under what it registered; it is told by mail."""
    _decide(id_, "refuse", note, data)


@sender.command("remove")
@click.argument("id_", metavar="ID", type=int)
@click.option("--note", required=True, help="Why, for the audit log.")
@data_option
def sender_remove(id_: int, note: str, data: Path | None) -> None:
    """Take a registered sender away."""

    async def work(chappe: Chappe) -> Registration:
        return await chappe.use_cases.senders.remove(id_, actor(), note)

    removed = within(data, work)
    click.echo(f"Sender {removed.id}, {removed.text}, is removed.")


def _decide(id_: int, decision: Decision, note: str, data: Path | None) -> None:
    async def work(chappe: Chappe) -> Registration:
        return await chappe.use_cases.senders.decide(id_, decision, actor(), note)

    _say(within(data, work))


def _say(row: Registration) -> None:
    place = row.country or "everywhere"
    click.echo(f"Sender {row.id}, {row.text} ({place}), is {row.state.name.lower()} for {_whose(row)}.")


def _whose(row: Registration) -> str:
    return "everybody" if row.account_id == EVERYBODY else f"account {row.account_id}"
