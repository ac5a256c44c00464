"""The examples of a template: what becomes of its messages, answers and news, compared with what its author wrote."""

from chappe.carriers.http.generic import Templated
from chappe.carriers.http.template import Exchange, News, Template
from chappe.carriers.http.vendor import (
    Accepted,
    Access,
    Answer,
    Closed,
    Message,
    NotGenuine,
    Posted,
    Told,
    TooFast,
    Unclear,
)
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn

CALLBACKS = "https://sms.example.org/carrier/vendor/s3cret"
"""Where the vendors of examples post to."""


def faults(template: Template) -> list[str]:
    """Where a template does not do what its examples say; none when all is well."""
    vendor = Templated(template)
    values = {field.name: field.default or "" for field in vendor.fields} | template.values
    access = Access(values, values.get("url", "https://vendor.example"), CALLBACKS)
    found: list[str] = []
    for exchange in template.exchanges:
        found += [f"{exchange.what}: {fault}" for fault in _of_exchange(vendor, access, exchange)]
    for asking in template.questions:
        call = vendor.question(access, asking.ref)
        if asking.request and (call is None or f"{call.method} {call.url}" != asking.request):
            found.append(f"{asking.what}: the request is {call and f'{call.method} {call.url}'}")
        state = vendor.state(access, asking.ref, Told(asking.status, {}, asking.told.encode()))
        if (means := state if isinstance(state, str) else words_of_news(state)) != asking.means:
            found.append(f"{asking.what}: the answer means {means!r}")
    for news in template.news:
        told = _of_news(vendor, access, news)
        if told != news.means:
            found.append(f"{news.what}: it means {told}, not {news.means}")
    return found


def _of_exchange(vendor: Templated, access: Access, exchange: Exchange) -> list[str]:
    given = exchange.message
    message = Message(
        given.key, given.to, given.text, given.sender, given.unicode, given.parts, given.validity_s,
        given.alert,
    )  # fmt: skip
    try:
        call = vendor.request(access, message)
    except ValueError as error:
        return [] if exchange.means == f"cannot be said: {error}" else [f"it cannot be said: {error}"]
    found = []
    if exchange.request and (line := f"{call.method} {call.url}") != exchange.request:
        found.append(f"the request is {line}")
    if exchange.body and call.body.decode() != exchange.body:
        found.append(f"the body is {call.body.decode()}")
    for name, value in exchange.headers.items():
        if call.headers.get(name) != value:
            found.append(f"the header {name} is {call.headers.get(name)}")
    headers = {name.lower(): value for name, value in exchange.told_headers.items()}
    means = words_of(vendor.answer(access, message, Told(exchange.status, headers, exchange.told.encode())))
    return [*found, f"the answer means {means!r}"] if means != exchange.means else found


def _of_news(vendor: Templated, access: Access, news: News) -> tuple[str, ...]:
    url = f"{CALLBACKS}/{news.kind}".rstrip("/") + (f"?{news.query}" if news.query else "")
    headers = {name.lower(): value for name, value in news.headers.items()}
    posted = Posted(news.kind, news.method, url, headers, news.body.encode(), news.at_s, news.peer)
    try:
        return tuple(map(words_of_news, vendor.callback(access, posted).items))
    except NotGenuine:
        return ("not genuine",)
    except ValueError as error:
        return (f"cannot be read: {error}",)


def words_of(answer: Answer) -> str:
    """What an answer means, in words."""
    match answer:
        case Accepted(refs):
            return " ".join(["accepted", *refs])
        case TooFast(name, wait_s):
            return f"throttle {name}" + (f" for {wait_s:g} s" if wait_s is not None else "")
        case Closed(reason):
            return f"closed {reason}"
        case Unclear(reason):
            return f"unclear {reason}"
        case refused:
            return f"{refused.kind} {Dlr(refused.dlr).name} {refused.name}"


def words_of_news(item: ReceiptIn | ReplyIn) -> str:
    """What news means, in words."""
    if isinstance(item, ReplyIn):
        part = f" (part {item.part} of {item.part_of})" if item.part_of else ""
        named = f"{item.ref} " if item.ref else ""
        return f"reply {named}from {item.source} to {item.destination or 'nobody'}: {item.text}{part}"
    number = f" for {item.number}" if item.number else ""
    return f"receipt {item.ref}{number}: {Dlr(item.dlr).name}{'' if item.is_final else ', on its way'}"
