"""The simulated carrier itself: who may bind, what holds for all links, and what tests and control ask."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, Self

import structlog

from chappe.telecom.smpp import commands, status
from chappe.telecom.smpp.bodies import Bind, Query, QueryAnswer, ShortMessage
from chappe.telecom.smpp.events import Oddity

from .account import Account, Outgoing
from .control import Control
from .faults import CALM, Faults, Mood
from .intake import Intake
from .journal import BindStats, Journal, Message, Stats
from .language import read
from .link import Link
from .options import SimulatorOptions, changed
from .statuses import status_number
from .tally import Row, Summary

_log = structlog.get_logger("chappe.simulator")

_SENDING: Final = frozenset({commands.BIND_RECEIVER, commands.BIND_TRANSCEIVER})
_SCRIPT: Final = frozenset({"script", "speed", "seed"})
"""Options that start the script anew when they are set."""
_SOONEST_S: Final = 0.001
"""A timer may fire a little early: look again, but not at once."""


class Simulator:
    """An SMSC on a loopback port.

    `async with Simulator(SimulatorOptions(port=0)) as carrier:` listens on `carrier.port`; nothing is left
    behind afterwards. `change`, `reply` and `drop` act on the running carrier.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        self.mood: Mood = CALM
        self._links: set[Link] = set()
        self._intake = Intake(self.options)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._intake.start()
        self._server = await loop.create_server(lambda: Link(self), self.options.host, self.options.port)
        self._control = Control(self)
        try:
            await self._control.start(self.options.host, self.options.control_port)
        except OSError:
            self._server.close()
            raise
        self._play()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._control.stop()
        self._server.close()
        self._intake.stop()
        if self._timer is not None:
            self._timer.cancel()
        for link in list(self._links):
            link.drop()
        await self._server.wait_closed()
        while self._links:
            await asyncio.sleep(0)

    # -- what tests and control ask --------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port for SMPP."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def control_port(self) -> int:
        """The port for control over HTTP."""
        return self._control.port

    @property
    def journal(self) -> Journal:
        """What is counted and remembered."""
        return self._intake.journal

    def stats(self) -> Stats:
        """The counters of this moment."""
        stats = self.journal.snapshot()
        stats.binds = [
            BindStats(link.system_id, link.session.state.value, link.received, link.session.in_flight)
            for link in self._links
        ]
        in_flight = sum(link.session.in_flight for link in self._links)
        stats.waiting = self._intake.waiting + in_flight
        stats.forgotten = sum(account.forgotten for account in self._intake.accounts.values())
        stats.faults = self._intake.faults.hits() if self._intake.faults is not None else {}
        return stats

    def summary(self) -> Summary:
        """What became of the messages of this run (`keep` is not "counters").

        Cost: 0.2 s for a million messages.
        """
        return self.journal.summary(self.stats())

    def tally(self, destination: str = "") -> Iterator[tuple[str, str, Row]]:
        """(number, fingerprint, counts) of every message, or of those to one number."""
        return self.journal.tally.rows(destination)

    def messages(self, destination: str | None = None, latest: int | None = None) -> list[Message]:
        """Submits that were kept (`keep="messages"`), oldest first."""
        return self.journal.messages(destination, latest)

    def reset(self) -> None:
        """Start counting anew; what waits to be delivered stays."""
        self._intake.journal = Journal()

    def change(self, changes: Mapping[str, object]) -> None:
        """Replace options while running.

        Raises: ValueError for an unknown or fixed option or a value that does not fit.
        """
        self.options = changed(self.options, changes)
        self._intake.learn(self.options, is_new_seed="seed" in changes)
        for link in self._links:
            link.session.window = self.options.window
        if not _SCRIPT.isdisjoint(changes):
            self._play()

    def drop(self) -> int:
        """Cut all links without a word; says how many."""
        links = list(self._links)
        for link in links:
            link.drop()
        self.journal.stats.dropped += len(links)
        return len(links)

    def reply(self, source: str, destination: str, text: str, *, count: int = 1, system_id: str = "") -> int:
        """Deliver texts from handsets, now or after the next bind; says how many parts that makes.

        Shape:  without `system_id` the account that is bound gets them, or the latest that was.
        Raises: ValueError when nobody ever bound and no account is named.
        """
        account = self._intake.account(system_id) if system_id else self._somebody()
        return sum(self._intake.reply(account, source, destination, text) for _ in range(count))

    # -- what links ask ----------------------------------------------------------------------------------

    def opened(self, link: Link) -> None:
        """A connection was made."""
        self._links.add(link)

    def turned_away(self) -> None:
        """A connection was made while the link is down."""
        self.journal.stats.turned_away += 1

    def bind_status(self, link: Link, bind: Bind) -> int | None:
        """Whether this customer may bind: a command_status, None for no answer at all."""
        refusal = self._scripted_bind()
        if refusal is None:
            return None
        refusal = refusal or status_number(self.options.bind_status)
        accounts = self.options.accounts
        if not refusal and accounts and bind.system_id not in accounts:
            refusal = status.ESME_RINVSYSID
        if not refusal and accounts and accounts[bind.system_id] != bind.password:
            refusal = status.ESME_RINVPASWD
        if refusal:
            self.journal.stats.binds_refused += 1
        else:
            self.journal.stats.binds_accepted += 1
        return refusal

    def bound(self, link: Link, bind: Bind) -> None:
        """A bind was accepted: deliver what waited for it."""
        account = self._intake.account(bind.system_id)
        if bind.command in _SENDING:
            account.receivers.append(link)
            account.pump()

    def ignores_probe(self) -> bool:
        """Whether the enquire_link that just came gets no answer."""
        faults = self._intake.faults
        if faults is None or not faults.probes:
            return False
        elapsed = faults.elapsed_ms(asyncio.get_running_loop().time())
        return any(running.strikes(elapsed) for running in faults.probes)

    def submitted(self, link: Link, items: list[tuple[int, ShortMessage]]) -> None:
        """Messages came; the link is answered with `answer`."""
        self._intake.submitted(link, items)

    def delivered(self, items: list[Outgoing]) -> None:
        """Deliveries left."""
        self._intake.journal.delivered(items)

    def acknowledged(self, link: Link, items: list[tuple[Outgoing, int, str]]) -> None:
        """The customer answered deliveries in time."""
        self._intake.acknowledged(link, items)

    def not_delivered(self, link: Link, items: list[Outgoing]) -> None:
        """Deliveries got no answer."""
        self._intake.not_delivered(link, items)

    def query(self, body: Query) -> QueryAnswer | None:
        """What query_sm is told about a message that is kept; without receipt it stays on its way."""
        submit = self.journal.find(body.message_id)
        if submit is None or submit.fate is None:
            return None
        return QueryAnswer(body.message_id, "", submit.fate.message_state, submit.fate.error)

    def noticed(self, oddity: Oddity) -> None:
        """A customer bent a rule."""
        self.journal.oddities[oddity.name] += oddity.count

    def closed(self, link: Link) -> None:
        """A connection is gone."""
        self._links.discard(link)
        account = self._intake.accounts.get(link.system_id)
        if account is not None and link in account.receivers:
            account.receivers.remove(link)

    # -- the script --------------------------------------------------------------------------------------

    def _play(self) -> None:
        """Start the script from its beginning."""
        statements = read(self.options.script)
        self._intake.faults = None
        if statements:
            began = asyncio.get_running_loop().time()
            self._intake.faults = Faults(statements, seed=self.options.seed, speed=self.options.speed, began=began)
        self._intake.learn(self.options)
        self._follow()

    def _follow(self) -> None:
        """Do what the script wants of all links now, and come back when it wants something else."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop, faults = asyncio.get_running_loop(), self._intake.faults
        now = loop.time()
        before, self.mood = self.mood, CALM if faults is None else faults.mood(now)
        if self.mood.is_down and not before.is_down:
            self.drop()
        if self.mood != before:
            for link in list(self._links):
                link.feel()
        if faults is None:
            return
        for moment in faults.moments(now):
            if moment == "drop links":
                self.drop()
            else:
                for link in list(self._links):
                    link.unbind()
        next_change = faults.next_change(now)
        if next_change is not None:
            self._timer = loop.call_at(max(next_change, now + _SOONEST_S), self._follow)

    def _scripted_bind(self) -> int | None:
        """What the script wants to answer to a bind: 0 for nothing in particular."""
        faults = self._intake.faults
        if faults is None:
            return status.ESME_ROK
        elapsed = faults.elapsed_ms(asyncio.get_running_loop().time())
        for running in faults.binds:
            if running.strikes(elapsed):
                if running.statement.fault == "ignore binds":
                    return None
                return int(str((*running.statement.arguments, status.ESME_RBINDFAIL)[0]))
        return status.ESME_ROK

    def _somebody(self) -> Account:
        accounts = sorted(self._intake.accounts.values(), key=lambda account: bool(account.receivers))
        if not accounts:
            raise ValueError("nobody has bound yet: name the system_id")
        return accounts[-1]


async def run(options: SimulatorOptions) -> None:
    """Run the simulator with its control port until the process is told to stop (SIGINT, SIGTERM).

    Raises: OSError when a port is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(options) as simulator:
        _log.info("listening", host=options.host, port=simulator.port, control_port=simulator.control_port)
        await stop.wait()
