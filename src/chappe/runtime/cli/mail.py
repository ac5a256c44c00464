"""`chappe mail`."""

import asyncio
from pathlib import Path

import click

from chappe import __version__
from chappe.carriers.smtp import Away, NotTaken, Taken, connected
from chappe.domain.mails import MailServer, mail_address, mail_octets
from chappe.runtime import settings as settings_table
from chappe.runtime.cli.session import data_option
from chappe.store.clock import now_ms


@click.group()
def mail() -> None:
    """Mails to customers."""


@mail.command("test")
@click.option("--to", required=True, metavar="ADDRESS", help="To whom it is sent.")
@data_option
def mail_test(to: str, data: Path | None) -> None:
    """Send one mail at once, and say what happened: whether the settings of the mail server are right."""
    server = settings_table.load(data=data).mail_server
    if server is None:
        raise click.ClickException("no mail server is set up: set CHAPPE_SMTP_URL and CHAPPE_MAIL_FROM")
    click.echo(asyncio.run(_send(server, mail_address(to, field="--to"))))


async def _send(server: MailServer, to: str) -> str:
    at = now_ms()
    body = f"This mail was sent by `chappe mail test` of Chappe {__version__}: the mail server's settings are right.\n"
    octets = mail_octets(server.sender, to, "Mails from Chappe arrive", body, id_=f"test.{at}", at=at)
    try:
        async with connected(server) as connection:
            how = "encrypted" if connection.is_encrypted else "not encrypted"
            outcome = await connection.send(to, octets)
    except Away as away:
        raise click.ClickException(str(away)) from None
    where = f"{server.host} port {server.port} ({how})"
    match outcome:
        case Taken(reply):
            return f"{where} took the mail: {reply}"
        case NotTaken(reason, is_permanent):
            again = "for good" if is_permanent else "for now: a mail of the outbox would be tried again"
            raise click.ClickException(f"{where} refuses the mail {again}: {reason}")
