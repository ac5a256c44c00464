"""Give replies to those who wrote last to their senders, and heed those that are opt-outs.

The gateway stored every reply before it acknowledged the carrier. Here each gets its owner in one unit of work with
everything that follows from it: the blacklist, the answer to CONTACT, the campaign's counter, the webhook event. A
reply whose unit was not committed is taken up again; one that was is not.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from chappe.domain import replies as rules
from chappe.domain.errors import Unavailable
from chappe.domain.replies import StoredReply, assemble
from chappe.domain.reply_kinds import ReplyKind, reply_kind
from chappe.domain.webhooks import reply_payload
from chappe.pipeline.bound_events import NewReply, tell_replies
from chappe.pipeline.contact_answers import Answer, ContactAnswers
from chappe.pipeline.events import News, announce_payloads
from chappe.pipeline.last_messages import Search
from chappe.pipeline.rules import Rules
from chappe.store import exclusions, replies
from chappe.store.clock import now_ms
from chappe.store.exclusions import NewExclusion
from chappe.store.ids import Ids
from chappe.store.replies import Given, LastMessage, ReplyState
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.replies")

EVERY_S: Final = 0.2
BATCH: Final = 500
# Parts that wait for others; with more of them the oldest are looked at first.
PARTS: Final = 5000
# Reading the whole window for somebody nobody wrote to takes a fifth of the time at most.
SEARCH_SHARE: Final = 4.0


@dataclass(slots=True)
class _Sheet:
    """What one unit of work is to write."""

    given: list[Given] = field(default_factory=list)
    optouts: dict[int, dict[int, NewExclusion]] = field(default_factory=dict)
    returns: dict[int, set[int]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    answered: int = 0
    stops: Counter[int] = field(default_factory=Counter)
    told: dict[str, list[News]] = field(default_factory=lambda: {"MO": [], "STOP": []})
    bound: list[NewReply] = field(default_factory=list)


class Receiver:
    """The job that gives replies to their owners. Units: the window in days."""

    def __init__(self, store: Store, ids: Ids, rules: Rules, answers: ContactAnswers, *, window_days: int) -> None:
        self._store = store
        self._ids = ids
        self._rules = rules
        self._answers = answers
        self._window_ms = window_days * 86_400_000
        self._free_at = 0.0

    async def once(self) -> int:
        """Give every stored reply to somebody, or to nobody; how many it were."""
        count = 0
        await self._put_parts_together()
        while time.monotonic() >= self._free_at and (batch := self._store.glance(lambda tx: replies.stored(tx, BATCH))):
            began = time.monotonic()
            search = Search(self._window_ms)
            owners = await self._store.read(partial(search.run, batch=batch))
            took = time.monotonic() - began
            self._free_at = began + (1 + SEARCH_SHARE) * took if len(batch) < BATCH else 0.0
            try:
                self._tell(await self._written(batch, owners), search, took)
            except Unavailable:
                raise
            except Exception:
                _log.exception("bug in a batch of replies, done one by one")
                await self._give_one_by_one(batch, owners)
            count += len(batch)
        return count

    async def _written(self, batch: Sequence[StoredReply], owners: dict[int, int]) -> _Sheet:
        now = now_ms()
        answers = await self._prepared(batch, owners, now)
        return await self._store.write(partial(self._give, batch=batch, owners=owners, answers=answers, now=now))

    async def _prepared(self, batch: Sequence[StoredReply], owners: dict[int, int], now: int) -> dict[int, Answer]:
        """reply -> its answer, for those that ask who writes."""
        asking = {
            each.id: owners[each.id] for each in batch if each.id in owners and reply_kind(each.text) == "contact"
        }
        if not asking:
            return {}
        last = self._store.glance(partial(replies.last_messages, ids=set(asking.values())))
        answers = {}
        for reply, message in asking.items():
            if message in last and (answer := await self._answers.prepare(last[message], now)):
                answers[reply] = answer
        return answers

    async def _give_one_by_one(self, batch: Sequence[StoredReply], owners: dict[int, int]) -> None:
        """A fault of ours about one reply must not keep the others waiting: opt-outs may be among them."""
        for reply in batch:
            try:
                await self._written([reply], owners)
            except Unavailable:
                raise
            except Exception:
                _log.exception("bug", reply=reply.id)
                faulty = Given(ReplyState.FAULTY, None, None, None, None, reply.id)
                await self._store.write(partial(replies.give, given=[faulty]))

    async def _put_parts_together(self) -> None:
        if not self._store.glance(lambda tx: replies.parts(tx, 1)):
            return

        def unit(tx: Tx) -> int:
            now = now_ms()
            parts = replies.parts(tx, PARTS)
            before = replies.recent(tx, 1 << 62, now - rules.PART_REPEAT_MS, {part.source for part in parts})
            done = assemble(parts, before, now)
            replies.put_together(tx, done.whole, done.merged)
            return len(done.whole)

        await self._store.write(unit)

    def _give(
        self, tx: Tx, batch: Sequence[StoredReply], owners: dict[int, int], answers: dict[int, Answer], now: int
    ) -> _Sheet:
        """Write down whose a batch is, with all that follows."""
        stored = replies.still_stored(tx, [reply.id for reply in batch])
        batch = [reply for reply in batch if reply.id in stored]
        last = replies.last_messages(tx, set(owners.values()))
        stopped = replies.stopped(tx, last)
        repeats = self._repeats(tx, batch)
        sheet = _Sheet()
        for reply in batch:
            message = last.get(owners.get(reply.id, 0))
            if reply.id in repeats:
                sheet.given.append(Given(ReplyState.REPEAT, None, None, None, None, reply.id))
            elif message is None:
                sheet.given.append(Given(ReplyState.NOBODYS, None, None, None, None, reply.id))
            else:
                _to_owner(sheet, reply, message, stopped, self._kind(tx, reply, message))
        for account, numbers in sheet.returns.items():
            for number in numbers:
                exclusions.remove(tx, account, "blacklist", number)
        for account, people in sheet.optouts.items():
            exclusions.add(tx, account, "blacklist", people.values(), now)
        sheet.answered = sum(self._answers.give(tx, answers[reply], now) for reply in sheet.asked if reply in answers)
        replies.count_stops(tx, sheet.stops)
        replies.give(tx, sheet.given)
        announce_payloads(tx, self._ids, "MO", sheet.told["MO"], now)
        announce_payloads(tx, self._ids, "STOP", sheet.told["STOP"], now)
        tell_replies(tx, sheet.bound, now)
        return sheet

    def _kind(self, tx: Tx, reply: StoredReply, message: LastMessage) -> ReplyKind:
        """What a reply is to its owner: START is an ordinary one unless the account's rules heed it."""
        kind = reply_kind(reply.text, message.country)
        if kind == "start" and not self._rules.of_id(tx, message.account_id).value("start"):
            return "reply"
        return kind

    @staticmethod
    def _repeats(tx: Tx, batch: Sequence[StoredReply]) -> set[int]:
        if not batch:
            return set()
        since = min(reply.received_at for reply in batch) - rules.REPEAT_MS
        earlier = replies.recent(tx, batch[0].id, since, {reply.source for reply in batch})
        return rules.repeats(batch, earlier)

    @staticmethod
    def _tell(sheet: _Sheet, search: Search, took: float) -> None:
        states = Counter(given.state for given in sheet.given)
        _log.info(
            "replies", delivered=states[ReplyState.DELIVERED], optouts=len(sheet.told["STOP"]),
            answered=sheet.answered, nobodys=states[ReplyState.NOBODYS], repeats=states[ReplyState.REPEAT],
            messages_read=search.read, search_ms=int(took * 1000),
        )  # fmt: skip


def _to_owner(sheet: _Sheet, reply: StoredReply, message: LastMessage, stopped: set[int], kind: ReplyKind) -> None:
    account, number = message.account_id, message.number
    payload = reply_payload(reply.received_at, reply.text, number, account, message.client_ref)
    sheet.told["STOP" if kind == "stop" else "MO"].append(News(account, payload, message.id))
    given = Given(ReplyState.DELIVERED, kind, account, message.campaign_id, message.id, reply.id)
    sheet.given.append(given)
    sheet.bound.append(NewReply(reply.id, reply.source, reply.destination, reply.text, account, message.id))
    if kind == "stop":
        person = NewExclusion(number, message.infos, message.campaign_id)
        sheet.optouts.setdefault(account, {})[number] = person
        sheet.returns.get(account, set()).discard(number)
        if message.id not in stopped:  # once per person and campaign
            stopped.add(message.id)
            sheet.stops[message.campaign_id] += 1
    elif kind == "start":
        sheet.optouts.get(account, {}).pop(number, None)
        sheet.returns.setdefault(account, set()).add(number)
    elif kind == "contact":
        sheet.asked.append(reply.id)
