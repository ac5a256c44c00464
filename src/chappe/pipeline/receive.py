"""Give replies to their owners, and heed those that are opt-outs.

The gateway stored every reply before it acknowledged the carrier. Here each gets its owner in one unit of work with
everything that follows from it: the blacklist, the answer to CONTACT, the campaign's counter, the webhook event. A
reply whose unit was not committed is taken up again; one that was is not.
"""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from chappe.domain import replies as rules
from chappe.domain.errors import Unavailable
from chappe.domain.long_replies import KNOWN_MS, Assembly, assemble
from chappe.domain.replies import StoredReply, number_of
from chappe.domain.reply_kinds import ReplyKind, reply_kind
from chappe.pipeline.contact_answers import Answer, ContactAnswers
from chappe.pipeline.reply_news import GivenReply, announce_replies
from chappe.pipeline.reply_owners import Owned, OwnerSearch
from chappe.pipeline.rules import Rules
from chappe.store import exclusions, replies
from chappe.store.clock import now_ms
from chappe.store.exclusions import NewExclusion
from chappe.store.ids import Ids
from chappe.store.replies import Given, ReplyState
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
    told: list[GivenReply] = field(default_factory=list)


class Receiver:
    """The job that gives replies to their owners.

    Units: the window in days; `parts_wait_s` is how long the missing parts of a long text are waited for, in seconds.
    """

    def __init__(
        self, store: Store, ids: Ids, rules: Rules, answers: ContactAnswers, *,
        window_days: int, parts_wait_s: int,
    ) -> None:  # fmt: skip
        self._store = store
        self._ids = ids
        self._rules = rules
        self._answers = answers
        self._window_ms = window_days * 86_400_000
        self._parts_wait_ms = parts_wait_s * 1000
        self._newest_part = self._parts_due_at = 0
        self._free_at = 0.0

    async def once(self) -> int:
        """Give every stored reply to somebody, or to nobody; how many it were."""
        count = 0
        await self._put_parts_together()
        while time.monotonic() >= self._free_at and (batch := self._store.glance(lambda tx: replies.stored(tx, BATCH))):
            began = time.monotonic()
            search = OwnerSearch(self._window_ms)
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

    async def _written(self, batch: Sequence[StoredReply], owners: dict[int, Owned]) -> _Sheet:
        now = now_ms()
        answers = await self._prepared(batch, owners, now)
        return await self._store.write(partial(self._give, batch=batch, owners=owners, answers=answers, now=now))

    async def _prepared(self, batch: Sequence[StoredReply], owners: dict[int, Owned], now: int) -> dict[int, Answer]:
        """reply -> its answer, for those that ask who writes."""
        asking = {
            each.id: owners[each.id] for each in batch if each.id in owners and reply_kind(each.text) == "contact"
        }
        if not asking:
            return {}
        ids = {owned.message_id for owned in asking.values() if owned.message_id is not None}
        last = self._store.glance(partial(replies.last_messages, ids=ids))
        answers = {}
        for reply, owned in asking.items():
            message = last.get(owned.message_id or 0)
            account = message.account_id if message else owned.account_id
            country = message.country if message else owned.country
            if account is not None and (answer := await self._answers.prepare(account, owned.number, country, now)):
                answers[reply] = answer
        return answers

    async def _give_one_by_one(self, batch: Sequence[StoredReply], owners: dict[int, Owned]) -> None:
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

    async def finish_parts(self, numbers: Collection[int]) -> None:
        """Put together what there is of long texts of these people, whatever is missing."""
        await self._store.write(partial(self._assemble, wait_ms=0, numbers=numbers))

    async def _put_parts_together(self) -> None:
        newest = self._store.glance(replies.newest_part)
        if not newest or (newest == self._newest_part and now_ms() < self._parts_due_at):
            return
        done = await self._store.write(partial(self._assemble, wait_ms=self._parts_wait_ms, numbers=None))
        self._newest_part, self._parts_due_at = newest, done.next_at or 0
        if lacking := sum(text.missing > 0 for text in done.whole):
            _log.warning("long replies with parts that never came", replies=lacking)

    def _assemble(self, tx: Tx, wait_ms: int, numbers: Collection[int] | None) -> Assembly:
        """Put together what is complete or has been waited for, of some people or of all."""
        now = now_ms()
        parts = replies.parts(tx, PARTS)
        if numbers is not None:
            parts = [part for part in parts if number_of(part.source) in numbers]
        since = now - self._parts_wait_ms - KNOWN_MS
        before = replies.recent(tx, 1 << 62, since, {part.source for part in parts})
        done = assemble(parts, [text for text in before if text.joined], now, wait_ms)
        replies.put_together(tx, done.whole, done.merged)
        return done

    def _give(
        self, tx: Tx, batch: Sequence[StoredReply], owners: dict[int, Owned], answers: dict[int, Answer], now: int
    ) -> _Sheet:
        """Write down whose a batch is, with all that follows."""
        stored = replies.still_stored(tx, [reply.id for reply in batch])
        batch = [reply for reply in batch if reply.id in stored]
        last = replies.last_messages(tx, {each.message_id for each in owners.values() if each.message_id is not None})
        stopped = replies.stopped(tx, last)
        repeats = self._repeats(tx, batch)
        sheet = _Sheet()
        for reply in batch:
            owned = owners.get(reply.id)
            message = last.get(owned.message_id or 0) if owned else None
            account = message.account_id if message else owned.account_id if owned else None
            if reply.id in repeats:
                sheet.given.append(Given(ReplyState.REPEAT, None, None, None, None, reply.id))
            elif owned is None or account is None:
                sheet.given.append(Given(ReplyState.NOBODYS, None, None, None, None, reply.id))
            else:
                kind = self._kind(tx, reply, account, message.country if message else owned.country)
                _to_owner(sheet, GivenReply(reply, account, owned.number, message, kind == "stop"), stopped, kind)
        for account, numbers in sheet.returns.items():
            for number in numbers:
                exclusions.remove(tx, account, "blacklist", number)
        for account, people in sheet.optouts.items():
            exclusions.add(tx, account, "blacklist", people.values(), now)
        sheet.answered = sum(self._answers.give(tx, answers[reply], now) for reply in sheet.asked if reply in answers)
        replies.count_stops(tx, sheet.stops)
        replies.give(tx, sheet.given)
        announce_replies(tx, self._ids, sheet.told, now)
        return sheet

    def _kind(self, tx: Tx, reply: StoredReply, account: int, country: str) -> ReplyKind:
        """What a reply is to its owner: START is an ordinary one unless the account's rules heed it."""
        kind = reply_kind(reply.text, country)
        if kind == "start" and not self._rules.of_id(tx, account).value("start"):
            return "reply"
        return kind

    @staticmethod
    def _repeats(tx: Tx, batch: Sequence[StoredReply]) -> set[int]:
        unsure = [reply for reply in batch if reply.looks_back_to is not None]
        if not unsure:
            return set()
        judged = {reply.id for reply in batch}
        since = min(reply.looks_back_to or 0 for reply in unsure)
        earlier = replies.recent(tx, max(judged), since, {reply.source for reply in unsure})
        return rules.repeats(batch, [reply for reply in earlier if reply.id not in judged])

    @staticmethod
    def _tell(sheet: _Sheet, search: OwnerSearch, took: float) -> None:
        states = Counter(given.state for given in sheet.given)
        _log.info(
            "replies", delivered=states[ReplyState.DELIVERED], optouts=sum(each.is_optout for each in sheet.told),
            answered=sheet.answered, nobodys=states[ReplyState.NOBODYS], repeats=states[ReplyState.REPEAT],
            messages_read=search.read, search_ms=int(took * 1000),
        )  # fmt: skip


def _to_owner(sheet: _Sheet, given: GivenReply, stopped: set[int], kind: ReplyKind) -> None:
    account, number, message = given.account_id, given.number, given.message
    campaign, id_ = (message.campaign_id, message.id) if message else (None, None)
    sheet.told.append(given)
    sheet.given.append(Given(ReplyState.DELIVERED, kind, account, campaign, id_, given.reply.id))
    if kind == "stop":
        person = NewExclusion(number, message.infos if message else None, campaign)
        sheet.optouts.setdefault(account, {})[number] = person
        sheet.returns.get(account, set()).discard(number)
        if message is not None and message.id not in stopped:  # once per person and campaign
            stopped.add(message.id)
            sheet.stops[message.campaign_id] += 1
    elif kind == "start":
        sheet.optouts.get(account, {}).pop(number, None)
        sheet.returns.setdefault(account, set()).add(number)
    elif kind == "contact":
        sheet.asked.append(given.reply.id)
