"""What a caller wants sent, from a query or from a document."""

from collections.abc import Mapping, Sequence

from chappe.domain.errors import BadData
from chappe.domain.links import MAX_LINKS
from chappe.domain.requests import Kind, SubmitRequest
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.fields import Scalar, flag, optional_text, required_text, text_of, word
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.recipients import Columns, columns, infos, list_ids
from chappe.surfaces.http.smsfactor.send_document import (
    ExplainDocument,
    Gsm,
    ListsSms,
    Message,
    SendDocument,
    SendListsDocument,
    Sms,
)

KINDS: tuple[Kind, ...] = ("alert", "marketing")
_MAX_DELAY_CHARACTERS = 64
_PLACE = "sms.message."


def from_query(query: Mapping[str, str], limits: RequestLimits) -> SubmitRequest:
    """A single message, as GET /send has it. Raises: BadData."""
    number = query.get("to", "")
    if not number.strip():
        raise BadData("is missing", field="to")
    reference = query.get("gsmsmsid", "")
    if len(reference) > limits.max_reference_characters:
        raise BadData(f"is longer than {limits.max_reference_characters} characters", field="gsmsmsid")
    message = Message(
        text=query.get("text"),
        pushtype=query.get("pushtype"),
        sender=query.get("sender"),
        delay=query.get("delay"),
        unicode=query.get("unicode"),
    )
    return _request(message, "", Columns([number], [reference] if reference else [], []), limits)


def from_document(document: RequestDocument, limits: RequestLimits) -> SubmitRequest:
    """A campaign, as POST /send has it. Raises: BadFormat, BadData."""
    sms = document.read(SendDocument).sms
    message = _message(sms)
    return _request(message, _PLACE, columns(sms.recipients if sms else None, limits), limits)


def from_lists_document(document: RequestDocument, limits: RequestLimits) -> SubmitRequest:
    """A campaign for lists, as POST /send/lists has it.

    Raises: BadFormat; BadData; NotFound for what cannot be the id of a list.
    """
    sms = document.read(SendListsDocument).sms
    message = _message(sms)
    lists = list_ids(sms.lists if sms else None, limits)
    return _request(message, _PLACE, Columns([], [], []), limits, lists)


def from_explain_document(document: RequestDocument, limits: RequestLimits) -> SubmitRequest:
    """One message to one number, as POST /explain has it. Raises: BadFormat, BadData."""
    asked = document.read(ExplainDocument).explain
    if asked is None:
        raise BadData("is missing", field="explain")
    number = required_text(asked.to, "explain.to", max_characters=limits.max_reference_characters)
    recipient = Gsm(info1=asked.info1, info2=asked.info2, info3=asked.info3, info4=asked.info4)
    return _request(asked, "explain.", Columns([number], [], infos([recipient], limits, "explain")), limits)


def _message(sms: Sms | ListsSms | None) -> Message:
    if sms is None:
        raise BadData("is missing", field="sms")
    message = sms.message
    if message is None:
        raise BadData("is missing", field="sms.message")
    if message.delay is None:
        # A known client writes the delay beside the message.
        message.delay = sms.delay
    return message


def _request(
    message: Message, place: str, recipients: Columns, limits: RequestLimits, lists: Sequence[int] = ()
) -> SubmitRequest:
    text = text_of(message.text)
    if not text:
        raise BadData("is missing", field=f"{place}text")
    if len(text) > limits.max_text_characters:
        raise BadData(f"is longer than {limits.max_text_characters} characters", field=f"{place}text")
    return SubmitRequest(
        text=text,
        numbers=recipients.numbers,
        kind=word(message.pushtype, f"{place}pushtype", KINDS) or "alert",
        sender=optional_text(message.sender, f"{place}sender", max_characters=limits.max_sender_characters),
        delay=optional_text(message.delay, f"{place}delay", max_characters=_MAX_DELAY_CHARACTERS),
        is_unicode=flag(message.unicode, f"{place}unicode"),
        client_refs=recipients.references,
        infos=recipients.infos,
        lists=list(lists),
        links=_links(message.links),
    )


def _links(given: list[Scalar] | Scalar) -> list[str]:
    """The addresses for short links; no text takes more of them than these."""
    links = given if isinstance(given, list) else [] if given is None else [given]
    return [text_of(link).strip() for link in links[:MAX_LINKS]]
