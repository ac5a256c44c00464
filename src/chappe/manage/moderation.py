"""The campaigns that wait for a person: who sends what to how many, and why somebody is asked."""

from dataclasses import dataclass
from typing import Final, Literal

from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import CampaignState
from chappe.domain.moderation import Finding, decoded
from chappe.domain.pricing import exact_credits
from chappe.pipeline.moderate import Moderator
from chappe.store import moderation
from chappe.store.moderation import Held
from chappe.store.sqlite import Store, Tx

Standing = Literal["waiting", "approved", "refused", "cancelled"]
MAX_NUMBERS: Final = 10
_MAX_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class HeldCampaign:
    """A campaign that a person was asked about.

    Shape: `recipients` are the first of them, the last four digits of each covered; a list of campaigns has none.
    Units: milliseconds UTC; `cost` is exact, as text.
    """

    ticket: int
    account_id: int
    account: str
    standing: Standing
    findings: list[Finding]
    kind: str
    sender: str | None
    text: str
    messages: int
    cost: str
    held_at: int
    send_at: int
    decided_at: int | None
    recipients: list[str]


class Moderation:
    """What an operator sees of the campaigns that wait, and decides."""

    def __init__(self, store: Store, moderator: Moderator) -> None:
        self._store = store
        self._moderator = moderator

    def waiting(self) -> list[HeldCampaign]:
        """Those that wait, the oldest first."""
        return [_campaign(held) for held in self._store.glance(moderation.waiting)]

    def show(self, ticket: int) -> HeldCampaign:
        """One that waits or was decided about. Raises: NotFound for what nobody was asked about."""

        def read(tx: Tx) -> HeldCampaign:
            held = moderation.one(tx, ticket)
            if held is None or (held.held_because is None and held.decided_at is None):
                raise NotFound(f"no campaign {ticket} was held", field="ticket")
            return _campaign(held, moderation.some_numbers(tx, held, MAX_NUMBERS))

        return self._store.glance(read)

    async def approve(self, ticket: int, actor: str, note: str = "") -> bool:
        """Let it go. False when it was approved before. Raises: as of `Moderator.approve`; BadData for the note."""
        _check(note)
        return await self._moderator.approve(ticket, actor, note)

    async def refuse(self, ticket: int, actor: str, note: str, told: str = "") -> bool:
        """End it, give the credits back, tell the account. False when it was refused before.

        Shape:  the note goes into the audit log, `told` into the mail.
        Raises: as of `Moderator.refuse`; BadData for the texts.
        """
        if not note.strip():
            raise BadData("say why: whoever reads this in a year will ask", field="note")
        _check(note)
        _check(told, "told")
        return await self._moderator.refuse(ticket, actor, note, told)


def _check(note: str, field: str = "note") -> None:
    if len(note) > _MAX_NOTE:
        raise BadData(f"has {len(note)} characters; at most {_MAX_NOTE}", field=field)


def _campaign(held: Held, recipients: list[tuple[int, str]] | None = None) -> HeldCampaign:
    return HeldCampaign(
        ticket=held.ticket,
        account_id=held.account_id,
        account=held.email,
        standing=_standing(held),
        findings=decoded(held.held_because),
        kind=held.kind,
        sender=held.sender,
        text=held.text,
        messages=held.sent,
        cost=exact_credits(held.cost_mc),
        held_at=held.created_at,
        send_at=held.send_at,
        decided_at=held.decided_at,
        recipients=[f"{str(number)[:-4]}**** ({country})" for number, country in recipients or [] if number > 0],
    )


def _standing(held: Held) -> Standing:
    if held.state == CampaignState.MODERATION:
        return "waiting"
    if held.state == CampaignState.DENIED:
        return "refused"
    return "approved" if held.decided_at is not None else "cancelled"
