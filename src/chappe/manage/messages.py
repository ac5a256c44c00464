"""Messages as their owner searches them, and one message with everything that happened to it."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import NotFound
from chappe.domain.legal_hours import LegalHours, window_text
from chappe.domain.lifecycle import CampaignState, Dlr, Queue, State
from chappe.domain.marketing_hours import MarketingHours
from chappe.domain.moderation import decoded
from chappe.domain.pricing import cost_credits
from chappe.domain.rulebook import Defaults
from chappe.manage.pages import Page
from chappe.store import accounts, messages, rules, webhooks
from chappe.store.messages import Direction, MessageDetail, MessageRow
from chappe.store.sqlite import Store, Tx

MessageStatus = Literal["delivered", "sent", "waiting", "moderation", "denied", "not_sent", "undelivered"]
Sort = Literal["date", "destination", "sender", "status"]

# The settings of a fresh installation.
FRESH: Final = Defaults()

_COLUMNS = {"date": "at", "destination": "number", "sender": "sender", "status": "dlr"}
_FAILED_UNSENT = (
    Dlr.NOT_SENT,
    Dlr.NOT_ALLOWED,
    Dlr.INVALID_DESTINATION,
    Dlr.INVALID_SENDER,
    Dlr.ROUTE_NOT_AVAILABLE,
)
# The contract's filter words in delivery statuses, whether the message is still accepted-only (None: either), and the
# state of its campaign (None: any).
_STATUSES: dict[MessageStatus, tuple[tuple[Dlr, ...], bool | None, CampaignState | None]] = {
    "delivered": ((Dlr.DELIVERED,), None, None),
    "sent": ((Dlr.SENT,), None, None),
    "waiting": ((Dlr.NOT_SENT,), True, CampaignState.ACCEPTED),
    "not_sent": (_FAILED_UNSENT, False, CampaignState.ACCEPTED),
    "undelivered": ((Dlr.NOT_DELIVERED, Dlr.REJECTED, Dlr.NETWORK_ERROR, Dlr.EXPIRED), None, None),
    "moderation": ((Dlr.NOT_SENT,), True, CampaignState.MODERATION),
    "denied": ((Dlr.NOT_ALLOWED, Dlr.NOT_SENT), None, CampaignState.DENIED),
}


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages of a period to list. Units: milliseconds UTC, both ends included."""

    from_at: int
    to_at: int
    start: int = 0
    length: int = 100
    destination: str | None = None
    text: str | None = None
    direction: Literal["in", "out"] | None = None
    country: str | None = None
    status: MessageStatus | None = None
    sort: Sort = "date"
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """One message as listed.

    Shape: of one that came in, `number` is who sent it, `sender` the number it was sent to, and campaign and
           reference are those of the last message to that person, if there was one.
    Units: milliseconds UTC, whole credits; `dlr` is the delivery status number.
    """

    id: int
    campaign_id: int | None
    account_id: int
    client_ref: str | None
    text: str
    cost: int
    country: str | None
    number: int
    sender: str | None
    sent_at: int
    dlr: int
    dlr_at: int | None
    list_id: int | None = None
    direction: Literal["in", "out"] = "out"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a message. Units: milliseconds UTC."""

    at: int
    step: str
    detail: str


@dataclass(frozen=True, slots=True)
class MessageTrace:
    """One message, and every step of it in the order of time.

    Shape: `held_by` are the legal hours that a message waits for, empty when it waits for something else.
    """

    message: MessageDetail
    state: str
    steps: list[Step]
    held_by: str = ""


class Messages:
    """An account's messages as it may search them; every message for the operator."""

    def __init__(self, store: Store, defaults: Defaults = FRESH) -> None:
        self._store = store
        self._defaults = defaults

    async def find(self, account: Account, wanted: MessageFilter) -> Page[Message]:
        """A page of the account's messages of a period, sent and received.

        Cost: a scan of the period's messages when they are filtered or not in the order of the time.
        """
        directions: tuple[Direction, ...] = ("out", "in") if wanted.direction is None else (wanted.direction,)
        statuses, is_open, state = _STATUSES[wanted.status] if wanted.status else (None, None, None)
        conditions = {
            "account": account.id,
            "from_at": wanted.from_at,
            "to_at": wanted.to_at,
            "destination": wanted.destination.lstrip("+") if wanted.destination else None,
            "text": wanted.text,
            "country": wanted.country,
            "statuses": None if statuses is None else msgspec.json.encode(statuses).decode(),
            "is_open": is_open,
            "campaign_state": None if state is None else int(state),
        }

        def query(tx: Tx) -> tuple[list[MessageRow], int, int]:
            column = _COLUMNS[wanted.sort]
            return messages.page(
                tx, directions, column, wanted.is_descending, wanted.start, wanted.length, **conditions
            )

        rows, total, matching = await self._store.read(query)
        return Page([_message(row, account) for row in rows], total, matching)

    def show(self, message_id: int) -> MessageTrace:
        """Everything that happened to a message. Raises: NotFound."""
        trace = self._store.glance(lambda tx: _trace(tx, message_id))
        held_by = self._store.glance(lambda tx: _held_by(tx, trace.message, self._defaults))
        return replace(trace, held_by=held_by)

    def of_ticket(self, ticket: int, limit: int) -> list[int]:
        """The first message ids of a campaign, whoever owns it. Raises: NotFound."""
        span = self._store.glance(lambda tx: messages.span_of_ticket(tx, ticket))
        if span is None:
            raise NotFound(f"there is no campaign {ticket} that still has messages", field="id")
        return list(range(span[0], min(span[1], span[0] + limit - 1) + 1))


