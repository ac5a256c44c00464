"""GET and POST /send, POST /send/lists, the same with /simulate, and DELETE /send/:id."""

from typing import ClassVar, Final

from msgspec import UNSET, UnsetType

from chappe.domain.requests import Simulation, Submission, SubmitRequest
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.explain import WarningFields, warnings_of
from chappe.surfaces.http.smsfactor.query import QueryField
from chappe.surfaces.http.smsfactor.send_request import KINDS, from_document, from_lists_document, from_query
from chappe.surfaces.http.smsfactor.statuses import Status

QUERY: Final = (
    QueryField("text", "The text.", is_required=True),
    QueryField("to", "One number.", is_required=True),
    QueryField("pushtype", "alert by default, or marketing, which waits behind alerts.", words=KINDS),
    QueryField("delay", "When to send it, in the time of Paris; now by default.", "date"),
    QueryField("sender", "What the recipient sees as origin."),
    QueryField("gsmsmsid", "Your own id of the message, which comes back in its receipt."),
    QueryField("unicode", "1 sends any character, in shorter parts.", words=("0", "1")),
)


_HELD: Final = "accepted and paid for; it waits for a person before it is sent: do not send it again"


class Simulated(Answer, frozen=True, kw_only=True):
    """What a send would count and cost. Source: the contract's simulation.

    Shape: the vendor's clients want to find the ticket's key, its pages do not show it. Without `warnings` when there
           are none.
    """

    only_json: ClassVar[frozenset[str]] = frozenset({"ticket"})

    ticket: None
    cost: int
    credits: int
    total: int
    sent: int
    blacklisted: int
    duplicated: int
    npai: int
    invalid: int
    not_allowed: int
    flood: int
    country_limit: int
    warnings: list[WarningFields] | UnsetType = UNSET


class Sent(Answer, frozen=True):
    """What was accepted, what was filtered, and what it costs. Source: the contract's single message."""

    ticket: str
    cost: int
    credits: int
    total: int
    sent: int
    blacklisted: int
    duplicated: int
    npai: int
    invalid: int
    not_allowed: int
    flood: int
    country_limit: int


class Held(Sent, frozen=True, kw_only=True):
    """The same for what is accepted and paid for, and waits for a person: it is not to be sent again.

    Source: the contract's note on -8; the vendor's clients throw, and may read the ticket out of the answer.
    """

    status: ClassVar[Status] = -8

    details: str


class Cancelled(Answer, frozen=True):
    """The balance with what was given back."""

    credits: int


async def get(call: Call) -> Sent | Held:
    """Send one message."""
    return await _submit(call, from_query(call.query, call.limits))


async def post(call: Call) -> Sent | Held:
    """Send a campaign to numbers."""
    return await _submit(call, from_document(call.document, call.limits))


async def simulate_get(call: Call) -> Simulated:
    """Say what sending one message would count and cost."""
    return await _simulate(call, from_query(call.query, call.limits))


async def simulate_post(call: Call) -> Simulated:
    """Say what a campaign to numbers would count and cost."""
    return await _simulate(call, from_document(call.document, call.limits))


async def lists(call: Call) -> Sent | Held:
    """Send a campaign to the contacts of lists."""
    request = from_lists_document(call.document, call.limits)
    submission = await call.use_cases.list_submitter.submit(call.account, request, call.idempotency_key(request))
    return _sent(submission)


async def simulate_lists(call: Call) -> Simulated:
    """Say what a campaign to the contacts of lists would count and cost."""
    request = from_lists_document(call.document, call.limits)
    return _simulated(await call.use_cases.list_submitter.simulate(call.account, request))


async def cancel(call: Call) -> Cancelled:
    """Cancel what no carrier has seen of a campaign; its credits are given back."""
    credits_now = await call.use_cases.submitter.cancel(call.account, call.id_of("campaign"))
    return Cancelled(credits=credits_now)


async def _submit(call: Call, request: SubmitRequest) -> Sent | Held:
    submission = await call.use_cases.submitter.submit(call.account, request, call.idempotency_key(request))
    return _sent(submission)


async def _simulate(call: Call, request: SubmitRequest) -> Simulated:
    return _simulated(await call.use_cases.submitter.simulate(call.account, request))


def _sent(submission: Submission) -> Sent | Held:
    ticket = str(submission.ticket)
    if submission.is_held:
        return Held(ticket=ticket, **_counts(submission), details=_HELD)
    return Sent(ticket=ticket, **_counts(submission))


def _simulated(simulation: Simulation) -> Simulated:
    warnings = warnings_of(simulation.warnings) or UNSET
    return Simulated(ticket=None, **_counts(simulation), warnings=warnings)


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
