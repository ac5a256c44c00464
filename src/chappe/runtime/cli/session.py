"""What every command shares: the settings it runs with, an opened installation, a printed answer."""

import asyncio
import errno
import os
import pwd
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from chappe.runtime import settings as settings_table
from chappe.runtime import telemetry
from chappe.runtime.bootstrap import Chappe, opened

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def data_option(command: Command) -> Command:
    """Let a command say which installation it is about."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the embedded database.  [default: ./chappe-data]",
    )(command)


def json_option(command: Command) -> Command:
    """Let a command print JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def within(data: Path | None, work: Callable[[Chappe], Awaitable[T]], *, creates: bool = False) -> T:
    """Do some work in the installation that the settings and `--data` name; only some commands may create it."""
    settings = settings_table.load(data=data)
    if not creates and not settings.database.exists():
        raise click.ClickException(
            f"there is no database {settings.database}: name its folder with --data, or make one with `chappe serve`, "
            "`chappe account create` or `chappe carrier add`"
        )
    telemetry.configure("warning", settings.log_format)

    async def run() -> T:
        async with opened(settings) as chappe:
            return await work(chappe)

    return asyncio.run(run())


def actor() -> str:
    """Who calls the command line, for the audit log: `cli:` and the login name, under `sudo` that of who called it."""
    try:
        name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container whose user has no name
        name = str(os.getuid())
    return f"cli:{name}"


def visible(text: str) -> str:
    """What a customer wrote, on one line: signs that would move the cursor or hide letters are spelt out."""
    return "".join([sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text])


def print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value).decode())


def check_free(host: str, port: int) -> None:
    """Say clearly that an address cannot be listened on, before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is in use: stop what listens there, or choose another with an option"
        else:
            reason = f"cannot be listened on: {error.strerror or error}"
        raise click.ClickException(f"{host} port {port} {reason}") from None
