"""`chappe moderation`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.manage.moderation import HeldCampaign
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, visible, within

_SHOWN_CHARACTERS = 60
_ticket = click.argument("ticket", type=click.IntRange(1, 2**63 - 1))


@click.group()
def moderation() -> None:
    """Campaigns that wait for a person: approve or refuse them.

    \b
    chappe rule set hold_words "bank,parcel" --note "phishing of May"
    chappe rule set hold_first_days 14 --note "new customers are looked at"

    docs/moderation.md tells more.
    """


@moderation.command("list")
@json_option
@data_option
def moderation_list(as_json: bool, data: Path | None) -> None:
    """List the campaigns that wait, the oldest first."""

    async def work(chappe: Chappe) -> list[HeldCampaign]:
        return chappe.moderation.waiting()

    found = within(data, work)
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(
            f"{each.ticket:<8} {_time(each.held_at)}  {each.account}  {each.messages} message(s), {each.cost} credit(s)"
            f"  from {each.sender or '-'}: {_short(each.text)!r}  [{_findings(each)}]"
        )
    if not found:
        click.echo("No campaign waits.")


@moderation.command("show")
@_ticket
@json_option
@data_option
def moderation_show(ticket: int, as_json: bool, data: Path | None) -> None:
    """Show a campaign that waits, or was decided about."""

    async def work(chappe: Chappe) -> HeldCampaign:
        return chappe.moderation.show(ticket)

    found = within(data, work)
    if as_json:
        print_json(found)
        return
    click.echo(f"Campaign {found.ticket}: {found.standing}")
    lines = {
        "account": f"{found.account} ({found.account_id})",
        "accepted": _time(found.held_at),
        "planned for": _time(found.send_at),
        "kind": found.kind,
        "sender": found.sender or "the carrier's own number",
        "text": visible(found.text),
        "size": f"{found.messages} message(s), {found.cost} credit(s)",
        "to": ", ".join(found.recipients) or "-",
        "because": _findings(found) or "-",
    }
    if found.decided_at is not None:
        lines["decided"] = f"{_time(found.decided_at)}; `chappe audit list --action moderation` says by whom and why"
    for name, value in lines.items():
        click.echo(f"  {name:<12}{value}")


@moderation.command("approve")
@_ticket
@click.option("--note", default="", help="Why, for the audit log.")
@data_option
def moderation_approve(ticket: int, note: str, data: Path | None) -> None:
    """Let a campaign go: at its planned time, or now when that is over."""

    async def work(chappe: Chappe) -> bool:
        return await chappe.moderation.approve(ticket, actor(), note)

    is_new = within(data, work)
    click.echo(f"Campaign {ticket} {'is approved' if is_new else 'was approved before'}.")


@moderation.command("refuse")
@_ticket
@click.option("--note", required=True, help="Why, for the audit log.")
@click.option("--tell", default="", help="What to say about it in the mail to the account.")
@data_option
def moderation_refuse(ticket: int, note: str, tell: str, data: Path | None) -> None:
    """Send nothing of a campaign: its credits are given back, and its account is told by mail."""

    async def work(chappe: Chappe) -> bool:
        return await chappe.moderation.refuse(ticket, actor(), note, tell)

    is_new = within(data, work)
    click.echo(f"Campaign {ticket} {'is refused' if is_new else 'was refused before'}.")


def _findings(held: HeldCampaign) -> str:
    return ", ".join(f"{finding.rule}: {finding.matched}" for finding in held.findings)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d %H:%M:%S")
