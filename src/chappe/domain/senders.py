"""The sender as a country will take it."""

from typing import Final, NamedTuple

from chappe.domain.remarks import Remark
from chappe.domain.rulebook import CountryRules
from chappe.domain.sender_shape import plain_sender

# Some telephones do not show shorter names properly. Source: the seed, about iPhones.
SHOWN_BADLY: Final = 3


class Sender(NamedTuple):
    """What a message to a country is sent under; None for the carrier's own number.

    Shape: `given` is the sender it was made of, as it was asked for or set.
    """

    text: str | None
    remarks: tuple[Remark, ...] = ()
    given: str | None = None

    @property
    def is_name(self) -> bool:
        """Whether nobody can answer it."""
        return self.text is not None and not self.text.isdigit()


class _Verdict(NamedTuple):
    """What a country makes of a sender: its text, or None and why not."""

    text: str | None
    refused: Remark | None = None


def choose_sender(asked: str | None, place: CountryRules) -> Sender:
    """The sender that a country gets to see: the asked one, the account's for the country, the account's.

    What a country refuses is mended or gives way, and a remark says so: the copied service answers OK to any sender.
    Source: the rules of the sender in the country's file.
    """
    refused: dict[str, Remark] = {}
    for candidate in (asked, *place.default_senders):
        if not candidate or not candidate.strip():
            continue
        verdict = _verdict(candidate.strip(), place)
        if verdict.refused:
            refused.setdefault(verdict.refused.code, verdict.refused)
        else:
            remarks = (*_instead(refused, verdict.text), *_remarks(asked, candidate, verdict, place))
            return Sender(verdict.text, remarks, candidate)
    return Sender(None, _instead(refused, None))


def _verdict(asked: str, place: CountryRules) -> _Verdict:
    name = place.country.name
    plain = plain_sender(asked)
    if plain is None:
        return _refused("sender_shape", f"{asked} is no sender in any country", "sender_characters")
    if plain.isdigit():
        if place.numeric_sender == "allowed" or plain in place.own_numbers or plain in place.approved:
            return _Verdict(plain)
        return _refused("sender_numeric", f"{plain} is no sender in {name}", "numeric_sender")
    if place.sender == "not_supported":
        return _refused("sender_refused", f"{name} takes no names as senders", "sender")
    return _verdict_of_name(plain, place)


def _verdict_of_name(plain: str, place: CountryRules) -> _Verdict:
    name = place.country.name
    text = mended(plain, place)
    approved = _approved(place, plain, text)
    if approved:
        text = mended(approved, place)
    elif place.sender == "registration":
        return _refused("sender_unregistered", f"{plain} is not registered for {name}", "sender")
    if text.isdigit() or plain_sender(text) != text or len(text) < place.sender_min:
        return _refused("sender_shape", f"{plain} is no sender in {name}", "sender_characters")
    if text.casefold() in place.sender_words and not approved:
        return _refused("sender_word", f"carriers in {name} refuse {text} as a sender", "sender_words")
    return _Verdict(text)


def mended(plain: str, place: CountryRules) -> str:
    """A name with what the country takes of it."""
    if place.dropped.fullmatch("a") and not place.dropped.fullmatch("A"):
        plain = plain.upper()
    text: str = place.dropped.sub("", plain)
    return text.strip()[: place.sender_max].strip()


def _approved(place: CountryRules, *spelled: str) -> str | None:
    """The name as it was approved: a registry may tell capitals from small letters."""
    if not place.approved:
        return None
    tries = [*spelled, *(text.casefold() for text in spelled)]
    return next((place.approved[text] for text in tries if text in place.approved), None)


def _refused(code: str, why: str, rule: str) -> _Verdict:
    return _Verdict(None, Remark(code, why, rule))


def _instead(refused: dict[str, Remark], text: str | None) -> tuple[Remark, ...]:
    """What was refused, and what is shown for it."""
    shown = text or "the carrier's own number"
    return tuple(each._replace(text=f"{each.text}: {shown} is shown instead") for each in refused.values())


def _remarks(asked: str | None, candidate: str, verdict: _Verdict, place: CountryRules) -> list[Remark]:
    """What there is to be said of a sender that is accepted."""
    text, country, wanted = verdict.text or "", place.country.name, candidate.strip()
    found: list[Remark] = []
    if text.isdigit():
        return found
    if place.sender == "mandatory" and not (asked and asked.strip()):
        found.append(Remark("sender_default", f"{country} needs a name as sender: {text} is shown", "sender"))
    if text != wanted:
        found.append(Remark("sender_mended", f"{wanted} is sent as {text} in {country}", "sender_characters"))
    if len(text) <= SHOWN_BADLY:
        found.append(Remark("sender_short", f"some telephones do not show {text} properly", "sender_min"))
    if place.sender_hint and not _approved(place, text):
        found.append(Remark("sender_may_change", f"{country}: {place.sender_hint}", "sender"))
    return found
