"""The recipients of a campaign as columns: numbers, references, infos.

A request may have 100,000 of them, so what is the same for all is looked at once, not once per recipient.
"""

from typing import Final, NamedTuple, TypeAlias, cast

from chappe.domain.errors import BadData
from chappe.surfaces.http.smsfactor.fields import Scalar, text_of
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.send_document import Gsm, Recipient, Recipients

_FIELD = "sms.recipients.gsm"

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
    found = recipients.gsm if recipients else None
    entries: list[Recipient] = found if isinstance(found, list) else [] if found is None else [found]
    if not entries:
        raise BadData("is missing", field=_FIELD)
    if len(entries) > limits.max_recipients:
        raise BadData(f"has more than {limits.max_recipients} recipients (max_recipients)", field=_FIELD)
    if set(map(type, entries)) == {Gsm}:
        gsm = cast(list[Gsm], entries)
    else:
        gsm = [entry if isinstance(entry, Gsm) else Gsm(value=entry) for entry in entries]
    numbers = [one.value for one in gsm]
    if set(map(type, numbers)) != {str}:
        numbers = [text_of(number) for number in numbers]
    return Columns(cast(list[str], numbers), _references(gsm, limits), _infos(gsm, limits))


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


def _infos(gsm: list[Gsm], limits: RequestLimits) -> list[Infos | None]:
    fields = [(one.info1, one.info2, one.info3, one.info4) for one in gsm]
    if all(each == _NO_INFOS for each in fields):
        return []
    infos: list[Infos | None] = [_texts(each) for each in fields]
    if max((len(info) for each in infos if each for info in each if info), default=0) > limits.max_info_characters:
        raise BadData(f"has an info of more than {limits.max_info_characters} characters", field=_FIELD)
    return infos


def _texts(fields: tuple[Scalar, Scalar, Scalar, Scalar]) -> Infos:
    one, two, three, four = fields
    return text_of(one) or None, text_of(two) or None, text_of(three) or None, text_of(four) or None
