"""`chappe carrier`."""

from pathlib import Path
from typing import Any

import click

from chappe.carriers.kinds import settings_of
from chappe.carriers.profiles import GENERIC, names, profile
from chappe.carriers.refusals import FAILURES
from chappe.domain.errors import BadData
from chappe.manage.carrier_status import CONNECTION, CONNECTION_LIVE
from chappe.manage.carriers import Changes, made_from
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli import carrier_page
from chappe.runtime.cli.carrier_costs import cost
from chappe.runtime.cli.carrier_settings import read_settings, setting_flags, unset_names
from chappe.runtime.cli.http_carriers import COMMANDS, or_http
from chappe.runtime.cli.session import data_option, json_option, print_json, within


@click.group()
def carrier() -> None:
    """The carriers that take the messages."""


for _command in COMMANDS:
    carrier.add_command(_command)


@carrier.command("add")
@click.argument("name")
@or_http
@click.option("--profile", "profile_", default=GENERIC, metavar="NAME|FILE.toml", help="What is known of the carrier.")
@click.option("--smpp", metavar="HOST:PORT", help="Where the carrier's SMPP server listens.")
@setting_flags
@json_option
@data_option
def carrier_add(name: str, profile_: str, smpp: str, as_json: bool, data: Path | None, **given: Any) -> None:
    """Add a carrier; a running server binds to it at once. The first carrier is the default route.

    What the command line says wins over the profile; `chappe carrier profiles` lists those that there are.
    """
    known = profile(profile_)
    named = str(Path(profile_).resolve()) if profile_.endswith(".toml") else profile_
    settings = read_settings(known.kind, given, smpp)
    connection = {key: value for key, value in settings.items() if key in CONNECTION}
    options = {key: value for key, value in settings.items() if key not in CONNECTION}
    new = made_from(name, known, named, connection, options)
    found = within(data, lambda chappe: chappe.carriers.add(new), creates=True)
    if as_json:
        print_json({"carrier_id": found, "name": name})
    else:
        click.echo(f"Carrier {name} added. `chappe carrier list` shows whether it is bound.")


@carrier.command("list")
@json_option
@data_option
def carrier_list(as_json: bool, data: Path | None) -> None:
    """Show every carrier with the live state of its binds, and what keeps it from being faster."""
    found = within(data, lambda chappe: chappe.carriers.list())
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No carrier yet. Add one with `chappe carrier add NAME --smpp HOST:PORT ...`.")
    for status in found:
        for line in carrier_page.status_lines(status):
            click.echo(line)


@carrier.command("show")
@click.argument("name")
@click.option("--all", "all_of_them", is_flag=True, help="Show defaults too.")
@json_option
@data_option
def carrier_show(name: str, all_of_them: bool, as_json: bool, data: Path | None) -> None:
    """Show one carrier: its state, its oddities, and its settings with where they come from. Secrets are hidden."""
    status, values = within(data, lambda chappe: chappe.carriers.show(name))
    if as_json:
        print_json({"status": status, "settings": values})
        return
    lines = [*carrier_page.status_lines(status), *carrier_page.setting_lines(values, all_of_them=all_of_them)]
    click.echo("\n".join(lines))


@carrier.command("set")
@click.argument("name")
@click.option("--profile", "profile_", metavar="NAME|FILE.toml", help="Begin with another profile; keeps your own.")
@click.option("--smpp", metavar="HOST:PORT", help="Where the carrier's SMPP server listens.")
@setting_flags
@click.option("--unset", multiple=True, metavar="NAME", help="Go back to the profile's value, or the default.")
@data_option
def carrier_set(
    name: str, profile_: str | None, smpp: str | None, unset: tuple[str, ...], data: Path | None, **given: Any
) -> None:
    """Change a carrier. A running server takes it at once, and binds anew only where the change needs it."""
    if profile_ is not None and profile_.endswith(".toml"):
        profile_ = str(Path(profile_).resolve())

    async def work(chappe: Chappe) -> tuple[str, list[str]]:
        kind = await chappe.carriers.kind_of(name)
        changes = Changes(read_settings(kind, given, smpp), unset_names(kind, unset), profile_)
        if changes == Changes():
            raise BadData("say what to change: `chappe carrier set --help` lists it", field="options")
        return kind, await chappe.carriers.change(name, changes)

    kind, changed = within(data, work)
    live = {each.name for each in settings_of(kind).values() if each.is_live} | CONNECTION_LIVE
    if not changed:
        click.echo(f"Carrier {name}: that is how it was.")
    elif live.issuperset(changed):
        click.echo(f"Carrier {name} changed: {', '.join(changed)}. Its binds stay.")
    else:
        click.echo(f"Carrier {name} changed: {', '.join(changed)}. Its binds are made anew.")


