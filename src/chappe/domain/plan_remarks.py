"""What a sender of messages should know of a plan before he sends it: the remarks of all its messages, in few lines."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from chappe.domain import personalize
from chappe.domain.country_words import window_words
from chappe.domain.delay import paris_text
from chappe.domain.encodings import alphabet_of
from chappe.domain.infos import split_infos
from chappe.domain.plans import Plan
from chappe.domain.remarks import Remark, Warned
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import EXAMPLE_STOP_NUMBER, CountryRules
from chappe.domain.submission import Planner
from chappe.domain.variants import Variant
from chappe.domain.windows import window_text
from chappe.telecom.alphabets import choose
from chappe.telecom.gsm7 import DEFAULT, Language
from chappe.telecom.segments import count_parts
from chappe.telecom.transliterate import Change, to_gsm7

MAX_OF_A_CODE: Final = 5
"""Remarks of one kind that are told each for itself; further ones are counted."""

_MAX_CHARACTERS: Final = 10


class PlanRemarks:
    """The remarks of a plan, gathered chunk by chunk.

    Shape: nothing that is refused, and nothing that the counts of the answer say.
    """

    def __init__(self, request: SubmitRequest, planner: Planner) -> None:
        self._request = request
        self._planner = planner
        self._messages: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._opens: dict[str, int] = {}
        self._in_fields: Counter[str] = Counter()
        self._tags = personalize.tags(planner.author_text) if not request.is_unicode else ()

    def add(self, planned: Plan) -> None:
        """Heed some more messages. Cost: far below a microsecond a message, or one that has fields of its own."""
        self._messages.update(planned.countries)
        if self._request.kind == "marketing":
            self._wait(planned)
        if self._tags:
            self._in_fields.update(self._outside(planned))

    def _wait(self, planned: Plan) -> None:
        asked = self._planner.terms.send_at
        ready = planned.ready or [planned.send_at] * len(planned.countries)
        for place, at in zip(planned.countries, ready, strict=True):
            if at > asked:
                self._held[place] += 1
                self._opens[place] = min(at, self._opens.get(place, at))

    def _outside(self, planned: Plan) -> list[str]:
        """The characters of the recipients' fields that the encodings of their messages do not have."""
        used: dict[int, list[str]] = {}
        for own, encoding in zip(planned.infos, planned.encodings, strict=False):
            if own:
                fields = split_infos(own)
                used.setdefault(encoding, []).extend([fields[tag - 1] or "" for tag in self._tags])
        return [each for encoding, texts in used.items() for each in alphabet_of(encoding).outside("".join(texts))]

    def found(self) -> list[Warned]:
        """All of them, in a bounded number of lines."""
        gathered: dict[Remark, dict[str, int]] = {}
        for place, messages in self._messages.items():
            variant = self._planner.variant(place)
            for remark in (
                *variant.remarks,
                *mention_remarks(variant),
                *text_remarks(variant.text, is_unicode=self._request.is_unicode, languages=variant.languages),
            ):
                gathered.setdefault(remark, {})[place] = messages
        for place, messages in self._held.items():
            remark = held_remark(self._planner.variant(place).place, self._opens[place])
            gathered.setdefault(remark, {})[place] = messages
        if self._in_fields:
            text = "".join([character * times for character, times in self._in_fields.items()])
            remark = replaced_remark(to_gsm7(text).changes, "in the recipients' fields")
            gathered[remark] = {"": sum(self._messages.values())}
        return _bounded(gathered)


def _bounded(gathered: dict[Remark, dict[str, int]]) -> list[Warned]:
    by_code: dict[str, list[Warned]] = {}
    for remark, places in gathered.items():
        only = next(iter(places)) if len(places) == 1 else ""
        warned = Warned(remark.code, remark.text, sum(places.values()), only, remark.rule)
        by_code.setdefault(remark.code, []).append(warned)
    found: list[Warned] = []
    for code, all_of in by_code.items():
        all_of.sort(key=lambda one: -one.messages)
        found += all_of[:MAX_OF_A_CODE]
        if rest := all_of[MAX_OF_A_CODE:]:
            text = f"and the like in {len(rest)} more cases"
            found.append(Warned(code, text, sum([one.messages for one in rest]), rule=rest[0].rule))
    return found


def mention_remarks(variant: Variant) -> list[Remark]:
    """Whether the STOP mention leads nowhere, because nobody has set its number."""
    mention = variant.place.stop_mention
    if not (variant.has_mention and EXAMPLE_STOP_NUMBER in mention):
        return []
    text = f"the number of the mention {mention} is an example: the operator has to set stop_number to one of his own"
    return [Remark("stop_number_example", text, "stop_number")]


def text_remarks(text: str, *, is_unicode: bool, languages: tuple[Language, ...] = ()) -> list[Remark]:
    """What becomes of a text's letters."""
    if not is_unicode:
        changes = choose(text, languages).changes if languages else to_gsm7(text).changes
        return [replaced_remark(changes)] if changes else []
    if DEFAULT.has(text) and (fewer := count_parts(text)) < (parts := count_parts(text, unicode=True)):
        why = f"without unicode the same letters take {_parts(fewer)} instead of {parts}"
        return [Remark("unicode_needless", why)]
    return []


def replaced_remark(changes: Iterable[Change], where: str = "") -> Remark:
    """Which characters are written otherwise."""
    told = [
        f"{_shown(change.character)} -> {change.replacement or 'nothing'}{_times(change.times)}" for change in changes
    ]
    if len(told) > _MAX_CHARACTERS:
        told = [*told[:_MAX_CHARACTERS], f"and {len(told) - _MAX_CHARACTERS} characters more"]
    text = f"{where or 'in the text'}, what GSM-7 lacks is replaced: {', '.join(told)}; unicode keeps it"
    return Remark("characters_replaced", text)


def held_remark(place: CountryRules, opens_at: int) -> Remark:
    """Marketing that waits for the legal hours."""
    at = paris_text(opens_at)
    text = f"marketing to {place.country.name} leaves {hours_said(place)}: held until {at}, in the time of Paris"
    return Remark("held", text, "marketing_hours")


def hours_said(place: CountryRules) -> str:
    """When marketing may leave to a country, for people."""
    return window_words(window_text(place.window)) if place.window else "at any time"


def _shown(character: str) -> str:
    return character if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"


def _times(times: int) -> str:
    return f" ({times} times)" if times > 1 else ""


def _parts(count: int) -> str:
    return f"{count} part" if count == 1 else f"{count} parts"
