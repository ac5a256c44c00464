"""Connections to an SMPP carrier: as many binds as configured, kept alive, fed evenly."""

import asyncio
import random
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from chappe.carriers.acknowledgements import Acknowledgements, wall_ms
from chappe.carriers.bind_turns import Account, turn
from chappe.carriers.connection import Address, Cut, LinkState, Listener, Outgoing, Question
from chappe.carriers.link import CLOSE_S, MODES, OUR_FAULT, Link
from chappe.carriers.questions import NO_ANSWER
from chappe.carriers.refusals import Refusals
from chappe.carriers.smpp_options import BindMode, SmppOptions
from chappe.carriers.submits import Writer
from chappe.carriers.tls import context_of, failure
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.smpp.commands import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER

T = TypeVar("T")
_log = structlog.get_logger("chappe.carrier")

# Source: practice of gateways; a provider answers "too many binds" to faster ones.
RECONNECT_S = (1, 2, 5, 10, 30, 60)
REFUSED_S = (60, 300, 900)
JITTER = 0.3
# A bind that the carrier ended itself is made again at once, if it stood so long.
STOOD_S = 5.0
# How much longer than it takes until a carrier without binds is down, one that answers no submits is left alone.
LEFT_S = 30.0
_COMMANDS: Final[dict[BindMode, int]] = {
    "transceiver": BIND_TRANSCEIVER,
    "pair": BIND_TRANSMITTER,
    "transmitter": BIND_TRANSMITTER,
    "receiver": BIND_RECEIVER,
}


@dataclass(slots=True)
class _Tries:
    """How a bind went until now. Shape: `lost_ms` is when it last ended after it was bound."""

    failures: int = 0
    refusals: int = 0
    was_silent: bool = False
    reason: str = ""
    lost_ms: int | None = None

    def failed(self) -> float:
        """How long to wait after one more failure."""
        self.failures += 1
        return float(RECONNECT_S[min(self.failures, len(RECONNECT_S)) - 1]) * random.uniform(1 - JITTER, 1 + JITTER)

    def refused(self) -> float:
        self.refusals += 1
        return float(REFUSED_S[min(self.refusals, len(REFUSED_S)) - 1]) * random.uniform(1 - JITTER, 1 + JITTER)


