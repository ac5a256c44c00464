"""Everything an installation has of one person, to be handed to that person.

Source: GDPR, articles 15 (access) and 20 (portability): what is kept and why it was, in a common form, without what
belongs to others: no other recipients, no secrets or addresses of the accounts.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from chappe.domain.contacts import infos_of
from chappe.domain.infos import split_infos
from chappe.domain.lifecycle import Dlr, State
from chappe.domain.webhook_schedule import EventState
from chappe.manage.person_search import Found, Reader
from chappe.store import dossiers
from chappe.store.dossiers import ClickRow, MessageRow
from chappe.store.privacy import Whom
from chappe.store.sqlite import Tx

# Rows that are read together.
STEP = 250
Row = TypeVar("Row")


class Party(msgspec.Struct, frozen=True):
    """An account that had the data processed."""

    account: int
    company: str | None


class Contact(msgspec.Struct, frozen=True):
    """The person on a list, with the free fields that the account gave it."""

    account: int
    contact_list: str
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None


class Step(msgspec.Struct, frozen=True):
    """Something that happened to a message."""

    at: str
    step: str
    detail: str


class Click(msgspec.Struct, frozen=True):
    """A link that was followed, and the device that did it."""

    account: int
    message: int
    at: str
    address: str | None
    device_brand: str
    device_model: str
    device_system: str


class Message(msgspec.Struct, frozen=True):
    """A message to the person. Shape: `carrier` is who was given it, under `carrier_references`."""

    id: int
    account: int
    campaign: int
    kind: str
    country: str
    sender: str | None
    text: str
    parts: int
    reference: str | None
    contact_list: str | None
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None
    state: str
    delivery: str
    accepted_at: str
    planned_for: str
    sent_at: str | None
    finished_at: str | None
    carrier: str | None
    carrier_references: list[str]
    steps: list[Step]


class Reply(msgspec.Struct, frozen=True):
    """A text of the person's. Shape: `account` is None when nobody had written to him; `kind` is reply or stop."""

    account: int | None
    received_at: str
    sender: str
    to: str
    text: str
    kind: str | None
    answers_message: int | None
    carrier: str | None


class WebhookEvent(msgspec.Struct, frozen=True):
    """What the account's own server was told of the person, or is to be."""

    account: int | None
    type: str | None
    created_at: str
    state: str
    message: int | None
    told: msgspec.Raw


class Exclusion(msgspec.Struct, frozen=True):
    """The account does not write to the person: he said STOP (blacklist), or nobody has the number (npai)."""

    account: int
    excluded_as: str
    since: str
    campaign: int | None
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None


class Lookup(msgspec.Struct, frozen=True):
    """What a carrier was asked about the number, and told."""

    account: int
    asked_at: str
    carrier: str | None
    answer: msgspec.Raw


class Receipt(msgspec.Struct, frozen=True):
    """A carrier's report about the number that belongs to no message."""

    received_at: str
    carrier: str | None
    reference: str
    delivery: str
    words: str


class Recent(msgspec.Struct, frozen=True):
    """A note that is kept for a short time: the account wrote to the person, or told him who it is."""

    account: int
    at: str
    what: str


class Dossier(msgspec.Struct, frozen=True):
    """Everything about one number. Shape: times are ISO 8601 in UTC."""

    number: str
    made_at: str
    accounts: list[Party]
    contacts: list[Contact]
    messages: list[Message]
    clicks: list[Click]
    replies: list[Reply]
    exclusions: list[Exclusion]
    lookups: list[Lookup]
    webhook_events: list[WebhookEvent]
    receipts_without_message: list[Receipt]
    recent: list[Recent]


