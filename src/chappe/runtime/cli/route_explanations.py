"""`chappe route explain`, `test`, `apply` and `networks`: where routes lead, tried out and put to use."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from chappe.domain.accounts import Account
from chappe.domain.delay import sending_instant
from chappe.domain.errors import BadData
from chappe.domain.lane_health import Figures
from chappe.domain.lifecycle import FINAL
from chappe.domain.pricing import exact_credits
from chappe.domain.requests import Kind
from chappe.domain.routes import conditions_text
from chappe.domain.routing import IMPLIED, Candidate, Considered
from chappe.manage.routes import RouteExplanation
from chappe.pipeline.failover import reapply
from chappe.runtime.bootstrap import Chappe, route_tester
from chappe.runtime.cli.progress import bar
from chappe.runtime.cli.session import data_option, json_option, print_json, within
from chappe.store.clock import now_ms
from chappe.telecom.networks import networks_in

_AT = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
POLL_S = 0.2
# Stands for any account that no route names.
_ANYBODY = Account(0, 0, None, "", "FR", None)


@click.command("explain")
@click.option("--to", required=True, metavar="NUMBER", help="To whom.")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Who would send it.")
@click.option("--sender", help="Under which name.")
@click.option("--kind", type=click.Choice(["alert", "marketing"]), default="alert", show_default=True)
@click.option("--at", type=click.DateTime(_AT), help="As if it were then, in the time of Paris; now by default.")
@json_option
@data_option
def route_explain(
    to: str, account_: str | None, sender: str | None, kind: Kind, at: datetime | None, as_json: bool, data: Path | None
) -> None:
    """Say which carriers may take a message, in which order, and why the others do not."""
    now = int(sending_instant(at, "at").timestamp() * 1000) if at else None

    async def work(chappe: Chappe) -> RouteExplanation:
        account = chappe.use_cases.accounts.find(account_) if account_ else _ANYBODY
        return chappe.routes.explain(chappe.rules.of(account), to, sender=sender, kind=kind, at=now)

    told = within(data, work)
    if as_json:
        print_json(_as_json(told))
        return
    network = f", given to {told.network}" if told.network else ""
    shown = f"from {told.sender}" if told.sender else "from the carrier's own number"
    click.echo(f"To {told.number} in {told.country}{network}; {shown}; {exact_credits(told.price_mc)} credits a part.")
    for place, each in enumerate(told.candidates, 1):
        click.echo(f"  {place}. {_candidate(each)}")
    if not told.candidates:
        click.echo("  No carrier takes it: it would wait for one until its validity is over.")
    for other in told.considered:
        if other.why_not:
            click.echo(f"  -  {other.lane.name} by {_route(other)}: {other.why_not}")


def _candidate(each: Candidate) -> str:
    cost = f"{exact_credits(each.cost_mc)} credits" if each.cost_mc is not None else "cost not known"
    health = each.health.state + (f" ({each.health.reason})" if each.health.reason else "")
    return f"{each.lane.name} by {_route(each)}; {cost}; share {each.share:.0%}; {health}"


def _route(each: Candidate | Considered) -> str:
    if each.lane.is_sandbox:
        return "no route: of a demo account, nothing is sent to anybody"
    if each.route.id == IMPLIED:
        return "no route, as the first carrier"
    return f"route {each.route.id}: {conditions_text(each.route)}, rank {each.route.rank}"


def _as_json(told: RouteExplanation) -> dict[str, Any]:
    fields = told._asdict()
    fields["candidates"] = [
        {
            "carrier": each.lane.name, "route_id": each.route.id, "takes": conditions_text(each.route),
            "rank": each.route.rank, "cost_mc": each.cost_mc, "share": each.share,
            "health": each.health.state, "reason": each.health.reason,
        }
        for each in told.candidates
    ]  # fmt: skip
    fields["considered"] = [
        {"carrier": each.lane.name, "route_id": each.route.id, "why_not": each.why_not} for each in told.considered
    ]
    return fields


@click.command("networks")
@click.argument("country")
@json_option
def route_networks(country: str, as_json: bool) -> None:
    """Show the names of a country's networks, as --network takes them."""
    found = networks_in(country.strip().upper())
    if not found:
        raise BadData(f"no networks are known of {country!r}; two letters like FR", field="country")
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(found))


