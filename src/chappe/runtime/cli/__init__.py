"""The command line: `chappe`, and every command under it."""

import sys
from importlib import import_module
from typing import NamedTuple

import click

from chappe.domain.errors import Refusal, Unavailable
from chappe.runtime.process import AlreadyRunning
from chappe.runtime.settings import SettingsError


class _Place(NamedTuple):
    """Where a command is defined, and its line in the overview."""

    module: str
    name: str
    help: str


# Loaded when they are called: `chappe message show` need not wait for a web server's imports.
COMMANDS = {
    "serve": _Place("serve", "serve", "Run the server until Ctrl-C or SIGTERM."),
    "demo": _Place("demo", "demo", "Start Chappe with a simulated carrier and a demo account."),
    "simulator": _Place("simulator", "simulator", "Run a simulated carrier that misbehaves on demand."),
    "account": _Place("accounts", "account", "Customers' accounts."),
    "token": _Place("accounts", "token", "API tokens."),
    "credits": _Place("credits", "wallet", "Credits: add, transfer, show, limit."),
    "invoice": _Place("invoices", "invoice", "The invoices of top-ups."),
    "lookup": _Place("lookups", "lookup", "What carriers told about numbers."),
    "carrier": _Place("carriers", "carrier", "The carriers that take the messages."),
    "route": _Place("routes", "route", "Which carrier takes which messages."),
    "rule": _Place("rules", "rule", "Rules other than those of the country files."),
    "rate": _Place("rules", "rate", "Prices, country by country."),
    "sender": _Place("senders", "sender", "Registered senders: list, add, approve, refuse, remove."),
    "explain": _Place("explain", "explain", "What would become of one message, and why."),
    "message": _Place("messages", "message", "Single messages."),
    "number": _Place("numbers", "number", "Numbers and keywords at which people reach accounts."),
    "reply": _Place("replies", "reply", "What people answered: list it, give away what is nobody's."),
    "mail": _Place("mail", "mail", "Mails to customers."),
    "bind": _Place("binds", "bind", "Who binds over SMPP: create, list, set, remove, kick."),
    "list": _Place("lists", "contact_list", "Contact lists, and files of contacts for them."),
    "audit": _Place("audit", "audit", "What was done to the installation, and by whom."),
    "country": _Place("countries", "country", "What is known of countries, and what of it is enforced."),
    "moderation": _Place("moderation", "moderation", "Campaigns that wait for a person: approve or refuse them."),
    "privacy": _Place("privacy", "privacy", "One person's data: export it, erase it."),
    "settings": _Place("serve", "settings", "Show the effective settings, secrets masked."),
    "migrate": _Place("serve", "migrate", "Create or upgrade the database."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(import_module(f"chappe.runtime.cli.{place.module}"), place.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chappe")
def cli() -> None:
    """Chappe: a self-hosted SMS platform.

    Settings come from the environment (CHAPPE_...), from the TOML file that CHAPPE_CONFIG names, or from
    the options of a command. `chappe settings` shows what is in force. All commands work while the server runs.
    """


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
