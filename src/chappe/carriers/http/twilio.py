"""Twilio: its Messages API, status callbacks and incoming messages.

Source: twilio.com/docs: messaging/api/message-resource, messaging/guides/outbound-message-status-in-status-callbacks,
messaging/guides/webhook-request, usage/security, api/errors (read November 2026).
"""

import base64
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit, urlunsplit

from chappe.carriers.http import signatures
from chappe.carriers.http.reading import MAX_DETAIL, address_of, id_of, json_object, number_of, pairs, text_of
from chappe.carriers.http.statuses import by_status, retry_after
from chappe.carriers.http.vendor import (
    Accepted,
    Access,
    Answer,
    Call,
    Callback,
    Closed,
    Field,
    GiveBack,
    Message,
    NotGenuine,
    Posted,
    Told,
    TooFast,
    Unclear,
)
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import RefusalClass, Refused
from chappe.domain.sender_shape import shape

_API: Final = "https://api.twilio.com"
# Source: the Message resource, ValidityPeriod and Body.
_MAX_VALIDITY_S: Final = 36_000
_MAX_CHARACTERS: Final = 1600

# The code of an error in an answer -> what it means for the message.
_REFUSALS: Final[dict[int, tuple[RefusalClass, Dlr]]] = {
    21211: ("permanent", Dlr.INVALID_DESTINATION),  # 'To' is no valid number
    21212: ("permanent", Dlr.INVALID_SENDER),  # 'From' is no valid number
    21217: ("permanent", Dlr.INVALID_DESTINATION),
    21408: ("permanent", Dlr.NOT_ALLOWED),  # the region is not enabled
    21602: ("permanent", Dlr.REJECTED),  # no text
    21603: ("permanent", Dlr.INVALID_SENDER),  # no 'From'
    21604: ("permanent", Dlr.INVALID_DESTINATION),  # no 'To'
    21606: ("permanent", Dlr.INVALID_SENDER),  # 'From' cannot send, or is not ours
    21608: ("permanent", Dlr.NOT_ALLOWED),  # a trial account, and a number that is not verified
    21610: ("permanent", Dlr.NOT_ALLOWED),  # the person said STOP to this sender
    21611: ("queue_full", Dlr.REJECTED),  # too many messages wait behind this 'From'
    21612: ("permanent", Dlr.ROUTE_NOT_AVAILABLE),  # this 'From' does not reach this 'To'
    21614: ("permanent", Dlr.INVALID_DESTINATION),  # no mobile number
    21617: ("permanent", Dlr.REJECTED),  # longer than 1,600 characters
    21635: ("permanent", Dlr.INVALID_DESTINATION),  # a landline
    21659: ("permanent", Dlr.INVALID_SENDER),  # 'From' is no number of Twilio's
    21660: ("permanent", Dlr.INVALID_SENDER),  # 'From' is another account's
    21703: ("permanent", Dlr.INVALID_SENDER),  # the messaging service has no number
    21704: ("permanent", Dlr.INVALID_SENDER),
    21705: ("permanent", Dlr.INVALID_SENDER),  # no such messaging service
    30001: ("queue_full", Dlr.REJECTED),  # queue overflow
}
_CLOSED: Final = {
    20003: "the account or its password is wrong",
    20005: "the account is not active",
    20404: "there is no such account",
    30002: "the account is suspended",
    63038: "the daily limit of the account is reached",
}
_TOO_FAST: Final = frozenset({14107, 20429})

