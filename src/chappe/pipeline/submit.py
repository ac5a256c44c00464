"""Accept messages: the decision on the facts of the account, written in one unit of work."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, Self

import msgspec
import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, InsufficientCredits, Refusal, Unavailable
from chappe.domain.limits import check_cap
from chappe.domain.links import SHORT
from chappe.domain.moderation import encoded, warning
from chappe.domain.plan_remarks import PlanRemarks
from chappe.domain.plans import NOBODY, Limits, Plan, Tally
from chappe.domain.pricing import balance_credits, cost_credits
from chappe.domain.requests import IdempotencyKey, Simulation, Submission, SubmitRequest
from chappe.domain.submission import Planner, home_of, read_recipients
from chappe.pipeline import quotas
from chappe.pipeline.cancel import cancel_campaign
from chappe.pipeline.links import Links
from chappe.pipeline.routing import Routing
from chappe.pipeline.rules import Rules
from chappe.pipeline.watch import watch_of
from chappe.store import exclusions, idempotency, submissions, wallets
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx
from chappe.store.submissions import NewCampaign, Written

_log = structlog.get_logger("chappe.submit")

# Recipients from which a decision takes long enough to be worth a thread.
LARGE = 2000
# Characters of texts that are decided about before others have their turn.
CHARACTERS: Final = 20_000


# Stands where a result will be.
NOBODY_ASKED: Final = Refusal("was not decided")


class Decided(NamedTuple):
    """What a request becomes when it is written now.

    Shape: `first` is the first of its messages' ids, when they have been taken before.
    """

    planner: Planner
    planned: Plan
    first: int | None = None
    held_because: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether limits of the account are used up by it."""
        return bool(self.planner.send_limits and self.planned.numbers)

    @property
    def campaign(self) -> NewCampaign:
        return NewCampaign(self.planned, self.first, self.held_because)


class Accepted(NamedTuple):
    """A request that was accepted. Shape: its messages have the ids from `first` on."""

    submission: Submission
    first: int
    planned: Plan

    @classmethod
    def of(cls, decided: Decided, written: Written) -> Self:
        is_held = decided.held_because is not None
        told = summary(Tally.of(decided.planned), written.ticket, written.available_mc, is_held=is_held)
        return cls(told, written.first_message, decided.planned)


