"""What a caller wants sent, from a query or from a document."""

from collections.abc import Mapping

from chappe.domain.errors import BadData
from chappe.domain.requests import Kind, SubmitRequest
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.fields import flag, optional_text, text_of, word
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.recipients import Columns, columns
from chappe.surfaces.http.smsfactor.send_document import Message, SendDocument

KINDS: tuple[Kind, ...] = ("alert", "marketing")
_MAX_DELAY_CHARACTERS = 64


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
    if sms is None:
        raise BadData("is missing", field="sms")
    message = sms.message
    if message is None:
        raise BadData("is missing", field="sms.message")
    if message.delay is None:
        # A known client writes the delay beside the message.
        message.delay = sms.delay
    return _request(message, "sms.message.", columns(sms.recipients, limits), limits)


def _request(message: Message, place: str, recipients: Columns, limits: RequestLimits) -> SubmitRequest:
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
    )
