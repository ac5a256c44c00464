"""What happens to submits: judged, answered, remembered; and to the receipts on them."""

import asyncio
import random
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar

from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage

from .account import Account, Outgoing, wire_time
from .agenda import Agenda
from .faults import Faults
from .garbage import noise, odd_answer
from .ids import ANSWERS_HEX, REPORTS_HEX, written_id
from .journal import Journal, Submit
from .judgement import UNANSWERED, Judge, is_wanted
from .link import Answer, Link
from .options import SimulatorOptions
from .replies import parts_of
from .tally import Place, key_of, place_of
from .treatment import Treatment, Treatments

T = TypeVar("T")

_AGAIN_S: Final = 1.0
"""How long a delivery that was turned down waits for its next attempt."""


class Late(NamedTuple):
    """An answer that waits for its time, or is not an ordinary one.

    Shape: `key` is that of a taken message in the tally; `treatment` what is odd about the answer, None for nothing.
    """

    link: Link
    answer: Answer
    key: int
    treatment: Treatment | None = None


class Intake:
    """Takes submits from all links and owes them answers and receipts."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.journal = Journal()
        self.accounts: dict[str, Account] = {}
        self.faults: Faults | None = None
        self._dice = random.Random(options.seed)
        self._next_id = options.first_id
        self._reference = 0
        self.learn(options)

    def start(self) -> None:
        """Begin on the running loop."""
        self._answers: Agenda[Late] = Agenda(self._answer_due)
        self._reports: Agenda[tuple[Account, Outgoing]] = Agenda(self._report_due)

    def stop(self) -> None:
        """Forget what waits."""
        self._answers.close()
        self._reports.close()

    def learn(self, options: SimulatorOptions, *, is_new_seed: bool = False) -> None:
        """Behave by these options and by `faults` from now on."""
        self._options = options
        if is_new_seed:
            self._dice = random.Random(options.seed)
        self._judge = Judge(options, self._dice)
        self._treatments = None
        if options.magic or (self.faults is not None and self.faults.submits):
            self._treatments = Treatments(options, self._judge, self._dice, self.faults)
        for account in self.accounts.values():
            account.most = options.waiting_most

    def account(self, system_id: str) -> Account:
        """The account of a customer, new when it is the first time."""
        account = self.accounts.get(system_id)
        if account is None:
            account = self.accounts[system_id] = Account(system_id, self._options.waiting_most)
        return account

    @property
    def waiting(self) -> int:
        """Receipts and replies that are not on a link."""
        return sum(map(len, self.accounts.values())) + len(self._reports)

    def reply(self, account: Account, source: str, destination: str, text: str, wait_s: float = 0.0) -> int:
        """Deliver a text from a handset; says how many parts that makes."""
        self._reference += 1
        parts = [Outgoing(part) for part in parts_of(source, destination, text, self._reference)]
        self.journal.stats.replies += 1
        if wait_s:
            self._reports.add(wait_s, [(account, part) for part in parts])
        else:
            account.push(parts)
        return len(parts)

    # -- submits -----------------------------------------------------------------------------------------

    def submitted(self, link: Link, items: list[tuple[int, ShortMessage]]) -> None:
        """Judge each submit, answer, and plan the receipts."""
        if not link.is_open:
            return
        items, is_last = self._until_drop(link, items)
        self._judge.refill(link, asyncio.get_running_loop().time())
        if self._treatments is not None:
            self._treat(link, items, self._treatments, is_last=is_last)
            return
        self._take(link, items, is_last=is_last)
        if is_last:
            self._cut(link)

    def _take(self, link: Link, items: list[tuple[int, ShortMessage]], *, is_last: bool) -> None:
        """The way of a carrier that follows its options only."""
        options, judge = self._options, self._judge
        answers_hex, reports_hex = options.id_format in ANSWERS_HEX, options.id_format in REPORTS_HEX
        has_keys = options.keep != "counters"
        submits: list[Submit] = []
        answers: list[Answer] = []
        keys: list[int] = []
        reports: list[Outgoing] = []
        submitted_at = wire_time()
        for sequence, message in items:
            verdict = judge.verdict(link)
            key = key_of(message.destination, place_of(message)) if has_keys else 0
            if verdict > 0:
                answers.append((sequence, verdict, ""))
                keys.append(0)
                submits.append(Submit(link.system_id, message, verdict, "", None, key))
                continue
            message_id = written_id(self._next_id, is_hex=answers_hex)
            fate = judge.fate()
            submits.append(Submit(link.system_id, message, 0, message_id, fate, key))
            if is_wanted(fate, message.registered_delivery):
                report_id = message_id if answers_hex == reports_hex else written_id(self._next_id, is_hex=reports_hex)
                reports.append(Outgoing(message, fate, report_id, submitted_at, key))
            self._next_id += 1
            if verdict != UNANSWERED:
                answers.append((sequence, 0, message_id))
                keys.append(key)
        if is_last and answers and answers[-1][0] == items[-1][0]:
            answers.pop()
            keys.pop()
        link.session.forgo(len(submits) - len(answers))
        self.journal.stats.unanswered += sum(not submit.status for submit in submits) - _accepted(answers)
        self.journal.note(submits, options)
        self._settle(link, answers, keys, reports)

    def _settle(self, link: Link, answers: list[Answer], keys: list[int], reports: list[Outgoing]) -> None:
        """Send answers and receipts at their times."""
        options, account = self._options, self.account(link.system_id)
        self._plan(reports)
        if options.early_receipts:
            account.push(reports)
        else:
            delay = options.latency_s + options.receipt_delay_s
            spread = options.latency_jitter_s + options.receipt_spread_s
            self._later(self._reports, delay, spread, [(account, report) for report in reports])
        if options.latency_s or options.latency_jitter_s:
            rows = [Late(link, answer, key) for answer, key in zip(answers, keys, strict=True)]
            self._later(self._answers, options.latency_s, options.latency_jitter_s, rows)
        elif answers:
            self._answer(link, answers, keys)

    def _answer(self, link: Link, answers: list[Answer], keys: Iterable[int]) -> None:
        """Answer now."""
        if not link.may_answer:
            self.journal.stats.unanswered += _accepted(answers)
            return
        link.answer(answers)
        self.journal.answered(_accepted(answers), keys)

    # -- submits under a script, or to magic numbers --------------------------------------------------------

    def _treat(
        self, link: Link, items: list[tuple[int, ShortMessage]], treatments: Treatments, *, is_last: bool
    ) -> None:
        now = asyncio.get_running_loop().time()
        for at, (sequence, message) in enumerate(items, 1):
            place = place_of(message)
            treatment = treatments.of(message, place, link, now)
            if is_last and at == len(items):
                treatment.drop = "before"
            self._treat_one(link, sequence, message, place, treatment)
            if treatment.drop:
                self._cut(link)
                return
        link.flush()

    def _treat_one(self, link: Link, sequence: int, message: ShortMessage, place: Place, treatment: Treatment) -> None:
        account = self.account(link.system_id)
        key = key_of(message.destination, place) if self._options.keep != "counters" else 0
        fate = None if treatment.status else treatment.outcome
        message_id = ""
        if fate is not None:
            message_id = written_id(self._next_id, is_hex=treatment.answers_hex)
            report_id = written_id(self._next_id, is_hex=treatment.reports_hex)
            self._next_id += 1
        faults = tuple(treatment.faults)
        submit = Submit(link.system_id, message, treatment.status, message_id, fate, key, faults)
        self.journal.note([submit], self._options)
        if fate is not None:
            if is_wanted(fate, message.registered_delivery):
                report = Outgoing(message, fate, report_id, wire_time(), key)
                self._report(account, report, treatment)
            if treatment.reply:
                self.reply(account, message.destination, message.source, treatment.reply, treatment.reply_s)
        for kind, dice in treatment.noise:
            link.session.say(noise(kind, dice))
        self._answer_as(link, (sequence, treatment.status, message_id), key if fate else 0, treatment)

    def _report(self, account: Account, report: Outgoing, treatment: Treatment) -> None:
        reports = [report] * treatment.receipts
        self._plan(reports)
        if treatment.is_early:
            account.push(reports)
        else:
            self._reports.add(treatment.receipt_s, [(account, each) for each in reports])

    def _answer_as(self, link: Link, answer: Answer, key: int, treatment: Treatment) -> None:
        if treatment.drop == "before" or treatment.answer_s is None:
            self.journal.stats.unanswered += _accepted([answer])
            link.session.forgo(1)
            return
        late = Late(link, answer, key, treatment)
        if treatment.answer_s and not treatment.drop:
            link.session.forgo(1)
            self._answers.add(treatment.answer_s, (late,))
        else:
            self._answer_oddly(late, treatment)

    def _answer_oddly(self, late: Late, treatment: Treatment) -> None:
        """Answer with whatever is odd about it; the caller flushes the link."""
        session, (sequence, state, message_id) = late.link.session, late.answer
        if not late.link.may_answer:
            self.journal.stats.unanswered += not state
            return
        for turn in range(treatment.answers):
            if turn:
                session.resume(1)
            if treatment.odd_answer is not None and not state:
                kind, dice = treatment.odd_answer
                session.say(odd_answer(kind, session.answering(sequence), sequence, message_id, dice))
            elif treatment.congestion is not None and late.link.interface_version >= 0x50:
                tlvs = tlv.encode([tlv.value_of("congestion_state", treatment.congestion)])
                session.answer_with_tlvs(sequence, state, message_id, tlvs)
            else:
                session.answer_submits([late.answer])
        self.journal.answered(not state, (late.key,))

    # -- receipts ------------------------------------------------------------------------------------------

    def delivered(self, items: list[Outgoing]) -> None:
        """Deliveries left on a link."""
        self.journal.delivered(items)

    def acknowledged(self, link: Link, items: list[tuple[Outgoing, int, str]]) -> None:
        """The customer answered deliveries: forget those he took, repeat the others in a while."""
        account = self.account(link.system_id)
        again = [(account, item) for item, state, _ in items if state]
        self.journal.acknowledged([item for item, state, _ in items if not state])
        if again:
            self.journal.stats.turned_down += len(again)
            self._reports.add(_AGAIN_S, again)
        account.pump()

    def not_delivered(self, link: Link, items: list[Outgoing]) -> None:
        """Deliveries got no answer: keep them for the next bind."""
        if items:
            account = self.account(link.system_id)
            account.give_back(items)
            account.pump()

    def _plan(self, reports: list[Outgoing]) -> None:
        self.journal.receipts.update(report.outcome.name for report in reports if report.outcome)

    # -- inside ------------------------------------------------------------------------------------------

    def _cut(self, link: Link) -> None:
        self.journal.stats.dropped += 1
        link.close()

    def _until_drop(
        self, link: Link, items: list[tuple[int, ShortMessage]]
    ) -> tuple[list[tuple[int, ShortMessage]], bool]:
        """The submits that come before the link is cut, and whether it is."""
        link.received += len(items)
        over = link.received - self._options.drop_after
        if not self._options.drop_after or over < 0:
            return items, False
        link.received -= over
        return items[: len(items) - over], True

    def _later(self, agenda: Agenda[T], delay: float, spread: float, items: list[T]) -> None:
        if not spread:
            agenda.add(delay, items)
            return
        for item in items:
            agenda.add(delay + spread * self._dice.random(), (item,))

    def _answer_due(self, rows: list[Late]) -> None:
        plain: dict[Link, list[Late]] = {}
        for late in rows:
            if late.treatment is None:
                plain.setdefault(late.link, []).append(late)
            else:
                if late.link.may_answer:
                    late.link.session.resume(1)
                self._answer_oddly(late, late.treatment)
                late.link.flush()
        for link, found in plain.items():
            self._answer(link, [late.answer for late in found], [late.key for late in found])

    def _report_due(self, rows: list[tuple[Account, Outgoing]]) -> None:
        by_account: dict[Account, list[Outgoing]] = {}
        for account, item in rows:
            by_account.setdefault(account, []).append(item)
        for account, items in by_account.items():
            account.push(items)


def _accepted(answers: list[Answer]) -> int:
    return sum(not state for _, state, _ in answers)
