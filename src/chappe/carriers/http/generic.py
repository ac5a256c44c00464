"""A vendor that is described by a template."""

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, cast
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape

import msgspec

from chappe.carriers.http import paths, signatures
from chappe.carriers.http.placeholders import Empty, Value, filled, filled_table, filled_tree
from chappe.carriers.http.reading import MAX_DETAIL, address_of, fields_of, json_object, number_of, pairs
from chappe.carriers.http.statuses import by_status, retry_after
from chappe.carriers.http.template import (
    Condition,
    ReceiptRule,
    ReplyRule,
    Template,
    Verdict,
    Verification,
    delivery_status,
    verdict,
)
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

_MEDIA_TYPE: Final = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}

Look = Callable[[str], Any]
"""What stands at a place of something that was told."""


class Templated:
    """The vendor of a template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._verdicts = {code: verdict(text) for code, text in template.answer.outcomes.items()}
        receipt = template.receipt
        self._states = {state.lower(): status for state, status in receipt.states.items()} if receipt else {}

    @property
    def name(self) -> str:
        return self._template.name

    @property
    def place(self) -> str:
        return self._template.place

    @property
    def fields(self) -> tuple[Field, ...]:
        return self._template.fields

    def is_idempotent(self, access: Access) -> bool:
        return self._template.idempotent

    # -- asking
    def request(self, access: Access, message: Message) -> Call:
        asked, values = self._template.request, _values(access, message)
        headers = filled_table(asked.headers, values)
        for name, value in headers.items():
            if not value.isprintable():
                raise ValueError(f"the header {name} cannot have this value")
        if asked.basic is not None:
            headers["Authorization"] = signatures.basic(*(_or_empty(text, values) for text in asked.basic))
        body = self._body(values)
        if body:
            headers.setdefault("Content-Type", _MEDIA_TYPE[asked.format])
        return Call(asked.method, self._url(values), headers, body)

    def _url(self, values: Mapping[str, Value]) -> str:
        asked = self._template.request
        parts = {name: value if name == "url" else _quoted(value) for name, value in values.items()}
        try:
            url = filled(asked.url, parts)
        except Empty:
            raise ValueError("the address of the vendor's API is not complete") from None
        query = filled_table(asked.query, values)
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query, quote_via=quote)}" if query else url

    def _body(self, values: Mapping[str, Value]) -> bytes:
        asked = self._template.request
        if asked.body is None:
            return b""
        try:
            match asked.format:
                case "json":
                    return msgspec.json.encode(filled_tree(asked.body, values))
                case "form":
                    return urlencode(filled_table(asked.body, values), quote_via=quote).encode()
                case "xml":
                    return filled(asked.body, values, lambda text: escape(text, {'"': "&quot;"})).encode()
                case "text":
                    return filled(asked.body, values).encode()
        except Empty:
            raise ValueError("something that the vendor needs is empty, the sender perhaps") from None

    # -- its answer
    def answer(self, access: Access, message: Message, told: Told) -> Answer:
        rule = self._template.answer
        look = _looks(told.body, rule.format)
        code = paths.words(look(rule.code)) if rule.code else ""
        is_good = told.status in rule.accepted and (rule.success is None or _holds(rule.success, look))
        for each in (code, f"HTTP {told.status}"):
            if each in self._verdicts and (not is_good or each == code):
                return self._judged(self._verdicts[each], each, message, told, look)
        if is_good:
            return self._accepted(message, look)
        if told.status in rule.accepted:
            # It answered, and said no in words that the template does not know.
            return Refused("temporary", int(Dlr.REJECTED), code or "not a success") if code else Unclear("no success")
        return by_status(told)

    def _accepted(self, message: Message, look: Look) -> Answer:
        place = self._template.answer.id
        if place in ("", "key"):
            return Accepted((message.key,) if place else ("",))
        found = look(place)
        refs = [text for each in (found if isinstance(found, list) else [found]) if (text := paths.words(each))]
        return Accepted(refs or [""])

    def _judged(self, judged: Verdict, code: str, message: Message, told: Told, look: Look) -> Answer:
        if judged.kind == "accepted":
            return self._accepted(message, look)
        if judged.kind == "closed":
            return Closed(code)
        if judged.kind == "unclear":
            return Unclear(code)
        if judged.kind == "throttle":
            return TooFast(code, retry_after(told.headers))
        return Refused(cast(RefusalClass, judged.kind), judged.dlr, code)

    # -- what it posts
    def callback(self, access: Access, posted: Posted) -> Callback:
        template = self._template
        if template.verify is not None:
            _verify(template.verify, access, posted)
        reading = template.reading
        items: list[ReceiptIn | ReplyIn] = []
        for look in _looks_of(posted, reading.format, reading.items):
            receipt, reply = template.receipt, template.reply
            if receipt is not None and posted.what != "reply" and (receipt.when is None or _holds(receipt.when, look)):
                items += self._receipt(receipt, look)
            elif reply is not None and posted.what != "receipt" and (reply.when is None or _holds(reply.when, look)):
                items.append(_reply(reply, look))
        return Callback(items, GiveBack(reading.status, reading.media_type, reading.body.encode()))

    def _receipt(self, rule: ReceiptRule, look: Look) -> list[ReceiptIn]:
        ref, state = paths.words(look(rule.id)), paths.words(look(rule.state))
        error = paths.words(look(rule.error)) if rule.error else ""
        if not ref or not state:
            raise ValueError("a receipt without an id or a state")
        status = self._states.get(state.lower())
        if status is None:
            raise ValueError("a state that the template does not know")
        if status == "-":
            return []
        if error in rule.errors and status not in ("DELIVERED", "SENT"):
            status = rule.errors[error]
        dlr = delivery_status(status)
        number = number_of(paths.words(look(rule.number))) if rule.number else None
        detail = f"{state} err:{error or '-'} id:{ref}"[:MAX_DETAIL]
        return [ReceiptIn(ref.replace(" ", "_"), number, dlr, dlr > Dlr.SENT, detail)]


def _reply(rule: ReplyRule, look: Look) -> ReplyIn:
    source, text = address_of(paths.words(look(rule.sender))), look(rule.text)
    if not source:
        raise ValueError("a reply without a sender")
    destination = address_of(paths.words(look(rule.to))) if rule.to else ""
    words = text if isinstance(text, str) else paths.words(text)
    total, part = (paths.words(look(place)) if place else "" for place in (rule.parts, rule.part))
    if part.isdigit() and total.isdigit() and 1 <= int(part) <= int(total) <= 255 and int(total) > 1:
        return ReplyIn(source, destination, words, f"h.{paths.words(look(rule.part_of))}/{int(total)}", int(part))
    return ReplyIn(source, destination, words)


def _values(access: Access, message: Message) -> dict[str, Value]:
    is_number = bool(message.sender) and shape(message.sender) == "international"
    return {
        **access.values,
        "url": access.url.rstrip("/"),
        "callbacks": access.callbacks,
        "to": message.to,
        "text": message.text,
        "sender": message.sender,
        "sender_plus": f"+{message.sender}" if is_number else message.sender,
        "key": message.key,
        "unicode": message.is_unicode,
        "parts": message.parts,
        "validity_s": message.validity_s,
        "validity_min": max(1, message.validity_s // 60),
    }


def _quoted(value: Value) -> Value:
    return quote(value, safe="") if isinstance(value, str) else value


def _or_empty(text: str, values: Mapping[str, Value]) -> str:
    try:
        return filled(text, values)
    except Empty:
        return ""


def _holds(condition: Condition, look: Look) -> bool:
    found = look(condition.path)
    text = paths.words(found)
    if not condition.among:
        return bool(text) or isinstance(found, dict | list)
    return text in condition.among


def _looks(body: bytes, format_: str) -> Look:
    """How places in an answer are found."""
    text = body.decode("utf-8", "replace")
    if format_ == "text":
        return partial(paths.match, text)
    try:
        tree: Any = json_object(body) if format_ == "json" else dict(pairs(text))
        if tree is None:
            tree = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        tree = None
    return partial(paths.find, tree)


def _looks_of(posted: Posted, format_: str, items: str) -> list[Look]:
    """How places in each piece of news are found. Raises: ValueError."""
    if format_ == "text":
        return [_looks(posted.body, "text")]
    fields = fields_of(posted)
    if not items:
        return [partial(paths.find, fields)]
    found = paths.find(fields, items)
    if not isinstance(found, list):
        raise ValueError("the list of news is missing")
    return [partial(paths.find, each) for each in found[: paths.MAX_ITEMS]]


def _verify(rule: Verification, access: Access, posted: Posted) -> None:
    """Raises: NotGenuine."""
    values: dict[str, Value] = dict(access.values)
    if rule.networks:
        signatures.check_network(posted, rule.networks)
    if rule.basic is not None:
        user, password = (_or_empty(text, values) for text in rule.basic)
        if password or not rule.optional:
            signatures.check_basic(posted, user, password)
    if rule.hmac is not None:
        secret = _or_empty(rule.secret, values)
        if secret or not rule.optional:
            _check_signature(rule, rule.hmac, secret, posted)
    elif rule.header:
        value = _or_empty(rule.value, values)
        if value or not rule.optional:
            signatures.check_same(posted.headers.get(rule.header.lower(), ""), value, f"the header {rule.header}")


def _check_signature(rule: Verification, digest: str, secret: str, posted: Posted) -> None:
    if not secret:
        raise NotGenuine("there is no secret to check the signature with")
    signature = signatures.mac(digest, secret, _signed(rule.over, posted))
    wanted = signature.hex() if rule.encoding == "hex" else base64.b64encode(signature).decode()
    given = posted.headers.get(rule.header.lower(), "").removeprefix(rule.prefix).strip()
    signatures.check_same(given.lower() if rule.encoding == "hex" else given, wanted, "the signature")
    if rule.time_header:
        signatures.check_age(posted.headers.get(rule.time_header.lower(), ""), posted.at_s)


def _signed(over: str, posted: Posted) -> bytes:
    """The octets that were signed: the body is put in as it came, whatever its encoding."""
    before, body, after = over.partition("{body}")
    parts: dict[str, Value] = {"url": posted.url, "query": urlsplit(posted.url).query}
    parts |= {f"header:{name}": value for name, value in posted.headers.items()}
    return _or_empty(before, parts).encode() + (posted.body if body else b"") + _or_empty(after, parts).encode()
