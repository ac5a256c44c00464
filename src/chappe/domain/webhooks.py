"""Webhooks as customers register them, and the body that is posted to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, cast, get_args

import msgspec

from chappe.domain.addresses import web_address
from chappe.domain.delay import FORMAT, PARIS
from chappe.domain.errors import BadData

WebhookType = Literal["MO", "DLR", "STOP", "CLICKER", "BALANCE_ALERT"]
TYPES: Final[frozenset[str]] = frozenset(get_args(WebhookType))
MAX_SIGNATURE: Final = 256
MAX_WEBHOOKS: Final = 50


def webhook_type(asked: str) -> WebhookType:
    """The kind of event a webhook listens to.

    Raises: BadData.
    """
    if asked not in TYPES:
        raise BadData("must be one of " + ", ".join(get_args(WebhookType)), field="type")
    return cast(WebhookType, asked)


def webhook_url(asked: str) -> str:
    """The address events are posted to, when it is one that can be used.

    A name that leads into a private network is not refused here but at each connection, because what a name
    leads to may change.
    Raises: BadData.
    """
    return web_address(asked, field="url")


def webhook_signature(asked: str | None) -> str | None:
    """The secret that goes verbatim into a header of every post; None when there is none.

    Shape: printable ASCII without spaces at the ends, because anything else would reach the receiver changed.
    Raises: BadData.
    """
    if not asked:
        return None
    if len(asked) > MAX_SIGNATURE:
        raise BadData(f"must have {MAX_SIGNATURE} characters at most", field="signature")
    if not asked.isascii() or not asked.isprintable() or asked.strip() != asked:
        raise BadData("must be printable ASCII without spaces at its ends", field="signature")
    return asked


class _Dlr(msgspec.Struct):
    date: str
    status: int
    destination: str
    message_id: str | None
    campaign_id: str
    country_code: str


class _Balance(msgspec.Struct):
    balance: str
    trigger: str
    date: str


class _Reply(msgspec.Struct):
    date: str
    message: str
    source: str = msgspec.field(name="from")
    account_id: str
    last_message_id: str


_encode = msgspec.json.Encoder().encode


def dlr_payload(at_ms: int, status: int, number: int, client_ref: str | None, campaign_id: int, country: str) -> str:
    """The body that tells a customer what became of one message."""
    return dlr_payloads([at_ms], [status], [number], [client_ref], [campaign_id], [country])[0]


def dlr_payloads(
    at_ms: Sequence[int],
    status: Sequence[int],
    number: Sequence[int],
    client_ref: Sequence[str | None],
    campaign_id: Sequence[int],
    country: Sequence[str],
) -> list[str]:
    """The bodies for many messages.

    Shape: columns of equal length; the date is the wall-clock time of Paris with its offset.
    Cost:  a microsecond per message.
    """
    dates: dict[int, str] = {}
    bodies: list[str] = []
    for at, dlr, to, ref, campaign, code in zip(at_ms, status, number, client_ref, campaign_id, country, strict=True):
        second = at // 1000
        date = dates.get(second)
        if date is None:
            date = dates[second] = datetime.fromtimestamp(second, PARIS).isoformat()
        bodies.append(_encode(_Dlr(date, dlr, str(to), ref, str(campaign), code)).decode())
    return bodies


def balance_payload(balance: int, trigger: int, at_ms: int) -> str:
    """The body that tells a customer that his credits have come down to the trigger.

    Source: the contract's BALANCE_ALERT: all are texts, the date is the wall-clock time of Paris. Units: whole credits.
    """
    date = datetime.fromtimestamp(at_ms // 1000, PARIS).strftime(FORMAT)
    return _encode(_Balance(str(balance), str(trigger), date)).decode()


def reply_payload(at_ms: int, text: str, number: int, account_id: int, client_ref: str | None) -> str:
    """The body that tells a customer of a reply (MO) or an opt-out (STOP).

    Shape: every value is a text; `last_message_id` is empty when the last message had no reference of the customer's.
    """
    date = datetime.fromtimestamp(at_ms // 1000, PARIS).isoformat()
    return _encode(_Reply(date, text, str(number), str(account_id), client_ref or "")).decode()
