"""POST and GET /sender, DELETE /sender/:id: senders for countries that show registered ones only."""

from typing import Final, Literal

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.registrations import Registration, RegistrationState
from chappe.manage.senders import MAX_PURPOSE
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import Scalar, date_text, optional_date_text, optional_text, required_text

RegistrationWord = Literal["waiting", "approved", "refused"]
_WORDS: Final[dict[RegistrationState, RegistrationWord]] = {
    RegistrationState.WAITING: "waiting",
    RegistrationState.APPROVED: "approved",
    RegistrationState.REFUSED: "refused",
}
_MAX_COUNTRY: Final = 10


class _Sender(msgspec.Struct):
    text: Scalar = None
    country: Scalar = None
    purpose: Scalar = None


class SenderDocument(msgspec.Struct):
    sender: _Sender | None = None


class SenderFields(msgspec.Struct, frozen=True):
    """A registered sender."""

    id: int
    text: str
    country: str
    state: RegistrationWord
    purpose: str
    note: str
    created_at: str
    decided_at: str | None


class Registered(Answer, frozen=True):
    """The sender as it is registered."""

    sender: SenderFields


class All(Answer, frozen=True):
    """Every sender the account registered, the newest first."""

    senders: list[SenderFields]


class Withdrawn(Answer, frozen=True):
    """The sender that is registered no longer."""

    deleted_sender: int


async def register(call: Call) -> Registered:
    """Register a sender for a country.

    It waits until the operator has approved or refused it, which a mail tells. One that was refused may be registered
    again. Sub-accounts send under what their parent has approved.
    """
    asked = call.document.read(SenderDocument).sender
    if asked is None:
        raise BadData("is missing", field="sender")
    text = required_text(asked.text, "sender.text", max_characters=call.limits.max_sender_characters)
    country = required_text(asked.country, "sender.country", max_characters=_MAX_COUNTRY)
    purpose = optional_text(asked.purpose, "sender.purpose", max_characters=MAX_PURPOSE) or ""
    return Registered(sender=_fields(await call.use_cases.senders.register(call.account, text, country, purpose)))


async def all_of_account(call: Call) -> All:
    """List the registered senders."""
    return All(senders=[_fields(each) for each in call.use_cases.senders.of_account(call.account)])


async def withdraw(call: Call) -> Withdrawn:
    """Withdraw a registered sender; nothing is sent under it any more where it must be registered."""
    sender = call.id_of("sender")
    await call.use_cases.senders.withdraw(call.account, sender)
    return Withdrawn(deleted_sender=sender)


def _fields(row: Registration) -> SenderFields:
    return SenderFields(
        id=row.id,
        text=row.text,
        country=row.country,
        state=_WORDS[row.state],
        purpose=row.purpose,
        note=row.note,
        created_at=date_text(row.created_at),
        decided_at=optional_date_text(row.decided_at),
    )
