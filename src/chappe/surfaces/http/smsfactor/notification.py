"""GET and PUT /notification/balance."""

import msgspec

from chappe.domain.errors import BadData
from chappe.manage.balance_alerts import AlertSettings, AlertWish
from chappe.manage.credits import MAX_CREDITS
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import Scalar, flag, optional_int, optional_text, text_of

_MAX_CHARACTERS = 254


class _Notification(msgspec.Struct):
    alert_trigger: Scalar = None
    alert_email: Scalar = None
    alert_gsm: Scalar = None
    email: Scalar = None
    phone_number: Scalar = None
    gsm: Scalar = None


class NotificationDocument(msgspec.Struct):
    notification: _Notification | None = None


class AlertFields(msgspec.Struct, frozen=True):
    """The alert as it is read. Source: the contract's balance alert settings, as of the next; all are texts."""

    alert_email: str
    alert_gsm: str
    email: str
    phone_number: str
    gsm: str
    alert_trigger: str


class ChangedFields(msgspec.Struct, frozen=True):
    """The alert as it is set."""

    alert_email: str
    alert_gsm: str
    email: str
    phone_number: str
    alert_trigger: str


class Alert(Answer, frozen=True):
    """When and how the account's owner is told that credits run out."""

    notification: AlertFields


class Changed(Answer, frozen=True):
    """When and how he is told now."""

    notification: ChangedFields


async def get(call: Call) -> Alert:
    """Read when and how you are told that credits run out."""
    now = call.use_cases.balance_alerts.read(call.account)
    return Alert(
        notification=AlertFields(
            alert_email=text_of(now.by_email),
            alert_gsm=text_of(now.by_sms),
            email=now.email,
            phone_number=now.phone_number,
            gsm=now.phone_number,
            alert_trigger=str(now.trigger),
        )
    )


async def update(call: Call) -> Changed:
    """Set when and how you are told that credits run out; what is not named stays as it is."""
    asked = call.document.read(NotificationDocument).notification
    if asked is None:
        raise BadData("is missing", field="notification")
    return _changed(await call.use_cases.balance_alerts.change(call.account, _wish(asked)))


def _wish(asked: _Notification) -> AlertWish:
    trigger = optional_int(asked.alert_trigger, "notification.alert_trigger", low=0, high=MAX_CREDITS)
    if trigger is None:
        raise BadData("is missing", field="notification.alert_trigger")
    number = text_of(asked.phone_number).strip() or asked.gsm
    return AlertWish(
        trigger,
        _optional_flag(asked.alert_email, "notification.alert_email"),
        _optional_flag(asked.alert_gsm, "notification.alert_gsm"),
        optional_text(asked.email, "notification.email", max_characters=_MAX_CHARACTERS),
        optional_text(number, "notification.phone_number", max_characters=_MAX_CHARACTERS),
    )


def _optional_flag(value: Scalar, field: str) -> bool | None:
    return flag(value, field) if text_of(value).strip() else None


def _changed(now: AlertSettings) -> Changed:
    return Changed(
        notification=ChangedFields(
            alert_email=text_of(now.by_email),
            alert_gsm=text_of(now.by_sms),
            email=now.email,
            phone_number=now.phone_number,
            alert_trigger=str(now.trigger),
        )
    )
