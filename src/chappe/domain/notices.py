"""What is written to customers in their own language: the texts are data, in `rules/notices`."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import msgspec

from chappe.domain.delay import paris_text

DEFAULT_LANG: Final = "EN"


class _Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: str
    body: str
    sms: str


class _Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: str
    body: str


class _Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    everywhere: str
    approved: _Mail
    refused: _Mail


_BALANCE_ALERT: Final = msgspec.json.decode(
    files("chappe.rules").joinpath("notices/balance_alert.json").read_bytes(), type=dict[str, _Texts]
)
_REFUSAL: Final = msgspec.json.decode(
    files("chappe.rules").joinpath("notices/refusal.json").read_bytes(), type=dict[str, _Mail]
)

_CONTACT: Final = msgspec.json.decode(
    files("chappe.rules").joinpath("notices/contact.json").read_bytes(), type=dict[str, str]
)
# Longer names are cut: the answer is paid for by its parts.
MAX_COMPANY: Final = 60  # characters
_SENDER_DECISION: Final = msgspec.json.decode(
    files("chappe.rules").joinpath("notices/sender_decision.json").read_bytes(), type=dict[str, _Decision]
)


@dataclass(frozen=True, slots=True)
class Notice:
    """The same news as a mail and as a text message."""

    subject: str
    body: str
    sms: str


@dataclass(frozen=True, slots=True)
class MailNotice:
    """News that is told by mail only."""

    subject: str
    body: str


def balance_notice(lang: str, account: str, balance: int, trigger: int, at: int) -> Notice:
    """That an account's credits run out.

    Shape: a language that we do not write gets English. Units: whole credits, milliseconds UTC.
    """
    texts = _BALANCE_ALERT.get(lang.upper()) or _BALANCE_ALERT[DEFAULT_LANG]
    date = paris_text(at)
    values = {"account": account, "balance": balance, "trigger": trigger, "date": date}
    return Notice(texts.subject.format_map(values), texts.body.format_map(values), texts.sms.format_map(values))


def contact_answer(lang: str, company: str, text: str = "") -> str:
    """What somebody is told who asked whom an account's messages are from.

    Shape: `text` is the account's own, with {company} where the name stands; empty for ours in its language.
    """
    ours = _CONTACT.get(lang.upper()) or _CONTACT[DEFAULT_LANG]
    return (text or ours).replace("{company}", company[:MAX_COMPANY].strip())


def sender_notice(
    lang: str, account: str, sender: str, country: str | None, note: str, *, is_approved: bool
) -> MailNotice:
    """That a registered sender was approved or refused, and what the operator says of it; None for every country."""
    texts = _SENDER_DECISION.get(lang.upper()) or _SENDER_DECISION[DEFAULT_LANG]
    mail = texts.approved if is_approved else texts.refused
    values = {"account": account, "sender": sender, "country": country or texts.everywhere, "note": note.strip()}
    return MailNotice(mail.subject.format_map(values), mail.body.format_map(values))


def refusal_notice(lang: str, account: str, ticket: int, messages: int, accepted_at: int, told: str) -> MailNotice:
    """That a campaign which was held will not be sent.

    Shape: `told` is what the operator has to say about it, in a paragraph of its own when it is not empty; languages as
           of `balance_notice`. Units: milliseconds UTC.
    """
    texts = _REFUSAL.get(lang.upper()) or _REFUSAL[DEFAULT_LANG]
    date = paris_text(accepted_at)
    said = f"\n{told.strip()}\n" if told.strip() else ""
    values = {"account": account, "ticket": ticket, "messages": messages, "date": date, "told": said}
    return MailNotice(texts.subject.format_map(values), texts.body.format_map(values))
