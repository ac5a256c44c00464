"""POST /explain, and the warnings of simulations."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from chappe.domain.explanation import Explanation, Timing, Wording
from chappe.domain.pricing import exact_credits
from chappe.domain.reasons import Reason
from chappe.domain.remarks import Warned
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import date_text
from chappe.surfaces.http.smsfactor.send_request import from_explain_document


class WarningFields(msgspec.Struct, frozen=True):
    """Something that will be otherwise than asked, or that you may not expect."""

    code: str
    text: str
    messages: int
    country: str | UnsetType = UNSET
    rule: str | UnsetType = UNSET


class SourceFields(msgspec.Struct, frozen=True):
    """Who says so, and where."""

    title: str
    where: str
    date: str


class ReasonFields(msgspec.Struct, frozen=True):
    """The rule that decides, where its value comes from, and who says so."""

    rule: str
    value: str
    origin: str
    confidence: str
    note: str
    sources: list[SourceFields]


class ToFields(msgspec.Struct, frozen=True):
    """The recipient."""

    given: str
    number: str | None
    country: str | None
    country_name: str | None
    left_out: str | None
    why: str
    because: list[ReasonFields]


class ReplacedFields(msgspec.Struct, frozen=True):
    """A character that GSM-7 lacks, and what is sent instead."""

    character: str
    replacement: str
    times: int


class CostlyFields(msgspec.Struct, frozen=True):
    """A character that takes two units."""

    character: str
    times: int


class OutsideFields(msgspec.Struct, frozen=True):
    """The first character of your text that GSM-7 lacks."""

    character: str
    at: int


class TextFields(msgspec.Struct, frozen=True):
    """The text as it leaves, and the room it takes."""

    text: str
    encoding: str
    units: int
    room: int
    parts: int
    max_parts: int
    to_drop: int
    parts_otherwise: int | None
    replaced: list[ReplacedFields]
    costly: list[CostlyFields]
    outside: OutsideFields | None
    because: list[ReasonFields]


class StopFields(msgspec.Struct, frozen=True):
    """How the recipient is told to opt out."""

    text: str
    place: str
    why: str
    because: list[ReasonFields]


class SenderFields(msgspec.Struct, frozen=True):
    """What the recipient sees as origin."""

    asked: str | None
    sent_as: str | None
    why: str
    because: list[ReasonFields]


class PriceFields(msgspec.Struct, frozen=True):
    """What it costs."""

    part: str
    total: str
    because: list[ReasonFields]


class ClockFields(msgspec.Struct, frozen=True):
    """The planned time on a clock where the recipient may be."""

    zone: str
    time: str


class TimingFields(msgspec.Struct, frozen=True):
    """When it leaves."""

    hours: str
    asked: str
    planned: str
    held: bool
    expires: str
    clocks: list[ClockFields]
    because: list[ReasonFields]


class WayFields(msgspec.Struct, frozen=True):
    """Which carrier takes it."""

    carrier: str | None
    default: bool
    candidates: list[str]
    because: list[ReasonFields]


class Explained(Answer, frozen=True):
    """What becomes of one message, piece by piece, each with its rule and source; nothing is sent."""

    pushtype: str
    to: ToFields
    text: TextFields
    stop: StopFields
    sender: SenderFields
    price: PriceFields
    timing: TimingFields
    route: WayFields
    warnings: list[WarningFields]


async def post(call: Call) -> Explained:
    """Say what would become of one message, and why.

    The rules of the country, of the installation and of the account are named with their sources.
    """
    told = await call.use_cases.explainer.explain(call.account, from_explain_document(call.document, call.limits))
    return explained(told)


def explained(told: Explanation) -> Explained:
    """An explanation as it is answered."""
    to, stop, sender, price, way = told.to, told.mention, told.sender, told.price, told.way
    return Explained(
        pushtype=told.kind,
        to=ToFields(
            to.given,
            str(to.number) if to.number else None,
            to.country or None,
            to.country_name or None,
            to.left_out or None,
            to.why,
            _because(to.because),
        ),
        text=_text(told.wording),
        stop=StopFields(stop.text, stop.place, stop.why, _because(stop.because)),
        sender=SenderFields(sender.asked, sender.sent_as, sender.why, _because(sender.because)),
        price=PriceFields(exact_credits(price.part_mc), exact_credits(price.total_mc), _because(price.because)),
        timing=_timing(told.timing),
        route=WayFields(way.carrier, way.is_default, [each.carrier for each in way.candidates], _because(way.because)),
        warnings=warnings_of(told.remarks),
    )


def warnings_of(remarks: Iterable[Warned]) -> list[WarningFields]:
    return [
        WarningFields(each.code, each.text, each.messages, each.country or UNSET, each.rule or UNSET)
        for each in remarks
    ]


def _text(wording: Wording) -> TextFields:
    outside = wording.outside
    return TextFields(
        text=wording.text,
        encoding=wording.encoded,
        units=wording.units,
        room=wording.room,
        parts=wording.parts,
        max_parts=wording.max_parts,
        to_drop=wording.to_drop,
        parts_otherwise=wording.parts_otherwise,
        replaced=[ReplacedFields(*change) for change in wording.replaced],
        costly=[CostlyFields(*each) for each in wording.costly],
        outside=OutsideFields(*outside) if outside else None,
        because=_because(wording.because),
    )


def _timing(timing: Timing) -> TimingFields:
    return TimingFields(
        hours=timing.hours,
        asked=date_text(timing.asked_at),
        planned=date_text(timing.planned_at),
        held=timing.is_held,
        expires=date_text(timing.expires_at),
        clocks=[ClockFields(clock.zone, clock.time) for clock in timing.clocks],
        because=_because(timing.because),
    )


def _because(because: Iterable[Reason]) -> list[ReasonFields]:
    return [
        ReasonFields(
            each.rule,
            each.value,
            each.origin,
            each.confidence,
            each.note,
            [SourceFields(source.title, source.url or source.where, source.date) for source in each.sources],
        )
        for each in because
    ]
