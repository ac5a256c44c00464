"""Receipts and replies of a vendor that is described by a template."""

from collections.abc import Mapping
from functools import partial

from chappe.carriers.http import paths
from chappe.carriers.http.paths import Look
from chappe.carriers.http.reading import MAX_DETAIL, address_of, fields_of, id_of, number_of, octets_of
from chappe.carriers.http.template import Condition, Reading, ReceiptRule, ReplyRule, delivery_status
from chappe.carriers.http.vendor import Posted
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn

_MAX_PARTS = 255


def pieces(posted: Posted, reading: Reading) -> list[Look]:
    """How places in each piece of what was posted are found. Raises: ValueError when it cannot be read."""
    if reading.format == "text":
        return [paths.look_into(posted.body, "text")]
    fields = fields_of(posted)
    if not reading.items:
        return [partial(paths.find, fields)]
    found = paths.find(fields, reading.items)
    if not isinstance(found, list):
        raise ValueError("the list of news is missing")
    return [partial(paths.find, each) for each in found[: paths.MAX_ITEMS]]


def holds(condition: Condition | None, look: Look) -> bool:
    return condition is None or paths.is_there(look(condition.path), condition.among)


def receipt(rule: ReceiptRule, states: Mapping[str, str], look: Look) -> list[ReceiptIn]:
    """The receipt in a piece of news, if it is one. Raises: ValueError when it does not say what it must."""
    ref, state = paths.words(look(rule.id)), paths.words(look(rule.state))
    error = paths.words(look(rule.error)) if rule.error else ""
    if not ref or not state:
        raise ValueError("a receipt without an id or a state")
    status = states.get(state.lower())
    if status is None:
        raise ValueError("a state that the template does not know")
    if status == "-":
        return []
    dlr = dlr_of(status, error, rule.errors)
    number = number_of(paths.words(look(rule.number))) if rule.number else None
    detail = f"{state} err:{error or '-'} id:{ref}"[:MAX_DETAIL]
    return [ReceiptIn(ref.replace(" ", "_"), number, dlr, dlr > Dlr.SENT, detail)]


def reply(rule: ReplyRule, look: Look, posted: Posted) -> ReplyIn:
    """The reply in a piece of what was posted. Raises: ValueError when nobody sent it."""
    source, text = address_of(paths.words(look(rule.sender))), look(rule.text)
    if not source:
        raise ValueError("a reply without a sender")
    destination = address_of(paths.words(look(rule.to))) if rule.to else ""
    if rule.charset and (charset := rule.charsets.get(paths.words(look(rule.charset)))):
        text = octets_of(posted).get(rule.text, b"").decode(charset, "replace")
    words = text if isinstance(text, str) else paths.words(text)
    reply = ReplyIn(source, destination, words, ref=id_of(paths.words(look(rule.id))) if rule.id else None)
    total, part = (paths.words(look(place)) if place else "" for place in (rule.parts, rule.part))
    if part.isdigit() and total.isdigit() and 1 <= int(part) <= int(total) <= _MAX_PARTS and int(total) > 1:
        return reply._replace(part_of=f"h.{paths.words(look(rule.part_of))}/{int(total)}", part=int(part))
    return reply


def dlr_of(status: str, error: str, errors: Mapping[str, str]) -> int:
    """The delivery status of a state; of a failure that of its code, where it has one of its own."""
    return delivery_status(status if status in ("DELIVERED", "SENT") else errors.get(error, status))
