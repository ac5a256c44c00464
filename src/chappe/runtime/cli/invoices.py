"""`chappe invoice`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.domain.delay import PARIS
from chappe.domain.invoices import money_text
from chappe.manage.invoices import InvoiceFile
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within
from chappe.store.invoices import InvoiceRow


@click.group()
def invoice() -> None:
    """The invoices of top-ups. `chappe credits add --price` writes them."""


@invoice.command("list")
@click.option("--account", "account_", metavar="ID|EMAIL", help="Only this account's.")
@click.option("--most", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The newest so many.")
@json_option
@data_option
def invoice_list(account_: str | None, most: int, as_json: bool, data: Path | None) -> None:
    """List invoices, the newest first."""

    async def work(chappe: Chappe) -> list[InvoiceRow]:
        invoices = chappe.use_cases.invoices
        if account_ is None:
            return await invoices.latest(most)
        return (await invoices.of_account(chappe.use_cases.accounts.find(account_)))[:most]

    found = within(data, work)
    if as_json:
        print_json([row._asdict() for row in found])
        return
    for row in found:
        total = f"{money_text(row.total_cents)} {row.currency}"
        click.echo(
            f"{row.name:<16} {_day(row.created_at)}  account {row.account_id:<6} {row.quantity:>12} credits"
            f"  {total:>16}  {row.status}"
        )


@invoice.command("show")
@click.argument("name")
@json_option
@data_option
def invoice_show(name: str, as_json: bool, data: Path | None) -> None:
    """Show the invoice with the number NAME."""

    async def work(chappe: Chappe) -> InvoiceRow:
        return chappe.use_cases.invoices.find(name)

    _show(within(data, work), as_json)


@invoice.command("pdf")
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Where to save it.  [default: invoice-NAME.pdf]",
)  # fmt: skip
@data_option
def invoice_pdf(name: str, output: Path | None, data: Path | None) -> None:
    """Save the invoice with the number NAME as a PDF."""

    async def work(chappe: Chappe) -> InvoiceFile:
        invoices = chappe.use_cases.invoices
        return await invoices.file(invoices.find(name))

    file = within(data, work)
    path = output or Path(file.name)
    try:
        path.write_bytes(file.content)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    click.echo(f"{path} has invoice {name}.")


@invoice.command("paid")
@click.argument("name")
@json_option
@data_option
def invoice_paid(name: str, as_json: bool, data: Path | None) -> None:
    """Note that the invoice with the number NAME was paid now."""

    async def work(chappe: Chappe) -> InvoiceRow:
        return await chappe.use_cases.invoices.mark_paid(name)

    _show(within(data, work), as_json)


def _show(row: InvoiceRow, as_json: bool) -> None:
    if as_json:
        print_json(row._asdict())
        return
    paid = f"paid {_day(row.paid_at)}" if row.paid_at is not None else "due"
    click.echo(f"Invoice {row.name} of {_day(row.created_at)}, {paid}, {row.payment_type}")
    lines = {
        "account": str(row.account_id),
        "credits": f"{row.quantity} at {row.unit_price} {row.currency}",
        "net": money_text(row.net_cents),
        f"VAT {row.vat_percent} %": money_text(row.vat_cents),
        "total": f"{money_text(row.total_cents)} {row.currency}",
    }
    for name, value in lines.items():
        click.echo(f"  {name:<12}{value}")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, PARIS).strftime("%Y-%m-%d")
