"""`chappe credits`."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

import click

from chappe.domain.errors import BadData
from chappe.domain.invoices import PAYMENT_TYPES, PaymentType, Sale, read_money
from chappe.domain.pricing import MC
from chappe.manage.credits import TopUp, Transferred
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within
from chappe.store.wallets import Entry, Wallet


@click.group("credits")
def wallet() -> None:
    """Credits."""


@wallet.command("add")
@click.option("--account", "account_", required=True, metavar="ID|EMAIL", help="Whose wallet is filled.")
@click.option("--note", help="Why, for the ledger.")
@click.option("--price", metavar="NET", help="Net price of all the credits; an invoice is written.")
@click.option("--unit-price", metavar="NET", help="Net price of one credit.  [default: the setting credit_price]")
@click.option(
    "--payment-type", type=click.Choice(PAYMENT_TYPES), default="transfer", show_default=True, help="How it is paid."
)
@click.option("--unpaid", is_flag=True, help="The invoice is due; `chappe invoice paid` notes the payment.")
@click.option("--no-invoice", is_flag=True, help="Write no invoice, whatever the settings say.")
@click.argument("amount", type=int)
@json_option
@data_option
def credits_add(
    account_: str, note: str | None, price: str | None, unit_price: str | None, payment_type: str, unpaid: bool,
    no_invoice: bool, amount: int, as_json: bool, data: Path | None,
) -> None:  # fmt: skip
    """Add AMOUNT credits to an account; after `--`, a negative amount takes some back.

    With a price there is an invoice, which the customer finds under GET /account/invoice.
    """
    sale = Sale(
        price=_price(price, "--price"),
        unit_price=_price(unit_price, "--unit-price"),
        payment_type=cast(PaymentType, payment_type),
        is_paid=not unpaid,
        has_invoice=not no_invoice,
    )

    async def work(chappe: Chappe) -> TopUp:
        owner = chappe.use_cases.accounts.find(account_)
        invoice = chappe.use_cases.invoices.draft(owner, amount, sale)
        return await chappe.use_cases.credits.add(owner, amount, note, invoice)

    done = within(data, work)
    if as_json:
        print_json({"credits": done.balance.credits} | ({"invoice": done.invoice} if done.invoice else {}))
    else:
        click.echo(f"{account_} has {done.balance.credits} credits now.")
        if done.invoice:
            click.echo(f"Invoice {done.invoice} is written: `chappe invoice pdf {done.invoice} -o FILE` saves it.")


@wallet.command("transfer")
@click.option("--from", "giver", required=True, metavar="ID|EMAIL", help="Who gives.")
@click.option("--to", "taker", required=True, metavar="ID|EMAIL", help="Who gets.")
@click.argument("amount", type=click.IntRange(1))
@json_option
@data_option
def credits_transfer(giver: str, taker: str, amount: int, as_json: bool, data: Path | None) -> None:
    """Move AMOUNT credits between a parent and a sub-account that has credits of its own."""

    async def work(chappe: Chappe) -> Transferred:
        find = chappe.use_cases.accounts.find
        return await chappe.use_cases.credits.transfer(find(giver), find(taker), amount)

    done = within(data, work)
    if as_json:
        print_json(done)
    else:
        click.echo(f"{giver} has {done.giver_credits} credits now, {taker} has {done.taker_credits}.")


@wallet.command("limit")
@click.option("--account", "account_", required=True, metavar="ID|EMAIL", help="Whose wallet it is.")
@click.argument("credits_", metavar="CREDITS", type=click.IntRange(0))
@data_option
def credits_limit(account_: str, credits_: int, data: Path | None) -> None:
    """Let an account owe up to CREDITS (postpaid); 0 for prepaid only."""

    async def work(chappe: Chappe) -> None:
        await chappe.use_cases.credits.set_limit(chappe.use_cases.accounts.find(account_), credits_)

    within(data, work)
    click.echo(f"{account_} may owe {credits_} credits now.")


@wallet.command("show")
@click.option("--account", "account_", required=True, metavar="ID|EMAIL", help="Whose wallet it is.")
@click.option("--last", type=click.IntRange(0, 1000), default=20, show_default=True, help="Movements to show.")
@json_option
@data_option
def credits_show(account_: str, last: int, as_json: bool, data: Path | None) -> None:
    """Show what an account has, what is reserved, and the last movements of the ledger."""

    async def work(chappe: Chappe) -> tuple[Wallet, list[Entry]]:
        return chappe.use_cases.credits.movements(chappe.use_cases.accounts.find(account_), last)

    wallet_, entries = within(data, work)
    if as_json:
        print_json({"wallet": wallet_._asdict(), "movements": [entry._asdict() for entry in entries]})
        return
    click.echo(
        f"{wallet_.available_mc / MC:g} credits, {wallet_.reserved_mc / MC:g} more reserved"
        + (f", may owe {wallet_.postpaid_limit_mc / MC:g}" if wallet_.postpaid_limit_mc else "")
    )
    for entry in entries:
        at = datetime.fromtimestamp(entry.at / 1000).strftime("%Y-%m-%d %H:%M:%S")
        what = f"campaign {entry.campaign_id}" if entry.campaign_id else entry.note or ""
        click.echo(f"  {at}  {entry.kind:<9} {entry.amount_mc / MC:>12g}  account {entry.account_id}  {what}")


def _price(text: str | None, option: str) -> Decimal | None:
    try:
        return None if text is None else read_money(text)
    except ValueError as error:
        raise BadData(str(error), field=option) from None
