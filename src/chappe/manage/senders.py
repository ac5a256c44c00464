"""Registered senders: an account asks for one, the operator decides and the account is told.

Every change is in the audit log, and every process knows of it half a second later.
"""

from typing import Final, Literal

from chappe.domain.accounts import Account
from chappe.domain.countries import countries, country
from chappe.domain.errors import BadData, NotFound
from chappe.domain.notices import sender_notice
from chappe.domain.registrations import Registration, RegistrationState, registrable
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, Defaults
from chappe.store import accounts, audit, mails, rules, senders
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

MAX_REGISTRATIONS: Final = 200  # of one account
MAX_PURPOSE: Final = 500  # characters
MAX_NOTE: Final = 500
Decision = Literal["approve", "refuse"]
_STATES: Final = {"approve": RegistrationState.APPROVED, "refuse": RegistrationState.REFUSED}


class Senders:
    """The senders that accounts registered, and those that the platform gives to everybody."""

    def __init__(self, store: Store, ids: Ids, defaults: Defaults) -> None:
        self._store = store
        self._ids = ids
        self._defaults = defaults

    def of_account(self, account: Account) -> list[Registration]:
        """What an account registered, the newest first."""
        return self._store.glance(lambda tx: senders.of_account(tx, account.id))

    async def all(self, *, is_waiting: bool) -> list[Registration]:
        """Everybody's, the oldest first; only those that wait for a decision if that is asked."""
        return await self._store.read(senders.waiting if is_waiting else senders.everything)

    async def register(self, account: Account, text: str, place: str, purpose: str) -> Registration:
        """Ask for a sender in a country. One that was refused is asked for anew, one that is approved stays so.

        Raises: BadData.
        """
        if len(purpose) > MAX_PURPOSE:
            raise BadData(f"has {len(purpose)} characters; at most {MAX_PURPOSE}", field="sender.purpose")
        code = _country(place)

        def unit(tx: Tx) -> Registration:
            known = self._known(tx, account, text, code)
            if known.state == RegistrationState.APPROVED:
                return known
            asked = known._replace(state=RegistrationState.WAITING, purpose=purpose, note="", decided_at=None)
            return _write(tx, asked, f"api:{account.id}", "sender.ask", purpose)

        return await self._store.write(unit)

    async def add(self, account: Account | None, text: str, place: str, actor: str, note: str) -> Registration:
        """Give a sender to an account, or to everybody, approved at once. Raises: BadData."""
        _check_note(note)
        code = _country(place) if place else EVERYWHERE

        def unit(tx: Tx) -> Registration:
            owner = account or Account(EVERYBODY, EVERYBODY, None, "", "FR", None)
            known = self._known(tx, owner, text, code)
            given = known._replace(state=RegistrationState.APPROVED, note=note, decided_at=now_ms())
            return _write(tx, given, actor, "sender.add", note)

        return await self._store.write(unit)

    async def decide(self, registration: int, decision: Decision, actor: str, note: str) -> Registration:
        """Approve a sender or refuse it, whatever was decided before; its account is told by mail.

        Raises: NotFound, BadData.
        """
        _check_note(note)

        def unit(tx: Tx) -> Registration:
            known, state = _existing(tx, registration), _STATES[decision]
            if known.state == state:
                raise BadData(f"is {state.name.lower()} already", field="id")
            decided = known._replace(state=state, note=note, decided_at=now_ms())
            _tell(tx, decided)
            return _write(tx, decided, actor, f"sender.{decision}", note)

        return await self._store.write(unit)

    async def withdraw(self, account: Account, registration: int) -> None:
        """Let go of a sender. Raises: NotFound when it is none of the account's."""

        def unit(tx: Tx) -> None:
            known = senders.one(tx, registration)
            if known is None or known.account_id != account.id:
                raise _not_there(registration)
            _remove(tx, known, f"api:{account.id}", "sender.withdraw", "")

        await self._store.write(unit)

    async def remove(self, registration: int, actor: str, note: str) -> Registration:
        """Take a sender away from whoever has it. Raises: NotFound, BadData."""
        _check_note(note)

        def unit(tx: Tx) -> Registration:
            known = _existing(tx, registration)
            _remove(tx, known, actor, "sender.remove", note)
            return known

        return await self._store.write(unit)

    def _known(self, tx: Tx, account: Account, text: str, code: str) -> Registration:
        """The registration of a text as it stands, or a new one that is not written yet."""
        plain = registrable(text, code, rules.rulebook(tx, self._defaults).of(account))
        if known := senders.same(tx, account.id, plain, code):
            return known
        if len(senders.of_account(tx, account.id)) >= MAX_REGISTRATIONS:
            raise BadData(f"{MAX_REGISTRATIONS} senders are registered already; withdraw some", field="sender")
        new = Registration(
            self._ids.take(tx, "sender"), account.id, plain, code, RegistrationState.WAITING, "", "", now_ms()
        )
        senders.insert(tx, new)
        return new


def _write(tx: Tx, row: Registration, actor: str, action: str, note: str) -> Registration:
    senders.update(tx, row)
    if row.state != RegistrationState.WAITING:  # what waits changes no rule: customers ask as often as they like
        rules.changed(tx)
    _audit(tx, row, actor, action, note)
    return row


def _remove(tx: Tx, row: Registration, actor: str, action: str, note: str) -> None:
    senders.delete(tx, row.id)
    if row.state == RegistrationState.APPROVED:
        rules.changed(tx)
    _audit(tx, row, actor, action, note)


def _audit(tx: Tx, row: Registration, actor: str, action: str, note: str) -> None:
    account = row.account_id if row.account_id != EVERYBODY else None
    subject = f"{row.text} {row.country or 'everywhere'}"
    audit.add(tx, Entry(now_ms(), actor, action, account, subject, f"sender {row.id}", note))


def _tell(tx: Tx, row: Registration) -> None:
    owner = accounts.details(tx, row.account_id) if row.account_id != EVERYBODY else None
    if owner is None:
        return
    place = f"{row.country} ({country(row.country).name})" if row.country else None
    is_approved = row.state == RegistrationState.APPROVED
    notice = sender_notice(owner.lang, owner.account.email, row.text, place, row.note, is_approved=is_approved)
    mails.write(tx, owner.account.id, owner.account.email, notice.subject, notice.body, now_ms())


def _existing(tx: Tx, registration: int) -> Registration:
    known = senders.one(tx, registration)
    if known is None:
        raise _not_there(registration)
    return known


def _not_there(registration: int) -> NotFound:
    return NotFound(f"there is no registered sender {registration}", field="id")


def _country(text: str) -> str:
    code = text.strip().upper()
    if code not in countries():
        raise BadData(f"must be a country's two letters of ISO 3166-1, like SG, not {text!r}", field="sender.country")
    return code


def _check_note(note: str) -> None:
    if not note.strip():
        raise BadData("say why: the account reads it, and it stays in the audit log", field="note")
    if len(note) > MAX_NOTE:
        raise BadData(f"has {len(note)} characters; at most {MAX_NOTE}", field="note")
