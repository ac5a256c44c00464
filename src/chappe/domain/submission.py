"""The decision: which messages a request becomes, and what they cost.

A pure function of the request and the facts about the account: simulate and submit ask the same one. What is too much
to be held at once is decided in chunks, one after the other, with the same outcome.
"""

from collections.abc import Mapping, Sequence
from itertools import compress

import msgspec
from pyroaring import BitMap64

from chappe.domain import personalize
from chappe.domain.accounts import Account
from chappe.domain.delay import send_time
from chappe.domain.errors import BadData
from chappe.domain.infos import join_infos, split_infos
from chappe.domain.legal_hours import LegalHours
from chappe.domain.limits import SendLimits
from chappe.domain.links import SHORT, Shortener, link_targets
from chappe.domain.marketing_hours import MarketingHours
from chappe.domain.measure import Measured, finish_in
from chappe.domain.plans import (
    ALERT,
    MARKETING,
    NO_NUMBER,
    NOBODY,
    SINGLE,
    Excluded,
    LeftOut,
    Limits,
    Plan,
    Recipients,
    Terms,
)
from chappe.domain.quotas import UNLIMITED, Quota
from chappe.domain.requests import Kind, SubmitRequest
from chappe.domain.route_places import NO_TERMS
from chappe.domain.route_places import Terms as RouteTerms
from chappe.domain.routing import RouteTable, Traffic
from chappe.domain.rulebook import AccountRules
from chappe.domain.variants import Variant
from chappe.telecom.numbers import normalise
from chappe.telecom.segments import is_blank, normalise_text


def plan(
    request: SubmitRequest,
    rules: AccountRules,
    routes: RouteTable,
    limits: Limits,
    now_ms: int,
    *,
    hours: LegalHours,
    recipients: Recipients | None = None,
    excluded: Excluded = NOBODY,
    quota: Quota = UNLIMITED,
    shortener: Shortener | None = None,
) -> Plan:
    """Decide what a request for numbers becomes; `recipients` are its own, when they have been read already.

    Raises: BadData or BadDate when the request as a whole cannot be carried out.
    Cost: a few microseconds a recipient.
    """
    recipients = recipients or read_recipients(request, rules.account, limits)
    planner = Planner(request, rules, routes, limits, now_ms, hours, shortener, home=home_of(recipients, rules))
    return planner.plan(recipients, excluded, quota)


def home_of(recipients: Recipients, rules: AccountRules) -> str:
    """The country whose sender and text the campaign shows: the first recipient's, else the account's."""
    return next(compress(recipients.countries, recipients.numbers), rules.account.country)


def read_recipients(request: SubmitRequest, account: Account, limits: Limits) -> Recipients:
    """The recipients of a request for numbers. Raises: BadData when there are none, or too many to read."""
    if not request.numbers:
        raise BadData("give at least one number", field="to")
    if len(request.numbers) > limits.max_recipients:
        raise BadData(f"{len(request.numbers)} numbers; at most {limits.max_recipients} in one request", field="gsm")
    refs = request.client_refs if any(request.client_refs) else []
    infos = [join_infos(each) for each in request.infos] if any(request.infos) else []
    return recipients_of(request.numbers, account.country, refs, infos)


def recipients_of(
    inputs: Sequence[str],
    country: str,
    client_refs: list[str | None],
    infos: list[str | None],
    list_id: int | None = None,
) -> Recipients:
    """Read numbers as somebody in `country` writes them. Cost: a microsecond or two a number."""
    found = normalise(inputs, country)
    rows = zip(found.e164, found.country, found.problem, strict=True)
    numbers = [int(number) if number and place and not problem else NO_NUMBER for number, place, problem in rows]
    countries = [place or "" for place in found.country]
    return Recipients(numbers, countries, client_refs, infos, list_id)


