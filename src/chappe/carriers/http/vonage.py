"""Vonage (Nexmo): its SMS API, delivery receipts and inbound messages.

Source: developer.vonage.com/en/api/sms and /en/api-errors/sms, its guides on delivery receipts, inbound SMS and signing
messages; "Vonage SMS Delivery Error Codes" of its support pages (read November 2026).
"""

from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any, Final
from urllib.parse import urlencode

from chappe.carriers.http import signatures
from chappe.carriers.http.reading import MAX_DETAIL, address_of, fields_of, id_of, json_object, number_of, text_of
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
    NotGenuine,
    Posted,
    Told,
    TooFast,
    Unclear,
)
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import RefusalClass, Refused

_API: Final = "https://rest.nexmo.com"
_MIN_TTL_MS, _MAX_TTL_MS = 20_000, 604_800_000
_METHODS: Final = ("md5hash", "md5", "sha1", "sha256", "sha512")
_MAX_PARTS: Final = 255

# The status of a part in an answer -> its name, and what it means for the message.
_REFUSALS: Final[dict[str, tuple[str, RefusalClass, Dlr]]] = {
    "2": ("missing parameters", "permanent", Dlr.REJECTED),
    "3": ("invalid parameters", "permanent", Dlr.REJECTED),
    "5": ("internal error", "temporary", Dlr.NETWORK_ERROR),
    # It could not be processed: a prefix that nobody has, but other things as well.
    "6": ("invalid message", "permanent", Dlr.REJECTED),
    "7": ("number barred", "permanent", Dlr.NOT_ALLOWED),
    "12": ("message too long", "permanent", Dlr.REJECTED),
    "15": ("invalid sender address", "permanent", Dlr.INVALID_SENDER),
    "22": ("invalid network code", "permanent", Dlr.ROUTE_NOT_AVAILABLE),
    "23": ("invalid callback URL", "permanent", Dlr.REJECTED),
    "29": ("destination not allowed in demo mode", "permanent", Dlr.NOT_ALLOWED),
    "33": ("number de-activated", "permanent", Dlr.INVALID_DESTINATION),
}
_CLOSED: Final = {
    "4": "invalid credentials",
    "8": "the account is barred",
    "9": "no credit left",
    "11": "the account may not use HTTP",
    "14": "invalid signature",
    "32": "a signature and a secret together",
}
_TOO_FAST: Final = {"1": "throttled", "10": "too many connections"}

_STATES: Final[dict[str, Dlr | None]] = {
    "delivered": Dlr.DELIVERED,
    "expired": Dlr.EXPIRED,
    "failed": Dlr.NOT_DELIVERED,
    "rejected": Dlr.REJECTED,
    "unknown": Dlr.NETWORK_ERROR,  # nobody knows: better news may follow
    "accepted": None,
    "buffered": None,
}
# err-code of a receipt -> what it says more exactly than failed or rejected.
_FAILURES: Final[dict[str, Dlr]] = {
    "3": Dlr.INVALID_DESTINATION,  # absent for good
    "4": Dlr.NOT_ALLOWED,  # call barred by the user
    "5": Dlr.ROUTE_NOT_AVAILABLE,  # portability
    "6": Dlr.REJECTED,  # anti-spam
    "8": Dlr.NETWORK_ERROR,
    "9": Dlr.NOT_ALLOWED,  # the user does not want it
    "10": Dlr.REJECTED,  # illegal message
    "11": Dlr.ROUTE_NOT_AVAILABLE,
    "12": Dlr.ROUTE_NOT_AVAILABLE,  # destination unreachable
    "13": Dlr.NOT_ALLOWED,  # age
    "14": Dlr.NOT_ALLOWED,  # blocked by the network
}
_DONE: Final = GiveBack(204)


