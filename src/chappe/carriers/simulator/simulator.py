"""The simulated carrier itself: who may bind, what is answered, what becomes of each message."""

import asyncio
import random
import signal
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

import structlog

from chappe.telecom.smpp import commands, status
from chappe.telecom.smpp.bodies import Bind, Query, QueryAnswer, ShortMessage
from chappe.telecom.smpp.events import Oddity

from .account import Account, Outgoing, wire_time, written_id
from .agenda import Agenda
from .control import Control
from .journal import BindStats, Journal, Message, Stats, Submit
from .judgement import UNANSWERED, Judge, is_wanted
from .link import Answer, Link
from .options import ANSWERS_HEX, SimulatorOptions, changed, status_number
from .replies import parts_of

T = TypeVar("T")

_log = structlog.get_logger("chappe.simulator")

_AGAIN_S: Final = 1.0
"""How long a delivery that was turned down waits for its next attempt."""
_SENDING: Final = frozenset({commands.BIND_RECEIVER, commands.BIND_TRANSCEIVER})


class Simulator:
    """An SMSC on a loopback port.

    `async with Simulator(SimulatorOptions(port=0)) as carrier:` listens on `carrier.port`; nothing is left
    behind afterwards. `change`, `reply` and `drop` act on the running carrier.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        self.journal = Journal()
        self._accounts: dict[str, Account] = {}
        self._links: set[Link] = set()
        self._next_id = self.options.first_id
        self._reference = 0
        self._dice = random.Random(self.options.seed)
        self._learn()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._answers: Agenda[tuple[Link, Answer]] = Agenda(self._answer_due)
        self._reports: Agenda[tuple[Account, Outgoing]] = Agenda(self._report_due)
        self._server = await loop.create_server(lambda: Link(self), self.options.host, self.options.port)
        self._control = Control(self)
        try:
            await self._control.start(self.options.host, self.options.control_port)
        except OSError:
            self._server.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._control.stop()
        self._server.close()
        self._answers.close()
        self._reports.close()
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

    def stats(self) -> Stats:
        """The counters of this moment."""
        stats = self.journal.snapshot()
        stats.binds = [
            BindStats(link.system_id, link.session.state.value, link.received, link.session.in_flight)
            for link in self._links
        ]
        in_flight = sum(link.session.in_flight for link in self._links)
        stats.waiting = sum(map(len, self._accounts.values())) + len(self._reports) + in_flight
        stats.forgotten = sum(account.forgotten for account in self._accounts.values())
        return stats

    def messages(self, destination: str | None = None, latest: int | None = None) -> list[Message]:
        """Submits that were kept (`keep="messages"`), oldest first."""
        return self.journal.messages(destination, latest)

    def reset(self) -> None:
        """Start counting anew; what waits to be delivered stays."""
        self.journal = Journal()

    def change(self, changes: Mapping[str, object]) -> None:
        """Replace options while running.

        Raises: ValueError for an unknown or fixed option or a value that does not fit.
        """
        self.options = changed(self.options, changes)
        if "seed" in changes:
            self._dice = random.Random(self.options.seed)
        self._learn()

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
        account = self._account(system_id) if system_id else self._somebody()
        parts: list[Outgoing] = []
        for _ in range(count):
            self._reference += 1
            parts += map(Outgoing, parts_of(source, destination, text, self._reference))
        self.journal.stats.replies += count
        account.push(parts)
        return len(parts)

    # -- what links ask ----------------------------------------------------------------------------------

    def opened(self, link: Link) -> None:
        """A connection was made."""
        self._links.add(link)

    def bind_status(self, link: Link, bind: Bind) -> int:
        """Whether this customer may bind: a command_status."""
        refusal = status_number(self.options.bind_status)
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
        account = self._account(bind.system_id)
        if bind.command in _SENDING:
            account.receivers.append(link)
            account.pump()

    def submitted(self, link: Link, items: list[tuple[int, ShortMessage]]) -> None:
        """Judge each submit, answer, and plan the receipts."""
        if not link.is_open:
            return
        items, is_last = self._until_drop(link, items)
        judge, is_hex, first = self._judge, self.options.id_format in ANSWERS_HEX, self._next_id
        judge.refill(link, asyncio.get_running_loop().time())
        submits: list[Submit] = []
        answers: list[Answer] = []
        for sequence, message in items:
            verdict = judge.verdict(link)
            if verdict > 0:
                answers.append((sequence, verdict, ""))
                submits.append(Submit(link.system_id, message, verdict))
                continue
            message_id = written_id(self._next_id, is_hex=is_hex)
            self._next_id += 1
            submits.append(Submit(link.system_id, message, 0, message_id, judge.fate()))
            if verdict != UNANSWERED:
                answers.append((sequence, 0, message_id))
        if is_last and answers and answers[-1][0] == items[-1][0]:
            answers.pop()
        self.journal.stats.unanswered += len(submits) - len(answers)
        self.journal.note(submits, self.options)
        self._settle(link, answers, self._reports_on(submits, first))
        if is_last:
            self.journal.stats.dropped += 1
            link.close()

    def acknowledged(self, link: Link, items: list[tuple[Outgoing, int, str]]) -> None:
        """The customer answered deliveries: forget those he took, repeat the others in a while."""
        account = self._account(link.system_id)
        again = [(account, item) for item, state, _ in items if state]
        self.journal.stats.acknowledged += len(items) - len(again)
        if again:
            self.journal.stats.turned_down += len(again)
            self._reports.add(_AGAIN_S, again)
        account.pump()

    def not_delivered(self, link: Link, items: list[Outgoing]) -> None:
        """Deliveries got no answer: keep them for the next bind."""
        if items:
            account = self._account(link.system_id)
            account.give_back(items)
            account.pump()

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
        account = self._accounts.get(link.system_id)
        if account is not None and link in account.receivers:
            account.receivers.remove(link)

    # -- inside ------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        self._judge = Judge(self.options, self._dice)
        for account in self._accounts.values():
            account.most = self.options.waiting_most
        for link in self._links:
            link.session.window = self.options.window

    def _account(self, system_id: str) -> Account:
        account = self._accounts.get(system_id)
        if account is None:
            account = self._accounts[system_id] = Account(system_id, self.options.waiting_most)
        return account

    def _somebody(self) -> Account:
        accounts = sorted(self._accounts.values(), key=lambda account: bool(account.receivers))
        if not accounts:
            raise ValueError("nobody has bound yet: name the system_id")
        return accounts[-1]

    def _until_drop(
        self, link: Link, items: list[tuple[int, ShortMessage]]
    ) -> tuple[list[tuple[int, ShortMessage]], bool]:
        """The submits that come before the link is cut, and whether it is."""
        link.received += len(items)
        over = link.received - self.options.drop_after
        if not self.options.drop_after or over < 0:
            return items, False
        link.received -= over
        return items[: len(items) - over], True

    def _reports_on(self, submits: list[Submit], first: int) -> list[Outgoing]:
        """The receipts that were asked for; accepted submits are numbered from `first`."""
        submitted_at = wire_time()
        reports: list[Outgoing] = []
        accepted = (submit for submit in submits if submit.fate is not None)
        for number, submit in enumerate(accepted, first):
            if submit.fate and is_wanted(submit.fate, submit.message.registered_delivery):
                reports.append(Outgoing(submit.message, submit.fate, number, submitted_at))
        self.journal.receipts.update(report.outcome.name for report in reports if report.outcome)
        return reports

    def _settle(self, link: Link, answers: list[Answer], reports: list[Outgoing]) -> None:
        """Send answers and receipts at their times."""
        options, account = self.options, self._account(link.system_id)
        if options.early_receipts:
            account.push(reports)
        else:
            delay = options.latency_s + options.receipt_delay_s
            spread = options.latency_jitter_s + options.receipt_spread_s
            self._later(self._reports, delay, spread, [(account, report) for report in reports])
        if options.latency_s or options.latency_jitter_s:
            rows = [(link, answer) for answer in answers]
            self._later(self._answers, options.latency_s, options.latency_jitter_s, rows)
        elif answers:
            link.answer(answers)

    def _later(self, agenda: Agenda[T], delay: float, spread: float, items: list[T]) -> None:
        if not spread:
            agenda.add(delay, items)
            return
        for item in items:
            agenda.add(delay + spread * self._dice.random(), (item,))

    def _answer_due(self, rows: list[tuple[Link, Answer]]) -> None:
        by_link: dict[Link, list[Answer]] = {}
        for link, answer in rows:
            by_link.setdefault(link, []).append(answer)
        for link, answers in by_link.items():
            link.answer(answers)

    def _report_due(self, rows: list[tuple[Account, Outgoing]]) -> None:
        by_account: dict[Account, list[Outgoing]] = {}
        for account, item in rows:
            by_account.setdefault(account, []).append(item)
        for account, items in by_account.items():
            account.push(items)


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
