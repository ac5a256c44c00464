"""`chappe account` and `chappe token`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import click

from chappe.domain.accounts import LANGUAGES, Account, AccountType
from chappe.domain.pricing import balance_credits
from chappe.domain.tokens import IssuedToken
from chappe.manage.profiles import AccountDetails
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
@click.option(
    "--sandbox",
    is_flag=True,
    help="Nothing it sends reaches anybody: the numbers say what becomes of it (docs/testing.md).",
)
@json_option
@data_option
def account_create(
    email: str,
    password: str,
    country: str,
    credits_: int,
    parent: str | None,
    shared_credits: bool,
    sandbox: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Create an account and print its id."""

    async def work(chappe: Chappe) -> Account:
        accounts = chappe.use_cases.accounts
        owner = accounts.find(parent) if parent else None
        return await accounts.create(email, password, country, credits_, owner, shared_credits, is_sandbox=sandbox)

    print_json({"client_id": within(data, work, creates=True).id})


@account.command("list")
@json_option
@data_option
def account_list(as_json: bool, data: Path | None) -> None:
    """Show every account: id, parent, credits, state."""
    found = within(data, lambda chappe: chappe.use_cases.profiles.all_accounts())
    if as_json:
        print_json([_shown(each) for each in found])
        return
    for each in found:
        account = each.row.account
        parent = f"sub-account of {account.parent_id}" if account.parent_id else "main account"
        credits_ = (
            "its parent's credits" if account.draws_on_parent else f"{balance_credits(each.row.available_mc)} credits"
        )
        sandbox = ", sandbox" if account.is_sandbox else ""
        click.echo(f"{account.id:>6}  {account.email:<40} {parent}, {credits_}, {_state(each)}{sandbox}")


@account.command("show")
@click.argument("id_", metavar="ID|EMAIL")
@json_option
@data_option
def account_show(id_: str, as_json: bool, data: Path | None) -> None:
    """Show one account with everything that is known of it."""
    found = within(data, lambda chappe: _found(chappe, id_))
    if as_json:
        print_json(_shown(found))
        return
    for name, value in _shown(found).items():
        click.echo(f"{name:<18} {'-' if value is None else value}")


@account.command("update")
@click.argument("id_", metavar="ID|EMAIL")
@click.option("--sender", help="Default sender of its messages.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of mails and invoices.")
@click.option("--type", "type_", type=click.Choice(get_args(AccountType)), help="What kind of customer it is.")
@click.option("--firstname")
@click.option("--lastname")
@click.option("--company")
@click.option("--phone")
@click.option("--address1")
@click.option("--address2")
@click.option("--zip")
@click.option("--city")
@click.option("--description")
@data_option
def account_update(
    id_: str, sender: str | None, lang: str | None, type_: str | None, data: Path | None, **texts: str | None
) -> None:
    """Change who is behind an account; what is not named stays, an empty text takes a field away."""

    async def work(chappe: Chappe) -> None:
        before = await _found(chappe, id_)
        given = {name: text or None for name, text in {**texts, "type": type_}.items() if text is not None}
        profile = replace(before.row.profile, **given)  # type: ignore[arg-type]
        new_sender = before.row.account.sender if sender is None else sender
        await chappe.use_cases.profiles.update(before.row.account, new_sender, profile, lang or before.row.lang)

    within(data, work)
    click.echo(f"{id_} is changed.")


@account.command("password")
@click.argument("id_", metavar="ID|EMAIL")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="6 to 25 characters.")
@data_option
def account_password(id_: str, password: str, data: Path | None) -> None:
    """Set a new password, which also unlocks the account."""

    async def work(chappe: Chappe) -> None:
        accounts = chappe.use_cases.accounts
        await accounts.set_password(accounts.find(id_), password)

    within(data, work)
    click.echo(f"{id_} has a new password.")


@account.command("unlock")
@click.argument("id_", metavar="ID|EMAIL")
@data_option
def account_unlock(id_: str, data: Path | None) -> None:
    """Let an account log in again that wrong passwords have locked."""

    async def work(chappe: Chappe) -> None:
        accounts = chappe.use_cases.accounts
        await accounts.unlock(accounts.find(id_))

    within(data, work)
    click.echo(f"{id_} is unlocked.")


@account.command("close")
@click.argument("id_", metavar="ID|EMAIL")
@data_option
def account_close(id_: str, data: Path | None) -> None:
    """Close an account and with it its sub-accounts: no password and no token of theirs opens anything.

    What they have sent goes on.
    """
    _set_active(data, id_, is_active=False)
    click.echo(f"{id_} is closed. `chappe account reopen` opens it again.")


@account.command("reopen")
@click.argument("id_", metavar="ID|EMAIL")
@data_option
def account_reopen(id_: str, data: Path | None) -> None:
    """Open a closed account again."""
    _set_active(data, id_, is_active=True)
    click.echo(f"{id_} is open.")


def _set_active(data: Path | None, id_: str, *, is_active: bool) -> None:
    async def work(chappe: Chappe) -> None:
        accounts = chappe.use_cases.accounts
        await accounts.set_active(accounts.find(id_), is_active)

    within(data, work)


async def _found(chappe: Chappe, id_: str) -> AccountDetails:
    return chappe.use_cases.profiles.of(chappe.use_cases.accounts.find(id_))


def _shown(found: AccountDetails) -> dict[str, object]:
    row = found.row
    return {
        "client_id": row.account.id,
        "email": row.account.email,
        "parent_id": row.account.parent_id,
        "state": _state(found),
        "credits": balance_credits(row.available_mc),
        "shares_credits": row.account.draws_on_parent,
        "country": row.account.country,
        "sender": row.account.sender,
        "sandbox": row.account.is_sandbox,
        "lang": row.lang,
        "spent_this_month": found.spent_this_month,
        "spent_last_month": found.spent_last_month,
        **asdict(row.profile),
    }


def _state(found: AccountDetails) -> str:
    if not found.row.is_active:
        return "closed"
    return "open" if found.is_usable else "locked"


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
