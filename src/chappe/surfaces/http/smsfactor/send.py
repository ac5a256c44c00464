"""GET and POST /send, the same with /simulate, and DELETE /send/:id."""

from hashlib import sha256

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.requests import IdempotencyKey, Kind, Submission, SubmitRequest
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import flag, optional_text, text_of, word
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.recipients import columns
from chappe.surfaces.http.smsfactor.send_document import Message, SendDocument

MAX_KEY_CHARACTERS = 255
_KINDS: tuple[Kind, ...] = ("alert", "marketing")
_MAX_DELAY_CHARACTERS = 64


async def get(call: Call) -> Answer:
    return await _submit(call, _single(call))


async def post(call: Call) -> Answer:
    return await _submit(call, _campaign(call))


async def simulate_get(call: Call) -> Answer:
    return await _simulate(call, _single(call))


async def simulate_post(call: Call) -> Answer:
    return await _simulate(call, _campaign(call))


async def cancel(call: Call) -> Answer:
    credits_now = await call.use_cases.submitter.cancel(call.account, call.id_of("campaign"))
    return Answer({"credits": credits_now})


async def _submit(call: Call, request: SubmitRequest) -> Answer:
    submission = await call.use_cases.submitter.submit(call.account, request, _idempotency(call, request))
    return Answer({"ticket": str(submission.ticket), **_counts(submission)})


async def _simulate(call: Call, request: SubmitRequest) -> Answer:
    submission = await call.use_cases.submitter.simulate(call.account, request)
    # The vendor's clients want to find the key, its pages do not show it.
    return Answer({"ticket": None, **_counts(submission)}, only_json=frozenset({"ticket"}))


def _counts(submission: Submission) -> dict[str, int]:
    return {
        "cost": submission.cost,
        "credits": submission.credits,
        "total": submission.total,
        "sent": submission.sent,
        "blacklisted": submission.blacklisted,
        "duplicated": submission.duplicated,
        "npai": submission.npai,
        "invalid": submission.invalid,
        "not_allowed": submission.not_allowed,
        "flood": submission.flood,
        "country_limit": submission.country_limit,
    }


def _single(call: Call) -> SubmitRequest:
    query = call.query
    number = query.get("to", "")
    if not number.strip():
        raise BadData("is missing", field="to")
    reference = _reference(query.get("gsmsmsid"), call.limits)
    message = Message(
        text=query.get("text"),
        pushtype=query.get("pushtype"),
        sender=query.get("sender"),
        delay=query.get("delay"),
        unicode=query.get("unicode"),
    )
    return _request(message, "", [number], [reference] if reference else [], [], call.limits)


def _reference(text: str | None, limits: RequestLimits) -> str | None:
    if text and len(text) > limits.max_reference_characters:
        raise BadData(f"is longer than {limits.max_reference_characters} characters", field="gsmsmsid")
    return text or None


def _campaign(call: Call) -> SubmitRequest:
    sms = call.document.read(SendDocument).sms
    if sms is None:
        raise BadData("is missing", field="sms")
    if sms.message is None:
        raise BadData("is missing", field="sms.message")
    if sms.message.delay is None:
        # A known client writes the delay beside the message.
        sms.message.delay = sms.delay
    has_tags = "[info" in text_of(sms.message.text)
    numbers, references, infos = columns(sms.recipients, call.limits, with_infos=has_tags)
    return _request(sms.message, "sms.message.", numbers, references, infos, call.limits)


def _request(
    message: Message,
    place: str,
    numbers: list[str],
    references: list[str | None],
    infos: list[tuple[str | None, str | None, str | None, str | None] | None],
    limits: RequestLimits,
) -> SubmitRequest:
    text = text_of(message.text)
    if not text:
        raise BadData("is missing", field=f"{place}text")
    if len(text) > limits.max_text_characters:
        raise BadData(f"is longer than {limits.max_text_characters} characters", field=f"{place}text")
    return SubmitRequest(
        text=text,
        numbers=numbers,
        kind=word(message.pushtype, f"{place}pushtype", _KINDS) or "alert",
        sender=optional_text(message.sender, f"{place}sender", max_characters=limits.max_sender_characters),
        delay=optional_text(message.delay, f"{place}delay", max_characters=_MAX_DELAY_CHARACTERS),
        is_unicode=flag(message.unicode, f"{place}unicode"),
        client_refs=references,
        infos=infos,
    )


def _idempotency(call: Call, request: SubmitRequest) -> IdempotencyKey | None:
    """The caller's key with what he asked for, not with how he formatted it."""
    key = call.headers.get(b"idempotency-key", b"").strip().decode("latin-1")
    if not key:
        return None
    if len(key) > MAX_KEY_CHARACTERS:
        raise BadData(f"is longer than {MAX_KEY_CHARACTERS} characters", field="Idempotency-Key")
    asked = msgspec.json.encode([call.method, call.path, request])
    return IdempotencyKey(key, sha256(asked).digest())
