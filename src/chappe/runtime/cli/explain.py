"""`chappe explain`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.domain.delay import sending_instant
from chappe.domain.explanation import Explanation
from chappe.domain.requests import SubmitRequest
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within
from chappe.surfaces.http.smsfactor.explain import explained

_AT = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


@click.command()
@click.option("--account", "account_", required=True, metavar="ID|EMAIL", help="Who would send it.")
@click.option("--to", required=True, metavar="NUMBER", help="To whom.")
@click.option("--text", required=True, help="What: [info1] to [info4] stay empty.")
@click.option("--sender", help="Under which name.")
@click.option("--marketing", is_flag=True, help="As marketing; an alert by default.")
@click.option("--unicode", "is_unicode", is_flag=True, help="With all its characters, in shorter parts.")
@click.option("--delay", metavar="DATE", help='Not at once but then, like "2026-11-22 12:00:00", in the time of Paris.')
@click.option("--link", "links", multiple=True, metavar="URL", help="Where a <-short-> of the text leads.")
@click.option("--at", type=click.DateTime(_AT), help="As if it were then, in the time of Paris; now by default.")
@json_option
@data_option
def explain(
    account_: str,
    to: str,
    text: str,
    sender: str | None,
    marketing: bool,
    is_unicode: bool,
    delay: str | None,
    links: tuple[str, ...],
    at: datetime | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Say what would become of one message, and why; nothing is sent.

    \b
    chappe explain --account shop@example.org --to 0612345678 --marketing --sender Acme --text "Sale on Sunday"
    """
    request = SubmitRequest(
        text, [to], "marketing" if marketing else "alert", sender, delay, is_unicode, links=list(links)
    )
    now = int(sending_instant(at, "at").timestamp() * 1000) if at else None

    async def work(chappe: Chappe) -> Explanation:
        account = chappe.use_cases.accounts.find(account_)
        return await chappe.use_cases.explainer.explain(account, request, now)

    told = within(data, work)
    if as_json:
        print_json(explained(told))
        return
    # Only this needs it, and it takes longer to load than most commands to run.
    from rich.console import Console

    from chappe.runtime.cli.explanation_page import explanation_page

    Console(highlight=False).print(explanation_page(told))
