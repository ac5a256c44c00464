"""Explain one message: the decision that a send would get, piece by piece, each with its rule and source.

Nothing is decided here: the planner is asked, and what it used is looked up in the rulebook.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, get_args
from zoneinfo import ZoneInfo

import msgspec

from chappe.domain.delay import FORMAT
from chappe.domain.encodings import UCS2, alphabet_of, encoding_name, is_national
from chappe.domain.explanation import (
    Addressee,
    Explanation,
    LeftOutAs,
    Mention,
    Origin,
    Price,
    Stop,
    Timing,
    WallClock,
    Way,
    Wording,
)
from chappe.domain.legal_hours import LegalHours
from chappe.domain.limits import check_cap
from chappe.domain.links import Shortener
from chappe.domain.marketing_hours import MarketingHours
from chappe.domain.moderation import Watch, warning
from chappe.domain.plan_remarks import PlanRemarks, hours_said
from chappe.domain.plans import NOBODY, Excluded, Limits, Plan, Recipients
from chappe.domain.quotas import UNLIMITED, Quota
from chappe.domain.reasons import Reason, reasons, standard
from chappe.domain.requests import SubmitRequest
from chappe.domain.routes import NO_CONDITIONS, conditions_text
from chappe.domain.routing import Candidate, RouteTable
from chappe.domain.rulebook import AccountRules
from chappe.domain.stop_mention import STOP, has_own_mention
from chappe.domain.submission import Planner, home_of, read_recipients, route_terms
from chappe.domain.text_costs import costly, first_outside, room, to_drop, units
from chappe.domain.variants import Variant
from chappe.domain.zones import zones_of
from chappe.telecom.numbers import Problem, normalise
from chappe.telecom.segments import Encoding, count_parts, normalise_text
from chappe.telecom.transliterate import into, to_gsm7

_LIMITS: Final = ("number_per_minute", "number_per_day", "same_text_minutes", "messages_per_minute", "messages_per_day")
_PROBLEMS: Final[dict[Problem, str]] = {
    "bad_format": "it cannot be read as a number",
    "lossy": "a spreadsheet has lost digits of it",
    "too_short": "it has too few digits",
    "too_long": "it has too many digits",
    "unassigned": "its country gives no such numbers",
    "short_code": "a short code takes no messages",
    "not_mobile": "it is no mobile number",
}
_WHY: Final[dict[LeftOutAs, str]] = {
    "blacklisted": "it is on the account's blacklist: who has it said STOP, or was put there",
    "npai": "it is on the account's list of numbers that nobody has",
    "not_allowed": "this account may not write to its country",
    "country_limit": "the account has sent to this country what it may in a month",
    "flood": "the account, or this number, has had what it may in so short a time",
}


class _Case(NamedTuple):
    """One message and all that is known of it."""

    request: SubmitRequest
    rules: AccountRules
    planner: Planner
    recipient: Recipients
    planned: Plan
    variant: Variant
    country: str

    def because(self, *names: str) -> tuple[Reason, ...]:
        return reasons(self.rules, self.country, *names)


def explain(
    request: SubmitRequest,
    rules: AccountRules,
    routes: RouteTable,
    limits: Limits,
    now_ms: int,
    *,
    hours: LegalHours,
    excluded: Excluded = NOBODY,
    left: Callable[[Planner, Recipients], Quota] = lambda planner, recipient: UNLIMITED,
    shortener: Shortener | None = None,
    watch: Watch | None = None,
) -> Explanation:
    """Explain what becomes of a request for one number.

    Shape:  `left` says what the account's limits leave for the number, `watch` whether a person would be asked.
    Raises: Refusal when a send would be refused.
    """
    recipient = read_recipients(request, rules.account, limits)
    planner = Planner(request, rules, routes, limits, now_ms, hours, shortener, home=home_of(recipient, rules))
    quota = left(planner, recipient)
    planned = planner.plan(recipient, excluded, quota)
    check_cap(quota, planned.cost_mc)
    country = recipient.countries[0] or rules.account.country
    case = _Case(request, rules, planner, recipient, planned, planner.variant(country), country)
    remarks = PlanRemarks(request, planner)
    remarks.add(planned)
    waits = False
    if watch is not None:
        watch.add(planned)
        waits = bool(watch.findings())
    wording = _wording(case)
    return Explanation(
        kind=request.kind,
        to=_addressee(case),
        wording=wording,
        mention=_mention(case),
        sender=_sender(case),
        price=_price(case),
        timing=_timing(case, hours, now_ms),
        way=_way(case),
        remarks=(*([warning(1)] if waits else []), *remarks.found()),
    )


def _addressee(case: _Case) -> Addressee:
    country, left_out = case.recipient.countries[0], _left_out(case.planned)
    [given] = case.request.numbers
    read = normalise([given], case.rules.account.country)
    because: tuple[Reason, ...] = (standard("numbers", "E.164", "itu", "libphonenumber"),)
    why = _WHY.get(left_out, "")
    match left_out:
        case "invalid":
            why = _PROBLEMS[read.problem[0] or "bad_format"]
        case "not_allowed":
            because += case.because("may_send")
        case "country_limit":
            because += case.because("messages_per_month")
        case "flood":
            because += tuple([each for each in case.because(*_LIMITS) if each.origin != "default"])
    name = case.variant.place.country.name if country else ""
    return Addressee(given, int(read.e164[0] or 0), country, name, left_out, why, because)


def _left_out(planned: Plan) -> LeftOutAs:
    counts = msgspec.structs.asdict(planned.left_out)
    for name in get_args(LeftOutAs):
        if counts.get(name):
            found: LeftOutAs = name
            return found
    return ""


def _wording(case: _Case) -> Wording:
    request, place = case.request, case.variant.place
    infos = case.recipient.infos[0] if case.recipient.infos else None
    text, written, parts = case.planner.measured(case.country, infos)
    encoding, alphabet = Encoding.UCS2 if written == UCS2 else Encoding.GSM7, alphabet_of(written)
    author = case.planner.personal(case.country, infos)
    replaced = () if request.is_unicode else into(normalise_text(author), alphabet).changes
    otherwise = None
    if request.is_unicode:
        otherwise = count_parts(to_gsm7(author).text)
    elif replaced or is_national(written):
        otherwise = count_parts(author, unicode=True)
    national = ("national_alphabets",) if is_national(written) else ()
    end = "\n" + place.stop_mention if case.variant.has_mention and STOP not in request.text else ""
    return Wording(
        text=text,
        encoding=encoding,
        encoded=encoding_name(written),
        units=units(text, encoding, alphabet),
        room=room(encoding, parts, alphabet),
        parts=parts,
        max_parts=place.max_parts,
        replaced=replaced,
        costly=costly(text, encoding, alphabet),
        outside=first_outside(author, alphabet),
        to_drop=to_drop(text, case.variant.finish(end), encoding, parts, alphabet),
        parts_otherwise=otherwise if otherwise != parts else None,
        because=(standard("encoding", "3GPP TS 23.038", "3gpp"), *case.because(*national, "max_parts")),
    )


def _mention(case: _Case) -> Mention:
    variant, place = case.variant, case.variant.place
    because = case.because("stop_mention")
    if STOP in case.request.text:
        return Mention(
            place.stop_mention, "token", f"it stands where {STOP} stood", case.because("stop_text", "stop_number")
        )
    if variant.has_mention:
        why = f"marketing under a name: nobody can answer {variant.sender.text or place.carrier_sender}"
        return Mention(place.stop_mention, "end", why, because + case.because("stop_text", "stop_number"))
    if case.request.kind != "marketing":
        return Mention("", "none", "alerts need none", ())
    if has_own_mention(case.request.text):
        return Mention("", "author", "the text says how to opt out", because)
    if not variant.is_name:
        return Mention("", "none", "whoever gets it can answer a number", because)
    return Mention("", "none", f"the platform adds none in {place.country.name}", because)


def _sender(case: _Case) -> Origin:
    sender, account = case.variant.sender, case.rules.account
    asked = (case.request.sender or "").strip() or None
    rules = [*dict.fromkeys(remark.rule for remark in sender.remarks if remark.rule), "sender"]
    if sender.text is None:
        why = "the asked one cannot be used" if asked else "no sender was asked for"
        own = case.variant.place.carrier_sender
        shown = f"the carrier's own, {own}" if own else "the carrier's own number"
        return Origin(asked, None, f"{shown}: {why}", case.because(*rules))
    if asked and sender.given == asked:
        why = "as asked" if sender.text == asked else "as the country takes it"
        return Origin(asked, sender.text, why, case.because("numeric_sender" if sender.text.isdigit() else rules[0]))
    if sender.given == account.sender:
        return Origin(asked, sender.text, "the account's own", case.because(*rules))
    return Origin(asked, sender.text, "the default sender", case.because("default_sender", *rules))


def _price(case: _Case) -> Price:
    return Price(case.variant.place.price_mc, case.planned.cost_mc, case.because("price"))


def _timing(case: _Case, hours: LegalHours, now_ms: int) -> Timing:
    terms, number, place = case.planner.terms, case.recipient.numbers[0], case.variant.place
    zones = zones_of(number, place.country.zones) if number and place.country.zones else place.country.zones
    because: tuple[Reason, ...] = ()
    planned_at = terms.send_at
    said = "alerts leave at any time"
    if case.request.kind == "marketing":
        said = hours_said(place)
        because = case.because("marketing_hours", *(["alsace_moselle"] if case.country == "FR" else []))
        if len(place.country.zones) > 1:
            because += (standard("time zones", "of the number", "libphonenumber", "tzdata"),)
        if case.planned.numbers:
            planned_at = case.planned.send_at
        elif number:
            planned_at = MarketingHours(case.rules, hours).opening(number, case.country, terms.send_at).opens_at
    return Timing(
        hours=said,
        is_delayed=terms.send_at > now_ms,
        asked_at=terms.send_at,
        planned_at=planned_at,
        expires_at=planned_at + terms.validity_ms,
        clocks=tuple([WallClock(zone, _wall(planned_at, zone)) for zone in zones]),
        because=because,
    )


def _wall(at_ms: int, zone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).strftime(FORMAT)


def _way(case: _Case) -> Way:
    number, at = case.recipient.numbers[0], case.planned.send_at
    terms = route_terms({case.country: case.variant})[case.country]
    found = case.planner.router.candidates(number, case.country, terms, at)
    candidates = tuple([_stop(each) for each in found])
    if not candidates:
        return Way(None, True, (), ())
    first = candidates[0]
    value = "the default route" if first.is_default else f"the route for {first.route}"
    if found[0].lane.is_sandbox:
        value = "a demo account: nothing is sent to anybody"
    return Way(first.carrier, first.is_default, candidates, (Reason("route", value, "installation"),))


def _stop(candidate: Candidate) -> Stop:
    route, health = candidate.route, candidate.health
    is_default = route.country is None and route.conditions == NO_CONDITIONS
    told = "" if not health.rank else f"{health.state}: {health.reason}"
    return Stop(
        candidate.lane.name, conditions_text(route), route.rank, is_default, candidate.cost_mc, told, candidate.share
    )
