"""`chappe bind`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click
import msgspec

from chappe.domain.bind_users import BindOptions, BindUser, DefaultAlphabet, Ia5
from chappe.domain.requests import Kind
from chappe.manage.bind_users import BindView
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.bind_page import as_json as view_as_json
from chappe.runtime.cli.bind_page import lines
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, within

Command = TypeVar("Command", bound=Callable[..., Any])
_DEFAULTS: Final = BindOptions()


_OPTIONS: Final = (
    click.option(
        "--window", type=int, help=f"Submits of one connection that wait for our answer.  [{_DEFAULTS.window}]"
    ),
    click.option(
        "--rate",
        type=int,
        help="Messages a second, over all connections: submits and parts, of submit_multi each destination; 0 for no"
        " limit.  [0]",
    ),
    click.option("--binds", type=int, help=f"Connections at the same time.  [{_DEFAULTS.binds}]"),
    click.option(
        "--network",
        "networks",
        multiple=True,
        metavar="NETWORK",
        help="Who may connect, like 192.0.2.0/24; several times; `any` for everybody.  [any]",
    ),
    click.option("--tls/--no-tls", default=None, help="Only over TLS.  [no]"),
    click.option(
        "--certificate",
        metavar="NAME",
        help="Only with a client certificate of exactly this name, as CN or DNS name; `none` for no need.  [none]",
    ),
    click.option(
        "--alphabet",
        type=click.Choice(get_args(DefaultAlphabet)),
        help=f"What data_coding 0 means.  [{_DEFAULTS.alphabet}]",
    ),
    click.option(
        "--ia5",
        type=click.Choice(get_args(Ia5)),
        help=f"What data_coding 1 means: some programs write GSM-7 under this name.  [{_DEFAULTS.ia5}]",
    ),
    click.option("--kind", type=click.Choice(get_args(Kind)), help=f"What the messages are.  [{_DEFAULTS.kind}]"),
    click.option("--replies/--no-replies", default=None, help="Whether it gets replies.  [yes]"),
    click.option(
        "--deliveries",
        type=int,
        help=f"Receipts and replies of one connection that wait for its answer.  [{_DEFAULTS.deliveries}]",
    ),
)


def _options(command: Command) -> Command:
    """What a bind user may do, as options of a command; what is not given is None."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def bind() -> None:
    """Customers' programs that bind over SMPP. Changes take effect within a second, without a restart."""


@bind.command("create")
@click.option("--account", required=True, metavar="ID|EMAIL", help="Whose messages these are.")
@click.option("--system-id", required=True, help="At most 15 characters.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="4 to 8 characters.")
@_options
@data_option
def create(account: str, system_id: str, password: str, data: Path | None, **given: Any) -> None:
    """Let an account's programs bind."""

    async def work(chappe: Chappe) -> BindUser:
        owner = chappe.use_cases.accounts.find(account)
        options = msgspec.structs.replace(_DEFAULTS, **_changes(given))
        return await chappe.binds.create(owner, system_id, password, options, actor())

    made = within(data, work)
    click.echo(f"{made.system_id} may bind for account {made.account.id}.")


@bind.command("list")
@json_option
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """Show bind users, their binds now, and what waits for them."""
    found: list[BindView] = within(data, lambda chappe: chappe.binds.list())
    if as_json:
        print_json([view_as_json(each) for each in found])
        return
    for each in found:
        for line in lines(each):
            click.echo(line)


@bind.command("set")
@click.argument("system_id")
@click.option("--password", help="4 to 8 characters; ends the binds made with the old one.")
@_options
@data_option
def set_(system_id: str, password: str | None, data: Path | None, **given: Any) -> None:
    """Change what a user may do; what is not named stays."""
    changes = _changes(given)
    if not changes and password is None:
        raise click.UsageError("name what is to change: see --help")
    within(data, lambda chappe: chappe.binds.change(system_id, changes, password, actor()))
    click.echo(f"{system_id} is changed.")


@bind.command("remove")
@click.argument("system_id")
@data_option
def remove(system_id: str, data: Path | None) -> None:
    """Take a user away: his binds end, and what waits for him is given up."""
    lost = within(data, lambda chappe: chappe.binds.remove(system_id, actor()))
    waited = f" {lost} receipts and replies that waited for it are gone." if lost else ""
    click.echo(f"{system_id} is removed.{waited}")


@bind.command("kick")
@click.argument("system_id")
@data_option
def kick(system_id: str, data: Path | None) -> None:
    """End a user's binds now; it may bind again."""
    count = within(data, lambda chappe: chappe.binds.kick(system_id, actor()))
    click.echo(f"{count} bind{'' if count == 1 else 's'} of {system_id} end{'s' if count == 1 else ''} now.")


def _changes(given: dict[str, Any]) -> dict[str, object]:
    """The options that were given."""
    changes: dict[str, object] = {name: value for name, value in given.items() if value not in (None, ())}
    if changes.get("networks") == ("any",):
        changes["networks"] = ()
    if changes.get("certificate") == "none":
        changes["certificate"] = ""
    return changes
