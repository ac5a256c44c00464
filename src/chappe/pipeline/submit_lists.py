"""Accept a campaign for the contacts of lists, however many: decided and written in chunks, accepted in one small unit.

Everything runs on the loop, in steps of a few milliseconds with room for the others between them: a thread that decides
would take the interpreter from the loop at each of its many calls to SQLite
(docs/decisions/0006-lists-in-chunks.md).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import msgspec
import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, InsufficientCredits, NotFound
from chappe.domain.limits import check_cap
from chappe.domain.links import SHORT
from chappe.domain.moderation import Watch, encoded
from chappe.domain.plan_remarks import PlanRemarks
from chappe.domain.plans import Limits, Plan, Tally
from chappe.domain.pricing import balance_credits, cost_credits
from chappe.domain.quotas import UNLIMITED, Quota
from chappe.domain.requests import IdempotencyKey, Simulation, Submission, SubmitRequest
from chappe.domain.submission import Planner, recipients_of
from chappe.pipeline import quotas
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.links import Links
from chappe.pipeline.routing import Routing
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import simulation, summary
from chappe.pipeline.watch import watch_of
from chappe.store import exclusions, idempotency, links, list_recipients, preparations, wallets
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.list_recipients import BEFORE_ALL
from chappe.store.preparations import Preparation
from chappe.store.sqlite import Snapshot, Store, Tx

_log = structlog.get_logger("chappe.submit")

# Contacts in one step.
CHUNK = 1500


class ListSubmitter:
    """Send to lists, or simulate it."""

    def __init__(self, store: Store, ids: Ids, limits: Limits, links: Links, rules: Rules) -> None:
        self._store = store
        self._ids = ids
        self._limits = limits
        self._links = links
        self._rules = rules
        self._routing = Routing(store)
        self._counts = quotas.Counts(store)
        self._enqueuer = Enqueuer(store, rules, validity_s=limits.validity_s)

    async def submit(
        self, account: Account, request: SubmitRequest, idempotency_key: IdempotencyKey | None = None
    ) -> Submission:
        """Accept a message for each contact; they are on the disk and paid for when this returns, and come to the
        queue at once.

        Raises: Refusal, with nothing written; Unavailable when others used the account's limits up meanwhile, again
                and again.
        Cost: some six microseconds a contact.
        """
        return await quotas.settled(partial(self._submit, account, request, idempotency_key))

    async def _submit(
        self, account: Account, request: SubmitRequest, idempotency_key: IdempotencyKey | None
    ) -> Submission:
        now = now_ms()
        if idempotency_key:
            earlier = self._store.glance(
                lambda tx: idempotency.answered(tx, account.id, idempotency_key, now, Submission)
            )
            if earlier:
                return earlier
        planner = await self._planner(account, request, now)
        async with self._store.snapshot() as snapshot:
            bound = await self._bound(snapshot, account, request.lists)
            begun = await self._store.write(
                lambda tx: preparations.begin(tx, self._ids, account, planner.terms, request.lists, bound, now)
            )
            try:
                watch = watch_of(self._store, account, self._rules.of(account), now)
                tally, by_country = await self._write(snapshot, account, request, planner, begun, watch, now)
                held = encoded(watch.findings()) if watch else None
                answer = await self._accept(
                    account, request, planner, tally, by_country, begun, held, now, idempotency_key
                )
            except Exception:
                await self._enqueuer.discard(begun.ticket)
                raise
        if answer.ticket != begun.ticket:  # the same request was accepted while this one was being written
            await self._enqueuer.discard(begun.ticket)
            return answer
        _log.info("lists accepted", ticket=begun.ticket, account=account.id, messages=tally.sent, held=answer.is_held)
        if not answer.is_held:
            self._enqueuer.begin(begun.ticket)
        return answer

    async def simulate(self, account: Account, request: SubmitRequest) -> Simulation:
        """What `submit` would answer, with what its author should know before.

        Shape: nothing is written and the balance is the one of now.
        """
        return await quotas.settled(partial(self._simulate, account, request))

    async def _simulate(self, account: Account, request: SubmitRequest) -> Simulation:
        now = now_ms()
        planner = await self._planner(account, request, now)
        tally, remarks = Tally(), PlanRemarks(request, planner)
        watch = watch_of(self._store, account, self._rules.of(account), now)
        async with self._store.snapshot() as snapshot:
            await self._bound(snapshot, account, request.lists)
            async for chunk, quota in self._plans(snapshot, account, request, planner, now):
                tally.add(chunk)
                check_cap(quota, tally.cost_mc)
                remarks.add(chunk)
                if watch:
                    watch.add(chunk)
        wallet = self._store.glance(lambda tx: wallets.read(tx, account.wallet_id))
        is_held = watch is not None and bool(watch.findings())
        return simulation(tally, wallet.available_mc, remarks, is_held=is_held)

    async def _planner(self, account: Account, request: SubmitRequest, now: int) -> Planner:
        shortener = await self._links.shortener() if SHORT in request.text else None
        rules = self._rules.of(account)
        if rules.send_limits:
            await self._counts.begin(rules.send_limits, now)
        # For what the carriers support: they are chosen when the messages come to the queue.
        table = self._routing.table()
        return Planner(request, rules, table, self._limits, now, self._rules.hours, shortener)

    async def _bound(self, snapshot: Snapshot, account: Account, lists: list[int]) -> int:
        """How many contacts there are. Raises: NotFound for a list of nobody's or somebody else's; BadData."""
        foreign = snapshot.glance(lambda tx: list_recipients.foreign(tx, account.id, lists))
        if foreign:
            raise NotFound(f"there is no list {foreign[0]}", field="lists")
        bound = await snapshot.read(lambda tx: list_recipients.count(tx, lists))
        most = self._limits.max_list_recipients
        if bound > most:
            raise BadData(f"{bound} contacts; at most {most} in one request (max_list_recipients)", field="lists")
        return bound

    async def _plans(
        self, snapshot: Snapshot, account: Account, request: SubmitRequest, planner: Planner, now: int
    ) -> AsyncIterator[tuple[Plan, Quota]]:
        """The decision about all contacts, chunk by chunk, and what limits had left for all of them together.

        Shape: who said STOP a moment ago is left out already.
        """
        # Links take about as long as everything else about a contact.
        n = CHUNK // (1 + len(planner.link_urls))
        for list_id in request.lists:
            after = BEFORE_ALL
            while contacts := snapshot.glance(partial(list_recipients.following, list_id=list_id, after=after, n=n)):
                after = contacts.last
                recipients = recipients_of(contacts.numbers, account.country, [], contacts.infos, list_id)
                among = partial(exclusions.excluded, account=account.id, numbers=recipients.numbers)
                quota = UNLIMITED
                if planner.send_limits:
                    quota = self._store.glance(partial(quotas.left, planner=planner, given=recipients, now=now))
                yield planner.plan(recipients, self._store.glance(among), quota), quota
                await asyncio.sleep(0)  # let the others in

    async def _write(
        self,
        snapshot: Snapshot,
        account: Account,
        request: SubmitRequest,
        planner: Planner,
        begun: Preparation,
        watch: Watch | None,
        now: int,
    ) -> tuple[Tally, Counter[str]]:
        """The counts, and the messages by country where limits are."""
        tally, by_country = Tally(), Counter[str]()
        async for chunk, quota in self._plans(snapshot, account, request, planner, now):
            first = begun.first + tally.sent
            tally.add(chunk)
            if watch:
                watch.add(chunk)
            self._check_credits(account, tally)
            check_cap(quota, tally.cost_mc)
            linked = planner.with_links(chunk, first)

            def unit(tx: Tx, linked: Plan = linked, first: int = first) -> None:
                preparations.extend(tx, begun.ticket, first, account, linked, now_ms())
                quotas.remember_chunk(tx, planner, linked, first, now)

            await self._store.write(unit)
            if planner.send_limits:
                by_country.update(chunk.countries)
        return tally, by_country

    def _check_credits(self, account: Account, tally: Tally) -> None:
        """Do not write what will not be paid for. The reservation itself is made at the end."""
        wallet = self._store.glance(lambda tx: wallets.read(tx, account.wallet_id))
        if tally.cost_mc > wallet.available_mc + wallet.postpaid_limit_mc:
            costs, have = cost_credits(tally.cost_mc), balance_credits(wallet.available_mc)
            raise InsufficientCredits(f"this costs {costs} credits or more and the account has {have}")

    async def _accept(
        self,
        account: Account,
        request: SubmitRequest,
        planner: Planner,
        tally: Tally,
        by_country: Counter[str],
        begun: Preparation,
        held_because: str | None,
        now: int,
        key: IdempotencyKey | None,
    ) -> Submission:
        def unit(tx: Tx) -> Submission:
            if key and (earlier := idempotency.answered(tx, account.id, key, now, Submission)):
                return earlier
            if self._rules.of(account).send_limits != planner.send_limits:
                raise quotas.Moved
            if planner.send_limits and tally.sent:
                quotas.count_chunks(tx, planner, tally.cost_mc, by_country, now)
            left = preparations.accept(tx, begun.ticket, account, planner.terms, tally, now, held_because)
            if planner.link_urls and tally.sent:
                span = (begun.first, begun.first + tally.sent - 1)
                links.insert(tx, account.id, begun.ticket, span, planner.link_urls)
            list_recipients.touch(tx, account.id, request.lists, now)
            answer = summary(tally, begun.ticket, left, is_held=held_because is not None)
            if key:
                idempotency.remember(tx, account.id, key.key, key.digest, msgspec.json.encode(answer), now)
            return answer

        return await self._store.write(unit)
