"""A vendor that is described by a template."""

from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import msgspec

from chappe.carriers.http import news, paths, signatures
from chappe.carriers.http.paths import Look
from chappe.carriers.http.placeholders import (
    Empty,
    Value,
    filled,
    filled_or_empty,
    filled_table,
    filled_tree,
)
from chappe.carriers.http.reading import MAX_DETAIL
from chappe.carriers.http.statuses import by_status, retry_after
from chappe.carriers.http.template import Template, Verdict, verdict
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
    TooFast,
    Unclear,
)
from chappe.carriers.http.verification import verify
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

    @property
    def can_query(self) -> bool:
        return self._template.query is not None

    @property
    def is_idempotent(self) -> bool:
        return self._template.idempotent

    # -- asking
    def request(self, access: Access, message: Message) -> Call:
        asked, values = self._template.request, _values(access, message)
        headers, body = self._headers(values), self._body(values)
        if body:
            headers.setdefault("Content-Type", _MEDIA_TYPE[asked.format])
        return Call(asked.method, _url(asked.url, asked.query, values), headers, body)

    def _headers(self, values: Mapping[str, Value]) -> dict[str, str]:
        asked = self._template.request
        headers = filled_table(asked.headers, values)
        for name, value in headers.items():
            if not value.isprintable():
                raise ValueError(f"the header {name} cannot have this value")
        if asked.basic is not None:
            headers["Authorization"] = signatures.basic(*(filled_or_empty(text, values) for text in asked.basic))
        return headers

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
        look = paths.look_into(told.body, rule.format)
        code = paths.words(look(rule.code)) if rule.code else ""
        is_good = told.status in rule.accepted and (
            rule.success is None or paths.is_there(look(rule.success.path), rule.success.among)
        )
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

    # -- what became of a message
    def question(self, access: Access, ref: str) -> Call | None:
        rule = self._template.query
        if rule is None:
            return None
        values: dict[str, Value] = {**access.values, "url": access.url.rstrip("/"), "ref": ref}
        try:
            return Call("GET", _url(rule.url, rule.query, values), self._headers(values))
        except ValueError:
            return None

    def state(self, access: Access, ref: str, told: Told) -> ReceiptIn | str:
        rule = self._template.query
        if rule is None or told.status != 200:
            return f"HTTP {told.status}"
        look = paths.look_into(told.body, rule.format)
        state, error = paths.words(look(rule.state)), paths.words(look(rule.error)) if rule.error else ""
        status = {name.lower(): status for name, status in rule.states.items()}.get(state.lower())
        if status is None:
            return "a state that the template does not know"
        dlr = int(Dlr.SENT) if status == "-" else news.dlr_of(status, error, rule.errors)
        return ReceiptIn(ref, None, dlr, dlr > Dlr.SENT, f"{state} err:{error or '-'} id:{ref}"[:MAX_DETAIL])

    # -- what it posts
    def callback(self, access: Access, posted: Posted) -> Callback:
        template, receipt, reply = self._template, self._template.receipt, self._template.reply
        if template.verify is not None:
            verify(template.verify, access, posted)
        items: list[ReceiptIn | ReplyIn] = []
        for look in news.pieces(posted, template.reading):
            if receipt is not None and posted.what != "reply" and news.holds(receipt.when, look):
                items += news.receipt(receipt, self._states, look)
            elif reply is not None and posted.what != "receipt" and news.holds(reply.when, look):
                items.append(news.reply(reply, look, posted))
        reading = template.reading
        return Callback(items, GiveBack(reading.status, reading.media_type, reading.body.encode()))


def _url(place: str, query: Mapping[str, str], values: Mapping[str, Value]) -> str:
    parts = {name: value if name == "url" else _quoted(value) for name, value in values.items()}
    try:
        url = filled(place, parts)
    except Empty:
        raise ValueError("the address of the vendor's API is not complete") from None
    asked = filled_table(query, values)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(asked, quote_via=quote)}" if asked else url


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
        "alert": message.is_alert,
        "parts": message.parts,
        "validity_s": message.validity_s,
        "validity_min": max(1, message.validity_s // 60),
    }


def _quoted(value: Value) -> Value:
    return quote(value, safe="") if isinstance(value, str) else value
