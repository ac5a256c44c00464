"""The sender as a carrier and a country will take it."""

import re
import unicodedata
from typing import Final, Literal, NamedTuple

from chappe.domain.remarks import Remark
from chappe.domain.rulebook import AccountRules, CountryRules

SenderShape = Literal["alphanumeric", "short", "international"]
MAX_ALPHANUMERIC: Final = 11
# Some telephones do not show shorter names properly. Source: the seed, about iPhones.
SHOWN_BADLY: Final = 3
_DIGITS: Final = re.compile(r"\+?[0-9]{3,15}")
_UNPRINTABLE: Final = re.compile(r"[^ -~]+")
# The longest number that is a short code and no subscriber's number.
_MAX_SHORT: Final = 6


class Sender(NamedTuple):
    """What a message to a country is sent under; None for the carrier's own number."""

    text: str | None
    remarks: tuple[Remark, ...] = ()

    @property
    def is_name(self) -> bool:
        """Whether nobody can answer it."""
        return self.text is not None and not self.text.isdigit()


def choose_sender(asked: str | None, rules: AccountRules, place: CountryRules) -> Sender:
    """The sender that a country gets to see: the asked one, the account's for the country, the account's.

    What a country refuses is mended or gives way, and a remark says so: the copied service answers OK to any sender.
    Source: the rules of the sender in the country's file.
    """
    remarks: list[Remark] = []
    is_own = rules.because("default_sender", place.country.code).origin in ("account", "parent")
    for candidate in (asked, place.default_sender if is_own else None, rules.account.sender):
        if plain := plain_sender(candidate):
            text = _accepted(plain, place, remarks)
            if text:
                return Sender(text, tuple(remarks))
    if place.sender == "mandatory":
        text = plain_sender(place.default_sender)
        if text and not plain_sender(asked):
            remarks.append(Remark("sender_default", f"{place.country.name} needs a name as sender", "sender"))
        return Sender(text, tuple(remarks))
    return Sender(None, tuple(remarks))


def _accepted(plain: str, place: CountryRules, remarks: list[Remark]) -> str | None:
    """The candidate as the country takes it; None when it does not."""
    name = place.country.name
    if plain.casefold() in place.approved:
        return plain
    if plain.isdigit():
        if place.numeric_sender == "not_supported":
            remarks.append(Remark("sender_numeric", f"{plain} is no sender in {name}", "numeric_sender"))
            return None
        return plain
    if place.sender == "not_supported":
        remarks.append(Remark("sender_refused", f"{name} takes no names as senders", "sender"))
        return None
    if place.sender == "registration":
        why = f"{plain} is not registered for {name}"
        remarks.append(Remark("sender_unregistered", why, "sender"))
        return None
    return _mended(plain, place, remarks)


def _mended(plain: str, place: CountryRules, remarks: list[Remark]) -> str | None:
    name = place.country.name
    if place.dropped.fullmatch("a") and not place.dropped.fullmatch("A"):
        plain = plain.upper()
    text: str = place.dropped.sub("", plain)[: place.sender_max].strip()
    if not text or text.isdigit() or len(text) < place.sender_min:
        remarks.append(Remark("sender_shape", f"{plain} is no sender in {name}", "sender_characters"))
        return None
    if text.casefold() in place.sender_words:
        remarks.append(Remark("sender_word", f"carriers in {name} refuse {text} as a sender", "sender_words"))
        return None
    if text != plain:
        remarks.append(Remark("sender_mended", f"{plain} is sent as {text} in {name}", "sender_characters"))
    if len(text) <= SHOWN_BADLY:
        remarks.append(Remark("sender_short", f"some telephones do not show {text} properly", "sender_min"))
    return text


def plain_sender(sender: str | None) -> str | None:
    """A sender as any network can carry it; None when nothing of it is left.

    Shape: 11 printable ASCII characters at most, accents dropped; or 3 to 15 digits.
    """
    text = (sender or "").strip()
    if _DIGITS.fullmatch(text):
        return text.lstrip("+")
    bare = unicodedata.normalize("NFKD", text)
    return _UNPRINTABLE.sub("", bare)[:MAX_ALPHANUMERIC].strip() or None


def shape(sender: str) -> SenderShape:
    """Which kind of address a sender is, as SMPP's type of number distinguishes it."""
    if not sender.isdigit():
        return "alphanumeric"
    return "short" if len(sender) <= _MAX_SHORT else "international"
