"""`chappe simulator`."""

import asyncio
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click

from chappe.carriers.simulator import SimulatorOptions, parse_shares, ready_scripts, run
from chappe.runtime import telemetry
from chappe.runtime.cli.session import check_free

_HELP = {
    "host": "Address to listen on.",
    "port": "Port for SMPP; 0 takes a free one.",
    "control_port": "Port for control over HTTP; 0 takes a free one.",
    "name": "system_id in the answers to binds.",
    "accounts": "Who may bind: SYSTEM_ID=PASSWORD, separated by commas. Empty: anyone.",
    "bind_status": "Answer to every bind; anything but ESME_ROK refuses it.",
    "latency_s": "Seconds until a submit is answered.",
    "latency_jitter_s": "At most so many seconds more, at random.",
    "rate": "Submits per second and bind; above it ESME_RTHROTTLED; 0 for no limit.",
    "window": "Receipts and replies that may wait for an answer, on each bind.",
    "refuse": "Percent of submits refused with a status: ESME_RSYSERR=2,0x14=1.",
    "unanswered": "Percent of submits that are taken and never answered.",
    "drop_after": "Cut each link after so many submits; 0 for never.",
    "outcomes": "What becomes of messages: delivered=95,undeliverable=3,rejected=1,none=1.",
    "receipt_delay_s": "Seconds from the answer to the receipt.",
    "receipt_spread_s": "At most so many seconds more, at random.",
    "early_receipts": "Send each receipt before the answer it belongs to.",
    "receipt_form": "Where receipts say what they say.",
    "id_format": "How message ids are written.",
    "first_id": "Number of the first message id.",
    "keep": "What to remember of submits.",
    "keep_most": "How many messages are remembered at most.",
    "waiting_most": "Receipts and replies kept for an account that is not bound.",
    "seed": "Makes shares and delays repeatable.",
    "script": "What goes wrong, when and how often: a file in the language of docs/testing.md, or one of {ready}.",
    "speed": "Times in scripts and of magic numbers pass so many times faster.",
    "magic": "Let numbers that end with 9899 and two digits decide what becomes of their messages.",
}


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for piece in filter(None, text.split(",")):
        name, sign, value = piece.partition("=")
        if not sign:
            raise ValueError(f"{piece!r} is not of the form SYSTEM_ID=PASSWORD")
        pairs[name.strip()] = value
    return pairs


def _script(name: str) -> str:
    """The text of a script: one that comes with Chappe, or a file."""
    ready = ready_scripts()
    if not name or name in ready:
        return ready.get(name, "")
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(ready)
        raise ValueError(f"--script {name} is none of {known}, and the file cannot be read: {error}") from None


_READ: dict[str, Callable[[str], object]] = {
    "accounts": _pairs,
    "refuse": parse_shares,
    "outcomes": parse_shares,
    "script": _script,
}


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One option of the command for each field of SimulatorOptions."""
    hints = get_type_hints(SimulatorOptions)
    for column in reversed(fields(SimulatorOptions)):
        command = _option(column, hints[column.name])(command)
    return command


def _option(column: Field[Any], hint: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag = "--" + column.name.removesuffix("_s").replace("_", "-")
    text = _HELP[column.name].format(ready=", ".join(ready_scripts()))
    if hint is bool:
        return click.option(flag, column.name, is_flag=True, help=text)
    if column.name in _READ:
        given = column.default_factory() if column.default_factory is not MISSING else {}
        default = ",".join(f"{name}={share:g}" for name, share in given.items())
        return click.option(flag, column.name, default=default, show_default=bool(default), help=text)
    choices = [choice for choice in get_args(hint) if isinstance(choice, str)]
    kind: Any = click.Choice(choices) if choices else int if column.default is None else type(column.default)
    return click.option(flag, column.name, type=kind, default=column.default, show_default=True, help=text)


@click.command()
@_options
def simulator(**given: Any) -> None:
    """Run a carrier to try Chappe against: an SMSC that misbehaves on demand.

    Nothing is sent to anybody. While it runs, GET /stats and /messages on the control port tell what arrived,
    GET /summary proves that nothing was lost or came twice, POST /mo injects replies, POST /drop cuts all links,
    POST /script plays another script, POST /set changes options (JSON, named as GET /options names them).
    """
    telemetry.configure("info", "console")
    try:
        read: dict[str, Any] = {name: _READ[name](value) if name in _READ else value for name, value in given.items()}
        options = SimulatorOptions(**read)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for port in (options.port, options.control_port):
        check_free(options.host, port)
    asyncio.run(run(options))
