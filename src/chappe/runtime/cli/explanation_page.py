"""An explanation as a page for the terminal: each thing that was decided, and under it the rule and who says so."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chappe.domain.delay import FORMAT, paris_text
from chappe.domain.explanation import Addressee, Explanation, Origin, Price, Stop, Timing, Way, Wording
from chappe.domain.pricing import exact_credits
from chappe.domain.reasons import Origin as SetBy
from chappe.domain.reasons import Reason
from chappe.domain.remarks import Warned
from chappe.telecom.segments import Encoding

MAX_SOURCES: Final = 2
_SET_BY: Final[dict[SetBy, str]] = {
    "account": "set for the account",
    "parent": "set for the parent account",
    "installation": "set for the installation",
    "country": "the country's file",
    "default": "the default",
    "standard": "a standard",
    "hint": "a hint of the country's file, which decides nothing",
}
_UNITS: Final = {Encoding.GSM7: "septets", Encoding.UCS2: "16-bit units"}


def explanation_page(told: Explanation) -> Group:
    """Everything, in the order in which a message comes to be."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold cyan", no_wrap=True)
    rows.add_column(ratio=1, overflow="fold")
    sections: list[tuple[str, list[Text], tuple[Reason, ...]]] = [
        ("to", _to(told.to), told.to.because),
        ("sender", _sender(told.sender), told.sender.because),
        ("text", _text(told.wording), told.wording.because),
        ("STOP", [_plain(f"{_quoted(told.mention.text)}: {told.mention.why}")], told.mention.because),
        ("price", [_price(told)], told.price.because),
        ("when", _when(told.timing), told.timing.because),
        ("route", _way(told.way, told.to), told.way.because),
    ]
    for name, lines, because in sections:
        rows.add_row(name, Group(*lines, *_reasons(because), ""))
    return Group(_headline(told), "", rows, _warnings(told.remarks))


def _headline(told: Explanation) -> Text:
    where = told.to.country_name or "nowhere"
    if not told.is_sent:
        return Text(f"Nothing is sent to {where}, {told.to.left_out}: {told.to.why}.", style="bold red")
    until = f"waits until {_local(told.timing)}" if told.timing.is_held else "leaves at once"
    if not told.timing.is_held and told.timing.is_delayed:
        until = f"leaves {_local(told.timing)}"
    cost = f"{_count(told.wording.parts, 'part')}, {_credits(told.price.total_mc)}"
    kind = "Marketing" if told.kind == "marketing" else "An alert"
    return Text(f"{kind} to {where}: {cost}; {until}.", style="bold yellow" if told.timing.is_held else "bold green")


def _to(to: Addressee) -> list[Text]:
    number = f"+{to.number}" if to.number else "no number"
    place = f" in {to.country_name} ({to.country})" if to.country else ""
    lines = [_plain(f"{number}{place}" + (f", given as {to.given}" if to.given.lstrip("+") != str(to.number) else ""))]
    return [*lines, Text(f"left out as {to.left_out}: {to.why}", style="red")] if to.left_out else lines


def _sender(sender: Origin) -> list[Text]:
    if sender.sent_as is None:
        asked = f" ({sender.asked})" if sender.asked else ""
        return [_plain(sender.why + asked)]
    asked = f", asked for as {sender.asked}" if sender.asked and sender.asked != sender.sent_as else ""
    return [_plain(f"{sender.sent_as}{asked}: {sender.why}")]