class Planner:
    """Decides about the recipients of one request, chunk by chunk; it remembers whom it has met."""

    def __init__(
        self,
        request: SubmitRequest,
        rules: AccountRules,
        routes: RouteTable,
        limits: Limits,
        now_ms: int,
        hours: LegalHours,
        shortener: Shortener | None = None,
        *,
        home: str | None = None,
    ) -> None:
        """Raises: BadData or BadDate when the request as a whole cannot be carried out.

        Shape: a text with `<-short->` in it needs the shortener; `home` is the country whose sender and text the
               campaign has, the account's when it is not given.
        """
        self._request = request
        self._text = _text(request)
        self._rules = rules
        account = rules.account
        self.router = routes.router(Traffic(account.id, account.parent_id, request.kind, account.is_sandbox))
        self._asks_terms = routes.asks_terms
        self._uses_national = routes.is_national and bool(rules.value("national_alphabets"))
        self._marketing = MarketingHours(rules, hours) if request.kind == "marketing" else None
        self._is_personal = personalize.has_tags(self._text)
        self.link_urls = link_targets(self._text, request.links)
        self._shortener = shortener
        # A link that is nobody's is as long as any other: it stands for all of them where parts are counted.
        self._no_links = (shortener.no_link if shortener else SHORT,) * len(self.link_urls)
        # Lists have millions of numbers: a set of a million takes 77 MB, this 3.
        self._seen: set[int] | BitMap64 = BitMap64() if request.lists else set()
        self._variants: dict[str, Variant] = {}
        self._used_of_country: dict[str, int] = {}
        self._used = 0
        self._home = self.variant(home or rules.account.country)
        send_at = send_time(request.delay, now_ms) if request.send_at is None else max(now_ms, request.send_at)
        validity_ms = min(limits.validity_s, request.validity_s or limits.validity_s) * 1000
        self.terms = Terms(
            kind=request.kind,
            sender=self._home.sender.text,
            text=self._home.final,
            send_at=send_at,
            expires_at=send_at + validity_ms,
            priority=SINGLE if request.kind == "alert" and len(request.numbers) == 1 else priority_of(request.kind),
            validity_ms=validity_ms,
        )

    def variant(self, country: str) -> Variant:
        """The request as a country gets it."""
        found = self._variants.get(country)
        if found is None:
            languages = self.router.languages(country) if self._uses_national else ()
            found = self._variants[country] = Variant(self._text, self._request, self._rules, country, languages)
        return found

    @property
    def send_limits(self) -> tuple[SendLimits, ...]:
        """The limits that bind the account."""
        return self._rules.send_limits

    @property
    def author_text(self) -> str:
        """The text as it is counted, with its tags still in it."""
        return self._text

    @property
    def variants(self) -> dict[str, Variant]:
        """The countries met so far."""
        return self._variants

    def measured(self, country: str, infos: str | None = None) -> Measured:
        """The text of one recipient as it leaves, if it does; its links are nobody's. Raises: BadData."""
        if not self._is_personal:
            return self.variant(country).common(self._no_links)
        return self.variant(country).measure(self.personal(country, infos))

    def personal(self, country: str, infos: str | None = None) -> str:
        """The text of one recipient before any of its letters is replaced."""
        [text] = self._personalized([infos], [country], [[link] for link in self._no_links])
        return text

    def plan(self, given: Recipients, excluded: Excluded, quota: Quota = UNLIMITED) -> Plan:
        """Decide about some more recipients. Raises: BadData when a text of theirs is too long.

        Shape: the quota is what was left before the first chunk, but for `flooded`, which are some of these numbers.
        """
        at, left_out = self._filter(given, excluded, quota)
        everybody = len(at) == len(given.numbers)
        numbers = given.numbers if everybody else [given.numbers[i] for i in at]
        countries = given.countries if everybody else [given.countries[i] for i in at]
        refs, infos = given.client_refs, given.infos
        if not everybody:
            refs = [refs[i] for i in at] if refs else refs
            infos = [infos[i] for i in at] if infos else infos
        places = {country: self.variant(country) for country in set(countries)}
        texts, encodings, parts = self._texts(infos, countries, places)
        ready = self._marketing.ready(numbers, countries, self.terms.send_at) if self._marketing else []
        terms = self.terms
        first = min(ready) if ready else terms.send_at
        last = max(ready) if ready else terms.send_at
        return Plan(
            terms.kind, terms.sender, terms.text, first, last + terms.validity_ms, terms.priority, terms.validity_ms,
            total=len(given.numbers),
            left_out=left_out,
            numbers=numbers,
            countries=countries,
            lanes=self.router.lanes(numbers, countries, self._route_terms(places), ready or terms.send_at),
            client_refs=refs,
            texts=texts,
            senders=self._senders(countries, places),
            encodings=encodings,
            parts=parts,
            prices_mc=_prices(countries, parts, places),
            ready=ready if first != last else [],
            infos=infos,
            list_id=given.list_id,
            link_urls=self.link_urls,
        )  # fmt: skip

    def _route_terms(self, places: Mapping[str, Variant]) -> dict[str, RouteTerms]:
        return route_terms(places) if self._asks_terms else dict.fromkeys(places, NO_TERMS)

    def _filter(self, given: Recipients, excluded: Excluded, quota: Quota) -> tuple[list[int], LeftOut]:
        """The places of those that stay, and how many do not: each counted once."""
        seen = self._seen
        at: list[int] = []
        invalid = duplicated = blacklisted = npai = 0
        for i, number in enumerate(given.numbers):
            if number == NO_NUMBER:
                invalid += 1
            elif number in seen:
                duplicated += 1
            else:
                seen.add(number)
                if number in excluded.blacklisted:
                    blacklisted += 1
                elif number in excluded.npai:
                    npai += 1
                else:
                    at.append(i)
        not_allowed = country_limit = flood = 0
        if refused := {place for place in set(given.countries) if place and not self.variant(place).place.may_send}:
            allowed = [i for i in at if given.countries[i] not in refused]
            at, not_allowed = allowed, len(at) - len(allowed)
        if quota is not UNLIMITED:
            at, country_limit, flood = self._within(at, given, quota)
        return at, LeftOut(invalid, duplicated, blacklisted, npai, not_allowed, country_limit, flood)

    def _within(self, at: list[int], given: Recipients, quota: Quota) -> tuple[list[int], int, int]:
        """Who is within the account's limits, who is beyond a country's, who beyond the others."""
        kept: list[int] = []
        country_limit = flood = 0
        used = self._used_of_country
        for i in at:
            country = given.countries[i]
            left = quota.by_country.get(country)
            if left is not None and used.get(country, 0) >= left:
                country_limit += 1
            elif given.numbers[i] in quota.flooded or (quota.messages is not None and self._used >= quota.messages):
                flood += 1
            else:
                if left is not None:
                    used[country] = used.get(country, 0) + 1
                self._used += 1
                kept.append(i)
        return kept, country_limit, flood

    def _senders(self, countries: list[str], places: Mapping[str, Variant]) -> list[str | None]:
        """The senders where they differ from the campaign's."""
        common = self.terms.sender
        others = {
            country: variant.sender.text or "" for country, variant in places.items() if variant.sender.text != common
        }
        return [others.get(country) for country in countries] if others else []

    def _texts(
        self, infos: list[str | None], countries: list[str], places: Mapping[str, Variant]
    ) -> tuple[list[str | None], list[int], list[int]]:
        """The texts where they differ, the encodings and the part counts of the accepted recipients."""
        if self._is_personal:
            return self._personal(infos, countries, places)
        common = {country: variant.common(self._no_links) for country, variant in places.items()}
        texts: list[str | None] = []
        if any(variant.final != self.terms.text for variant in places.values()):
            own = {country: self._own_text(variant) for country, variant in places.items()}
            texts = [own[country] for country in countries]
        if len(common) == 1:
            _, encoding, parts = common[countries[0]]
            return texts, [encoding] * len(countries), [parts] * len(countries)
        measured = [common[country] for country in countries]
        return texts, [each[1] for each in measured], [each[2] for each in measured]

    def _own_text(self, variant: Variant) -> str | None:
        return variant.final if variant.final != self.terms.text else None

    def _personal(
        self, infos: list[str | None], countries: list[str], places: Mapping[str, Variant]
    ) -> tuple[list[str | None], list[int], list[int]]:
        links = [[link] * len(countries) for link in self._no_links]
        own = self._personalized(infos, countries, links)
        measures = {country: variant.measure for country, variant in places.items()}
        measured = [measures[country](text) for country, text in zip(countries, own, strict=True)]
        return [each[0] for each in measured], [each[1] for each in measured], [each[2] for each in measured]

    def _personalized(self, infos: list[str | None], countries: list[str], links: list[list[str]]) -> list[str]:
        """The texts of recipients, by the variants that their countries get."""
        fields = _fields(infos, len(countries))
        groups: dict[str, list[int]] = {}
        of_country = {country: self.variant(country).text for country in set(countries)}
        if len(set(of_country.values())) <= 1:
            text = next(iter(of_country.values()), "")
            return personalize.personalize(text, fields, links)
        for i, country in enumerate(countries):
            groups.setdefault(of_country[country], []).append(i)
        found = [""] * len(countries)
        for text, places in groups.items():
            columns = [[column[i] for i in places] for column in links]
            for i, own in zip(places, personalize.personalize(text, [fields[i] for i in places], columns), strict=True):
                found[i] = own
        return found

    def with_links(self, planned: Plan, first_message: int) -> Plan:
        """The same plan with the links of its messages in their texts; their ids are consecutive.

        Shape: a plan without links stays as it is. Cost: some 5 microseconds a link.
        """
        count, tokens = len(planned.numbers), len(self.link_urls)
        if self._shortener is None or not tokens or not count:
            return planned
        links = self._shortener.links(tokens, first_message, count)
        texts: list[str | None]
        if self._is_personal:
            own = self._personalized(planned.infos, planned.countries, links)
            texts = [finish_in(text, encoding) for text, encoding in zip(own, planned.encodings, strict=True)]
        else:
            frames = {country: self.variant(country).frame(self._no_links) for country in set(planned.countries)}
            rows = zip(planned.countries, zip(*links, strict=True), strict=True)
            texts = [frames[country] % own for country, own in rows]
        return msgspec.structs.replace(planned, texts=texts)


def route_terms(places: Mapping[str, Variant]) -> dict[str, RouteTerms]:
    """What routes may ask about messages to these countries."""
    return {
        country: RouteTerms(variant.sender.text or "", variant.place.price_mc) for country, variant in places.items()
    }


def _fields(infos: list[str | None], count: int) -> list[personalize.Infos | None]:
    return [split_infos(own) for own in infos] if infos else [None] * count


def _prices(countries: list[str], parts: list[int], places: Mapping[str, Variant]) -> list[int]:
    each = {country: variant.place.price_mc for country, variant in places.items()}
    return [each[country] * count for country, count in zip(countries, parts, strict=True)]


def priority_of(kind: Kind) -> int:
    """The priority of a campaign."""
    return MARKETING if kind == "marketing" else ALERT


def _text(request: SubmitRequest) -> str:
    text = normalise_text(request.text)
    if is_blank(text):
        raise BadData("is empty", field="text")
    return text
