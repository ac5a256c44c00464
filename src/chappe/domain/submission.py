"""The decision: which messages a request becomes, and what they cost.

A pure function of the request and the facts about the account: simulate and submit ask the same one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chappe.domain import personalize
from chappe.domain.accounts import Account
from chappe.domain.delay import send_time
from chappe.domain.errors import BadData
from chappe.domain.pricing import price_mc
from chappe.domain.requests import Kind, SubmitRequest
from chappe.domain.senders import sender_text
from chappe.telecom.numbers import normalise
from chappe.telecom.segments import Encoding, TooManyParts, normalise_text, segments
from chappe.telecom.transliterate import to_gsm7

# Markup of the contract that would otherwise reach people as it stands.
_MARKUP = {"<-short->": "a tracked link", "<-stop->": "the STOP mention"}

UNROUTED = 0  # the lane of messages that no carrier serves yet

# Lower goes first: a single alert, the alerts of a campaign, marketing.
SINGLE, ALERT, MARKETING = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What this installation allows in one request. Units: parts a message, seconds, recipients."""

    max_parts: int = 10
    max_recipients: int = 100_000
    validity_s: int = 48 * 3600


@dataclass(frozen=True, slots=True)
class Routes:
    """Which lane serves a country; `default` serves the others."""

    by_country: dict[str, int]
    default: int = UNROUTED

    def lanes(self, countries: Sequence[str]) -> list[int]:
        if not self.by_country:
            return [self.default] * len(countries)
        return [self.by_country.get(country, self.default) for country in countries]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request becomes: one campaign and its messages.

    Shape: the lists are columns of equal length, a row per accepted message; `texts` is empty when every message
           has the campaign's text, so are `client_refs` when there are none.
    Units: milliseconds UTC, thousandths of a credit.
    """

    kind: Kind
    sender: str | None
    text: str
    send_at: int
    is_scheduled: bool
    expires_at: int
    priority: int
    total: int
    invalid: int
    duplicated: int
    numbers: list[int]
    countries: list[str]
    lanes: list[int]
    client_refs: list[str | None]
    texts: list[str]
    encodings: list[int]
    parts: list[int]
    prices_mc: list[int]

    @property
    def cost_mc(self) -> int:
        return sum(self.prices_mc)


@dataclass(slots=True)
class _Accepted:
    """The recipients that stay, as columns; `at` are their places in the request."""

    at: list[int]
    numbers: list[int]
    countries: list[str]
    invalid: int
    duplicated: int


def plan(request: SubmitRequest, account: Account, routes: Routes, limits: Limits, now_ms: int) -> Plan:
    """Decide what a request becomes.

    Raises: BadData or BadDate when the request as a whole cannot be carried out.
    Cost: a few microseconds a recipient.
    """
    text = _text(request)
    if not request.numbers:
        raise BadData("give at least one number", field="to")
    if len(request.numbers) > limits.max_recipients:
        raise BadData(f"{len(request.numbers)} numbers; at most {limits.max_recipients} in one request", field="gsm")
    send_at = send_time(request.delay, now_ms)
    accepted = _filter(request.numbers, account.country)
    texts, encodings, parts = _texts(text, request, accepted.at, limits)
    return Plan(
        kind=request.kind,
        sender=sender_text(request.sender, account.sender),
        text=text if request.is_unicode else to_gsm7(text).text,
        send_at=send_at,
        is_scheduled=send_at > now_ms,
        expires_at=send_at + limits.validity_s * 1000,
        priority=_priority(request),
        total=len(request.numbers),
        invalid=accepted.invalid,
        duplicated=accepted.duplicated,
        numbers=accepted.numbers,
        countries=accepted.countries,
        lanes=routes.lanes(accepted.countries),
        client_refs=[request.client_refs[i] for i in accepted.at] if any(request.client_refs) else [],
        texts=texts,
        encodings=encodings,
        parts=parts,
        prices_mc=[price_mc(count) for count in parts],
    )


def _text(request: SubmitRequest) -> str:
    text = normalise_text(request.text)
    if not text.strip():
        raise BadData("is empty", field="text")
    for markup, meaning in _MARKUP.items():
        if markup in text:
            raise BadData(f"{markup} stands for {meaning}, which this server does not make", field="text")
    return text


def _priority(request: SubmitRequest) -> int:
    if request.kind == "marketing":
        return MARKETING
    return SINGLE if len(request.numbers) == 1 else ALERT


def _filter(inputs: list[str], country: str) -> _Accepted:
    """Drop what is no mobile number, then what came before; each number is counted once, in this order."""
    normalised = normalise(inputs, country)
    at: list[int] = []
    numbers: list[int] = []
    countries: list[str] = []
    seen: set[str] = set()
    duplicated = invalid = 0
    for i, (number, place, problem) in enumerate(
        zip(normalised.e164, normalised.country, normalised.problem, strict=True)
    ):
        if number is None or place is None or problem is not None:
            invalid += 1
        elif number in seen:
            duplicated += 1
        else:
            seen.add(number)
            at.append(i)
            numbers.append(int(number))
            countries.append(place)
    return _Accepted(at, numbers, countries, invalid, duplicated)


def _texts(text: str, request: SubmitRequest, at: list[int], limits: Limits) -> tuple[list[str], list[int], list[int]]:
    """The texts where they differ, the encodings and the part counts of the accepted recipients."""
    measure = _measure(request.is_unicode, limits)
    if not personalize.has_tags(text):
        _, encoding, parts = measure(text)
        return [], [encoding] * len(at), [parts] * len(at)
    infos = [request.infos[i] if request.infos else None for i in at]
    texts, encodings, counts = [], [], []
    for own in personalize.personalize(text, infos):
        final, encoding, parts = measure(own)
        texts.append(final)
        encodings.append(encoding)
        counts.append(parts)
    return texts, encodings, counts


def _measure(is_unicode: bool, limits: Limits) -> Callable[[str], tuple[str, int, int]]:
    def measure(text: str) -> tuple[str, int, int]:
        final = text if is_unicode else to_gsm7(text).text
        try:
            cut = segments(final, unicode=is_unicode, limit=limits.max_parts)
        except TooManyParts as error:
            raise BadData(f"takes {error.parts} parts, at most {limits.max_parts} are allowed", field="text") from None
        return final, 1 if cut.encoding is Encoding.UCS2 else 0, len(cut.parts)

    return measure