def _message(row: MessageRow, account: Account) -> Message:
    return Message(
        id=row.id,
        campaign_id=row.campaign_id,
        account_id=account.id,
        client_ref=row.client_ref,
        text=row.text,
        cost=cost_credits(row.price_mc),
        country=row.country,
        number=row.number,
        sender=row.sender,
        sent_at=row.send_at,
        dlr=row.dlr,
        dlr_at=row.dlr_at,
        list_id=row.list_id,
        direction="in" if row.is_in else "out",
    )


def _trace(tx: Tx, message_id: int) -> MessageTrace:
    found = messages.detail(tx, message_id)
    if found is None:
        raise NotFound(f"there is no message {message_id}", field="id")
    steps = [Step(found.accepted_at, "accepted", f"campaign {found.campaign_id}, {found.parts} part(s)")]
    if found.held_because is not None:
        why = ", ".join(f"{finding.rule}: {finding.matched}" for finding in decoded(found.held_because))
        steps.append(Step(found.accepted_at, "held for a person", why))
    if found.decided_at is not None:
        word = "refused" if found.campaign_state == CampaignState.DENIED else "approved"
        steps.append(Step(found.decided_at, word, "by who moderates; `chappe audit list` says who"))
    steps += [Step(*row) for row in messages.trace(tx, message_id)]
    if found.submitted_at is not None:
        steps.append(Step(found.submitted_at, "submitted", f"carrier {found.carrier} took it as {found.carrier_refs}"))
    if found.done_at is not None:
        steps.append(Step(found.done_at, State(found.state).name.lower(), f"status {found.dlr} {Dlr(found.dlr).name}"))
    for event in webhooks.events_of_message(tx, message_id):
        steps.append(Step(event.created_at, "webhook due", f"event {event.id} for webhook {event.webhook_id}"))
        for attempt in event.attempts:
            answer = f"HTTP {attempt.http_code}" if attempt.http_code else attempt.error
            steps.append(Step(attempt.at, "webhook attempt", f"event {event.id}: {answer}, {attempt.duration_ms} ms"))
    return MessageTrace(found, _state(found), sorted(steps, key=lambda step: step.at))


def _held_by(tx: Tx, found: MessageDetail, defaults: Defaults) -> str:
    """The legal hours that open when a message becomes ready, under the rules of now."""
    if found.kind != "marketing" or found.queue_state != Queue.SCHEDULED or found.attempts or not found.ready_at:
        return ""
    account = accounts.by_id(tx, found.account_id)
    if account is None:
        return ""
    its = rules.rulebook(tx, defaults).of(account)
    window = its.country(found.country).window
    opening = MarketingHours(its, LegalHours()).opening(found.number, found.country, found.ready_at - 1)
    if window is None or opening.opens_at != found.ready_at:
        return ""
    return f"legal hours of {found.country}: {window_text(window)}"


def _state(found: MessageDetail) -> str:
    """The state in words: while a message waits, where it waits."""
    if found.campaign_state == CampaignState.MODERATION and found.state == State.ACCEPTED:
        return "held for a person"
    if found.queue_state is None:
        return State(found.state).name.lower()
    if found.queue_state == Queue.SCHEDULED and found.attempts:
        return "waiting for the next try"
    return {
        Queue.READY: "ready",
        Queue.SENDING: "sending",
        Queue.UNKNOWN: "unknown: written to the carrier, never answered",
        Queue.SCHEDULED: "scheduled",
    }[Queue(found.queue_state)]
