"""`chappe audit`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, visible, within
from chappe.store.audit import Entry, newest


@click.group()
def audit() -> None:
    """What was done to the installation, and by whom: rules changed, senders decided, people erased."""


@audit.command("list")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Only what was done about this account.")
@click.option("--action", metavar="NAME", help="Only one kind: `rule.set`, or `rule` for all that begin so.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@json_option
@data_option
def audit_list(account_: str | None, action: str | None, limit: int, as_json: bool, data: Path | None) -> None:
    """List what was done, the newest first. Times are UTC."""

    async def work(chappe: Chappe) -> list[Entry]:
        account = chappe.use_cases.accounts.find(account_).id if account_ else None
        return await chappe.store.read(lambda tx: newest(tx, limit, before=None, account=account, action=action))

    found = within(data, work)
    if as_json:
        print_json([{**entry._asdict(), "at": _time(entry.at)} for entry in found])
        return
    for entry in found:
        whose = f"account {entry.account_id}" if entry.account_id is not None else "-"
        said = ": ".join(filter(None, (entry.subject, entry.detail)))
        note = f"  ({entry.note})" if entry.note else ""
        click.echo(f"{_time(entry.at)}  {entry.actor:<16} {entry.action:<16} {whose:<12} {visible(said + note)}")


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
