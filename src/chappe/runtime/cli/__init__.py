"""The command line: `chappe`, and every command under it."""

import sys

import click

from chappe import __version__
from chappe.domain.errors import Refusal, Unavailable
from chappe.runtime.cli import accounts, carriers, demo, messages, serve, simulator
from chappe.runtime.process import AlreadyRunning
from chappe.runtime.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="chappe")
def cli() -> None:
    """Chappe: a self-hosted SMS platform.

    Settings come from the environment (CHAPPE_...), from the TOML file that CHAPPE_CONFIG names, or from
    the options of a command. `chappe settings` shows what is in force. All commands work while the server runs.
    """


for command in (
    serve.serve,
    serve.migrate,
    serve.settings,
    demo.demo,
    simulator.simulator,
    accounts.account,
    accounts.token,
    accounts.wallet,
    carriers.carrier,
    carriers.route,
    messages.message,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; a refusal is one line on standard error, never a traceback."""
    try:
        cli()
    except SettingsError as error:
        for fault in error.faults:
            click.echo(f"Error: {fault}", err=True)
        sys.exit(2)
    except (Refusal, AlreadyRunning) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except Unavailable as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(3)
