"""`chappe serve`, `chappe migrate` and `chappe settings`."""

import asyncio
from pathlib import Path
from typing import cast

import click

from chappe.runtime import process, telemetry
from chappe.runtime import settings as settings_table
from chappe.runtime.cli.session import check_free, data_option, json_option, print_json
from chappe.runtime.process import ROLES, Role
from chappe.runtime.supervisor import Supervisor
from chappe.store.migrations import migrate as migrate_database


@click.command()
@click.option("--host", help="Address the API listens on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port the API listens on.  [default: 8000]")
@click.option(
    "--role",
    type=click.Choice(["all", *ROLES]),
    default="all",
    show_default=True,
    help="api answers customers over HTTP, smpp over SMPP, gateway talks to carriers, worker posts webhooks and ends "
    "what is overdue.",
)
@data_option
def serve(host: str | None, port: int | None, role: str, data: Path | None) -> None:
    """Run the server until Ctrl-C or SIGTERM.

    With `--role all` every role is a process of its own that is restarted when it dies.
    """
    settings = settings_table.load(data=data, host=host, port=port)
    telemetry.configure(settings.log_level, settings.log_format)
    if role in ("all", "api"):
        check_free(settings.host, settings.port)
    if role == "all":
        asyncio.run(Supervisor(settings).run())
    else:
        process.run(cast(Role, role), settings)


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Create or upgrade the database. `serve` does it too; a running older server goes on working."""
    settings = settings_table.load(data=data)
    before, after = migrate_database(settings.database)
    if before == after:
        click.echo(f"{settings.database} is up to date ({after}).")
    else:
        click.echo(f"{settings.database}: {before or 'created'} -> {after}.")


@click.command()
@click.option("--reference", is_flag=True, help="Print the table of all settings in Markdown.")
@json_option
@data_option
def settings(reference: bool, as_json: bool, data: Path | None) -> None:
    """Show the effective settings, secrets masked."""
    if reference:
        click.echo(settings_table.reference(), nl=False)
        return
    shown = settings_table.shown(settings_table.load(data=data))
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{settings_table.PREFIX}{name.upper():<26} {value or '-'}")
