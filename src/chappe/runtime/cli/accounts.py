"""`chappe account`, `chappe token` and `chappe credits`."""

from decimal import Decimal
from pathlib import Path
from typing import cast

import click

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.invoices import PAYMENT_TYPES, PaymentType, Sale, read_money
from chappe.domain.tokens import IssuedToken
from chappe.manage.credits import TopUp
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within


@click.group()
def account() -> None:
    """Customers' accounts."""


@account.command("create")
@click.option("--email", required=True, help="The account's e-mail address, which is its user name too.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="6 to 25 characters.")
@click.option(
    "--country", default="FR", show_default=True, help="ISO 3166-1 code; numbers in national form are read so."
)
@click.option(
    "--credits", "credits_", type=click.IntRange(0), default=0, show_default=True, help="Credits to begin with."
)
@click.option("--parent", metavar="ID|EMAIL", help="Make it a sub-account of this account.")
@click.option("--shared-credits", is_flag=True, help="The sub-account spends its parent's credits.")
@json_option
@data_option
def account_create(
    email: str,
    password: str,
    country: str,
    credits_: int,
    parent: str | None,
    shared_credits: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Create an account and print its id."""

    async def work(chappe: Chappe) -> Account:
        accounts = chappe.use_cases.accounts
        owner = accounts.find(parent) if parent else None
        return await accounts.create(email, password, country, credits_, owner, shared_credits)

    print_json({"client_id": within(data, work, creates=True).id})


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.option("--account", "account_", required=True, metavar="ID|EMAIL", help="Whose token it is.")
@click.option("--name", required=True, help="What it is for, to recognise it later.")
@click.option("--ttl", type=click.IntRange(1), help="Seconds until it expires; never by default.")
@click.option("--allow-ip", multiple=True, metavar="NETWORK", help="Only from this address or network; repeatable.")
@json_option
@data_option
def token_create(
    account_: str, name: str, ttl: int | None, allow_ip: tuple[str, ...], as_json: bool, data: Path | None
) -> None:
    """Create a token and print it: this is the only time it can be read."""

    async def work(chappe: Chappe) -> IssuedToken:
        owner = chappe.use_cases.accounts.find(account_)
        return await chappe.use_cases.tokens.create(owner, name, ttl, list(allow_ip) or None)

    issued = within(data, work)
    print_json({"token": issued.token, "token_id": issued.token_id})


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


def _price(text: str | None, option: str) -> Decimal | None:
    try:
        return None if text is None else read_money(text)
    except ValueError as error:
        raise BadData(str(error), field=option) from None