def _text(wording: Wording) -> list[Text]:
    unit = _UNITS[wording.encoding]
    parts = f"{_count(wording.parts, 'part')} of at most {wording.max_parts}"
    lines = [
        *[Text(f"│ {line}", style="italic") for line in wording.text.split("\n")],
        _plain(f"{wording.encoded}: {wording.units} of {wording.room} {unit}, {parts}"),
    ]
    if wording.replaced:
        told = ", ".join(f"{each.character} -> {each.replacement}{_times(each.times)}" for each in wording.replaced)
        lines.append(_plain(f"replaced, because GSM-7 lacks it: {told}"))
    if wording.outside and wording.encoding is Encoding.UCS2:
        lines.append(_plain(f"the first that GSM-7 lacks: {wording.outside.character} at {wording.outside.at}"))
    if wording.costly:
        told = ", ".join(f"{each.character}{_times(each.times)}" for each in wording.costly)
        lines.append(_plain(f"take two {unit} each: {told}"))
    if wording.to_drop:
        lines.append(_plain(f"{_count(wording.to_drop, 'character')} less would be one part less"))
    if wording.parts_otherwise:
        which = "without unicode" if wording.encoding is Encoding.UCS2 else "with unicode, which keeps every letter"
        lines.append(_plain(f"{which}: {_count(wording.parts_otherwise, 'part')}"))
    return lines


def _price(told: Explanation) -> Text:
    price: Price = told.price
    return _plain(f"{_credits(price.part_mc)} for a part, {_credits(price.total_mc)} in all")


def _when(timing: Timing) -> list[Text]:
    lines = [_plain(timing.hours)]
    what = "held until" if timing.is_held else "leaves"
    lines += [_plain(f"{what} {_day(clock.time)} in {clock.zone}") for clock in timing.clocks]
    lines.append(_plain(f"a carrier may take it until {_paris(timing.expires_at)} in Paris"))
    return lines


def _way(way: Way, to: Addressee) -> list[Text]:
    if way.carrier is None:
        return [Text(f"no carrier takes messages for {to.country_name or 'it'}: they would wait", style="red")]
    lines = [_plain(f"carrier {way.carrier}{_told(way.candidates[0])}")]
    return [*lines, *[_plain(f"else {each.carrier}{_told(each)}") for each in way.candidates[1:]]]


def _told(stop: Stop) -> str:
    cost = f"takes {exact_credits(stop.cost_mc)} a part" if stop.cost_mc is not None else ""
    share = f"share {stop.share:.0%}" if 0 < stop.share < 1 else ""
    said = ", ".join(filter(None, [cost, share, stop.health]))
    return f" ({said})" if said else ""


def _reasons(because: Iterable[Reason]) -> Iterator[Text | Padding]:
    for each in because:
        sure = f", {each.confidence}" if each.confidence else ""
        line = Text.assemble(
            (f"{each.rule} = {each.value or '-'}", "dim bold"), (f"  {_SET_BY[each.origin]}{sure}", "dim")
        )
        yield line
        notes = [each.note] if each.note else []
        named = [", ".join(filter(None, [one.title, one.url or one.where, one.date])) for one in each.sources]
        rest = len(named) - MAX_SOURCES
        more = [f"and {rest} more"] if rest > 0 else []
        for told in [*notes, *named[:MAX_SOURCES], *more]:
            yield Padding(Text(told, style="dim"), (0, 0, 0, 4))


def _warnings(remarks: Iterable[Warned]) -> Table:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(style="bold yellow")
    rows.add_column(ratio=1, style="yellow")
    for each in remarks:
        rows.add_row("!", Text(each.text))
    return rows


def _quoted(text: str) -> str:
    return f'"{text}"' if text else "none"


def _times(times: int) -> str:
    return f" ({times} times)" if times > 1 else ""


def _credits(amount_mc: int) -> str:
    return f"{exact_credits(amount_mc)} {'credit' if amount_mc == 1000 else 'credits'}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _local(timing: Timing) -> str:
    """The planned time on the recipient's wall, or in Paris where that is not known."""
    if len(timing.clocks) == 1:
        return f"{_day(timing.clocks[0].time)} in {timing.clocks[0].zone}"
    return f"{_paris(timing.planned_at)} in Paris"


def _paris(at_ms: int) -> str:
    return _day(paris_text(at_ms))


def _day(time: str) -> str:
    return datetime.strptime(time, FORMAT).strftime("%A %Y-%m-%d %H:%M")


def _plain(text: str) -> Text:
    return Text(text)