class Submitter:
    """Everything a customer can do to send: submit, simulate, cancel."""

    def __init__(self, store: Store, ids: Ids, limits: Limits, links: Links, rules: Rules) -> None:
        self._store = store
        self._ids = ids
        self._limits = limits
        self._counts = quotas.Counts(store)
        self._rules = rules
        self._links = links
        self._routing = Routing(store)

    async def submit(
        self, account: Account, request: SubmitRequest, idempotency_key: IdempotencyKey | None = None
    ) -> Submission:
        """Accept the messages of a request; they are on the disk, paid for and queued when this returns.

        Shape: what is held for a person is on the disk and paid for.
        Raises: Refusal, with nothing written; Unavailable when others used the account's limits up meanwhile, again
                and again.
        """
        return await quotas.settled(partial(self._submit, account, request, idempotency_key))

    async def _submit(
        self, account: Account, request: SubmitRequest, idempotency_key: IdempotencyKey | None
    ) -> Submission:
        now = now_ms()
        try:
            planner, planned = await self._plan(request, account, now)
            if idempotency_key and planned.link_urls and (known := self._known(account, idempotency_key, now)):
                return known  # before ids are taken for it again
            decided = await self._finished(account, planner, planned, now)
        except Refusal:
            # A request that was accepted stays so: its date may be past by the time it is sent again.
            if idempotency_key and (known := self._known(account, idempotency_key, now)):
                return known
            raise

        def unit(tx: Tx) -> Submission:
            if idempotency_key and (earlier := idempotency.answered(tx, account.id, idempotency_key, now, Submission)):
                return earlier
            answer = self._write(tx, account, decided, now).submission
            if idempotency_key:
                encoded = msgspec.json.encode(answer)
                idempotency.remember(tx, account.id, idempotency_key.key, idempotency_key.digest, encoded, now)
            return answer

        return await self._store.write(unit)

    async def submit_all(
        self,
        account: Account,
        requests: Sequence[SubmitRequest],
        along: Callable[[Tx, Sequence[tuple[int, Accepted]]], None],
    ) -> list[Accepted | Submission | Refusal | Unavailable]:
        """Accept several requests, each for itself, in their order as far as the credits go.

        Shape: they are written in one unit of work, and where others sent for the account at the same time in more.
               Unavailable is what was not written; what was is in the results whatever came after it.
               Of a request whose recipients are all left out nothing is written: its counts come back. `along` writes
               what belongs to those that are accepted, as (place among the requests, what was written).
        """
        results: list[Accepted | Submission | Refusal | Unavailable] = [NOBODY_ASKED] * len(requests)
        left = list(range(len(requests)))
        failure = Unavailable("others send for this account at the same time, and its limits leave too little for all")
        for _ in range(quotas.TRIES):
            try:
                left = await self._accept_some(account, requests, left, results, along)
            except Unavailable as error:
                failure = error
                break
            except Exception:
                if len(left) == len(requests):
                    raise
                _log.exception("bug", account=account.id)
                break
            if not left:
                break
        for i in left:
            results[i] = failure
        return results

    async def _accept_some(
        self,
        account: Account,
        requests: Sequence[SubmitRequest],
        left: Sequence[int],
        results: list[Accepted | Submission | Refusal | Unavailable],
        along: Callable[[Tx, Sequence[tuple[int, Accepted]]], None],
    ) -> list[int]:
        """Decide about what is left and write it; those that have to be decided anew."""
        now = now_ms()
        decided: list[tuple[int, Decided]] = []
        characters = 0
        for i in left:
            try:
                planner, planned = await quotas.settled(partial(self._plan, requests[i], account, now))
                if planned.numbers:
                    decided.append((i, await self._finished(account, planner, planned, now)))
                else:
                    results[i] = summary(Tally.of(planned), None, 0)
            except Refusal as refusal:
                results[i] = refusal
            characters += len(requests[i].text)
            if characters > CHARACTERS:
                characters = 0
                await asyncio.sleep(0)
        if not decided:
            return []
        return await self._store.write(partial(self._write_all, account, decided, now, results, along))

    def _write_all(
        self,
        account: Account,
        decided: Sequence[tuple[int, Decided]],
        now: int,
        results: list[Accepted | Submission | Refusal | Unavailable],
        along: Callable[[Tx, Sequence[tuple[int, Accepted]]], None],
        tx: Tx,
    ) -> list[int]:
        """Those that have to be decided anew."""
        again: list[int] = []
        accepted: list[tuple[int, Accepted]] = []
        if any(each.is_limited for _, each in decided):
            for i, each in decided:
                try:
                    accepted.append((i, self._write(tx, account, each, now)))
                except quotas.Moved:
                    again.append(i)
                except InsufficientCredits as refusal:
                    results[i] = refusal
        elif decided:
            written = submissions.write_all(tx, self._ids, account, [each.campaign for _, each in decided], now)
            for (i, each), one in zip(decided, written, strict=True):
                if isinstance(one, InsufficientCredits):
                    results[i] = one
                else:
                    accepted.append((i, Accepted.of(each, one)))
        for i, each_accepted in accepted:
            results[i] = each_accepted
        along(tx, accepted)
        return again

    async def prepare(
        self, account: Account, request: SubmitRequest, *, to_excluded: bool = False
    ) -> Callable[[Tx], Submission]:
        """The decision about a request, and what writes it: for a unit of work that sends as a part of more.

        Shape: `to_excluded` also sends to whom the account does not write to, because they asked for it. What is sent
               so is never held for a person.
        Raises: Refusal, and so does what writes it, with nothing written: the rest of the unit may go on.
        """
        now = now_ms()
        planner, planned = await quotas.settled(partial(self._plan, request, account, now, to_excluded))
        planned, first = await self._linked(account, planner, planned)
        decided = Decided(planner, planned, first)

        def unit(tx: Tx) -> Submission:
            try:
                return self._write(tx, account, decided, now).submission
            except quotas.Moved:
                raise BadData("the account's limits were used up meanwhile", field="to") from None

        return unit

    async def accepting(self, account: Account, request: SubmitRequest) -> Callable[[Tx], Accepted] | Submission:
        """The decision about a request, and what writes it, held for a person as `submit` holds it.

        Shape:  the counts alone when nobody is left to send to.
        Raises: Refusal, and so does what writes it: the unit is to be given up then.
        """
        now = now_ms()
        planner, planned = await quotas.settled(partial(self._plan, request, account, now))
        if not planned.numbers:
            return summary(Tally.of(planned), None, 0)
        decided = await self._finished(account, planner, planned, now)

        def unit(tx: Tx) -> Accepted:
            try:
                return self._write(tx, account, decided, now)
            except quotas.Moved:
                raise BadData("the account's limits were used up meanwhile", field="to") from None

        return unit

    async def _finished(self, account: Account, planner: Planner, planned: Plan, now: int) -> Decided:
        """A plan with its links, and with what a person is asked about it."""
        held_because = await self._held(account, planned, now)
        planned, first = await self._linked(account, planner, planned)
        return Decided(planner, planned, first, held_because)

    def _write(self, tx: Tx, account: Account, decided: Decided, now: int) -> Accepted:
        """Raises: Moved or InsufficientCredits, with nothing written but the ids that were taken."""
        planner, planned = decided.planner, decided.planned
        if decided.is_limited:
            quotas.check(tx, planner, planned, now)
        written = submissions.write(tx, self._ids, account, planned, now, decided.first, decided.held_because)
        if decided.is_limited:
            quotas.record(tx, planner, planned, written.first_message, now)
        return Accepted.of(decided, written)

    async def simulate(self, account: Account, request: SubmitRequest) -> Simulation:
        """What `submit` would answer, with what its author should know before.

        Shape: nothing is written and the balance is the one of now.
        """
        now = now_ms()
        planner, planned = await quotas.settled(partial(self._plan, request, account, now))
        remarks = PlanRemarks(request, planner)
        is_held = await self._held(account, planned, now) is not None
        if len(request.numbers) < LARGE:
            remarks.add(planned)
        else:
            await asyncio.to_thread(remarks.add, planned)
        wallet = self._store.glance(lambda tx: wallets.read(tx, account.wallet_id))
        return simulation(Tally.of(planned), wallet.available_mc, remarks, is_held=is_held)

    async def _plan(
        self, request: SubmitRequest, account: Account, now: int, to_excluded: bool = False
    ) -> tuple[Planner, Plan]:
        """The decision; a large one in a thread, so that it does not hold up everybody else's requests.

        Raises: Refusal; Moved when the counts of the account's limits had to be begun first.
        """
        table, rules = self._routing.table(), self._rules.of(account)
        shortener = await self._links.shortener() if SHORT in request.text else None

        def decide(tx: Tx) -> tuple[Planner, Plan]:
            recipients = read_recipients(request, account, self._limits)
            excluded = NOBODY if to_excluded else exclusions.excluded(tx, account.id, recipients.numbers)
            home = home_of(recipients, rules)
            planner = Planner(request, rules, table, self._limits, now, self._rules.hours, shortener, home=home)
            if not rules.send_limits:
                return planner, planner.plan(recipients, excluded)
            quota = quotas.left(tx, planner, recipients, now)
            planned = planner.plan(recipients, excluded, quota)
            check_cap(quota, planned.cost_mc)
            return planner, planned

        try:
            return self._store.glance(decide) if len(request.numbers) < LARGE else await self._store.read(decide)
        except quotas.Moved:  # the first in a period, or since a limit was set
            await self._counts.begin(rules.send_limits, now)
            raise

    async def _linked(self, account: Account, planner: Planner, planned: Plan) -> tuple[Plan, int | None]:
        """The plan with the links of its messages, and the first of the ids that were taken for them."""
        if not planned.link_urls or not planned.numbers:
            return planned, None
        first = await self._store.write(lambda tx: submissions.take_message_ids(tx, self._ids, account, planned))
        if len(planned.numbers) < LARGE:
            return planner.with_links(planned, first), first
        return await asyncio.to_thread(planner.with_links, planned, first), first

    async def _held(self, account: Account, planned: Plan, now: int) -> str | None:
        """Why a person is asked about it, as it is stored; None when nobody is."""
        watch = watch_of(self._store, account, self._rules.of(account), now)
        if watch is None:
            return None
        if len(planned.numbers) < LARGE:
            watch.add(planned)
        else:
            await asyncio.to_thread(watch.add, planned)
        return encoded(watch.findings())

    def _known(self, account: Account, key: IdempotencyKey, now: int) -> Submission | None:
        return self._store.glance(lambda tx: idempotency.answered(tx, account.id, key, now, Submission))

    async def cancel(self, account: Account, ticket: int) -> int:
        """Take back what no carrier has seen of a campaign; the credits there are then.

        Raises: NotFound; BadData when everything has left already.
        """
        return await cancel_campaign(self._store, account, ticket)


def summary(tally: Tally, ticket: int | None, available_mc: int, *, is_held: bool = False) -> Submission:
    """What the caller is told: the counts, the cost, and what is left."""
    return Submission(
        ticket=ticket,
        cost=cost_credits(tally.cost_mc),
        credits=balance_credits(available_mc),
        total=tally.total,
        sent=tally.sent,
        **msgspec.structs.asdict(tally.left_out),
        is_held=is_held,
    )


def simulation(tally: Tally, available_mc: int, remarks: PlanRemarks, *, is_held: bool) -> Simulation:
    """The same for what was not sent, with the warnings."""
    counts = msgspec.structs.asdict(summary(tally, None, available_mc, is_held=is_held))
    waits = (warning(tally.sent),) if is_held else ()
    return Simulation(**counts, warnings=(*waits, *remarks.found()))
