"""`chappe carrier add NAME --http VENDOR`, and the addresses that the vendor posts to."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from chappe.carriers.http.access import callbacks_at
from chappe.carriers.http.examples import faults
from chappe.carriers.http.template import read_template
from chappe.carriers.http.vendors import vendor_of, vendors
from chappe.domain.errors import BadData
from chappe.domain.unknown import EVERY_HELD, read_policies
from chappe.manage.http_carriers import WINDOW, CallbackPlace, NewHttpCarrier
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import data_option, json_option, print_json, within

_OPTIONS = (
    click.option("--http", metavar="VENDOR", help="Reach it over HTTP: twilio, vonage, smsfactor... or generic."),
    click.option("--template", metavar="FILE", help="For --http generic: what the vendor is like, as TOML."),
    click.option("--url", default="", help="Where its API is, if not at its usual address."),
    click.option(
        "--secret",
        "secrets",
        multiple=True,
        metavar="NAME=VALUE",
        help="The same for secrets; NAME=@FILE reads it from a file.",
    ),
    click.option("--timeout", default=30, show_default=True, metavar="SECONDS", help="Of an HTTP request."),
)
# What only binds have.
_OF_BINDS = ("smpp", "system_id", "password", "tls", "binds", "system_type", "no_validity", "bind_mode")


def or_http(command: Callable[..., None]) -> Callable[..., None]:
    """Let the command that adds a carrier add one over HTTP."""

    @wraps(command)
    def either(
        http: str | None, template: str | None, url: str, secrets: Sequence[str], timeout: int, **given: Any
    ) -> None:
        if http is None:
            for name in ("smpp", "system_id", "password"):
                if not given[name]:
                    raise click.UsageError(f"Missing option '--{name.replace('_', '-')}', or '--http'.")
            if template or url or secrets:
                raise click.UsageError("--template, --url and --secret go with --http.")
            command(**given)
            return
        for name in _OF_BINDS:
            if given.get(name):
                raise click.UsageError(f"--{name.replace('_', '-')} does not go with --http.")
        values = dict(_pair(text, "--option") for text in given["options"]) | dict(_secret(text) for text in secrets)
        new = NewHttpCarrier(
            name=given["name"],
            vendor=http,
            values=values,
            template=_read(template) if template else "",
            url=url.rstrip("/"),
            window=WINDOW if given["window"] is None else given["window"],
            rate=given["rate"] or 0,
            sender=given["sender"] or "",
            timeout_s=timeout,
            tls_ca_file=str(Path(given["tls_ca"]).resolve()) if given["tls_ca"] else "",
            unknown=read_policies(given["on_unknown"], EVERY_HELD),
            is_idempotent=given["idempotent"],
        )
        _add(new, as_json=given["as_json"], data=given["data"])

    for option in reversed(_OPTIONS):
        either = option(either)
    return either


def _add(new: NewHttpCarrier, *, as_json: bool, data: Path | None) -> None:
    async def work(chappe: Chappe) -> tuple[int, CallbackPlace, str]:
        carrier, place = await chappe.http_carriers.add(new)
        return carrier, place, chappe.settings.public_url

    carrier, place, public_url = within(data, work, creates=True)
    if as_json:
        print_json({"carrier_id": carrier, "name": new.name, "callbacks": _addresses(place, public_url)})
        return
    click.echo(f"Carrier {new.name} added. `chappe carrier list` shows how it is.")
    _show(place, public_url)


@click.command("callbacks")
@click.argument("name")
@click.option("--renew", is_flag=True, help="Make other addresses; the old ones end at once.")
@json_option
@data_option
def carrier_callbacks(name: str, renew: bool, as_json: bool, data: Path | None) -> None:
    """Show the addresses that the vendor of an HTTP carrier posts receipts and replies to."""

    async def work(chappe: Chappe) -> tuple[CallbackPlace, str]:
        return await chappe.http_carriers.callbacks(name, renew=renew), chappe.settings.public_url

    place, public_url = within(data, work)
    if as_json:
        print_json(_addresses(place, public_url))
    else:
        _show(place, public_url)


@click.command("credentials")
@click.argument("name")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="What the vendor asks for.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME=VALUE", help="Its secrets; NAME=@FILE reads one.")
@click.option("--url", help="Where its API is; empty for its usual address.")
@data_option
def carrier_credentials(
    name: str, options: Sequence[str], secrets: Sequence[str], url: str | None, data: Path | None
) -> None:
    """Change what the vendor of an HTTP carrier was told at first: those values that are given."""
    values = dict(_pair(text, "--option") for text in options) | dict(_secret(text) for text in secrets)
    if not values and url is None:
        raise BadData("say what to change: --option, --secret or --url", field="options")
    place = None if url is None else url.rstrip("/")
    within(data, lambda chappe: chappe.http_carriers.tell(name, values, place))
    click.echo(f"Carrier {name} changed: {', '.join([*sorted(values), *(['url'] if url is not None else [])])}.")


@click.command("vendors")
@click.argument("name", required=False)
@json_option
def carrier_vendors(name: str | None, as_json: bool) -> None:
    """Show the vendors that Chappe reaches over HTTP, and what they ask for."""
    shown = [vendor_of(each) for each in ([name] if name else vendors())]
    if as_json:
        print_json([{"name": vendor.name, "place": vendor.place, "fields": vendor.fields} for vendor in shown])
        return
    for vendor in shown:
        click.echo(f"{vendor.name}: {vendor.place or 'at its own address (--url)'}")
        for field in vendor.fields:
            how = "--secret" if field.is_secret else "--option"
            default = "" if field.default is None else f" [{field.default or 'none'}]"
            click.echo(f"  {how} {field.name}={default} {field.help}")


@click.command("check-template")
@click.argument("file")
def carrier_check_template(file: str) -> None:
    """Look whether a template can be read and does what its examples say."""
    template = read_template(_read(file))
    found = faults(template)
    for fault in found:
        click.echo(fault, err=True)
    examples = len(template.exchanges) + len(template.news) + len(template.questions)
    if found:
        raise click.ClickException(f"{len(found)} of {examples} example(s) do not hold")
    click.echo(f"{template.name}: {examples} example(s) hold.")


def _addresses(place: CallbackPlace, public_url: str) -> dict[str, str]:
    base = callbacks_at(public_url or "https://YOUR-ADDRESS", *place)
    return {"receipts": f"{base}/receipt", "replies": f"{base}/reply"}


def _show(place: CallbackPlace, public_url: str) -> None:
    if not public_url:
        click.echo(
            "Set public_url to the address that the vendor reaches this server at: it is told it with each send."
        )
    for what, address in _addresses(place, public_url).items():
        click.echo(f"  {what}: {address}")
    click.echo("Whoever knows these addresses can post to them: keep them like passwords.")


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadData("must be NAME=VALUE", field=option)
    return name.strip(), value


def _secret(text: str) -> tuple[str, str]:
    name, value = _pair(text, "--secret")
    return name, _read(value[1:]).strip() if value.startswith("@") else value


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"cannot be read: {error}", field=path) from None


COMMANDS = (carrier_callbacks, carrier_check_template, carrier_credentials, carrier_vendors)
"""What belongs to `chappe carrier` besides."""
