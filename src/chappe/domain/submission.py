"""The decision: which messages a request becomes, and what they cost.

A pure function of the request and the facts about the account: simulate and submit ask the same one. What is too much
to be held at once is decided in chunks, one after the other, with the same outcome.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import msgspec
from pyroaring import BitMap64

from chappe.domain import personalize
from chappe.domain.accounts import Account
from chappe.domain.delay import send_time
from chappe.domain.errors import BadData
from chappe.domain.infos import join_infos, split_infos
from chappe.domain.links import SHORT, Shortener, link_targets
from chappe.domain.pricing import price_mc
from chappe.domain.requests import Kind, SubmitRequest
from chappe.domain.senders import sender_text
from chappe.telecom.gsm7 import DEFAULT
from chappe.telecom.numbers import normalise
from chappe.telecom.segments import Encoding, TooManyParts, capacity, normalise_text, segments
from chappe.telecom.transliterate import to_gsm7

# Markup of the contract that would otherwise reach people as it stands.
_MARKUP = {"<-stop->": "the STOP mention"}

UNROUTED = 0  # the lane of messages that no carrier serves yet

# Lower goes first: a single alert, the alerts of a campaign, marketing.
SINGLE, ALERT, MARKETING = 0, 1, 2

_ONE_PART: Final = capacity(Encoding.GSM7)

NO_NUMBER: Final = 0  # stands for what is no mobile number


@dataclass(frozen=True, slots=True)
class Limits:
    """What this installation allows in one request.

    Units: parts a message, seconds, recipients given as numbers, and given as contacts of lists.
    """

    max_parts: int = 10
    max_recipients: int = 100_000
    validity_s: int = 48 * 3600
    max_list_recipients: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Routes:
    """Which lane serves a country; `default` serves the others."""

    by_country: dict[str, int]
    default: int = UNROUTED

    def lanes(self, countries: Sequence[str]) -> list[int]:
        if not self.by_country:
            return [self.default] * len(countries)
        return [self.by_country.get(country, self.default) for country in countries]


class Excluded(NamedTuple):
    """Those of some numbers that the account does not write to: who said STOP, and who does not exist."""

    blacklisted: AbstractSet[int]
    npai: AbstractSet[int]


NOBODY: Final = Excluded(frozenset(), frozenset())


class Recipients(msgspec.Struct, frozen=True):
    """Some recipients whose numbers have been read, as columns of one length.

    Shape: a number that is none is NO_NUMBER, and its country is empty; `client_refs` and `infos` may be empty instead.
           `infos` are a person's four fields as `domain/infos.py` joins them; `list_id` is the list they all come from.
    """

    numbers: list[int]
    countries: list[str]
    client_refs: list[str | None]
    infos: list[str | None]
    list_id: int | None = None


class Terms(msgspec.Struct, frozen=True):
    """What all messages of a campaign have in common. Units: milliseconds UTC."""

    kind: Kind
    sender: str | None
    text: str
    send_at: int
    is_scheduled: bool
    expires_at: int
    priority: int


class Plan(Terms, frozen=True):
    """What a request, or a chunk of one, becomes: a campaign and its messages.

    Shape: the lists are columns of equal length, a row per accepted message; `texts` is empty when every message
           has the campaign's text, so are `client_refs` and `infos` when there are none. `total` is the sum of the
           messages and of the four counts of who is left out. `link_urls` are where the links of the texts lead; the
           links themselves are nobody's before the messages have ids (`Planner.with_links`).
    Units: thousandths of a credit.
    """

    total: int
    invalid: int
    duplicated: int
    blacklisted: int
    npai: int
    numbers: list[int]
    countries: list[str]
    lanes: list[int]
    client_refs: list[str | None]
    texts: list[str]
    encodings: list[int]
    parts: list[int]
    prices_mc: list[int]
    infos: list[str | None]
    list_id: int | None
    link_urls: list[str]

    @property
    def cost_mc(self) -> int:
        return sum(self.prices_mc)


class Tally(msgspec.Struct):
    """The counts of a campaign, summed up over its chunks. Units: thousandths of a credit."""

    total: int = 0
    sent: int = 0
    invalid: int = 0
    duplicated: int = 0
    blacklisted: int = 0
    npai: int = 0
    cost_mc: int = 0
    sms: int = 0

    @classmethod
    def of(cls, planned: Plan) -> Self:
        """The counts of a plan that is the whole campaign."""
        tally = cls()
        tally.add(planned)
        return tally

    def add(self, planned: Plan) -> None:
        self.total += planned.total
        self.sent += len(planned.numbers)
        self.invalid += planned.invalid
        self.duplicated += planned.duplicated
        self.blacklisted += planned.blacklisted
        self.npai += planned.npai
        self.cost_mc += planned.cost_mc
        self.sms += sum(planned.parts)


def plan(
    request: SubmitRequest,
    account: Account,
    routes: Routes,
    limits: Limits,
    now_ms: int,
    recipients: Recipients | None = None,
    excluded: Excluded = NOBODY,
    shortener: Shortener | None = None,
) -> Plan:
    """Decide what a request for numbers becomes; `recipients` are its own, when they have been read already.

    Raises: BadData or BadDate when the request as a whole cannot be carried out.
    Cost: a few microseconds a recipient.
    """
    planner = Planner(request, account, routes, limits, now_ms, shortener)
    return planner.plan(recipients or read_recipients(request, account, limits), excluded)


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
        account: Account,
        routes: Routes,
        limits: Limits,
        now_ms: int,
        shortener: Shortener | None = None,
    ) -> None:
        """Raises: BadData or BadDate when the request as a whole cannot be carried out.

        Shape: a text with `<-short->` in it needs the shortener.
        """
        self._text = _text(request)
        self._routes = routes
        self._final = str if request.is_unicode else _to_gsm7
        self._measure = _measure(self._final, request.is_unicode, limits)
        self._is_personal = personalize.has_tags(self._text)
        self.link_urls = link_targets(self._text, request.links)
        self._shortener = shortener
        # A link that is nobody's is as long as any other: it stands for all of them where parts are counted.
        self._no_links = (shortener.no_link if shortener else SHORT,) * len(self.link_urls)
        self._frame = "%s".join([self._final(piece).replace("%", "%%") for piece in self._text.split(SHORT)])
        self._common = ("", 0, 0) if self._is_personal else self._measure(self._frame % self._no_links)
        # Lists have millions of numbers: a set of a million takes 77 MB, this 3.
        self._seen: set[int] | BitMap64 = BitMap64() if request.lists else set()
        send_at = send_time(request.delay, now_ms)
        self.terms = Terms(
            kind=request.kind,
            sender=sender_text(request.sender, account.sender),
            text=self._final(self._text),
            send_at=send_at,
            is_scheduled=send_at > now_ms,
            expires_at=send_at + limits.validity_s * 1000,
            priority=SINGLE if request.kind == "alert" and len(request.numbers) == 1 else priority_of(request.kind),
        )

    def plan(self, given: Recipients, excluded: Excluded) -> Plan:
        """Decide about some more recipients. Raises: BadData when a text of theirs is too long."""
        at, invalid, duplicated, blacklisted, npai = self._filter(given.numbers, excluded)
        everybody = len(at) == len(given.numbers)
        countries = given.countries if everybody else [given.countries[i] for i in at]
        refs, infos = given.client_refs, given.infos
        if not everybody:
            refs = [refs[i] for i in at] if refs else refs
            infos = [infos[i] for i in at] if infos else infos
        texts, encodings, parts = self._texts(infos, len(at))
        terms = self.terms
        return Plan(
            terms.kind, terms.sender, terms.text, terms.send_at, terms.is_scheduled, terms.expires_at, terms.priority,
            total=len(given.numbers),
            invalid=invalid,
            duplicated=duplicated,
            blacklisted=blacklisted,
            npai=npai,
            numbers=given.numbers if everybody else [given.numbers[i] for i in at],
            countries=countries,
            lanes=self._routes.lanes(countries),
            client_refs=refs,
            texts=texts,
            encodings=encodings,
            parts=parts,
            prices_mc=[price_mc(count) for count in parts],
            infos=infos,
            list_id=given.list_id,
            link_urls=self.link_urls,
        )  # fmt: skip

    def _filter(self, numbers: list[int], excluded: Excluded) -> tuple[list[int], int, int, int, int]:
        """The places of those that stay; how many are invalid, duplicated, blacklisted, npai: each counted once."""
        seen = self._seen
        at: list[int] = []
        invalid = duplicated = blacklisted = npai = 0
        for i, number in enumerate(numbers):
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
        return at, invalid, duplicated, blacklisted, npai

    def _texts(self, infos: list[str | None], count: int) -> tuple[list[str], list[int], list[int]]:
        """The texts where they differ, the encodings and the part counts of the accepted recipients."""
        if not self._is_personal:
            _, encoding, parts = self._common
            return [], [encoding] * count, [parts] * count
        texts, encodings, counts = [], [], []
        links = [[link] * count for link in self._no_links]
        for own in personalize.personalize(self._text, _fields(infos, count), links):
            final, encoding, parts = self._measure(own)
            texts.append(final)
            encodings.append(encoding)
            counts.append(parts)
        return texts, encodings, counts

    def with_links(self, planned: Plan, first_message: int) -> Plan:
        """The same plan with the links of its messages in their texts; their ids are consecutive.

        Shape: a plan without links stays as it is. Cost: some 5 microseconds a link.
        """
        count, tokens = len(planned.numbers), len(self.link_urls)
        if self._shortener is None or not tokens or not count:
            return planned
        links = self._shortener.links(tokens, first_message, count)
        if self._is_personal:
            fields = _fields(planned.infos, count)
            texts = [self._final(text) for text in personalize.personalize(self._text, fields, links)]
        else:
            texts = [self._frame % own for own in zip(*links, strict=True)]
        return msgspec.structs.replace(planned, texts=texts)


def _fields(infos: list[str | None], count: int) -> list[personalize.Infos | None]:
    return [split_infos(own) for own in infos] if infos else [None] * count


def priority_of(kind: Kind) -> int:
    """The priority of a campaign."""
    return MARKETING if kind == "marketing" else ALERT


def _text(request: SubmitRequest) -> str:
    text = normalise_text(request.text)
    if not text.strip():
        raise BadData("is empty", field="text")
    for markup, meaning in _MARKUP.items():
        if markup in text:
            raise BadData(f"{markup} stands for {meaning}, which this server does not make", field="text")
    return text


def _to_gsm7(text: str) -> str:
    return to_gsm7(text).text


def _measure(finish: Callable[[str], str], is_unicode: bool, limits: Limits) -> Callable[[str], tuple[str, int, int]]:
    def measure(text: str) -> tuple[str, int, int]:
        if not is_unicode and len(text) <= _ONE_PART and DEFAULT.is_plain(text) and "\r\n" not in text:
            return text, 0, 1  # as most are: nothing to replace, nothing to cut
        final = finish(text)
        try:
            cut = segments(final, unicode=is_unicode, limit=limits.max_parts)
        except TooManyParts as error:
            raise BadData(f"takes {error.parts} parts, at most {limits.max_parts} are allowed", field="text") from None
        return final, 1 if cut.encoding is Encoding.UCS2 else 0, len(cut.parts)

    return measure
