"""What a carrier may speak, and the settings that go with it."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import inspect

from chappe.carriers.http.options import HttpOptions
from chappe.carriers.options import CarrierOptions, Group
from chappe.carriers.refusals import FAILURES, status_number
from chappe.carriers.sandbox import SandboxOptions
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import BadData
from chappe.domain.unknown import EVERY_HELD, read_policies

KINDS: Final[dict[str, type[CarrierOptions]]] = {
    "smpp": SmppOptions,
    "http": HttpOptions,
    "sandbox": SandboxOptions,
}
"""What a carrier speaks -> its options."""


class Setting(NamedTuple):
    """What there is to know of one option. Shape: `values` says what it may be, in words."""

    name: str
    group: Group
    words: str
    values: str
    default: Any
    is_live: bool
    is_file: bool


def encode_options(options: CarrierOptions) -> str:
    return msgspec.json.encode(options).decode()


def decode_options(kind: str, text: str) -> CarrierOptions:
    """The options of a carrier of this kind.

    Raises: msgspec.ValidationError for what none of its options is; BadData for a kind that this release does not know.
    """
    if kind not in KINDS:
        raise BadData(f"this release knows no carriers of the kind {kind}", field="kind")
    return msgspec.json.decode(text, type=KINDS[kind])


@cache
def settings_of(kind: str) -> dict[str, Setting]:
    """Every option of a kind, in the order of its struct. Cost: a millisecond, once."""
    found = cast(inspect.StructType, inspect.type_info(KINDS[kind]))
    return {field.name: _setting(field) for field in found.fields}


def may_stay(kind: str, before: CarrierOptions, after: CarrierOptions) -> bool:
    """Whether a carrier can take these options without a new connection."""
    known = settings_of(kind).values()
    return all(each.is_live for each in known if getattr(before, each.name) != getattr(after, each.name))


def options_from(kind: str, given: dict[str, Any]) -> CarrierOptions:
    """Options from a file or the command line, types and limits checked. Raises: BadData that names the option."""
    known = KINDS[kind].__struct_fields__
    if unknown := sorted(given.keys() - set(known)):
        raise BadData(f"there is no such option of {kind} carriers: see `chappe carrier options`", field=unknown[0])
    given = {name: _READ[name](value) if name in _READ else value for name, value in given.items()}
    try:
        return msgspec.convert(given, KINDS[kind], strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise BadData(f"{what[:1].lower()}{what[1:]}", field=where.rstrip("`").split(".")[0].split("[")[0]) from None


def _errors(table: Any) -> Any:
    """Codes without leading zeros, delivery statuses by their numbers; what is none is left to be refused."""
    if not isinstance(table, dict):
        return table
    return {
        code.strip().lstrip("0") or "0": FAILURES.get(dlr.strip().upper(), dlr) if isinstance(dlr, str) else dlr
        for code, dlr in table.items()
    }


def _by_status(table: Any) -> Any:
    """Statuses by their numbers, whichever way they were written."""
    if not isinstance(table, dict):
        return table
    try:
        return {f"0x{status_number(status):X}": value for status, value in table.items()}
    except ValueError as error:
        raise BadData(str(error), field="statuses") from None


def _policies(given: Any) -> Any:
    """Policies in words: a list of them, or a text with blanks between."""
    if isinstance(given, dict):
        return given
    return msgspec.to_builtins(read_policies(given.split() if isinstance(given, str) else given, EVERY_HELD))


# How these settings may be written besides the form in which they are kept.
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "receipt_errors": _errors,
    "statuses": _by_status,
    "status_names": _by_status,
    "unknown": _policies,
}


def _setting(field: inspect.Field) -> Setting:
    kind, extra, words = field.type, {}, ""
    if isinstance(kind, inspect.Metadata):
        extra, words = kind.extra or {}, (kind.extra_json_schema or {}).get("description", "")
        kind = kind.type
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    default = "" if default is msgspec.NODEFAULT else default
    live, file = extra.get("live", False), extra.get("file", False)
    return Setting(field.name, extra.get("group", "vendor"), words, _values(kind), default, live, file)


def _values(kind: inspect.Type) -> str:
    """What a value may be, in words."""
    match kind:
        case inspect.BoolType():
            return "yes or no"
        case inspect.LiteralType(values=values):
            return ", ".join(map(str, values))
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high) if high is not None:
            return f"{low:g} to {high:g}"
        case inspect.StrType(max_length=longest) if longest:
            return f"text, {longest} characters at most"
        case inspect.StrType(pattern=pattern) if pattern:
            return "digits"
        case inspect.StrType():
            return "text"
        case inspect.VarTupleType(item_type=inspect.LiteralType(values=values)):
            return f"some of {', '.join(map(str, values))}"
        case inspect.VarTupleType():
            return "a list"
        case inspect.DictType():
            return "a table"
        case inspect.StructType():
            return "policies"
        case _:
            return "a number"
