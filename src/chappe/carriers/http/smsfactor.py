"""SMSFactor, and every Chappe: the send API, DLR, MO and STOP webhooks.

Source: dev.smsfactor.com, getting started, send, campaigns, webhooks (read November 2026).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from chappe.carriers.http import signatures
from chappe.carriers.http.reading import MAX_DETAIL, address_of, id_of, json_object, number_of, text_of
from chappe.carriers.http.statuses import by_status
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
    Posted,
    Told,
    Unclear,
)
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import RefusalClass, Refused

_API: Final = "https://api.smsfactor.com"
_SENT: Final = (1, -8)  # -8: a person looks at it first; sent again it would go out twice
_CLOSED: Final = {-1: "the token is wrong", -3: "no credit left"}
_REFUSALS: Final[dict[int, tuple[RefusalClass, Dlr]]] = {
    -2: ("permanent", Dlr.REJECTED),  # not understood
    -4: ("permanent", Dlr.REJECTED),  # wrong delay
    -5: ("protocol", Dlr.REJECTED),  # not found
    -6: ("permanent", Dlr.REJECTED),  # not understood
    -7: ("permanent", Dlr.REJECTED),  # data error
}
# Why the recipient was left out, by the counter that has him.
_LEFT_OUT: Final[dict[str, tuple[RefusalClass, Dlr]]] = {
    "blacklisted": ("permanent", Dlr.NOT_ALLOWED),
    "npai": ("permanent", Dlr.INVALID_DESTINATION),
    "invalid": ("permanent", Dlr.INVALID_DESTINATION),
    "not_allowed": ("permanent", Dlr.NOT_ALLOWED),
    "country_limit": ("permanent", Dlr.NOT_ALLOWED),
    "duplicated": ("permanent", Dlr.REJECTED),
    "flood": ("temporary", Dlr.REJECTED),
}
# The counters of a campaign of one message that tell its end.
_ENDS: Final[dict[str, Dlr]] = {
    "delivered": Dlr.DELIVERED,
    "expired": Dlr.EXPIRED,
    "network_error": Dlr.NETWORK_ERROR,
    "error": Dlr.NOT_DELIVERED,
}
_ON_ITS_WAY: Final = (Dlr.NOT_SENT, Dlr.SENT)
_DONE: Final = GiveBack(200, "text/plain", b"OK")


class SmsFactor:
    """SMSFactor. Its answer counts recipients and does not name them: one message is one campaign."""

    name = "smsfactor"
    place = "api.smsfactor.com"
    is_idempotent = False  # a Chappe is: its operator says so
    can_query = True
    fields = (
        Field("token", "The token of the account.", is_secret=True),
        Field(
            "pushtype",
            "What messages are sent as: alert, marketing (it may add a mention of STOP), or kind: what each is.",
            default="alert",
        ),
        Field("signature", "The signature of the webhooks, if they have one.", is_secret=True, default=""),
    )

    def request(self, access: Access, message: Message) -> Call:
        kind = access.values["pushtype"]
        if kind == "kind":
            kind = "alert" if message.is_alert else "marketing"
        said: dict[str, Any] = {"text": message.text, "pushtype": kind}
        if message.sender:
            said["sender"] = message.sender
        if message.is_unicode:
            said["unicode"] = 1
        recipients = {"gsm": [{"gsmsmsid": message.key, "value": message.to}]}
        # SMSFactor does not know the key; a Chappe takes a message that comes again under it once.
        headers = {**_headers(access), "Content-Type": "application/json", "Idempotency-Key": message.key}
        body = msgspec.json.encode({"sms": {"message": said, "recipients": recipients}})
        return Call("POST", f"{access.url or _API}/send", headers, body)

    def answer(self, access: Access, message: Message, told: Told) -> Answer:
        document = json_object(told.body) or {}
        status = document.get("status")
        if told.status != 200 or not isinstance(status, int) or isinstance(status, bool):
            return by_status(told) if told.status != 200 else Unclear("HTTP 200 without a status")
        if status in _CLOSED:
            return Closed(f"SMSFactor {status}: {_CLOSED[status]}")
        if status in _REFUSALS:
            kind, dlr = _REFUSALS[status]
            return Refused(kind, int(dlr), f"SMSFactor {status}")
        if status not in _SENT:
            return Unclear(f"SMSFactor {status}")
        if document.get("sent") in (1, "1"):
            return Accepted((text_of(document, "ticket"),))
        for counter, (kind, dlr) in _LEFT_OUT.items():
            if document.get(counter) in (1, "1"):
                return Refused(kind, int(dlr), f"SMSFactor: {counter}")
        return Unclear("SMSFactor counts nobody")

    def question(self, access: Access, ref: str) -> Call | None:
        return Call("GET", f"{access.url or _API}/campaign/{quote(ref, safe='')}", _headers(access))

    def state(self, access: Access, ref: str, told: Told) -> ReceiptIn | str:
        document = json_object(told.body) or {}
        campaigns = document.get("campaign")
        if told.status != 200 or document.get("status") != 1 or not isinstance(campaigns, list) or not campaigns:
            return f"SMSFactor {text_of(document, 'status') or f'HTTP {told.status}'}"
        counts = campaigns[0] if isinstance(campaigns[0], dict) else {}
        for counter, dlr in _ENDS.items():
            if text_of(counts, counter) == "1":
                return ReceiptIn(ref, None, int(dlr), True, f"counted as {counter} id:{ref}"[:MAX_DETAIL])
        return ReceiptIn(ref, None, int(Dlr.SENT), False, "on its way")

    def callback(self, access: Access, posted: Posted) -> Callback:
        if access.values["signature"]:
            given = posted.headers.get("x-smsfactor-signature", "")
            signatures.check_same(given, access.values["signature"], "the signature")
        fields = json_object(posted.body)
        if fields is None:
            raise ValueError("the body is no JSON object")
        if posted.what == "reply" or (not posted.what and "message" in fields):
            # A Chappe numbers its events; the vendor gives texts no id.
            event = id_of(posted.headers.get("x-chappe-event", ""))
            return Callback([_reply(fields)._replace(ref=event)], _DONE)
        return Callback(_receipt(fields), _DONE)


def _headers(access: Access) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.values['token']}", "Accept": "application/json"}


def _receipt(fields: Mapping[str, Any]) -> Sequence[ReceiptIn]:
    ref, status = text_of(fields, "campaign_id"), text_of(fields, "status")
    try:
        dlr = Dlr(int(status))
    except ValueError:
        raise ValueError("a receipt without a status that is known") from None
    if not ref:
        raise ValueError("a receipt without a campaign")
    if dlr in _ON_ITS_WAY:
        return ()
    detail = f"{dlr.name} id:{ref}"[:MAX_DETAIL]
    return (ReceiptIn(ref, number_of(text_of(fields, "destination")), int(dlr), True, detail),)


def _reply(fields: Mapping[str, Any]) -> ReplyIn:
    source, text = text_of(fields, "from"), fields.get("message")
    if not source or not isinstance(text, str):
        raise ValueError("a reply without from or message")
    return ReplyIn(address_of(source), address_of(text_of(fields, "to")), text)
