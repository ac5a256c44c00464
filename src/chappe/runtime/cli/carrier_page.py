"""How carriers, their profiles and their options look in a terminal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from chappe.carriers.kinds import Setting, settings_of
from chappe.carriers.profiles import Profile
from chappe.carriers.trial import Tried
from chappe.domain.lifecycle import Dlr
from chappe.domain.unknown import UnknownPolicies
from chappe.manage.carrier_status import BindStatus, CarrierStatus, PaceStatus, SettingValue

NOT_SERVED: Final = BindStatus("not running", "no gateway serves it; `chappe serve` starts one", 0, 0, 0)
_WIDTH: Final = 22
# More of them are shown by `carrier show` only.
_MANY_CODES: Final = 6


def status_lines(status: CarrierStatus) -> Iterable[str]:
    """A carrier as `chappe carrier list` has it."""
    rate = f"{status.rate}/s" if status.rate else "no limit"
    where = f"{status.host}:{status.port}"
    if status.kind == "http":
        yield f"{status.name}: {where} over {'HTTPS' if status.tls else 'HTTP'}, {status.profile}"
    elif status.kind == "sandbox":
        yield f"{status.name}: built in, for demo accounts; it sends nothing to anybody"
    else:
        of_profile = f", profile {status.profile}" if status.profile else ""
        yield f"{status.name}: {where}{' over TLS' if status.tls else ''} as {status.system_id}{of_profile}"
    if status.paused_at is not None:
        yield f"  paused since {_clock(status.paused_at)}; `chappe carrier resume {status.name}` goes on"
    yield f"  routes {', '.join(status.routes) or 'none'}; window {status.window}, rate {rate}"
    if status.lookup_url:
        yield f"  look-ups at {status.lookup_url}"
    if len(status.receipt_errors) > _MANY_CODES:
        yield f"  error codes: {len(status.receipt_errors)} have a meaning; `chappe carrier show {status.name}`"
    elif status.receipt_errors:
        codes = ", ".join(f"{code} {Dlr(dlr).name}" for code, dlr in sorted(status.receipt_errors.items()))
        yield f"  error codes: {codes}"
    if status.national_alphabets:
        yield f"  shift tables {', '.join(status.national_alphabets)}"
    safe = ", a resend is safe" if status.is_idempotent else ""
    yield f"  {status.waiting} waiting, {status.unknown} unknown; on unknown {status.on_unknown}{safe}"
    if status.unknown_counts:
        yield f"  ever {', '.join(f'{count} {what}' for what, count in status.unknown_counts.items())}"
    if status.pace is not None:
        yield f"  {pace_line(status.pace)}"
    for number, bind in enumerate(status.binds or [NOT_SERVED], 1):
        yield from _bind_lines(f"bind {number}" if status.kind == "smpp" else "state", bind)


def pace_line(pace: PaceStatus) -> str:
    """How fast it is, and why not faster."""
    words = [f"{pace.per_s} parts/s, limited by {pace.limited_by}"]
    if pace.allowed_per_s is not None:
        words.append(f"{pace.allowed_per_s}/s allowed now")
    if pace.answer_ms is not None:
        words.append(f"answers in {pace.answer_ms} ms")
    if pace.congestion is not None:
        words.append(f"it says it is {pace.congestion} % busy")
    if pace.drained_in_s is not None:
        words.append(f"what waits is gone in {_span(pace.drained_in_s)}")
    return "; ".join(words)


def _bind_lines(what: str, bind: BindStatus) -> Iterable[str]:
    since = datetime.fromtimestamp(bind.since_at / 1000).strftime(" since %H:%M:%S") if bind.since_at else ""
    counts = (
        f", {bind.in_flight} in flight, {bind.submitted} submitted"
        if bind.state in ("bound", "ready", "trying")
        else ""
    )
    mode = f" as {bind.mode}" if bind.mode and bind.state in ("bound", "trying") else ""
    version = f", SMPP {bind.version}" if bind.version and bind.state in ("bound", "trying") else ""
    detail = f": {bind.detail}" if bind.detail else ""
    yield f"  {what}: {bind.state}{mode}{since}{version}{counts}{detail}"
    if bind.oddities:
        yield f"    oddities: {_counts(bind.oddities)}"


def setting_lines(values: Iterable[SettingValue], *, all_of_them: bool) -> Iterable[str]:
    """Settings by group, each with its origin; without `all_of_them` those that differ from the defaults."""
    groups: dict[str, list[SettingValue]] = {}
    for value in values:
        if value.origin != "default" or all_of_them:
            groups.setdefault(value.group, []).append(value)
    for group, members in groups.items():
        yield f"{group}:"
        for line in _members(members):
            yield f"  {line}"


def _members(values: Iterable[SettingValue]) -> Iterable[str]:
    for value in values:
        for line in _value_lines(value.name, value.value):
            yield f"{line}{'' if value.origin == 'own' else f'  ({value.origin})'}"


def _value_lines(name: str, value: Any) -> Iterable[str]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            shown = Dlr(each).name if name == "receipt_errors" else each
            yield f"{name}: {key} = {shown}"
        return
    yield f"{name} = {shown_value(value)}"


def shown_value(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, UnknownPolicies):
        return str(value)
    if isinstance(value, str):
        return value or "(empty)"
    if isinstance(value, (list, tuple, dict)):
        return msgspec.json.encode(value).decode() if value else "(none)"
    return f"{value:g}" if isinstance(value, float) else str(value)


def trial_lines(tries: Iterable[Tried]) -> Iterable[str]:
    """What a carrier said when it was tried out."""
    for tried in tries:
        version = f", SMPP {tried.version}" if tried.version else ""
        yield f"{tried.mode}: {tried.said}{version}"
        if tried.waiting:
            yield f"  {tried.waiting} deliveries came meanwhile; they are left for the server"
        if tried.oddities:
            yield f"  oddities: {_counts(tried.oddities)}"


def option_lines(kind: str) -> Iterable[str]:
    """Every option of a kind of carrier."""
    group = ""
    for setting in settings_of(kind).values():
        if setting.group != group:
            group = setting.group
            yield f"{group}:"
        yield f"  {setting.name:{_WIDTH}} {setting.words}"
        rebinds = "" if setting.is_live else "; a change binds anew"
        yield f"  {'':{_WIDTH}} {setting.values}; default {shown_value(setting.default)}{rebinds}"


def profile_lines(name: str, known: Profile) -> Iterable[str]:
    """A profile with all that it sets, and where that comes from."""
    yield f"{name}: {known.title}"
    for note in known.notes:
        yield f"  {note}"
    connection = {key: value for key, value in msgspec.structs.asdict(known.connection).items() if value is not None}
    for key, value in {**connection, **known.options}.items():
        for line in _value_lines(key, value) if not isinstance(value, dict) else _table_lines(key, value):
            yield f"  {line}"
    for source in known.sources:
        yield f"  source: {', '.join(filter(None, (source.title, source.date, source.url)))}"
    examples = len(known.submits) + len(known.deliveries) + len(known.statuses)
    yield f"  {examples} examples" if examples else "  no examples"


def _table_lines(name: str, table: dict[str, Any]) -> Iterable[str]:
    for key, value in table.items():
        yield f"{name}: {key} = {value}"


def reference(kind: str) -> str:
    """The page docs/carrier-options.md."""
    rows = [_row(setting) for setting in settings_of(kind).values()]
    return _HEAD + "\n".join(rows) + "\n"


def _row(setting: Setting) -> str:
    words = setting.words.replace("|", "\\|")
    change = "" if setting.is_live else " A change binds anew."
    return (
        f"| `{setting.name}` | {setting.group} | {setting.values} | {shown_value(setting.default)} |"
        f" {words[:1].upper()}{words[1:]}.{change} |"
    )


_HEAD: Final = """# Options of SMPP carriers

`chappe carrier add|set NAME --option NAME=VALUE` sets any of these; tables and lists are JSON, or `A=B,C=D`. A profile
sets many of them at once (`chappe carrier profiles`). `chappe carrier show NAME` says what a carrier has, and
where that comes from. Besides these there are the settings of the connection: `host`, `port`, `system_id`,
`password`, `tls`, `binds`, `window` and `rate`; the last two change without a new bind.

| option | about | values | default | |
| --- | --- | --- | --- | --- |
"""


def _counts(oddities: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(oddities.items(), key=lambda each: -each[1]))


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{-(-minutes // 60)} h"
