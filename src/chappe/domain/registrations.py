"""Senders that an account registers, for countries that show no others: what may be registered, and what is decided."""

from enum import IntEnum
from typing import NamedTuple

from chappe.domain.errors import BadData
from chappe.domain.rulebook import EVERYWHERE, AccountRules
from chappe.domain.sender_shape import plain_sender
from chappe.domain.senders import mended
from chappe.telecom.numbers import normalise

_FIELD = "sender.text"


class RegistrationState(IntEnum):
    """Where a registration stands. The numbers are stored."""

    WAITING = 0
    APPROVED = 1
    REFUSED = 2


class Registration(NamedTuple):
    """A sender that an account asks for, or that was given to it.

    Shape: `account_id` is EVERYBODY and `country` EVERYWHERE where it is for all; `purpose` is what the customer says
           for it, `note` what was answered.
    Units: milliseconds UTC.
    """

    id: int
    account_id: int
    text: str
    country: str
    state: RegistrationState
    purpose: str
    note: str
    created_at: int
    decided_at: int | None = None


def registrable(text: str, code: str, rules: AccountRules) -> str:
    """A sender as it may be registered for a country, or for all of them.

    What would be sent otherwise is refused here: registries hold a sender to its letters.
    Raises: BadData that says what stands against it.
    """
    given = text.strip()
    plain = plain_sender(given)
    if plain is None or (not plain.isdigit() and plain != given):
        raise BadData("must have at most 11 printable ASCII characters, or 3 to 15 digits", field=_FIELD)
    if plain.isdigit():
        _check_number(plain, code)
    elif code != EVERYWHERE:
        _check_name(plain, code, rules)
    return plain


def _check_number(number: str, code: str) -> None:
    """Source: ARCEP decisions 2018-0881 and 2022-1583: no business traffic from French mobile numbers."""
    if code not in ("FR", EVERYWHERE):
        return
    read = normalise([f"+{number}", number], "FR")
    is_mobile = [place == "FR" and not problem for place, problem in zip(read.country, read.problem, strict=True)]
    if any(is_mobile):
        raise BadData("is a mobile number, which may not be the sender of a business in France", field=_FIELD)


def _check_name(name: str, code: str, rules: AccountRules) -> None:
    place = rules.country(code)
    if place.sender == "not_supported":
        raise BadData(f"is a name: {place.country.name} takes none as senders", field=_FIELD)
    sent_as = mended(name, place)
    if sent_as != name:
        raise BadData(f"would be sent as {sent_as!r} in {place.country.name}: register what is sent", field=_FIELD)
    if len(name) < place.sender_min:
        raise BadData(f"must have at least {place.sender_min} characters in {place.country.name}", field=_FIELD)
