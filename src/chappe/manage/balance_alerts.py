"""When an account's owner is told that his credits run out. `pipeline/balance_alerts.py` tells him."""

from dataclasses import dataclass

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.mails import mail_address
from chappe.domain.pricing import MC
from chappe.store import balance_alerts, wallets
from chappe.store.balance_alerts import BalanceAlert
from chappe.store.sqlite import Store, Tx
from chappe.telecom.numbers import normalise


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How the owner is told. Units: `trigger` is in whole credits. Shape: the number is E.164 without a plus, or ''."""

    trigger: int
    by_email: bool
    by_sms: bool
    email: str
    phone_number: str


@dataclass(frozen=True, slots=True)
class AlertWish:
    """What is to be changed of it; None leaves a setting as it is."""

    trigger: int
    by_email: bool | None = None
    by_sms: bool | None = None
    email: str | None = None
    phone_number: str | None = None


class BalanceAlerts:
    """The alert settings of an account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, account: Account) -> AlertSettings:
        """The settings; as long as there are none, nobody is told and the addresses are the account's own."""
        return self._store.glance(lambda tx: _settings(tx, account))

    async def change(self, account: Account, wish: AlertWish) -> AlertSettings:
        """Set when and how the owner is told.

        A balance that is below the trigger already gives no alert: the next one comes when it falls to it again.
        Raises: BadData, with nothing changed.
        """
        return await self._store.write(lambda tx: _change(tx, account, wish))


def _change(tx: Tx, account: Account, wish: AlertWish) -> AlertSettings:
    now = _settings(tx, account)
    email = now.email if wish.email is None else mail_address(wish.email, field="notification.email")
    number = now.phone_number if wish.phone_number is None else _number(wish.phone_number, account)
    settings = AlertSettings(
        wish.trigger,
        now.by_email if wish.by_email is None else wish.by_email,
        now.by_sms if wish.by_sms is None else wish.by_sms,
        email,
        number,
    )
    if settings.by_sms:
        _check_mobile(number, account)
    before = balance_alerts.read(tx, account.id)
    available = wallets.read(tx, account.wallet_id).available_mc
    # An alert that is due and was not given yet must not get lost by this.
    is_due = before is not None and before.is_armed and available <= before.trigger_mc
    is_armed = available > settings.trigger * MC or is_due
    balance_alerts.write(
        tx,
        account.id,
        BalanceAlert(settings.trigger * MC, settings.by_email, settings.by_sms, email, number, is_armed),
    )
    return settings


def _settings(tx: Tx, account: Account) -> AlertSettings:
    found = balance_alerts.read(tx, account.id)
    if found is None:
        phone = balance_alerts.phone_of(tx, account.id)
        number = normalise([phone], account.country).e164[0] if phone else None
        return AlertSettings(0, False, False, account.email, number or "")
    return AlertSettings(found.trigger_mc // MC, found.by_email, found.by_sms, found.email, found.phone_number)


def _number(text: str, account: Account) -> str:
    """A number as it is stored: a fixed line too, as long as no text message is to go there."""
    number = normalise([text], account.country).e164[0]
    if number is None:
        raise BadData("is no telephone number", field="notification.phone_number")
    return number


def _check_mobile(number: str, account: Account) -> None:
    if not number:
        raise BadData("is missing, and a text message is asked for", field="notification.phone_number")
    if normalise([f"+{number}"], account.country).problem[0] is not None:
        raise BadData("takes no text messages", field="notification.phone_number")