@click.command("figures")
@click.option("--carrier", "carrier_", required=True, metavar="NAME", help="Whose messages.")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 400 * 24), help="Of the last hours.")
@json_option
@data_option
def route_figures(carrier_: str, hours: int, as_json: bool, data: Path | None) -> None:
    """Show what became of the messages that a carrier got, by country, and how long the delivered ones took.

    What has no receipt yet counts as not arrived. Where no receipts are asked for nobody knows what arrived.
    """
    until = now_ms()
    found, is_told = within(data, lambda chappe: chappe.routes.figures(carrier_, until - hours * 3_600_000, until))
    rows = {**found, "all": sum(found.values(), Figures())} if len(found) != 1 else found
    if as_json:
        print_json({place: _figures_json(each, is_told=is_told) for place, each in rows.items()})
        return
    click.echo(f"{'':<6}" + "".join(f"{title:>11}" for title in _FIGURES))
    for place, each in rows.items():
        cells = [each.sent, each.refused, each.delivered, each.failed, each.unreported, each.unknown]
        delays = [f"{each.median_delay_s:.0f} s", f"{each.mean_delay_s:.0f} s"] if each.delivered else ["-", "-"]
        tally = each.tally()
        share = f"{tally.success:.1%}" if is_told and tally.samples else "-"
        click.echo(f"{place:<6}" + "".join(f"{cell:>11}" for cell in [*map(str, cells), share, *delays]))


_FIGURES = ("sent", "refused", "delivered", "failed", "no receipt", "unknown", "arrived", "half within", "mean")


def _figures_json(each: Figures, *, is_told: bool) -> dict[str, Any]:
    tally = each.tally()
    return {
        "sent": each.sent, "refused": each.refused, "delivered": each.delivered, "failed": each.failed,
        "unreported": each.unreported, "unknown": each.unknown,
        "success": tally.success if is_told and tally.samples else None,
        "median_delay_s": each.median_delay_s if each.delivered else None,
        "mean_delay_s": each.mean_delay_s if each.delivered else None,
    }  # fmt: skip


@click.command("test")
@click.option("--carrier", "carrier_", required=True, metavar="NAME", help="Through which carrier, and no other.")
@click.option("--to", required=True, metavar="NUMBER", help="To whom.")
@click.option("--text", default="A test of this route.", show_default=True)
@click.option("--sender", help="Under which name.")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Who pays for it; the first account by default.")
@click.option("--timeout", default=60, show_default=True, metavar="SECONDS", help="How long the receipt is waited for.")
@data_option
def route_test(
    carrier_: str, to: str, text: str, sender: str | None, account_: str | None, timeout: int, data: Path | None
) -> None:
    """Send one alert through exactly one carrier, and print each step until its receipt.

    The carrier may have test routes only, or none. It needs a running server.
    """

    async def work(chappe: Chappe) -> str:
        account = chappe.use_cases.accounts.find(account_) if account_ else chappe.use_cases.accounts.first()
        message = await route_tester(chappe).send(account, carrier_, to, text, sender)
        click.echo(f"Message {message} of {account.email} is on its way through {carrier_}.")
        return await _watch(chappe, message, timeout)

    state = within(data, work)
    if state != "delivered":
        raise click.ClickException(f"it is {state}" if state else f"no final receipt within {timeout} s")


async def _watch(chappe: Chappe, message: int, timeout_s: int) -> str:
    """Print the steps of a message as they come; its final state, empty when it has none in time."""
    loop = asyncio.get_running_loop()
    deadline, told = loop.time() + timeout_s, 0
    while True:
        trace = chappe.use_cases.messages.show(message)
        for step in trace.steps[told:]:
            at = datetime.fromtimestamp(step.at / 1000).strftime("%H:%M:%S.%f")[:-3]
            click.echo(f"  {at}  {step.step:<16} {step.detail}")
        told = len(trace.steps)
        if trace.message.state in FINAL:
            return trace.state
        if loop.time() >= deadline:
            return ""
        await asyncio.sleep(POLL_S)


@click.command("apply")
@data_option
def route_apply(data: Path | None) -> None:
    """Route what waits anew, by the routes of now. What a carrier has taken a part of stays where it is."""

    async def work(chappe: Chappe) -> int:
        with bar("routes") as show:
            return await reapply(chappe.store, show)

    click.echo(f"{within(data, work)} messages have another carrier now.")
