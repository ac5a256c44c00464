"""Which part of which message a receipt is about, of those that its id may belong to."""

from collections.abc import Sequence
from typing import Final

from chappe.domain.privacy import ERASED
from chappe.store.tracking import FoundPart
from chappe.telecom.receipts import MatchRule

# So many last digits tell numbers apart, whatever stands before them.
SIGNIFICANT: Final = 8


def first_match(
    number: int | None, keys: Sequence[tuple[MatchRule, str]], parts: dict[str, list[FoundPart]]
) -> tuple[str, FoundPart] | None:
    """The part a receipt is about: the first rule under which a part to the receipt's own number is found.

    A carrier uses its ids again after a while, and one id's decimal is another's hex: the number decides. Some carriers
    report numbers in another form, so the very same id is believed without it. Who was erased has no number to compare.
    """
    for rule, each in keys:
        found = parts.get(each)
        if found and (fitting := [part for part in found if _is_same_number(number, part.number)]):
            return rule, fitting[-1]
    for rule, each in keys:
        if rule == "same" and each in parts:
            return rule, parts[each][-1]
    for rule, each in keys:
        if erased := [part for part in parts.get(each, ()) if part.number == ERASED]:
            return rule, erased[-1]
    return None


def _is_same_number(reported: int | None, number: int) -> bool:
    """Whether two numbers agree in their last digits, with or without country code and trunk zero."""
    return reported is None or str(reported)[-SIGNIFICANT:] == str(number)[-SIGNIFICANT:]
