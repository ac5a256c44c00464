"""`chappe list`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.domain.accounts import Account
from chappe.domain.contacts import MAX_NAME_CHARACTERS
from chappe.manage.lists import Contact
from chappe.manage.pages import Page
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.list_import import Report, Source, Target, import_file
from chappe.runtime.cli.session import data_option, json_option, print_json, within
from chappe.store.contact_lists import ListRow
from chappe.surfaces.contact_files.columns import INFOS, NUMBER
from chappe.surfaces.contact_files.table import Options

SHOWN = 20
_MAX_LIST_ID = 2**31 - 1


@click.group("list")
def contact_list() -> None:
    """Contact lists, and files of contacts for them."""


def _columns(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, place = each.partition("=")
        if name not in (NUMBER, *INFOS) or not equals or not place.strip():
            raise click.BadParameter(f"must be like number=Mobile or info1=2, not {each!r}")
        found[name] = place.strip()
    return found


def _delimiter(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    named = {"tab": "\t", "\\t": "\t"}.get(given.lower(), given) if given else None
    if named is not None and (len(named) != 1 or named in '"\r\n'):
        raise click.BadParameter("must be one character, or the word tab")
    return named


@contact_list.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--account", metavar="ID|EMAIL", help="Whose list it becomes: a new list is made.")
@click.option("--name", help="What the new list is called.  [default: the file's name]")
@click.option("--list", "list_id", metavar="ID", type=click.IntRange(1, _MAX_LIST_ID), help="Add to this list instead.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_columns,
    metavar="WHAT=WHERE",
    help="What a column is (number, info1 to info4) and which it is: its heading, or its place from 1. Repeatable. "
    "Without it the number is found by headings and content, and the fields are the other columns in order.",
)
@click.option("--no-header", "heading", flag_value="no", help="The first row is a contact.")
@click.option("--header", "heading", flag_value="yes", help="The first row is a heading.  [default: found out]")
@click.option("--delimiter", callback=_delimiter, help="Between the cells of a CSV file.  [default: found out]")
@click.option("--encoding", help="Of a CSV file.  [default: by its mark; else UTF-8 if it is, else cp1252]")
@click.option("--sheet", help="Of a spreadsheet.  [default: the first]")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write refused rows to this CSV file.")
@click.option("--deduplicate", is_flag=True, help="Keep only the first contact of each number of the list.")
@json_option
@data_option
def list_import(
    file: Path,
    account: str | None,
    name: str | None,
    list_id: int | None,
    columns: dict[str, str],
    heading: str | None,
    delimiter: str | None,
    encoding: str | None,
    sheet: str | None,
    rejects: Path | None,
    deduplicate: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Import the contacts of FILE, a CSV file or an .xlsx spreadsheet, into a list.

    A new list is there when all of it is; an interrupted import leaves none. Works while the server runs.
    """
    if (account is None) == (list_id is None):
        raise click.UsageError("say whose the new list is with --account, or which list to add to with --list")
    if name is not None and list_id is not None:
        raise click.UsageError("--name is for a new list")
    source = Source(
        file, Options(delimiter, encoding, sheet), columns, None if heading is None else heading == "yes", rejects
    )
    target = Target(account, list_id, name or file.stem[:MAX_NAME_CHARACTERS], deduplicate)
    report = within(data, lambda chappe: import_file(chappe, source, target))
    if as_json:
        print_json(report)
    else:
        _print_report(report)


@contact_list.command("list")
@click.option("--account", required=True, metavar="ID|EMAIL", help="Whose lists.")
@json_option
@data_option
def list_list(account: str, as_json: bool, data: Path | None) -> None:
    """Show the lists of an account, the newest first."""

    async def work(chappe: Chappe) -> list[ListRow]:
        return await chappe.use_cases.lists.all(chappe.use_cases.accounts.find(account))

    found = within(data, work)
    if as_json:
        print_json([row._asdict() for row in found])
        return
    for row in found:
        click.echo(f"{row.id:>8}  {row.contacts:>11,}  {_day(row.created_at)}  used {_day(row.used_at)}  {row.name}")


@contact_list.command("show")
@click.argument("list_id", metavar="ID", type=click.IntRange(1, _MAX_LIST_ID))
@click.option("--search", default="", help="Only contacts that have this in their number or a field.")
@json_option
@data_option
def list_show(list_id: int, search: str, as_json: bool, data: Path | None) -> None:
    """Show a list and its first contacts; numbers are masked unless you ask for JSON."""

    async def work(chappe: Chappe) -> tuple[Account, ListRow, Page[Contact]]:
        owner, lists = _owner(chappe, list_id), chappe.use_cases.lists
        return owner, lists.get(owner, list_id), await lists.read(owner, list_id, search, 0, SHOWN)

    owner, row, page = within(data, work)
    if as_json:
        shown = [{"id": each.id, "number": each.number, "infos": each.infos} for each in page.rows]
        print_json({"account_id": owner.id, **row._asdict(), "matching": page.matching, "first": shown})
        return
    click.echo(f"List {row.id} {row.name!r} of account {owner.id}: {row.contacts:,} contacts")
    click.echo(f"  created {_day(row.created_at)}, last used {_day(row.used_at)}")
    if search:
        click.echo(f"  {page.matching:,} have {search!r}")
    for contact in page.rows:
        fields = ", ".join(info for info in contact.infos if info)
        click.echo(f"  {str(contact.number)[:-4]}****  {fields}")
    if page.matching > len(page.rows):
        click.echo(f"  and {page.matching - len(page.rows):,} more")


@contact_list.command("delete")
@click.argument("list_id", metavar="ID", type=click.IntRange(1, _MAX_LIST_ID))
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def list_delete(list_id: int, yes: bool, data: Path | None) -> None:
    """Delete a list with its contacts. The server's worker removes them in the background."""

    async def look(chappe: Chappe) -> ListRow:
        return chappe.use_cases.lists.get(_owner(chappe, list_id), list_id)

    async def work(chappe: Chappe) -> None:
        await chappe.use_cases.lists.delete(_owner(chappe, list_id), list_id)

    row = within(data, look)
    if not yes:
        click.confirm(f"Delete list {row.id} {row.name!r} with {row.contacts:,} contacts?", abort=True)
    within(data, work)
    click.echo(f"List {list_id} is deleted.")


def _owner(chappe: Chappe, list_id: int) -> Account:
    return chappe.use_cases.accounts.find(chappe.use_cases.lists.owner(list_id))


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d")


def _print_report(report: Report) -> None:
    click.echo(f"Read {report.file}: {report.format}; {report.columns}.")
    click.echo(f"List {report.list_id} {report.name!r}: {report.contacts:,} contacts added in {report.seconds:.1f} s.")
    if report.deduplicated is not None:
        click.echo(f"  {report.deduplicated:,} whose number came before were taken out again.")
    elif report.duplicates:
        click.echo(f"  {report.duplicates:,} of them have a number that came before (--deduplicate takes them out).")
    if report.refused:
        click.echo(f"  {sum(report.refused.values()):,} rows were refused:")
        for reason, count in sorted(report.refused.items(), key=lambda item: -item[1]):
            click.echo(f"    {count:>9,}  {reason}")
        if report.rejects is None:
            click.echo("  Which ones, --rejects FILE writes down.")
        else:
            click.echo(f"  They are in {report.rejects}.")