async def read(reader: Reader, whom: Whom, found: Found, now: int) -> Dossier:
    """Read what was found."""
    contacts = [
        Contact(row[0], row[1], *infos_of(row[2]))
        for list_id, ids in found.contacts.items()
        for row in await _all(reader, ids, lambda tx, some, list_id=list_id: dossiers.contacts(tx, list_id, some))  # type: ignore[misc]
    ]
    messages = found.rows["message"]
    steps: dict[int, list[Step]] = {}
    for message, at, step, detail in await _all(reader, messages, dossiers.steps):
        steps.setdefault(message, []).append(Step(time_text(at), step, detail))
    parts = Dossier(
        number=f"+{whom.person.number}",
        made_at=time_text(now),
        accounts=[],
        contacts=contacts,
        messages=[_message(row, steps.get(row.id, [])) for row in await _all(reader, messages, dossiers.messages)],
        clicks=[_click(row) for row in await _all(reader, messages, dossiers.clicks)],
        replies=await _replies(reader, found),
        exclusions=[
            Exclusion(row.account_id, row.kind, time_text(row.created_at), row.campaign_id, *split_infos(row.infos))
            for row in await reader.read(lambda tx: dossiers.exclusions(tx, whom))
        ],
        lookups=[
            Lookup(row.account_id, time_text(row.asked_at), row.carrier, msgspec.Raw((row.result or "null").encode()))
            for row in await _all(reader, found.rows["lookup"], dossiers.lookups)
        ],
        webhook_events=await _events(reader, found),
        receipts_without_message=[
            Receipt(time_text(row.received_at), row.carrier, row.ref, _delivery(row.dlr), row.detail)
            for row in await _all(reader, found.rows["unmatched_receipt"], dossiers.receipts)
        ],
        recent=await _recent(reader, whom),
    )
    return msgspec.structs.replace(parts, accounts=await _parties(reader, parts))


async def _all(reader: Reader, ids: list[int], read_some: Callable[[Tx, list[int]], list[Row]]) -> list[Row]:
    """Rows under many ids, read piece by piece."""
    rows: list[Row] = []
    for at in range(0, len(ids), STEP):
        some = ids[at : at + STEP]
        rows += await reader.read(lambda tx, some=some: read_some(tx, some))  # type: ignore[misc]
    return rows


async def _replies(reader: Reader, found: Found) -> list[Reply]:
    return [
        Reply(
            row.account_id, time_text(row.received_at), row.source, row.destination, row.text, row.kind,
            row.message_id, row.carrier,
        )
        for row in await _all(reader, found.rows["reply"], dossiers.replies)
    ]  # fmt: skip


async def _events(reader: Reader, found: Found) -> list[WebhookEvent]:
    messages = found.rows["message"]
    rows = await _all(reader, found.rows["event"], dossiers.events)
    known = set(found.rows["event"])
    rows += [row for row in await _all(reader, messages, dossiers.events_of_messages) if row.id not in known]
    return [
        WebhookEvent(
            row.account_id, row.type, time_text(row.created_at), EventState(row.state).name.lower(), row.message_id,
            msgspec.Raw(row.payload.encode()),
        )
        for row in sorted(rows, key=lambda row: row.id)
    ]  # fmt: skip


async def _recent(reader: Reader, whom: Whom) -> list[Recent]:
    sent = await reader.read(lambda tx: dossiers.lately(tx, "recent_send", whom))
    told = await reader.read(lambda tx: dossiers.lately(tx, "contact_answer", whom))
    return [Recent(account, time_text(at), "a message was sent") for account, at in sent] + [
        Recent(account, time_text(at), "was told whom messages are from") for account, at in told
    ]


async def _parties(reader: Reader, dossier: Dossier) -> list[Party]:
    """The accounts that anything of it is from."""
    lists = (
        dossier.contacts, dossier.messages, dossier.clicks, dossier.replies, dossier.exclusions, dossier.lookups,
        dossier.webhook_events, dossier.recent,
    )  # fmt: skip
    accounts = {row.account for rows in lists for row in rows if row.account}
    return [Party(id_, company) for id_, company in await reader.read(lambda tx: dossiers.companies(tx, accounts))]


def _message(row: MessageRow, steps: list[Step]) -> Message:
    info1, info2, info3, info4 = split_infos(row.infos)
    return Message(
        id=row.id,
        account=row.account_id,
        campaign=row.campaign_id,
        kind=row.kind,
        country=row.country,
        sender=row.sender or None,
        text=row.text,
        parts=row.parts,
        reference=row.client_ref,
        contact_list=row.list_name,
        info1=info1,
        info2=info2,
        info3=info3,
        info4=info4,
        state=State(row.state).name.lower(),
        delivery=_delivery(row.dlr),
        accepted_at=time_text(row.accepted_at),
        planned_for=time_text(row.send_at),
        sent_at=_optional(row.submitted_at),
        finished_at=_optional(row.done_at),
        carrier=row.carrier,
        carrier_references=(row.carrier_refs or "").split(),
        steps=steps,
    )


def _click(row: ClickRow) -> Click:
    return Click(row.account_id, row.message_id, time_text(row.at), row.url, row.brand, row.model, row.os)


def _delivery(dlr: int) -> str:
    return Dlr(dlr).name.lower().replace("_", " ")


def time_text(at: int) -> str:
    """A time as ISO 8601 writes it. Units: milliseconds UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _optional(at: int | None) -> str | None:
    return None if at is None else time_text(at)
