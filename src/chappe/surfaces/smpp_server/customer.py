"""One bind user in this process: his links, what they brought, and what waits for him."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

import structlog

from chappe.domain.bind_users import BindUser
from chappe.domain.errors import Unavailable
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_outbox import Outbox
from chappe.pipeline.bound_submit import BoundSubmitter
from chappe.store.bound_deliveries import DueDelivery
from chappe.store.clock import now_ms
from chappe.surfaces.smpp_server import requests, statuses
from chappe.surfaces.smpp_server.reading import Wrong, read_submit
from chappe.telecom.smpp.bodies import Body, ShortMessage, SubmitMulti
from chappe.telecom.smpp.fields import EncodingError

_log = structlog.get_logger("chappe.binds")

# Submits of one unit of work: some 20 ms of the loop.
BATCH: Final = 200
# How long he is answered before others have their turn.
TURN_S: Final = 0.003
# Deliveries that are written at once: so much more than its limit a link's buffer may hold.
DELIVERIES: Final = 200
# How long nothing is delivered to a customer who says that he is busy.
BUSY_S: Final = 1.0

Answer: TypeAlias = tuple[int, int, str]
"""(sequence_number, command_status, message id)."""


class Receiver(Protocol):
    """A link of the customer, as far as this file is concerned."""

    @property
    def free(self) -> int:
        """How many deliveries it takes now."""

    @property
    def version(self) -> int:
        """The version of the protocol that it speaks."""

    def deliver(self, deliveries: list[DueDelivery]) -> None:
        """Send at most `free` deliveries."""

    def answer(self, answers: list[Answer]) -> None:
        """Answer submits."""

    def respond(self, sequence: int, command: int, status: int, body: Body | None) -> None:
        """Answer another request."""

    def close(self, why: str) -> None:
        """End it."""

    def abort(self) -> None:
        """Cut it."""


class Submitted(NamedTuple):
    """A submit that waits for its turn."""

    link: Receiver
    sequence: int
    body: ShortMessage


class Asked(NamedTuple):
    """Another request that waits for its turn."""

    link: Receiver
    sequence: int
    command: int
    body: Body


class UseCases(NamedTuple):
    """What customers can do."""

    submitter: BoundSubmitter
    changes: BoundChanges
    outbox: Outbox


class Bucket:
    """What a rate lets through, 0 for everything; it may change any time. Units: in a second."""

    def __init__(self, rate: Callable[[], int], clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate())
        self._tokens_at = clock()

    def allowed(self, n: int) -> int:
        """How many of `n` are let through; they count as used."""
        if not self._rate():
            return n
        self._refill()
        found = max(0, min(n, int(self._tokens)))
        self._tokens -= found
        return found

    def allows_all(self, n: int) -> bool:
        """Whether `n` are let through together; they count as used then.

        Shape: more than a second's worth needs a full second's worth, and is paid off afterwards.
        """
        rate = self._rate()
        if not rate:
            return True
        self._refill()
        if self._tokens < min(n, rate):
            return False
        self._tokens -= n
        return True

    def _refill(self) -> None:
        now, rate = self._clock(), self._rate()
        self._tokens = min(float(rate), self._tokens + (now - self._tokens_at) * rate)
        self._tokens_at = now


class Customer:
    """What links of one bind user share: his rate, the order of what he asks, his queue of deliveries."""

    def __init__(self, user: BindUser, use_cases: UseCases, clock: Callable[[], float]) -> None:
        self.user = user
        self.links: set[Receiver] = set()
        self._use_cases = use_cases
        self._clock = clock
        self._inbox: deque[Submitted | Asked] = deque()
        self._working: asyncio.Task[None] | None = None
        self._submits = Bucket(lambda: self.user.options.rate, clock)
        self._questions = Bucket(lambda: self.user.options.rate, clock)
        self._busy_until = 0.0

    # -- what he asks

    def allowed(self, n: int) -> int:
        """How many of `n` submits his rate lets through; they count as used."""
        return self._submits.allowed(n)

    def allows_all(self, n: int) -> bool:
        """Whether his rate lets `n` messages of one request through; they count as used then."""
        return self._submits.allows_all(n)

    def ask(self, items: list[Submitted] | list[Asked]) -> None:
        """Take requests in; each is answered, one after the other.

        Shape: what he asks about messages that are there has a rate of its own, as high as that of submits.
        """
        for each in items:
            is_question = isinstance(each, Asked) and not isinstance(each.body, SubmitMulti)
            if is_question and not self._questions.allowed(1):
                each.link.respond(each.sequence, each.command, statuses.THROTTLED, None)  # type: ignore[union-attr]
            else:
                self._inbox.append(each)
        if self._inbox and self._working is None:
            self._working = asyncio.create_task(self._work())

    @property
    def is_idle(self) -> bool:
        """Whether everything is answered."""
        return self._working is None

    async def idle(self) -> None:
        """Wait until everything is answered."""
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        since = self._clock()
        try:
            while self._inbox:
                if self._clock() - since > TURN_S:
                    await asyncio.sleep(0)
                    since = self._clock()
                if isinstance(self._inbox[0], Asked):
                    await self._respond(self._inbox.popleft())  # type: ignore[arg-type]
                else:
                    await self._submit(self._next_submits())
        finally:
            self._working = None

    def _next_submits(self) -> list[Submitted]:
        batch: list[Submitted] = []
        while self._inbox and len(batch) < BATCH and isinstance(self._inbox[0], Submitted):
            batch.append(self._inbox.popleft())  # type: ignore[arg-type]
        return batch

    async def _submit(self, batch: list[Submitted]) -> None:
        try:
            found = await self._decided(batch)
        except Exception:
            _log.exception("bug", system_id=self.user.system_id)
            found = [(statuses.SYSTEM_ERROR, "")] * len(batch)
        answers: dict[Receiver, list[Answer]] = {}
        for each, (status, message_id) in zip(batch, found, strict=True):
            answers.setdefault(each.link, []).append((each.sequence, status, message_id))
        for link, own in answers.items():
            self._say(link, partial(link.answer, own))

    async def _decided(self, batch: list[Submitted]) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = [(statuses.SYSTEM_ERROR, "")] * len(batch)
        now, submits, places = now_ms(), [], []
        for i, each in enumerate(batch):
            try:
                submits.append(read_submit(self.user, each.body, now))
                places.append(i)
            except Wrong as wrong:
                found[i] = (wrong.status, "")
        if submits:
            for i, result in zip(places, await self._use_cases.submitter.submit(self.user, submits), strict=True):
                found[i] = requests.answer_of(result)
        return found

    async def _respond(self, asked: Asked) -> None:
        body: Body | None = None
        try:
            status, body = await requests.respond(
                self._use_cases.submitter, self._use_cases.changes, self.user, asked.command, asked.body,
                asked.link.version,
            )  # fmt: skip
        except Unavailable as error:
            _log.error("database unavailable", reason=str(error))
            status = statuses.SYSTEM_ERROR
        except Exception:
            _log.exception("bug", system_id=self.user.system_id)
            status = statuses.SYSTEM_ERROR
        self._say(asked.link, partial(self._respond_on, asked, status, body))

    def _respond_on(self, asked: Asked, status: int, body: Body | None) -> None:
        try:
            asked.link.respond(asked.sequence, asked.command, status, body)
        except EncodingError:
            _log.exception("bug", system_id=self.user.system_id)
            asked.link.respond(asked.sequence, asked.command, statuses.SYSTEM_ERROR, None)

    def _say(self, link: Receiver, answer: Callable[[], None]) -> None:
        """Answer; a link that cannot be answered ends, so that its customer sees it, and his others go on."""
        try:
            answer()
        except Exception:
            _log.exception("bug", system_id=self.user.system_id)
            link.abort()

    # -- what he is told

    @property
    def may_take(self) -> bool:
        """Whether any of his links takes a delivery now."""
        return self._clock() >= self._busy_until and any(link.free for link in self.links)

    def pump(self) -> None:
        """Give him what waits, on the emptiest link first, as far as they take it.

        Shape: what fails is tried again in a second, and is in nobody else's way.
        """
        try:
            while self.may_take:
                link = max(self.links, key=lambda each: each.free)
                deliveries = self._use_cases.outbox.take(self.user.id, min(link.free, DELIVERIES))
                if not deliveries:
                    return
                self._deliver(link, deliveries)
        except Unavailable as error:
            _log.error("database unavailable", reason=str(error))
            self._busy_until = self._clock() + BUSY_S
        except Exception:
            _log.exception("bug", system_id=self.user.system_id)
            self._busy_until = self._clock() + BUSY_S

    def _deliver(self, link: Receiver, deliveries: list[DueDelivery]) -> None:
        try:
            link.deliver(deliveries)
        except Exception:
            _log.exception("bug", system_id=self.user.system_id)
            self._use_cases.outbox.not_taken(self.user.id, deliveries)
            link.abort()

    def acknowledged(self, items: list[tuple[DueDelivery, int, str]], *, is_late: bool) -> int:
        """He answered deliveries; how many he took."""
        taken = [delivery for delivery, status, _ in items if status == statuses.OK]
        never = [delivery for delivery, status, _ in items if status in statuses.NEVER]
        self._use_cases.outbox.taken(self.user.id, taken + never)
        if never:
            _log.warning("deliveries refused for good", system_id=self.user.system_id, deliveries=len(never))
        if not is_late:  # what timed out is due again already
            again = [each for each, status, _ in items if status != statuses.OK and status not in statuses.NEVER]
            self._use_cases.outbox.not_taken(self.user.id, again)
            if any(status in statuses.BUSY for _, status, _ in items):
                self._busy_until = self._clock() + BUSY_S
        return len(taken)

    def not_taken(self, written: list[DueDelivery], unwritten: list[DueDelivery]) -> None:
        """Deliveries were not answered, or never left."""
        self._use_cases.outbox.not_taken(self.user.id, written)
        self._use_cases.outbox.give_back(self.user.id, unwritten)

    def unsendable(self, deliveries: list[DueDelivery]) -> None:
        """Deliveries cannot be written at all: a fault of ours, and they would be in the way for ever."""
        _log.error("bug: deliveries that no PDU takes", system_id=self.user.system_id, ids=[d.id for d in deliveries])
        self._use_cases.outbox.taken(self.user.id, deliveries)
