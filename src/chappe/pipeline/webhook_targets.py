"""Which event is posted next: fair between webhooks, gentle with hosts, bounded in memory.

Nothing here reads, writes or knows the time; `pipeline/notify.py` does.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from chappe.domain.webhook_schedule import Breaker
from chappe.store.webhooks import DueEvent, PendingRow

# A host is first called by so few at once; each answer allows one more, a call without an answer halves it.
FIRST_WINDOW: Final = 2
# Events first read for a webhook; twice as many each time they were all gone.
FIRST_READ: Final = 32


@dataclass(slots=True, eq=False)
class Host:
    """A server (scheme, name and port) that one or several webhooks lead to.

    Shape: its breaker counts calls that did not get through; bad answers count for the webhook alone, so that
           one customer's broken page does not stop the others at the same host.
    """

    window: int = FIRST_WINDOW
    in_flight: int = 0
    breaker: Breaker = field(default_factory=Breaker)
    waiting: dict["Target", None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Target:
    """A webhook with the events that are in memory.

    Shape: `queue` are those not taken yet; `held` the ids of these, of those on their way and of those whose
           outcome is not recorded.
    """

    webhook_id: int
    url: str
    signature: str | None
    headers: dict[str, str]
    host: Host
    is_live: bool = True
    queue: deque[DueEvent] = field(default_factory=deque)
    held: set[int] = field(default_factory=set)
    in_flight: int = 0
    read_ahead: int = FIRST_READ
    is_ready: bool = False
    breaker: Breaker = field(default_factory=Breaker)

    def is_resting(self) -> bool:
        """Whether it failed so often that it is only tried now and then."""
        return bool(self.breaker.pause_s or self.host.breaker.pause_s)

    def may_post(self, now: float) -> bool:
        host = self.host
        return (
            host.in_flight < host.window
            and self.breaker.allows(now, self.in_flight)
            and host.breaker.allows(now, host.in_flight)
        )


class Targets:
    """Every webhook with events that are not settled."""

    def __init__(self, *, per_host: int, read_ahead: int, in_memory: int) -> None:
        self._per_host = per_host
        self._read_ahead = read_ahead
        self._in_memory = in_memory
        self._by_id: dict[int, Target] = {}
        self._hosts: dict[str, Host] = {}
        self._ready: deque[Target] = deque()
        self._first = 0
        self.held = 0

    def update(self, rows: list[PendingRow]) -> None:
        """Learn what the database says of the webhooks; what is queued for a paused one is let go."""
        seen = set()
        for webhook_id, url, signature, is_live, _ in rows:
            if url is None:
                continue
            seen.add(webhook_id)
            target = self._by_id.get(webhook_id)
            if target is None or target.url != url or target.signature != signature:
                target = self._aim(webhook_id, url, signature)
            target.is_live = is_live
        for webhook_id, target in list(self._by_id.items()):
            if webhook_id not in seen:
                target.is_live = False
                if not target.in_flight and len(target.held) == len(target.queue):
                    self._let_go(target)
                    del self._by_id[webhook_id]
            self._make_ready(target)
        if len(self._hosts) > 2 * len(self._by_id) + 100:
            used = {id(target.host) for target in self._by_id.values()}
            self._hosts = {name: host for name, host in self._hosts.items() if id(host) in used}

    def _aim(self, webhook_id: int, url: str, signature: str | None) -> Target:
        parts = urlsplit(url)
        host = self._hosts.setdefault(f"{parts.scheme}://{parts.netloc.lower()}", Host())
        headers = {"Content-Type": "application/json"}
        if signature is not None:
            headers["X-SMSFactor-Signature"] = signature
        target = self._by_id.get(webhook_id)
        if target is None:
            target = self._by_id[webhook_id] = Target(webhook_id, url, signature, headers, host)
        elif target.host is host:
            target.url, target.signature, target.headers = url, signature, headers
        else:
            # The posts on their way end where they began: the new target takes over what they hold.
            self._let_go(target)
            moved = Target(webhook_id, url, signature, headers, host, held=target.held)
            target = self._by_id[webhook_id] = moved
        return target

    def _make_ready(self, target: Target) -> None:
        if not target.is_live or (target.is_resting() and len(target.queue) > 1):
            self._let_go(target)
        if target.queue and not target.is_ready:
            target.is_ready = True
            self._ready.append(target)

    def _let_go(self, target: Target) -> None:
        self.held -= len(target.queue)
        target.held.difference_update([event.id for event in target.queue])
        target.queue.clear()

    def is_resting(self, webhook_id: int) -> bool:
        target = self._by_id.get(webhook_id)
        return target is not None and target.is_resting()

    def wanting(self, rows: list[PendingRow], now_ms: int, now: float) -> Iterator[tuple[Target, int]]:
        """The webhooks whose queue is low, each with how many events to read for it.

        When memory is full, those left out come first the next time.
        """
        for place in range(len(rows)):
            if self.held >= self._in_memory:
                self._first += place
                return
            row = rows[(self._first + place) % len(rows)]
            target = self._by_id.get(row.webhook_id)
            if target is None or not target.is_live or row.next_at > now_ms:
                continue
            if target.is_resting():
                if not target.queue and target.may_post(now):
                    yield target, len(target.held) + 1
            elif len(target.queue) <= target.read_ahead // 2:
                yield target, len(target.held) + target.read_ahead

    def add(self, target: Target, events: list[DueEvent], limit: int) -> None:
        """Queue what was read, without the events that are in memory already."""
        fresh = [event for event in events if event.id not in target.held]
        if len(events) == limit and not target.queue and not target.is_resting():
            target.read_ahead = min(target.read_ahead * 2, self._read_ahead)
        target.queue.extend(fresh)
        target.held.update([event.id for event in fresh])
        self.held += len(fresh)
        self._make_ready(target)

    def take(self, now: float) -> tuple[Target, DueEvent] | None:
        """The next event to post, one of each webhook in turn; None when all wait."""
        ready = self._ready
        while ready:
            target = ready.popleft()
            if not target.queue:
                target.is_ready = False
            elif not target.may_post(now):
                target.is_ready = False
                target.host.waiting[target] = None
            else:
                ready.append(target)
                target.in_flight += 1
                target.host.in_flight += 1
                return target, target.queue.popleft()
        return None

    def finished(
        self, target: Target, *, began: float, now: float, is_success: bool, got_through: bool, answered: bool
    ) -> None:
        """A post has ended: its place is free, and we know more about webhook and host."""
        host = target.host
        target.in_flight -= 1
        host.in_flight -= 1
        if answered:
            host.window = min(host.window + 1, self._per_host)
        else:
            host.window = max(host.window // 2, 1)
        for breaker, is_well in ((target.breaker, is_success), (host.breaker, got_through)):
            if is_well:
                breaker.succeeded()
            else:
                breaker.failed(began, now)
        if host.waiting:
            waiting, host.waiting = host.waiting, {}
            for waiter in waiting:
                self._make_ready(waiter)

    def abandoned(self, target: Target) -> None:
        """A post was broken off by our own stop; it says nothing about the webhook."""
        target.in_flight -= 1
        target.host.in_flight -= 1

    def recorded(self, webhook_id: int, event_id: int) -> None:
        """The outcome is in the database: from now on what is read there counts."""
        target = self._by_id.get(webhook_id)
        if target is not None and event_id in target.held:
            target.held.remove(event_id)
            self.held -= 1
