"""`chappe reply`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.manage.replies import AnyReply
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, visible, within

_SHOWN_CHARACTERS = 60


@click.group()
def reply() -> None:
    """What people answered, whosever it is."""


@reply.command("list")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Only those of this account.")
@click.option("--unmatched", is_flag=True, help="Only those that are nobody's.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@json_option
@data_option
def reply_list(account_: str | None, unmatched: bool, limit: int, as_json: bool, data: Path | None) -> None:
    """List replies, the newest first, with whose they are."""

    async def work(chappe: Chappe) -> list[AnyReply]:
        account = chappe.use_cases.accounts.find(account_) if account_ else None
        return await chappe.use_cases.replies.newest(account, limit, is_unmatched=unmatched)

    found = within(data, work)
    if as_json:
        print_json(found)
        return
    for each in found:
        _print(each)
    if not found:
        click.echo("No reply.")


@reply.command("assign")
@click.argument("id_", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--account", "account_", metavar="ID|EMAIL", required=True, help="Whose it is.")
@data_option
def reply_assign(id_: int, account_: str, data: Path | None) -> None:
    """Give a reply that is nobody's to an account: it gets its event and its place in the lists; STOP is heeded."""

    async def work(chappe: Chappe) -> None:
        await chappe.use_cases.replies.assign(id_, chappe.use_cases.accounts.find(account_), actor())

    within(data, work)
    click.echo(f"Reply {id_} is {account_}'s now.")


def _print(each: AnyReply) -> None:
    at = datetime.fromtimestamp(each.received_at / 1000).strftime("%Y-%m-%d %H:%M:%S")
    text = visible(each.text[:_SHOWN_CHARACTERS]) + ("…" if len(each.text) > _SHOWN_CHARACTERS else "")
    whose = f"{each.account}, {each.kind}" if each.account else each.state
    ticket = f", ticket {each.campaign_id}" if each.campaign_id is not None else ""
    gaps = f", {each.missing} part(s) never came" if each.missing else ""
    click.echo(f"{each.id:<8} {at}  {each.source} to {each.destination}  {text!r}  [{whose}{ticket}{gaps}]")