@carrier.command("remove")
@click.argument("name")
@data_option
def carrier_remove(name: str, data: Path | None) -> None:
    """Remove a carrier. What waits for it goes to the carrier that serves its country then."""
    within(data, lambda chappe: chappe.carriers.remove(name))
    click.echo(f"Carrier {name} removed.")


@carrier.command("pause")
@click.argument("name")
@data_option
def carrier_pause(name: str, data: Path | None) -> None:
    """Hand nothing to a carrier any more. It stays bound: receipts and replies still come."""
    within(data, lambda chappe: chappe.carriers.pause(name))
    click.echo(f"Carrier {name} is paused; `chappe carrier resume {name}` goes on.")


@carrier.command("resume")
@click.argument("name")
@data_option
def carrier_resume(name: str, data: Path | None) -> None:
    """Hand messages to a paused carrier again."""
    within(data, lambda chappe: chappe.carriers.resume(name))
    click.echo(f"Carrier {name} gets messages again.")


@carrier.command("rebind")
@click.argument("name")
@data_option
def carrier_rebind(name: str, data: Path | None) -> None:
    """Make all connections of a carrier anew; what is in flight is waited for."""
    within(data, lambda chappe: chappe.carriers.rebind(name))
    click.echo(f"Carrier {name} binds anew; `chappe carrier list` shows how it goes.")


@carrier.command("test")
@click.argument("name")
@json_option
@data_option
def carrier_test(name: str, as_json: bool, data: Path | None) -> None:
    """Connect to an SMPP carrier, bind, unbind, and say what the centre said. Nothing is sent.

    It is one bind more than the running server has: some carriers allow so many and no more. What they deliver
    meanwhile is left for the server.
    """
    found = within(data, lambda chappe: chappe.carriers.test(name))
    if as_json:
        print_json([tried._asdict() | {"oddities": dict(tried.oddities)} for tried in found])
    else:
        click.echo("\n".join(carrier_page.trial_lines(found)))
    if not all(tried.is_good for tried in found):
        raise SystemExit(1)


@carrier.command("profiles")
@click.argument("name", required=False)
def carrier_profiles(name: str | None) -> None:
    """List what is known of carriers, or show one profile: its settings, notes and sources."""
    if name is None:
        for each in names():
            click.echo(f"{each:12} {profile(each).title}")
        click.echo("A file of your own works too: `chappe carrier add NAME --profile ./mine.toml`.")
        return
    click.echo("\n".join(carrier_page.profile_lines(name, profile(name))))


@carrier.command("options")
@click.option("--reference", is_flag=True, help="Print the page of the documentation.")
def carrier_options(reference: bool) -> None:
    """List every option of SMPP carriers, with what it is for, its values and its default.

    Carriers over HTTP have those about health, answers and look-ups, sender and receipt_errors too, and what
    `chappe carrier vendors` says.
    """
    click.echo(
        carrier_page.reference("smpp") if reference else "\n".join(carrier_page.option_lines("smpp")), nl=not reference
    )


@carrier.command("lookups")
@click.argument("name")
@click.option("--url", default="", help="Where the carrier answers look-ups; without it, it offers none any more.")
@click.option("--token", default="", help="Bearer token, or a whole Authorization header.")
@data_option
def carrier_lookups(name: str, url: str, token: str, data: Path | None) -> None:
    """Say where a carrier answers look-ups (POST /lookup)."""
    within(data, lambda chappe: chappe.carriers.offer_lookups(name, url, token))
    click.echo(f"Carrier {name} answers look-ups at {url} now." if url else f"Carrier {name} offers no look-ups now.")


@carrier.command("receipts")
@click.argument("name")
@click.option("--error", "errors", multiple=True, metavar="CODE=STATUS", help="Like 1=INVALID_DESTINATION; repeatable.")
@data_option
def carrier_receipts(name: str, errors: tuple[str, ...], data: Path | None) -> None:
    """Say what the carrier's error codes in receipts of failed messages mean, instead of what was said before.

    A number that is INVALID_DESTINATION goes to the NPAI list of the account. Without --error no code means anything.
    """
    table = dict(_failure(error) for error in errors)
    within(data, lambda chappe: chappe.carriers.read_receipts(name, table))
    click.echo(f"Carrier {name}: {len(table)} error code(s) are read now.")


carrier.add_command(cost)


def _failure(text: str) -> tuple[str, int]:
    code, _, status = text.partition("=")
    if status.strip().upper() not in FAILURES:
        raise BadData(f"must be CODE=STATUS with one of {', '.join(FAILURES)}, not {text!r}", field="--error")
    return code.strip(), FAILURES[status.strip().upper()]
