"""`chappe message`."""

from datetime import datetime
from pathlib import Path
from typing import cast

import click

from chappe.domain.encodings import encoding_name
from chappe.domain.lifecycle import Dlr, Queue
from chappe.domain.privacy import ERASED
from chappe.manage.messages import MessageTrace
from chappe.manage.unknowns import UnknownMessage
from chappe.pipeline.settle import Verdict
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, within

MAX_OF_TICKET = 20


@click.group()
def message() -> None:
    """Single messages."""


@message.command("show")
@click.argument("id_", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--ticket", is_flag=True, help=f"ID is a campaign's ticket: show its first {MAX_OF_TICKET} messages.")
@json_option
@data_option
def message_show(id_: int, ticket: bool, as_json: bool, data: Path | None) -> None:
    """Show every step of one message with its time. ID is the message_id of GET /messages."""

    async def work(chappe: Chappe) -> list[MessageTrace]:
        messages = chappe.use_cases.messages
        ids = messages.of_ticket(id_, MAX_OF_TICKET) if ticket else [id_]
        return [messages.show(each) for each in ids]

    found = within(data, work)
    if as_json:
        # The state in words; the row's own is a number.
        shown = [
            {**trace.message._asdict(), "state": trace.state, "steps": trace.steps, "held_by": trace.held_by}
            for trace in found
        ]
        print_json(shown if ticket else shown[0])
        return
    for trace in found:
        _print(trace)


@message.command("unknown")
@click.option("--carrier", metavar="NAME", help="Only those of this carrier.")
@click.option("--older", type=click.IntRange(0), metavar="SECONDS", help="Only those unknown for so long.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@json_option
@data_option
def message_unknown(carrier: str | None, older: int | None, limit: int, as_json: bool, data: Path | None) -> None:
    """List messages that a carrier never answered, and what will be done about each, when.

    `chappe carrier set NAME --on-unknown` says what is done; `chappe message settle` ends one by hand.
    """
    found = within(data, lambda chappe: chappe.unknown_messages.list(carrier, older, limit))
    if as_json:
        print_json(found)
        return
    for each in found:
        _print_unknown(each)
    if not found:
        click.echo("No message is unknown.")


@message.command("settle")
@click.argument("id_", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.argument("verdict", type=click.Choice(["delivered", "failed", "resend"]))
@click.option("--note", default="", help="Why, for the trace and the audit log.")
@data_option
def message_settle(id_: int, verdict: str, note: str, data: Path | None) -> None:
    """Decide by hand about a message whose end nobody told: it was delivered, it failed, or it is to be sent again.

    Delivered and failed stay paid. A message that is sent again may reach the person twice.
    """
    within(data, lambda chappe: chappe.settler.settle(id_, cast(Verdict, verdict), actor(), note))
    click.echo(f"Message {id_}: {'it is sent again' if verdict == 'resend' else verdict}.")


def _print_unknown(each: UnknownMessage) -> None:
    since = f" since {_time(each.since)}" if each.since else ""
    click.echo(f"{each.id:<10} {each.carrier or '-'}  {each.kind} to {each.number} ({each.country}){since}")
    click.echo(f"           {each.policy}: {each.next} at {_time(each.decides_at)}")


def _print(trace: MessageTrace) -> None:
    what = trace.message
    click.echo(f"Message {what.id}: {trace.state}, status {what.dlr} {Dlr(what.dlr).name}")
    number = str(what.number)
    lines = {
        "campaign": f"{what.campaign_id} of account {what.account_id}, {what.kind}",
        "to": f"{number[:-4]}**** ({what.country})" if what.number != ERASED else f"erased ({what.country})",
        "sender": what.sender or "the carrier's own number",
        "text": f"{len(what.text)} characters, {encoding_name(what.encoding)}, {what.parts} part(s)",
        "reference": what.client_ref or "-",
        "valid until": _time(what.expires_at),
    }
    if what.queue_state == Queue.SCHEDULED and what.ready_at:
        lines["waits until"] = _time(what.ready_at) + (f", {trace.held_by}" if trace.held_by else "")
    if what.queue_state == Queue.UNKNOWN and what.ready_at:
        lines["decided at"] = _time(what.ready_at) + ", by the carrier's policy: `chappe message unknown`"
    for name, value in lines.items():
        click.echo(f"  {name:<12}{value}")
    for step in trace.steps:
        click.echo(f"  {_time(step.at)}  {step.step:<16} {step.detail}")


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
