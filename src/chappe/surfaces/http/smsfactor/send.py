"""GET and POST /send, the same with /simulate, and DELETE /send/:id."""

from hashlib import sha256

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.requests import IdempotencyKey, Submission, SubmitRequest
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.send_request import from_document, from_query

MAX_KEY_CHARACTERS = 255


async def get(call: Call) -> Answer:
    return await _submit(call, from_query(call.query, call.limits))


async def post(call: Call) -> Answer:
    return await _submit(call, from_document(call.document, call.limits))


async def simulate_get(call: Call) -> Answer:
    return await _simulate(call, from_query(call.query, call.limits))


async def simulate_post(call: Call) -> Answer:
    return await _simulate(call, from_document(call.document, call.limits))


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


def _idempotency(call: Call, request: SubmitRequest) -> IdempotencyKey | None:
    """The caller's key with what he asked for, not with how he formatted it."""
    key = call.headers.get(b"idempotency-key", b"").strip().decode("latin-1")
    if not key:
        return None
    if len(key) > MAX_KEY_CHARACTERS:
        raise BadData(f"is longer than {MAX_KEY_CHARACTERS} characters", field="Idempotency-Key")
    asked = msgspec.json.encode([call.method, call.path, request])
    return IdempotencyKey(key, sha256(asked).digest())
