"""What happens between two exchanges: a carrier's words, made true by the parts that record them."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from chappe.domain.outcomes import Outcome, ReceiptIn, ReplyIn
from chappe.domain.plans import UNROUTED
from chappe.domain.rulebook import EVERYWHERE, Defaults, Override
from chappe.manage.moderation import Moderation
from chappe.manage.rules import RuleSettings
from chappe.manage.senders import Decision
from chappe.pipeline.record import Lane, Recorder
from chappe.runtime import settings as settings_table
from chappe.runtime.bootstrap import moderation_of
from chappe.store import replies
from chappe.store.clock import now_ms
from chappe.store.sqlite import Tx
from tests.answering import receiver
from tests.builders import Api

# A fresh installation has no carrier: its messages are in the lane of those without a route.
_LANE: Final = Lane(UNROUTED, 0)


async def come_true(api: Api, fact: str) -> None:
    """Let one fact happen. Raises: AssertionError when it is not known."""
    for pattern, happen in _FACTS.items():
        if found := re.fullmatch(pattern, fact):
            await happen(api, *found.groups())
            return
    raise AssertionError(f"nobody knows how {fact!r} happens")


async def _left(api: Api, message: str) -> None:
    """The carrier took the message."""
    outcome = Outcome(int(message), [f"r{message}"], "accepted", 0, 0)
    await _record(api, [outcome], [])


async def _ended(api: Api, message: str, dlr: str) -> None:
    """The carrier took the message, and its receipt came."""
    await _left(api, message)
    await _record(api, [], [ReceiptIn(f"r{message}", None, int(dlr), True, "a receipt")])


async def _record(api: Api, outcomes: list[Outcome], receipts: list[ReceiptIn]) -> None:
    recorder = Recorder(_LANE, api.ids)
    await api.store.write(lambda tx: recorder.record(tx, outcomes, receipts, now_ms()))


async def _reply(api: Api, number: str, text: str) -> None:
    """Somebody answers."""

    def unit(tx: Tx) -> None:
        replies.insert(tx, UNROUTED, [ReplyIn(number, "36180", text)], now_ms())

    await api.store.write(unit)
    await receiver(api.store, api.ids).once()


async def _sender(api: Api, sender: str, decision: Decision, note: str) -> None:
    """The operator decides about a registered sender."""
    await api.use_cases.senders.decide(int(sender), decision, "cli:ada", note)


async def _rule(api: Api, name: str, value: str) -> None:
    """The operator sets a rule for the account. Processes see it half a second later, or at their first request."""
    override = Override(api.account.id, EVERYWHERE, name, value, "a fact")
    await RuleSettings(api.store, Defaults()).set([override], "cli:tests")


async def _approved(api: Api, ticket: str) -> None:
    """A person lets a held campaign go."""
    await _moderation(api).approve(int(ticket), "cli:tests")


async def _refused(api: Api, ticket: str) -> None:
    """A person refuses a held campaign."""
    await _moderation(api).refuse(int(ticket), "cli:tests", "a fact")


def _moderation(api: Api) -> Moderation:
    return moderation_of(settings_table.load({}, None), api.store, api.ids)


_FACTS: Final[dict[str, Callable[..., Awaitable[None]]]] = {
    r"message (\d+) left": _left,
    r"message (\d+) ended (\d+)": _ended,
    r"sender (\d+): (approve|refuse), (.*)": _sender,
    r"reply from (\S+): (.*)": _reply,
    r"rule (\w+) is (.*)": _rule,
    r"campaign (\d+) approved": _approved,
    r"campaign (\d+) refused": _refused,
}
