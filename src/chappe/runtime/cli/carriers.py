"""`chappe carrier`."""

from datetime import datetime
from pathlib import Path

import click

from chappe.carriers.options import SmppOptions
from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr
from chappe.domain.unknown import UnknownPolicies, read_policies
from chappe.manage.carriers import FAILURES, BindStatus, CarrierStatus, NewCarrier, read_languages
from chappe.runtime.cli.http_carriers import carrier_callbacks, or_http
from chappe.runtime.cli.session import data_option, json_option, print_json, within
from chappe.runtime.cli.unknown import unknown_options
from chappe.telecom.gsm7 import LANGUAGES

NOT_SERVED = BindStatus("not running", "no gateway serves it; `chappe serve` starts one", 0, 0, 0)


@click.group()
def carrier() -> None:
    """The carriers that take the messages."""


carrier.add_command(carrier_callbacks)


@carrier.command("add")
@click.argument("name")
@or_http
@click.option("--smpp", default="", metavar="HOST:PORT", help="Where the carrier's SMPP server listens.")
@click.option("--system-id", default="", help="User name of the bind, at most 15 characters.")
@click.option("--password", default="", help="Password of the bind, at most 8 characters.")
@click.option("--tls", is_flag=True, help="Encrypt, and verify the carrier's certificate.")
@click.option("--tls-ca", default="", metavar="FILE", help="Encrypt, trusting these certificates, not the system's.")
@click.option("--binds", default=1, show_default=True, help="Connections at the same time.")
@click.option("--window", default=100, show_default=True, help="Unanswered submits per connection.")
@click.option("--rate", default=0, show_default=True, help="Submits per second in all; 0 for no limit.")
@click.option("--sender", default="", help="Sender of messages that have none.")
@click.option("--system-type", default="", help="The bind's system_type, if the carrier asks for one.")
@click.option(
    "--reference-bits",
    type=click.Choice(["8", "16"]),
    default="8",
    show_default=True,
    help="Width of the reference in the parts of long messages.",
)
@click.option("--no-validity", is_flag=True, help="Do not send a validity period.")
@unknown_options
@click.option(
    "--national",
    default="",
    metavar="LANGUAGES",
    help=f"Languages whose shift tables it passes on: {', '.join(LANGUAGES)}, separated by commas.",
)
@click.option("--lookup-url", default="", metavar="URL", help="Where the carrier answers look-ups over HTTP.")
@click.option("--lookup-token", default="", help="Bearer token of the look-ups, or a whole Authorization header.")
@json_option
@data_option
def carrier_add(
    name: str, smpp: str, system_id: str, password: str, tls: bool, tls_ca: str, binds: int, window: int, rate: int,
    sender: str, system_type: str, reference_bits: str, no_validity: bool, on_unknown: tuple[str, ...],
    idempotent: bool | None, national: str, lookup_url: str, lookup_token: str, as_json: bool, data: Path | None,
) -> None:  # fmt: skip
    """Add a carrier; a running server binds to it at once. The first carrier is the default route."""
    host, port = _address(smpp)
    if tls_ca and not Path(tls_ca).is_file():
        raise BadData(f"there is no file {tls_ca}", field="--tls-ca")
    options = SmppOptions(
        sender=sender,
        system_type=system_type,
        reference_bits=16 if reference_bits == "16" else 8,
        sends_validity=not no_validity,
        unknown=read_policies(on_unknown, UnknownPolicies()),
        is_idempotent=bool(idempotent),
        tls_ca_file=str(Path(tls_ca).resolve()) if tls_ca else "",
        national_alphabets=read_languages(national.split(",")),
        lookup_url=lookup_url,
        lookup_token=lookup_token,
    )
    new = NewCarrier(name, host, port, system_id, password, tls or bool(tls_ca), binds, window, rate, options)
    found = within(data, lambda chappe: chappe.carriers.add(new), creates=True)
    if as_json:
        print_json({"carrier_id": found, "name": name})
    else:
        click.echo(f"Carrier {name} added. `chappe carrier list` shows whether it is bound.")


@carrier.command("list")
@json_option
@data_option
def carrier_list(as_json: bool, data: Path | None) -> None:
    """Show every carrier with the live state of its binds."""
    found = within(data, lambda chappe: chappe.carriers.list())
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No carrier yet. Add one with `chappe carrier add NAME --smpp HOST:PORT ...`.")
    for status in found:
        _print(status)


@carrier.command("remove")
@click.argument("name")
@data_option
def carrier_remove(name: str, data: Path | None) -> None:
    """Remove a carrier. What waits for it goes to the carrier that serves its country then."""
    within(data, lambda chappe: chappe.carriers.remove(name))
    click.echo(f"Carrier {name} removed.")