class Vonage:
    """Vonage. It gives an id to each part of a long message, and knows no key for sending once only."""

    name = "vonage"
    place = "rest.nexmo.com"
    is_idempotent = False
    can_query = False
    fields = (
        Field("api_key", "The account's key, 8 characters."),
        Field("api_secret", "Its secret.", is_secret=True),
        Field("signature_secret", "What Vonage signs its callbacks with, if it does.", is_secret=True, default=""),
        Field("signature_method", f"How it signs: {', '.join(_METHODS)}.", default="md5hash"),
    )

    def request(self, access: Access, message: Message) -> Call:
        if not message.sender:
            raise ValueError("Vonage needs a sender")
        fields = {
            "api_key": access.values["api_key"],
            "api_secret": access.values["api_secret"],
            "from": message.sender,
            "to": message.to,
            "text": message.text,
            "type": "unicode" if message.is_unicode else "text",
            "ttl": str(min(max(message.validity_s * 1000, _MIN_TTL_MS), _MAX_TTL_MS)),
            "status-report-req": "true",
            "client-ref": message.key,
        }
        if access.callbacks:
            fields["callback"] = f"{access.callbacks}/receipt"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return Call("POST", f"{access.url or _API}/sms/json", headers, urlencode(fields).encode())

    def answer(self, access: Access, message: Message, told: Told) -> Answer:
        document = json_object(told.body) if told.status == 200 else None
        parts = document.get("messages") if document else None
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            return by_status(told) if told.status != 200 else Unclear("HTTP 200 without messages")
        refused = next((part for part in parts if text_of(part, "status") != "0"), None)
        if refused is None:
            return Accepted([text_of(part, "message-id") for part in parts])
        said = _judged(text_of(refused, "status"))
        if any(text_of(part, "status") == "0" for part in parts):
            # Part of the text has left: sent again, people would read that part twice.
            name = said.name if isinstance(said, Refused | TooFast) else "Vonage: a part was refused"
            return Refused("permanent", int(Dlr.REJECTED), f"{name}, of some parts")
        return said

    def question(self, access: Access, ref: str) -> Call | None:
        return None

    def state(self, access: Access, ref: str, told: Told) -> ReceiptIn | str:
        return "Vonage is not asked"

    def callback(self, access: Access, posted: Posted) -> Callback:
        fields = fields_of(posted)
        secret = access.values["signature_secret"]
        if secret:
            check(secret, access.values["signature_method"], fields)
            signatures.check_age(text_of(fields, "timestamp"), posted.at_s)
        if posted.what == "reply" or (not posted.what and "text" in fields):
            return Callback([_reply(fields)], _DONE)
        return Callback(_receipt(fields), _DONE)


def check(secret: str, method: str, fields: Mapping[str, Any]) -> None:
    """Whether Vonage signed these fields.

    Raises: NotGenuine.
    Source: developer.vonage.com, signing messages: the sorted fields, `&` and `=` in values replaced; MD5 of them and
            the secret behind them, or an HMAC.
    """
    values = {name: str(value).replace("&", "_").replace("=", "_") for name, value in fields.items() if name != "sig"}
    signed = "".join([f"&{name}={values[name]}" for name in sorted(values)]).encode()
    if method == "md5hash":
        wanted = md5(signed + secret.encode(), usedforsecurity=False).hexdigest()
    elif method in _METHODS:
        wanted = signatures.mac(method, secret, signed).hex()
    else:
        raise NotGenuine(f"signature_method is none of {', '.join(_METHODS)}")
    signatures.check_same(text_of(fields, "sig").lower(), wanted, "the signature")


def _judged(status: str) -> Refused | TooFast | Closed:
    if status in _TOO_FAST:
        return TooFast(f"Vonage {status}: {_TOO_FAST[status]}")
    if status in _CLOSED:
        return Closed(f"Vonage {status}: {_CLOSED[status]}")
    name, kind, dlr = _REFUSALS.get(status, ("refused", "permanent", Dlr.REJECTED))
    return Refused(kind, int(dlr), f"Vonage {status}: {name}")


def _receipt(fields: Mapping[str, Any]) -> Sequence[ReceiptIn]:
    ref, state = text_of(fields, "messageId", "message-id"), text_of(fields, "status").lower()
    if not ref or state not in _STATES:
        raise ValueError("a receipt without an id or a state that is known")
    dlr, error = _STATES[state], text_of(fields, "err-code")
    if dlr is None:
        return ()
    if dlr in (Dlr.NOT_DELIVERED, Dlr.REJECTED):
        dlr = _FAILURES.get(error, dlr)
    detail = f"{state} err:{error or '-'} id:{ref}"[:MAX_DETAIL]
    return (ReceiptIn(ref, number_of(text_of(fields, "msisdn")), int(dlr), True, detail),)


def _reply(fields: Mapping[str, Any]) -> ReplyIn:
    source, text = text_of(fields, "msisdn"), fields.get("text")
    if not source or not isinstance(text, str):
        raise ValueError("a reply without msisdn or text")
    to = address_of(text_of(fields, "to"))
    reply = ReplyIn(address_of(source), to, text, ref=id_of(text_of(fields, "messageId", "message-id")))
    total, part = text_of(fields, "concat-total"), text_of(fields, "concat-part")
    if total.isdigit() and part.isdigit() and 1 <= int(part) <= int(total) <= _MAX_PARTS and int(total) > 1:
        return reply._replace(part_of=f"h.{text_of(fields, 'concat-ref')}/{int(total)}", part=int(part))
    return reply
