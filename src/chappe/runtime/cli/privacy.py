"""`chappe privacy`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from chappe.domain.accounts import Account
from chappe.domain.privacy import Person, read_person
from chappe.manage.dossier import Dossier
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.progress import bar
from chappe.runtime.cli.session import actor, data_option, json_option, print_json, within

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def privacy() -> None:
    """One person's data, as he may ask for it: export it, erase it (GDPR, articles 15, 17 and 20)."""


def _country(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    if given is None:
        return None
    if len(given) != 2 or not given.isalpha():
        raise click.BadParameter("must be a country's two letters, as FR")
    return given.upper()


def _person_options(command: Command) -> Command:
    """Whom a command is about, and whose data of him."""
    country = click.option(
        "--country", callback=_country, metavar="FR", help="Whose national number NUMBER is, if it is one."
    )
    account = click.option(
        "--account", "account_", metavar="ID|EMAIL", help="Only what this account has.  [default: all accounts]"
    )
    return click.argument("number")(account(country(data_option(command))))


@privacy.command("export")
@_person_options
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write it there, readable by you alone.  [default: print it]",
)  # fmt: skip
def privacy_export(
    number: str, account_: str | None, country: str | None, data: Path | None, output: Path | None
) -> None:
    """Export everything the installation has of who owns NUMBER, as JSON to be handed to that person.

    Lists he is on, messages, replies, clicks, opt-outs, look-ups, and what customers' servers were told of him. All
    messages are read: a second for ten million. The audit log notes that you did it.
    """
    person = read_person(number, country)

    async def work(chappe: Chappe) -> Dossier:
        with bar("Searching") as show:
            return await chappe.privacy.export(person, _account(chappe, account_), actor(), show)

    text = msgspec.json.format(msgspec.json.encode(within(data, work)), indent=2).decode() + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.touch(mode=0o600)
        output.chmod(0o600)  # it may have been there
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    click.echo(f"{output} has what there is of {person.masked}.")


@privacy.command("erase")
@_person_options
@click.option(
    "--keep-optouts/--forget-optouts", default=True, show_default=True,
    help="Keep the bare number on the blacklists it is on, so that nobody writes to it again, or forget that too: then "
    "whoever gets the number again may write to it.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def privacy_erase(
    number: str,
    account_: str | None,
    country: str | None,
    data: Path | None,
    keep_optouts: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase who owns NUMBER from lists, messages, replies, clicks, webhook events, look-ups and NPAI lists.

    Messages stay as rows without number, text and reference: counts, bills and receipts depend on them. What no carrier
    has seen yet is cancelled and its credits are given back. A STOP stays in force: the number alone stays on the
    blacklist unless --forget-optouts is given. Webhook events about the person are deleted also when they were not
    posted yet. It can be run again at any time, and has to be when it was interrupted.
    """
    person = read_person(number, country)
    if not yes:
        there = within(data, lambda chappe: _count(chappe, person, account_))
        click.echo(f"Of {person.masked} there is: {_words(there)}.", err=True)
        if keep_optouts and there["opt-outs"]:
            click.echo("The opt-outs stay (--keep-optouts).", err=True)
        click.confirm("Erase it? This cannot be undone.", abort=True, err=True)

    async def work(chappe: Chappe) -> dict[str, int]:
        with bar("Erasing") as show:
            account = _account(chappe, account_)
            return await chappe.privacy.erase(person, account, actor(), show, forgets_optouts=not keep_optouts)

    erased = within(data, work)
    if as_json:
        print_json(erased)
    else:
        click.echo(f"Erased: {_words({what: count for what, count in erased.items() if what != 'left'})}.")
    if erased["left"]:
        left = f"{erased['left']} campaigns for lists are still being written and may be for this number too"
        click.echo(f"{left}: run this again.", err=True)
        raise SystemExit(1)


async def _count(chappe: Chappe, person: Person, account: str | None) -> dict[str, int]:
    with bar("Searching") as show:
        return await chappe.privacy.count(person, _account(chappe, account), show)


def _account(chappe: Chappe, named: str | None) -> Account | None:
    return chappe.use_cases.accounts.find(named) if named else None


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"