class SmppCarrier(Generic[T]):
    """A carrier: its binds together."""

    def __init__(self, address: Address, options: SmppOptions, listener: Listener[T]) -> None:
        self.address = address
        self._options = options
        self._writer = Writer(options)
        self._listener = listener
        self._commands = commands_of(address, options)
        self._links: list[Link[T] | None] = [None] * len(self._commands)
        self.states = [LinkState(mode=MODES[command]) for command in self._commands]
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False
        self._tried_again_at = 0.0  # when a carrier that answers no submits is tried again
        self._acknowledgements = Acknowledgements(wall_ms())

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._keep(bind)) for bind in range(len(self._commands))]

    def reconfigure(self, address: Address, options: SmppOptions) -> None:
        """Take changed settings of which none needs a new connection."""
        self.address, self._options = address, options
        for link in self._links:
            if link is not None:
                link.reconfigure(address, options)
        self._write_anew()

    @property
    def is_bound(self) -> bool:
        return any(link is not None and link.takes for link in self._links)

    @property
    def is_served(self) -> bool:
        return self.is_bound

    @property
    def is_unproven(self) -> bool:
        return False  # that it bound is an answer

    @property
    def free(self) -> int:
        """How many submits the bound links take now."""
        return sum(link.free for link in self._links if link is not None)

    @property
    def capacity(self) -> int:
        """How many submits may be unanswered at the same time."""
        return max(1, sum(command != BIND_RECEIVER for command in self._commands) * self.address.window)

    @property
    def is_held_back(self) -> bool:
        return False  # no answer over SMPP names a time

    def in_flight(self, bind: int) -> int:
        """Submits of a bind that are not answered."""
        link = self._links[bind]
        return link.session.in_flight if link is not None else 0

    def cut(self, message: Outgoing) -> Cut:
        """The submits of a message, in the order of its parts. Raises: ValueError when it cannot be encoded."""
        return self._writer.write(message)

    def submit(self, items: Sequence[tuple[T, ShortMessage]]) -> list[tuple[T, str]]:
        """Write at most `free` messages, spread over the binds; those that cannot be encoded come back."""
        failed: list[tuple[T, str]] = []
        links = [link for link in self._links if link is not None and link.room]
        links.sort(key=lambda link: -link.room)
        start = 0
        for place, link in enumerate(links):
            share = -(-(len(items) - start) // (len(links) - place))
            chunk = items[start : start + min(share, link.room)]
            if chunk:
                failed += link.submit(chunk)
                start += len(chunk)
        if start < len(items):  # the fullest links could not take their share
            return failed + self.submit(items[start:])
        return failed

    @property
    def can_query(self) -> bool:
        return self._options.can_query

    def query(self, questions: Sequence[Question]) -> None:
        """Ask about parts, at most `free`, spread over the binds."""
        links = [link for link in self._links if link is not None and link.room]
        links.sort(key=lambda link: -link.room)
        start = 0
        for place, link in enumerate(links):
            share = -(-(len(questions) - start) // (len(links) - place))
            chunk = questions[start : start + min(share, link.room)]
            link.query(chunk)
            start += len(chunk)
        if start < len(questions):
            self._listener.told([(question, NO_ANSWER) for question in questions[start:]])

    async def stop(self) -> None:
        """Unbind every link and close it."""
        self._is_stopping = True
        for link in self._links:
            if link is not None:
                link.unbind()
        closing = [link.closed for link in self._links if link is not None]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _write_anew(self) -> None:
        """TLVs are written as long as every bound centre takes them: a message may leave over any link."""
        bound = [link for link in self._links if link is not None and link.takes]
        self._writer = Writer(self._options, has_fields=all(link.takes_fields for link in bound))

    async def _keep(self, bind: int) -> None:
        """Keep a bind up until `stop`: no fault of ours may end it for good."""
        tries, state = _Tries(), self.states[bind]
        while not self._is_stopping:
            try:
                wait = await self._serve(bind, tries)
            except Exception:
                _log.exception("bug", carrier=self.address.name, bind=bind)
                wait = tries.failed()
                state.state, state.since = "down", asyncio.get_running_loop().time()
                state.detail = f"{OUR_FAULT}; next try in {wait:.0f} s"
            await asyncio.sleep(wait)
        state.state, state.detail = "closed", ""

    async def _serve(self, bind: int, tries: _Tries) -> float:
        """Connect and wait for the end; how long to wait until the next time."""
        state, loop = self.states[bind], asyncio.get_running_loop()
        state.state, began = "connecting", loop.time()
        state.detail = f"the last time {tries.reason}" if tries.reason else ""
        link: Link[T] = Link(
            self.address, self._options, self._commands[bind], state, self._listener, self._write_anew,
            self._acknowledgements, tries.lost_ms, was_silent=tries.was_silent,
        )  # fmt: skip
        tries.reason = await self._connect(bind, link)
        tries.lost_ms = link.ended_ms or tries.lost_ms
        if self._is_stopping:
            return 0.0
        tries.was_silent = link.was_silent
        wait = max(self._wait_after(link, tries), self._options.reconnect_s)
        state.state = "down" if link.refused_status is None else "refused"
        state.detail = f"{tries.reason}; next try {f'in {wait:.0f} s' if wait else 'at once'}"
        state.since = loop.time()
        _log.warning(
            "link ended", carrier=self.address.name, bind=bind, reason=tries.reason,
            lasted_s=round(state.since - began, 1), wait_s=round(wait, 1),
        )  # fmt: skip
        self._listener.changed()
        return wait

    def _wait_after(self, link: Link[T], tries: _Tries) -> float:
        """How long to wait after a link that ended. Units: seconds."""
        now = asyncio.get_running_loop().time()
        if link.bound_at is not None:
            tries.failures = tries.refusals = 0
        if link.gave_up:
            return self._until_tried_again(now)
        if link.refused_status is not None and self._refuses_for_long(link.refused_status):
            return tries.refused()
        if link.was_left and link.bound_at is not None and now - link.bound_at >= STOOD_S:
            return 0.0  # it ends all links now and then, and expects us back
        return tries.failed()

    def _until_tried_again(self, now: float) -> float:
        """How long a carrier that answers no submits is left alone: until it is down, and others get its messages.

        All its binds end their waits together: only a carrier without any is down.
        """
        if self._tried_again_at <= now:
            least = max(RECONNECT_S[-1], self._options.thresholds.down_s + LEFT_S)
            self._tried_again_at = now + least * random.uniform(1, 1 + JITTER)
        return self._tried_again_at - now

    def _refuses_for_long(self, status: int) -> bool:
        return Refusals(self._options.statuses, self._options.status_names).is_for_long(status)

    async def _connect(self, bind: int, link: Link[T]) -> str:
        await turn(account_of(self.address), self._options.bind_gap_s)
        try:
            await connect(link, self.address, self._options)
        except (OSError, ssl.SSLError) as error:
            return f"cannot connect: {failure(error)}"
        self._links[bind] = link
        try:
            return await asyncio.shield(link.closed)
        finally:
            self._links[bind] = None


def commands_of(address: Address, options: SmppOptions) -> list[int]:
    """What each link of a carrier binds as."""
    first = [_COMMANDS[options.bind_mode]] * address.binds
    if options.bind_mode != "pair":
        return first
    return first + [BIND_RECEIVER] * (options.receivers or address.binds)


def account_of(address: Address) -> Account:
    return Account(address.host, address.port, address.system_id)


async def connect(link: Link[T], address: Address, options: SmppOptions) -> None:
    """Make the connection of a link, which binds by itself then. Raises: OSError, ssl.SSLError, TimeoutError."""
    context = context_of(options) if address.tls else None
    name = options.tls_server_name or address.host if context else None
    async with asyncio.timeout(options.bind_s):
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: link, address.host, address.port, ssl=context, server_hostname=name
            )
        except UnicodeError:  # from the encoding of a name whose labels are empty or too long
            names = " or ".join(dict.fromkeys([address.host, name or address.host]))
            raise OSError(f"{names} is no name of a host") from None