# The ErrorCode of a message that did not arrive -> its delivery status; NOT_DELIVERED for all others.
_FAILURES: Final[dict[str, Dlr]] = {
    "21610": Dlr.NOT_ALLOWED,
    "30001": Dlr.NETWORK_ERROR,  # queue overflow
    "30002": Dlr.REJECTED,  # account suspended
    "30004": Dlr.NOT_ALLOWED,  # blocked by the network or the person
    "30005": Dlr.INVALID_DESTINATION,  # nobody has the number
    "30006": Dlr.ROUTE_NOT_AVAILABLE,  # landline, or a network that short codes do not reach
    "30007": Dlr.REJECTED,  # filtered
    "30010": Dlr.REJECTED,  # dearer than MaxPrice
    "30032": Dlr.INVALID_SENDER,  # toll-free number that is not verified
    "30034": Dlr.INVALID_SENDER,  # number that is not registered
    "30036": Dlr.EXPIRED,  # validity over
    "30410": Dlr.NETWORK_ERROR,  # provider timeout
    "30500": Dlr.NETWORK_ERROR,
}
_STATES: Final[dict[str, Dlr]] = {
    "delivered": Dlr.DELIVERED,
    "read": Dlr.DELIVERED,
    "undelivered": Dlr.NOT_DELIVERED,
    "failed": Dlr.NOT_DELIVERED,
    "canceled": Dlr.NOT_SENT,
}
_ON_ITS_WAY: Final = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"})
_DONE: Final = GiveBack(204)
_NO_ANSWER: Final = GiveBack(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')


class Twilio:
    """Twilio. It knows no key for sending a message once only: what is unclear stays so."""

    name = "twilio"
    place = "api.twilio.com"
    is_idempotent = False
    can_query = True
    fields = (
        Field("account_sid", "The account, AC and 32 hexadecimal digits."),
        Field("auth_token", "Its auth token; what Twilio posts to us is signed with it.", is_secret=True),
        Field("api_key", "An API key to send with instead of the auth token, SK...", default=""),
        Field("api_secret", "The secret of the API key.", is_secret=True, default=""),
        Field("messaging_service", "A messaging service that chooses the sender, MG...", default=""),
    )

    def request(self, access: Access, message: Message) -> Call:
        values = access.values
        if len(message.text) > _MAX_CHARACTERS:
            raise ValueError(f"Twilio takes {_MAX_CHARACTERS} characters at most")
        fields = {"To": f"+{message.to}", "Body": message.text, "SmartEncoded": "false"}
        fields["ValidityPeriod"] = str(min(max(message.validity_s, 1), _MAX_VALIDITY_S))
        if message.sender:
            fields["From"] = f"+{message.sender}" if shape(message.sender) == "international" else message.sender
        if values["messaging_service"]:
            fields["MessagingServiceSid"] = values["messaging_service"]
        elif not message.sender:
            raise ValueError("Twilio needs a sender, or a messaging service that has one")
        if access.callbacks:
            fields["StatusCallback"] = f"{access.callbacks}/receipt"
        headers = {**_headers(access), "Content-Type": "application/x-www-form-urlencoded"}
        return Call("POST", f"{_messages(access)}.json", headers, urlencode(fields).encode())

    def answer(self, access: Access, message: Message, told: Told) -> Answer:
        document = json_object(told.body) or {}
        if told.status in (200, 201):
            ref = text_of(document, "sid")
            if not ref:
                return Unclear(f"HTTP {told.status} without a sid")
            error = text_of(document, "error_code")
            if text_of(document, "status") in ("failed", "undelivered", "canceled"):
                return Refused("permanent", int(_FAILURES.get(error, Dlr.REJECTED)), f"Twilio {error or 'failed'}")
            return Accepted((ref,))
        code = document.get("code")
        if not isinstance(code, int):
            return by_status(told)
        name = f"Twilio {code}"
        if code in _TOO_FAST or told.status == 429:
            return TooFast(name, retry_after(told.headers))
        if code in _CLOSED:
            return Closed(f"{name}: {_CLOSED[code]}")
        if code in _REFUSALS:
            kind, dlr = _REFUSALS[code]
            return Refused(kind, int(dlr), name)
        if told.status == 400:
            return Refused("permanent", int(Dlr.REJECTED), name)
        return by_status(told)

    def question(self, access: Access, ref: str) -> Call | None:
        return Call("GET", f"{_messages(access)}/{quote(ref, safe='')}.json", _headers(access))

    def state(self, access: Access, ref: str, told: Told) -> ReceiptIn | str:
        document = json_object(told.body) or {}
        state = text_of(document, "status")
        if told.status != 200 or not state:
            return f"Twilio {text_of(document, 'code') or f'HTTP {told.status}'}"
        known = {"MessageSid": ref, "MessageStatus": state, "ErrorCode": text_of(document, "error_code")}
        try:
            found = _receipt({**known, "To": text_of(document, "to")})
        except ValueError as error:
            return str(error)
        return found[0] if found else ReceiptIn(ref, None, int(Dlr.SENT), False, state[:MAX_DETAIL])

    def callback(self, access: Access, posted: Posted) -> Callback:
        form = pairs(posted.body) if posted.method == "POST" else []
        check(access.values["auth_token"], posted, form)
        fields = dict(form) or dict(pairs(urlsplit(posted.url).query))
        if posted.what == "reply" or (not posted.what and "MessageStatus" not in fields):
            return Callback([_reply(fields)], _NO_ANSWER)
        return Callback(_receipt(fields), _DONE)


def _messages(access: Access) -> str:
    account = quote(access.values["account_sid"], safe="")
    return f"{access.url or _API}/2010-04-01/Accounts/{account}/Messages"


def _headers(access: Access) -> dict[str, str]:
    values = access.values
    user, password = values["api_key"] or values["account_sid"], values["api_secret"] or values["auth_token"]
    return {"Authorization": signatures.basic(user, password), "Accept": "application/json"}


def check(auth_token: str, posted: Posted, form: Iterable[tuple[str, str]]) -> None:
    """Whether Twilio signed a request, with the port in its address or without.

    Raises: NotGenuine.
    Source: twilio.com/docs/usage/security: HMAC-SHA1 over the address and the sorted fields of a form; of another
            body the address has a digest.
    """
    given = posted.headers.get("x-twilio-signature", "")
    place = urlsplit(posted.url)
    digest = parse_qs(place.query).get("bodySHA256")
    if digest:
        signatures.check_same(sha256(posted.body).hexdigest(), digest[-1].lower(), "the digest of the body")
        form = ()
    # A field that is there several times is signed once for each of its values.
    signed = "".join([name + value for name, value in sorted(set(form))])
    for url in (posted.url, *_with_other_port(place)):
        mac = signatures.mac("sha1", auth_token, (url + signed).encode())
        try:
            signatures.check_same(given, base64.b64encode(mac).decode(), "the signature")
        except NotGenuine:
            continue
        return
    raise NotGenuine("the signature is missing or wrong; is public_url the address that Twilio calls?")


def _with_other_port(place: SplitResult) -> list[str]:
    """The same address with the usual port where it has none, without the port where it has one."""
    host = place.hostname or ""
    try:
        port = place.port
    except ValueError:
        return []
    other = host if port else f"{host}:{443 if place.scheme == 'https' else 80}"
    return [urlunsplit(place._replace(netloc=other))]


def _receipt(fields: Mapping[str, str]) -> list[ReceiptIn]:
    ref, state = text_of(fields, "MessageSid", "SmsSid"), text_of(fields, "MessageStatus", "SmsStatus").lower()
    if not ref or not state:
        raise ValueError("a receipt without MessageSid or MessageStatus")
    if state in _ON_ITS_WAY:
        return []
    if state not in _STATES:
        raise ValueError("a MessageStatus that is not known")
    error, dlr = text_of(fields, "ErrorCode"), _STATES[state]
    if dlr != Dlr.DELIVERED:
        dlr = _FAILURES.get(error, Dlr.REJECTED if state == "canceled" else dlr)
    detail = f"{state} err:{error or '-'} id:{ref}"[:MAX_DETAIL]
    return [ReceiptIn(ref, number_of(text_of(fields, "To")), int(dlr), True, detail)]


def _reply(fields: Mapping[str, str]) -> ReplyIn:
    source = text_of(fields, "From")
    if not source or "Body" not in fields:
        raise ValueError("a reply without From or Body")
    return ReplyIn(
        address_of(source),
        address_of(text_of(fields, "To")),
        fields["Body"],
        ref=id_of(text_of(fields, "MessageSid", "SmsSid")),
    )
