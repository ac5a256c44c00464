"""The recipients of a campaign as columns: numbers, references, infos; or the lists they are contacts of.

A request may have 100,000 of them, so what is the same for all is looked at once, not once per recipient.
"""

from typing import Final, NamedTuple, TypeAlias, cast

from chappe.domain.errors import BadData, NotFound
from chappe.surfaces.http.smsfactor.fields import Scalar, text_of
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.send_document import AnyList, Gsm, ListOfContacts, Recipient, Recipients

_FIELD = "sms.recipients.gsm"
_LISTS = "sms.lists"
# An id with more digits than this is none of ours.
_MAX_ID_DIGITS = 18

_NO_INFOS: Final = (None, None, None, None)
Infos: TypeAlias = tuple[str | None, str | None, str | None, str | None]


class Columns(NamedTuple):
    """The recipients, column by column.

    Shape: `references` and `infos` are empty when no recipient has any, else as long as `numbers`.
    """

    numbers: list[str]
    references: list[str | None]
    infos: list[Infos | None]


def columns(recipients: Recipients | None, limits: RequestLimits) -> Columns:
    """Turn the recipients into columns. Raises: BadData. Cost: about 0.1 microseconds a recipient."""
    gsm = entries(recipients, limits, _FIELD)
    if not gsm:
        raise BadData("is missing", field=_FIELD)
    return Columns(numbers(gsm), _references(gsm, limits), infos(gsm, limits, _FIELD))


def entries(recipients: Recipients | None, limits: RequestLimits, field: str) -> list[Gsm]:
    """Everybody in a part of a request that names people, in whatever form. Raises: BadData when they are too many."""
    found = recipients.gsm if recipients else None
    everybody: list[Recipient] = found if isinstance(found, list) else [] if found is None or found == "" else [found]
    if len(everybody) > limits.max_recipients:
        raise BadData(f"has more than {limits.max_recipients} recipients (max_recipients)", field=field)
    if set(map(type, everybody)) == {Gsm}:
        return cast(list[Gsm], everybody)
    return [entry if isinstance(entry, Gsm) else Gsm(value=entry) for entry in everybody]


def numbers(gsm: list[Gsm]) -> list[str]:
    """Their numbers, as they were written."""
    values = [one.value for one in gsm]
    if set(map(type, values)) != {str}:
        values = [text_of(value) for value in values]
    return cast(list[str], values)


def list_ids(lists: list[AnyList] | AnyList, limits: RequestLimits) -> list[int]:
    """The ids of the lists, each as often as it was named.

    Raises: BadData when there are none, or too many; NotFound for what cannot be the id of a list.
    """
    entries: list[AnyList] = lists if isinstance(lists, list) else [lists]
    named: list[Scalar] = []
    for entry in entries:
        value = entry.value if isinstance(entry, ListOfContacts) else entry
        named += value if isinstance(value, list) else [value]
    ids = [text for each in named if (text := text_of(each).strip())]
    if not ids:
        raise BadData("is missing", field=_LISTS)
    if len(ids) > limits.max_lists:
        raise BadData(f"has more than {limits.max_lists} lists", field=_LISTS)
    for each in ids:
        if not (each.isascii() and each.isdigit() and len(each) <= _MAX_ID_DIGITS):
            raise NotFound("there is no such list", field=_LISTS)
    return [int(each) for each in ids]


def _references(gsm: list[Gsm], limits: RequestLimits) -> list[str | None]:
    found = [one.gsmsmsid for one in gsm]
    kinds = set(map(type, found))
    if kinds == {type(None)}:
        return []
    if kinds == {str} and "" not in found:
        references = cast(list[str | None], found)
    else:
        references = [text_of(reference) or None for reference in found]
        if not any(references):
            return []
    if max(len(reference) for reference in references if reference) > limits.max_reference_characters:
        raise BadData(f"has a gsmsmsid of more than {limits.max_reference_characters} characters", field=_FIELD)
    return references


def infos(gsm: list[Gsm], limits: RequestLimits, field: str) -> list[Infos | None]:
    """Their free fields, none at all when nobody has any. Raises: BadData when one is too long."""
    fields = [(one.info1, one.info2, one.info3, one.info4) for one in gsm]
    if all(each == _NO_INFOS for each in fields):
        return []
    texts: list[Infos | None] = [_texts(each) for each in fields]
    if max((len(info) for each in texts if each for info in each if info), default=0) > limits.max_info_characters:
        raise BadData(f"has an info of more than {limits.max_info_characters} characters", field=field)
    return texts


def _texts(fields: tuple[Scalar, Scalar, Scalar, Scalar]) -> Infos:
    one, two, three, four = fields
    return text_of(one) or None, text_of(two) or None, text_of(three) or None, text_of(four) or None