@carrier.command("lookups")
@click.argument("name")
@click.option("--url", default="", help="Where the carrier answers look-ups; without it, it offers none any more.")
@click.option("--token", default="", help="Bearer token, or a whole Authorization header.")
@data_option
def carrier_lookups(name: str, url: str, token: str, data: Path | None) -> None:
    """Say where a carrier answers look-ups (POST /lookup). Its binds are made anew."""
    within(data, lambda chappe: chappe.carriers.offer_lookups(name, url, token))
    click.echo(f"Carrier {name} answers look-ups at {url} now." if url else f"Carrier {name} offers no look-ups now.")


@carrier.command("receipts")
@click.argument("name")
@click.option("--error", "errors", multiple=True, metavar="CODE=STATUS", help="Like 1=INVALID_DESTINATION; repeatable.")
@data_option
def carrier_receipts(name: str, errors: tuple[str, ...], data: Path | None) -> None:
    """Say what the carrier's error codes in receipts of failed messages mean, instead of what was said before.

    A number that is INVALID_DESTINATION goes to the NPAI list of the account. Without --error no code means anything.
    Its binds are made anew.
    """
    table = dict(_failure(error) for error in errors)
    within(data, lambda chappe: chappe.carriers.read_receipts(name, table))
    click.echo(f"Carrier {name}: {len(table)} error code(s) are read now.")


@carrier.command("set")
@click.argument("name")
@click.option(
    "--national",
    metavar="LANGUAGES",
    help=f"Languages whose shift tables it passes on: {', '.join(LANGUAGES)}, separated by commas; or none.",
)
@unknown_options
@data_option
def carrier_set(
    name: str, national: str | None, on_unknown: tuple[str, ...], idempotent: bool | None, data: Path | None
) -> None:
    """Change what a carrier supports, and what is done when it says nothing. Its binds are made anew."""
    if national is None and not on_unknown and idempotent is None:
        raise BadData("say what to change: `chappe carrier set --help` lists it", field="options")
    if national is not None:
        languages = [] if national.strip().lower() == "none" else national.split(",")
        within(data, lambda chappe: chappe.carriers.declare_national(name, languages))
        click.echo(f"Carrier {name}: {', '.join(each.strip() for each in languages) or 'no'} shift tables now.")
    if on_unknown or idempotent is not None:
        found = within(data, lambda chappe: chappe.carriers.decide_unknown(name, on_unknown, is_idempotent=idempotent))
        click.echo(f"Carrier {name}: on unknown {found} now.")


def _failure(text: str) -> tuple[str, int]:
    code, _, status = text.partition("=")
    if status.strip().upper() not in FAILURES:
        raise BadData(f"must be CODE=STATUS with one of {', '.join(FAILURES)}, not {text!r}", field="--error")
    return code.strip(), FAILURES[status.strip().upper()]


def _address(smpp: str) -> tuple[str, int]:
    host, colon, port = smpp.rpartition(":")
    if not colon or not port.isdigit() or not port.isascii():
        raise BadData("must be HOST:PORT, like smpp.example.net:2775", field="--smpp")
    return host.strip("[]"), int(port)


def _print(status: CarrierStatus) -> None:
    rate = f"{status.rate}/s" if status.rate else "no limit"
    place, secure = f"{status.host}:{status.port}", status.tls
    if status.kind == "http":
        click.echo(f"{status.name}: {place} over {'HTTPS' if secure else 'HTTP'}, {status.profile}")
    else:
        click.echo(f"{status.name}: {place}{' over TLS' if secure else ''} as {status.system_id}")
    click.echo(f"  routes {', '.join(status.routes) or 'none'}; window {status.window}, rate {rate}")
    if status.lookup_url:
        click.echo(f"  look-ups at {status.lookup_url}")
    if status.receipt_errors:
        codes = ", ".join(f"{code} {Dlr(dlr).name}" for code, dlr in sorted(status.receipt_errors.items()))
        click.echo(f"  error codes: {codes}")
    if status.national_alphabets:
        click.echo(f"  shift tables {', '.join(status.national_alphabets)}")
    safe = ", a resend is safe" if status.is_idempotent else ""
    click.echo(f"  {status.waiting} waiting, {status.unknown} unknown; on unknown {status.on_unknown}{safe}")
    if status.unknown_counts:
        click.echo(f"  ever {', '.join(f'{n} {what}' for what, n in status.unknown_counts.items())}")
    for number, bind in enumerate(status.binds or [NOT_SERVED], 1):
        since = datetime.fromtimestamp(bind.since_at / 1000).strftime(" since %H:%M:%S") if bind.since_at else ""
        counts = f", {bind.in_flight} in flight, {bind.submitted} submitted" if bind.state in ("bound", "ready") else ""
        what = f"bind {number}" if status.kind == "smpp" else "state"
        click.echo(f"  {what}: {bind.state}{since}{counts}{': ' + bind.detail if bind.detail else ''}")
