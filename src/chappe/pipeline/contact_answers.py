"""Tell people who answer CONTACT whose messages they get: an alert of the account, at its normal price.

At most once a day for each person and account, so that two platforms that answer each other soon stop. The answer is
written in the unit of work that gives the reply to its owner. It goes to people on the account's lists of exclusions
too: they asked for it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from chappe.domain.errors import Refusal
from chappe.domain.notices import contact_answer
from chappe.domain.requests import Submission, SubmitRequest
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.store import accounts, campaigns, contact_answers
from chappe.store.accounts import AccountRow
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.replies")

DAY_MS: Final = 86_400_000


class Answer(NamedTuple):
    """An answer that is decided on, and what writes it."""

    account_id: int
    number: int
    submit: Callable[[Tx], Submission]


class ContactAnswers:
    """Decides on the answers, and writes them."""

    def __init__(self, store: Store, rules: Rules, submitter: Submitter) -> None:
        self._store = store
        self._rules = rules
        self._submitter = submitter

    async def prepare(self, account: int, number: int, country: str, now: int) -> Answer | None:
        """The answer of an account to who asked it; None when none is due."""

        def look(tx: Tx) -> tuple[AccountRow, AccountRow | None] | None:
            if contact_answers.is_answered(tx, account, number, now - DAY_MS):
                return None
            owner = accounts.details(tx, account)
            if owner is None or not owner.is_active:
                return None
            parent = owner.account.parent_id
            return owner, None if parent is None else accounts.details(tx, parent)

        if (found := self._store.glance(look)) is None:
            return None
        owner, parent = found
        if not self._rules.of(owner.account).value("contact"):
            return None
        request = SubmitRequest(self._text(owner, parent, country), [f"+{number}"])
        try:
            submit = await self._submitter.prepare(owner.account, request, to_excluded=True)
        except Refusal as refusal:
            _skipped(account, str(refusal))
            return None
        return Answer(account, number, submit)

    def give(self, tx: Tx, answer: Answer, now: int) -> bool:
        """Write an answer down; False when the person has one already, or credits or limits do not cover it."""
        if contact_answers.is_answered(tx, answer.account_id, answer.number, now - DAY_MS):
            return False
        try:
            written = answer.submit(tx)
        except Refusal as refusal:
            _skipped(answer.account_id, str(refusal))
            return False
        first, _ = campaigns.span(tx, answer.account_id, written.ticket or 0) or (0, 0)
        contact_answers.write(tx, answer.account_id, answer.number, now, first)
        if not written.sent:
            _skipped(answer.account_id, "the account may not send to this number")
        return written.sent > 0

    def _text(self, owner: AccountRow, parent: AccountRow | None, country: str) -> str:
        rules = self._rules.of(owner.account)
        name = owner.profile.company or _name(owner.account.sender) or (parent and parent.profile.company)
        company = name or rules.value("default_sender", country)
        return contact_answer(owner.lang, company, rules.value("contact_text"))


def _name(sender: str | None) -> str | None:
    """A sender that tells who it is: a number does not."""
    return None if sender is None or sender.lstrip("+").isdigit() else sender


def _skipped(account: int, reason: str) -> None:
    _log.warning("CONTACT is not answered", account=account, reason=reason)
