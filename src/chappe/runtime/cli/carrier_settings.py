"""The settings of a carrier on the command line: the frequent ones have flags, all of them `--option NAME=VALUE`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from chappe.carriers.kinds import Setting, settings_of
from chappe.domain.errors import BadData
from chappe.manage.carrier_checks import read_languages
from chappe.manage.carrier_status import CONNECTION
from chappe.runtime.cli.unknown import unknown_options
from chappe.telecom.gsm7 import LANGUAGES

Command = TypeVar("Command", bound=Callable[..., Any])

_CHOICES: Final = click.Choice
_FLAGS: Final = (
    click.option("--system-id", help="User name of the bind, at most 15 characters."),
    click.option("--password", help="Password of the bind, at most 8 characters."),
    click.option("--tls/--no-tls", default=None, help="Encrypt, and verify the carrier's certificate."),
    click.option("--tls-ca", metavar="FILE", help="Encrypt, trusting these certificates, not the system's."),
    click.option("--tls-cert", metavar="FILE", help="Our own certificate, if the carrier wants one."),
    click.option("--tls-key", metavar="FILE", help="Its key, unless it is in the same file."),
    click.option(
        "--bind-mode",
        type=_CHOICES(["transceiver", "pair", "transmitter", "receiver"]),
        help="Transceivers, or pairs of transmitter and receiver.",
    ),
    click.option("--binds", type=int, help="Connections at the same time; of pairs, the transmitters."),
    click.option("--window", type=int, help="Unanswered submits per connection."),
    click.option("--rate", type=int, help="Submits per second in all; 0 for no limit."),
    click.option("--sender", help="Sender of messages that have none; several numbers, with commas, are a pool."),
    click.option("--system-type", help="The bind's system_type, if the carrier asks for one."),
    click.option(
        "--long", "long_messages", type=_CHOICES(["udh", "sar", "payload", "whole"]), help="How long texts travel."
    ),
    click.option("--reference-bits", type=_CHOICES(["8", "16"]), help="Width of the reference in parts of long texts."),
    click.option("--no-validity", is_flag=True, default=None, help="Do not send a validity period."),
    click.option(
        "--national",
        metavar="LANGUAGES",
        help=f"Languages whose shift tables it passes on: {', '.join(LANGUAGES)}, separated by commas; or none.",
    ),
    click.option(
        "--status", "statuses", multiple=True, metavar="STATUS=MEANING",
        help="What a refusal means: 0x45=temporary, or 0x45='permanent INVALID_SENDER'; repeatable.",
    ),
    click.option(
        "--tlv", "tlvs", multiple=True, metavar="TAG=TYPE:VALUE",
        help="A TLV for every submit, like 0x1401=cstring:shop-{message_id}; repeatable.",
    ),
    click.option("--lookup-url", metavar="URL", help="Where the carrier answers look-ups over HTTP."),
    click.option("--lookup-token", help="Bearer token of the look-ups, or a whole Authorization header."),
    click.option(
        "--option", "-o", "options", multiple=True, metavar="NAME=VALUE",
        help="Any option, tables and lists as JSON; `chappe carrier options` has them all. With --http, what the vendor"
        " asks for.",
    ),
)  # fmt: skip


def setting_flags(command: Command) -> Command:
    """Give a command every flag that sets something; only those that are used are in `given`."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return unknown_options(command)


def read_settings(kind: str, given: dict[str, Any], smpp: str | None) -> dict[str, Any]:
    """Settings by name, as the flags say, then as `--option` does. Raises: BadData."""
    known = settings_of(kind)
    found: dict[str, Any] = {}
    if smpp is not None:
        found["host"], port = _address(smpp)
        if port is not None:
            found["port"] = port
    for name in (
        "system_id", "password", "tls", "bind_mode", "binds", "window", "rate", "sender", "system_type",
        "long_messages", "reference_bits", "lookup_url", "lookup_token",
    ):  # fmt: skip
        if given[name] is not None:
            found[name] = given[name]
    files = {"tls_ca": "tls_ca_file", "tls_cert": "tls_certificate_file", "tls_key": "tls_key_file"}
    for flag, name in files.items():
        if given[flag] is not None:
            found[name] = _file(given[flag], "--" + flag.replace("_", "-"))
            found.setdefault("tls", True)
    if given["on_unknown"]:
        found["unknown"] = list(given["on_unknown"])
    if given["idempotent"] is not None:
        found["is_idempotent"] = given["idempotent"]
    if given["no_validity"]:
        found["validity"] = "none"
    if given["national"] is not None:
        none = given["national"].strip().lower() == "none"
        found["national_alphabets"] = read_languages([] if none else given["national"].split(","))
    if given["statuses"]:
        found["statuses"] = dict(_pair(each, "--status") for each in given["statuses"])
    if given["tlvs"]:
        found["fields"] = [_field(each) for each in given["tlvs"]]
    for each in given["options"]:
        name, text = _pair(each, "--option")
        found[name] = _value(known, name, text)
    return found


def unset_names(kind: str, names: Iterable[str]) -> frozenset[str]:
    """Names of settings. Raises: BadData for one that there is not."""
    found = frozenset(names)
    if unknown := sorted(found - settings_of(kind).keys() - set(CONNECTION)):
        raise BadData("there is no such option: see `chappe carrier options`", field=unknown[0])
    return found


def _value(known: dict[str, Setting], name: str, text: str) -> Any:
    """A value as it was typed; tables and lists of other things than words are JSON."""
    if name in CONNECTION:
        return {"port": _number, "binds": _number, "window": _number, "rate": _number, "tls": _yes}.get(name, str)(text)
    setting = known.get(name)
    if setting is None:
        raise BadData("there is no such option: see `chappe carrier options`", field=name)
    if setting.is_file:
        return _file(text, name) if text else ""
    if isinstance(setting.default, bool):
        return _yes(text)
    if isinstance(setting.default, int) and text[:2].lower() == "0x":
        return _number(text)
    if isinstance(setting.default, (dict, tuple)):
        return _many(name, setting, text)
    return text


def _many(name: str, setting: Setting, text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise BadData(f"is no JSON: {error}", field=name) from None
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    return dict(_pair(piece, name) for piece in pieces) if isinstance(setting.default, dict) else pieces


def _field(text: str) -> dict[str, Any]:
    tag, rest = _pair(text, "--tlv")
    type_, colon, value = rest.partition(":")
    if not colon:
        raise BadData("must be TAG=TYPE:VALUE, like 0x1401=cstring:shop", field="--tlv")
    return {"tag": _number(tag), "type": type_, "value": value}


def _pair(text: str, field: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise BadData(f"must be of the form NAME=VALUE, unlike {text!r}", field=field)
    return name.strip(), value.strip()


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise BadData(f"must be a number, unlike {text!r}") from None


def _yes(text: str) -> bool:
    words = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    if text.lower() not in words:
        raise BadData(f"must be yes or no, unlike {text!r}")
    return words[text.lower()]


def _file(name: str, field: str) -> str:
    """The whole path: the gateway runs in another folder."""
    if not Path(name).is_file():
        raise BadData(f"there is no file {name}", field=field)
    return str(Path(name).resolve())


def _address(smpp: str) -> tuple[str, int | None]:
    """Host and port; without a port when the profile knows it."""
    host, colon, port = smpp.rpartition(":")
    if not colon or smpp.endswith("]"):
        return smpp.strip("[]"), None
    if not port.isdigit() or not port.isascii():
        raise BadData("must be HOST:PORT, like smpp.example.net:2775", field="--smpp")
    return host.strip("[]"), int(port)
