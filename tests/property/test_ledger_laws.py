"""Laws of money, states and queue over random histories on a real database: submits to numbers and to lists, cancels,
exclusions, answers of every kind, also late and doubled ones, receipts in any order, look-ups that are answered or
not, crashes, days that pass.
"""

import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chappe.carriers.connection import Question
from chappe.carriers.lookups import LookupFailed, LookupService
from chappe.domain.accounts import Account
from chappe.domain.delay import FORMAT, PARIS
from chappe.domain.errors import BadData, InsufficientCredits, Unavailable
from chappe.domain.lifecycle import FINAL, Dlr, State
from chappe.domain.lookups import LookupResult
from chappe.domain.outcomes import NO_REF, Outcome, ReceiptIn
from chappe.domain.plans import ALERT, MARKETING, Limits
from chappe.domain.requests import Kind, SubmitRequest
from chappe.domain.retry import Refused
from chappe.domain.rulebook import Defaults
from chappe.domain.unknown import GIVE_UP, HOLD, QUERY, RESEND, UnknownPolicies, UnknownPolicy, Unknowns
from chappe.manage.credits import Credits
from chappe.manage.lookups import Lookups
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.expire import Expirer
from chappe.pipeline.links import Links
from chappe.pipeline.questions import Questions
from chappe.pipeline.record import Lane, Recorder
from chappe.pipeline.retain import Retainer
from chappe.pipeline.rules import Rules
from chappe.pipeline.settle import Settler, Verdict
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter
from chappe.pipeline.upkeep import Upkeep
from chappe.store import accounts as stored_accounts
from chappe.store import exclusions, leases, preparations, queue, routes
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.queue import Claimed
from chappe.store.sqlite import Row, Store, Tx
from chappe.store.statement import Statement
from tests.store.build import (
    BRANCH,
    CARRIER,
    CREDITS,
    MOVE_INTO_THE_PAST,
    SHOP,
    STRANGER,
    add_carrier,
    database,
    top_up,
)

T = TypeVar("T")
MINUTE, DAY = 60_000, 24 * 3600 * 1000
RECEIPT_WAIT_S = 3600
FIRST_CREDITS = 12
LIMIT_MC = 5000  # the stranger may owe five credits
NUMBERS = [str(33_612_345_670 + i) for i in range(5)]
TEXTS = {"short": "Hello", "long": "x" * 200, "personal": "Hi [info1]"}
REFUSALS = {
    "permanent": Refused("permanent", Dlr.INVALID_DESTINATION, "no such number"),
    "temporary": Refused("temporary", Dlr.NETWORK_ERROR, "not now"),
    "throttle": Refused("throttle", Dlr.NETWORK_ERROR, "too fast"),
    "queue_full": Refused("queue_full", Dlr.NETWORK_ERROR, "full"),
}
DEPOT = Account(4, 4, SHOP.id, "depot@example.org", "FR", None)  # a sub-account with credits of its own


class Centre:
    """A carrier that can be asked: what it was asked and has not answered."""

    can_query, capacity, free = True, 100, 100

    def __init__(self) -> None:
        self.asked: list[Question] = []

    def query(self, questions: Sequence[Question]) -> None:
        self.asked += questions


accounts = st.sampled_from([SHOP, BRANCH, STRANGER, DEPOT])
which = st.integers(0, 10_000)


def recent(found: Sequence[T], pick: int) -> T:
    """One of the last few: histories that come back to the same message are the interesting ones."""
    return found[-1 - pick % min(4, len(found))]


VALIDITY_MS = 48 * 3600 * 1000


def at_once(account: int, kind: str, numbers: list[int], countries: list[str], at: int) -> list[int]:
    return [at] * len(numbers)


class Died(Exception):
    """Stands for the death of a process."""


class Teller:
    """The carrier's look-up service, whose words are drawn at random."""

    told: set[int]
    how: str

    async def ask(self, service: LookupService, numbers: Sequence[int]) -> dict[int, LookupResult]:
        if self.how == "died":
            raise Died
        if self.how == "failed":
            raise LookupFailed("no answer")
        return {n: LookupResult(str(n), "DELIVERED", "DELIVERED_TO_HANDSET", "") for n in numbers if n in self.told}


class Ledger(RuleBasedStateMachine):
    """An installation with one carrier, whose words are drawn at random."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "chappe.db"
        self.runner = asyncio.Runner()
        made = database(path)
        add_carrier(made)
        made.write(lambda tx: stored_accounts.insert(tx, DEPOT, "no hash", 0))
        made.connection.execute('UPDATE carrier SET options = \'{"lookup_url":"http://carrier.example/"}\'')
        made.connection.execute(f"UPDATE wallet SET postpaid_limit_mc = {LIMIT_MC} WHERE id = {STRANGER.wallet_id}")
        made.connection.execute(
            "INSERT INTO webhook SELECT id, id, 'DLR', 'https://hooks.example/', NULL, 1, NULL, 0 FROM account"
        )
        for account in (SHOP, STRANGER):
            top_up(made, account, FIRST_CREDITS - CREDITS)
        for account in (SHOP, BRANCH, STRANGER, DEPOT):
            made.connection.execute(f"INSERT INTO contact_list VALUES ({account.id}, {account.id}, 'all', 0, 0, 0)")
            for id_, number in enumerate([*NUMBERS, NUMBERS[0], "12"]):
                entry = f"{number}\x1f{'y' * 40 * id_}" if id_ else number
                made.connection.execute("INSERT INTO contact VALUES (?, ?, ?, ?)", (account.id, id_, number, entry))
        made.close()
        self.ids = Ids()
        self.store = self.run(self._open(path))
        rules = Rules(self.store, Defaults())
        self.submitter = Submitter(self.store, self.ids, Limits(), Links(self.store, "sms.example"), rules)
        self.list_submitter = ListSubmitter(self.store, self.ids, Limits(), Links(self.store, "sms.example"), rules)
        self.list_submitter._enqueuer.begin = lambda ticket: None  # type: ignore[method-assign]  # a rule does it
        self.expirer = Expirer(self.store, self.ids, receipt_wait_s=RECEIPT_WAIT_S)
        self.settler = Settler(self.store, self.ids)
        self.hands = 0  # messages that were sent again by hand
        self.credits = Credits(self.store)
        self.lookups = self.run(self._lookups())
        self.teller = Teller()
        self.lookups._client = self.teller  # type: ignore[assignment]
        self.owners: dict[int, Account] = {}  # by ticket
        self.in_flight: list[tuple[Claimed, list[str]]] = []  # with the ids the carrier will give
        self.lost: list[tuple[Claimed, list[str]]] = []  # written and not answered, may be answered late
        self.answered: list[Outcome] = []
        self.taken: set[tuple[int, int]] = set()  # parts the carrier said it took
        self.may_have_left: set[int] = set()
        self.unheard: dict[int, int] = defaultdict(int)  # tries that were written and never answered
        self.at_the_carrier: list[tuple[str, int]] = []  # ids that receipts may come for, and their numbers
        self.refs = 0
        self.clock = 0.0

    async def _open(self, path: Path) -> Store:
        store = Store(path)
        store._writer.connection.pragma("synchronous", "off")  # a crash of the machine is not under test here
        return store

    async def _lookups(self) -> Lookups:
        return Lookups(self.store, self.ids)

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.runner.run(work)

    def write(self, unit: object) -> object:
        async def work() -> object:
            return await self.store.write(unit)  # type: ignore[arg-type]

        return self.run(work())

    def rows(self, sql: str) -> list[Row]:
        return self.store.glance(lambda tx: tx.rows(Statement(sql)))

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.run(self.store.close())
            self.runner.close()
            self.folder.cleanup()

    # -- what customers and operators do

    @initialize(
        alert=st.sampled_from([HOLD, RESEND, QUERY, GIVE_UP]),
        marketing=st.sampled_from([HOLD, RESEND, QUERY, GIVE_UP]),
        is_idempotent=st.booleans(),
    )
    def open_the_lane(self, alert: UnknownPolicy, marketing: UnknownPolicy, is_idempotent: bool) -> None:
        self.unknowns = Unknowns(UnknownPolicies(alert, marketing), RECEIPT_WAIT_S, is_idempotent)
        self.never_resends = all(self.unknowns.unanswered(kind) != RESEND for kind in (ALERT, MARKETING))
        self.take_the_lane()

    @rule(
        account=accounts,
        to=st.lists(st.sampled_from([*NUMBERS, "x"]), min_size=1, max_size=5),
        text=st.sampled_from(sorted(TEXTS)),
        is_marketing=st.booleans(),
        is_for_later=st.sampled_from([False, False, True]),
    )
    def submit(self, account: Account, to: list[str], text: str, is_marketing: bool, is_for_later: bool) -> None:
        later = datetime.fromtimestamp(now_ms() / 1000 + 2 * 24 * 3600, PARIS).strftime(FORMAT)
        infos = [("y" * 40 * i, None, None, None) for i in range(len(to))] if text == "personal" else []
        kind: Kind = "marketing" if is_marketing else "alert"
        delay = later if is_for_later else None
        self.submit_to(account, SubmitRequest(TEXTS[text], to, kind, delay=delay, infos=[*infos]))

    @rule(account=accounts, text=st.sampled_from(sorted(TEXTS)), is_for_later=st.sampled_from([False, False, True]))
    def submit_to_a_list(self, account: Account, text: str, is_for_later: bool) -> None:
        later = datetime.fromtimestamp(now_ms() / 1000 + 2 * 24 * 3600, PARIS).strftime(FORMAT)
        delay = later if is_for_later else None
        self.submit_to(account, SubmitRequest(TEXTS[text], [], delay=delay, lists=[account.id]))

    @rule(n=st.integers(1, 4))
    def enqueue(self, n: int) -> None:
        def unit(tx: Tx) -> None:
            for ticket, _ in preparations.unqueued(tx)[:1]:
                preparations.enqueue(tx, ticket, routes.table(tx), at_once, VALIDITY_MS, now_ms(), n)

        self.write(unit)

    @rule(account=accounts, kind=st.sampled_from(["blacklist", "npai"]), number=st.sampled_from(NUMBERS[3:]))
    def exclude(self, account: Account, kind: exclusions.Kind, number: str) -> None:
        rows = [exclusions.NewExclusion(int(number))]
        self.write(lambda tx: exclusions.add(tx, account.id, kind, rows, now_ms()))

    def submit_to(self, account: Account, request: SubmitRequest) -> None:
        submitter = self.list_submitter if request.lists else self.submitter
        simulated = self.run(submitter.simulate(account, request))
        try:
            answer = self.run(submitter.submit(account, request))
        except InsufficientCredits:
            limit = LIMIT_MC if account is STRANGER else 0
            assert simulated.cost * 1000 > self.wallet(account.wallet_id)[0] + limit
            return
        assert (answer.cost, answer.sent, answer.total) == (simulated.cost, simulated.sent, simulated.total)
        assert answer.credits == simulated.credits - simulated.cost
        assert answer.ticket is not None
        self.owners[answer.ticket] = account

    @precondition(lambda self: self.owners)
    @rule(pick=which)
    def cancel(self, pick: int) -> None:
        ticket = recent(sorted(self.owners), pick)
        try:
            self.run(self.submitter.cancel(self.owners[ticket], ticket))
        except BadData:
            being_sent = "SELECT message_id FROM dispatch WHERE state NOT IN (0, 3) OR in_doubt"
            untouched = f"campaign_id = {ticket} AND state = 0 AND carrier_refs IS NULL AND id NOT IN ({being_sent})"
            assert self.rows(f"SELECT id FROM message WHERE {untouched}") == []

    @rule(account=accounts, given=st.integers(-20, 20))
    def add_credits(self, account: Account, given: int) -> None:
        before = self.wallet(account.wallet_id)[0]
        try:
            self.run(self.credits.add(account, given))
        except BadData:
            limit = LIMIT_MC if account is STRANGER else 0
            assert given == 0 or before + given * 1000 < -limit

    @rule(given=st.integers(-30, 30).filter(bool))
    def share_credits(self, given: int) -> None:
        """A parent gives credits to its sub-account with a wallet of its own, or takes some back."""
        giver = SHOP if given > 0 else DEPOT
        before = self.wallet(giver.wallet_id)[0]
        try:
            self.run(self.credits.share(SHOP, DEPOT.id, given))
        except InsufficientCredits:
            assert before - abs(given) * 1000 < 0

    @rule(
        account=accounts,
        to=st.lists(st.sampled_from([*NUMBERS, "x"]), min_size=1, max_size=5),
        told=st.sets(st.sampled_from(NUMBERS)),
        how=st.sampled_from(["answered", "answered", "failed", "died"]),
    )
    def look_up(self, account: Account, to: list[str], told: set[str], how: str) -> None:
        """Ask about numbers; the carrier tells about some of them, about none, or the process dies meanwhile."""
        before = self.wallet(account.wallet_id)[0]
        asked = set(to) - {"x"}
        self.teller.told, self.teller.how = {int(number) for number in told}, how
        try:
            done = self.run(self.lookups.look_up(account, to))
        except InsufficientCredits:
            assert len(asked) * 1000 > before + (LIMIT_MC if account is STRANGER else 0)
        except Unavailable:
            assert how == "failed" or not asked & told
            assert self.wallet(account.wallet_id)[0] == before
        except Died:
            assert self.wallet(account.wallet_id)[0] == before - len(asked) * 1000
        else:
            assert done.cost == len(asked & told)
            assert len(done.results) == len(set(to))
            assert self.wallet(account.wallet_id)[0] == before - done.cost * 1000

    # -- what the carrier does

    @rule(n=st.integers(1, 4))
    def claim(self, n: int) -> None:
        """Hand messages to the carrier; some are submitted first when none is waiting."""
        if not self.rows("SELECT 1 FROM dispatch WHERE state = 0 LIMIT 1"):
            if self.wallet(SHOP.wallet_id)[0] < 8000:
                self.run(self.credits.add(SHOP, 8))
            self.submit_to(SHOP, SubmitRequest(TEXTS["long" if n % 2 else "short"], NUMBERS[:n]))
        lane = self.lane
        claimed: list[Claimed] = self.write(lambda tx: queue.claim(tx, CARRIER, lane.epoch, n))  # type: ignore[assignment]
        for message in claimed:
            known = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
            self.check_that_it_may_be_sent(message, known)
            refs = []
            for ref in known:
                self.refs += ref == NO_REF
                refs.append(f"{self.refs:X}" if ref == NO_REF else ref)
            self.in_flight.append((message, refs))

    def check_that_it_may_be_sent(self, message: Claimed, known: list[str]) -> None:
        """None is sent twice but those that are unknown and resent by policy."""
        assert not [seq for seq, ref in enumerate(known) if ref == NO_REF and (message.message_id, seq) in self.taken]
        steps = [row[0] for row in self.rows(f"SELECT step FROM trace WHERE message_id = {message.message_id}")]
        unsettled = sum(1 for each, _ in self.lost if each.message_id == message.message_id)
        resent = steps.count("resent") + steps.count("by hand")
        assert unsettled <= resent <= (0 if self.never_resends else RESEND.times + self.hands)

    @rule(
        pick=which,
        how=st.sampled_from(["accepted"] * 4 + ["lost"] * 4 + ["kept", *REFUSALS]),
        taken=st.sets(st.integers(0, 1)),
        is_doubled=st.booleans(),
        with_receipt=st.booleans(),
    )
    def answer(self, pick: int, how: str, taken: set[int], is_doubled: bool, with_receipt: bool) -> None:
        if not self.in_flight:
            self.claim(pick % 4 + 1)
        if not self.in_flight:
            return  # no credits left to send with
        message, refs = self.in_flight.pop(pick % len(self.in_flight))
        known = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
        told = [ref if how == "accepted" or seq in taken else old for seq, (ref, old) in enumerate(zip(refs, known))]  # noqa: B905
        if NO_REF not in told:
            how = "accepted"  # nothing of it is left to be refused or lost
        if how == "lost":
            self.lost.append((message, refs))
            self.may_have_left.add(message.message_id)
            self.unheard[message.message_id] += 1
            self.at_the_carrier += [(ref, message.number) for ref in refs]
        result = REFUSALS.get(how) or {"accepted": "accepted", "lost": "unknown", "kept": "unsent"}[how]
        outcome = Outcome(message.message_id, told, result, message.attempts, message.expires_at)  # type: ignore[arg-type]
        self.tell(message, outcome)
        receipts = [ReceiptIn(refs[0], message.number, Dlr.DELIVERED, True, "")] if with_receipt else []
        self.record([outcome], receipts if told[0] != NO_REF or how == "lost" else [])
        if is_doubled and how == "accepted":
            self.record([outcome], [])

    @rule(pick=which, how=st.sampled_from(["accepted", "accepted", "permanent", "temporary", "throttle"]))
    def answer_late(self, pick: int, how: str) -> None:
        if not self.lost:
            self.answer(pick, "lost", set(), False, False)
        if not self.lost:
            return
        message, refs = self.lost.pop(pick % len(self.lost))
        known = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
        told = refs if how == "accepted" else known
        self.unheard[message.message_id] -= 1
        result = REFUSALS.get(how) or "accepted"
        outcome = Outcome(message.message_id, told, result, message.attempts, message.expires_at)  # type: ignore[arg-type]
        self.tell(message, outcome)
        self.record([outcome], [])

    def tell(self, message: Claimed, outcome: Outcome) -> None:
        """Note what the carrier now has said to have."""
        for seq, ref in enumerate(outcome.refs):
            if ref != NO_REF:
                self.taken.add((message.message_id, seq))
                self.at_the_carrier.append((ref, message.number))
                self.may_have_left.add(message.message_id)

    @rule(
        picks=st.lists(which, min_size=1, max_size=4),
        dlr=st.sampled_from([3, 3, 3, 2, 5, 11, 12]),
        is_final=st.sampled_from([True, True, False]),
        names_number=st.booleans(),
    )
    def report(self, picks: list[int], dlr: int, is_final: bool, names_number: bool) -> None:
        if not self.at_the_carrier:
            self.answer(picks[0], "accepted", set(), False, False)
        if not self.at_the_carrier:
            return
        receipts = []
        for pick in picks:
            ref, number = recent(self.at_the_carrier, pick)
            receipts.append(ReceiptIn(ref, number if names_number else None, dlr if is_final else 1, is_final, "words"))
        self.record([], receipts)

    @precondition(lambda self: self.in_flight)
    @rule(pick=which, is_delivered=st.booleans())
    def report_early(self, pick: int, is_delivered: bool) -> None:
        message, refs = self.in_flight[pick % len(self.in_flight)]
        receipts = [ReceiptIn(ref, message.number, 3 if is_delivered else 5, True, "early") for ref in refs]
        self.record([], receipts)

    @rule(number=st.sampled_from(NUMBERS), ref=st.sampled_from(["foreign", "", "-", "0", "zz top"]))
    def report_something_foreign(self, number: str, ref: str) -> None:
        if any(each.number == int(number) for each, _ in self.lost):
            return  # it would be taken for the lost one, and rightly so
        self.record([], [ReceiptIn(ref, int(number), 3, True, "not ours")])

    @precondition(lambda self: self.centre.asked)
    @rule(
        pick=which,
        told=st.sampled_from([3, 3, 2, 1, 1, 11, "ESME_RQUERYFAIL", "no answer"]),
        is_doubled=st.booleans(),
    )
    def answer_a_question(self, pick: int, told: int | str, is_doubled: bool) -> None:
        question = self.centre.asked.pop(pick % len(self.centre.asked))
        answer = told if isinstance(told, str) else ReceiptIn(question.ref, question.number, told, told > 1, "words")
        self.questions.told([(question, answer)])
        self.keep_up()
        if is_doubled:
            self.questions.told([(question, answer)])
            self.keep_up()

    @rule(pick=which, verdict=st.sampled_from(["delivered", "failed", "resend"]))
    def settle_by_hand(self, pick: int, verdict: Verdict) -> None:
        is_open = "SELECT message_id FROM dispatch WHERE state = 2 UNION SELECT id FROM message WHERE state = 1"
        found = sorted(row[0] for row in self.rows(is_open))
        if not found or (verdict == "resend" and self.never_resends):
            return
        try:
            self.run(self.settler.settle(recent(found, pick), verdict, "cli:test"))
        except BadData:
            assert verdict == "resend"
        else:
            self.hands += verdict == "resend"

    def record(self, outcomes: list[Outcome], receipts: list[ReceiptIn]) -> None:
        result = self.write(lambda tx: self.recorder.record(tx, outcomes, receipts, now_ms()))
        self.recorder.recorded(result)  # type: ignore[arg-type]

    # -- what time and accidents do

    @rule()
    def crash(self) -> None:
        self.take_the_lane()

    def take_the_lane(self) -> None:
        """As a gateway that starts: what was being sent becomes unknown, and can no longer be answered."""
        for message, refs in self.in_flight:
            self.may_have_left.add(message.message_id)
            self.unheard[message.message_id] += 1
            self.at_the_carrier += [(ref, message.number) for ref in refs]
        self.in_flight.clear()
        self.lost.clear()
        epoch = self.write(lambda tx: leases.take(tx, "lane", "test", now_ms(), 10_000))
        assert isinstance(epoch, int)
        self.lane = Lane(CARRIER, epoch, self.unknowns)
        self.recorder = Recorder(self.lane, self.ids)
        self.centre = Centre()
        self.questions = Questions(self.store, self.lane, self.recorder, self.centre)  # type: ignore[arg-type]
        self.upkeep = Upkeep(self.store, self.lane, self.recorder)
        self.write(self.recorder.load)
        self.write(self.upkeep.take_over)
        self.recorder.recorded(self.write(lambda tx: self.recorder.reconsider(tx, now_ms())))  # type: ignore[arg-type]

    @rule(
        ms=st.sampled_from([31_000, 2 * MINUTE, 2 * MINUTE, 11 * MINUTE, 11 * MINUTE, DAY, 3 * DAY]),
        is_expiry_due=st.booleans(),
    )
    def let_time_pass(self, ms: int, is_expiry_due: bool) -> None:
        def unit(tx: Tx) -> None:
            for statement in MOVE_INTO_THE_PAST:
                tx.run(statement, ms=ms)
            tx.run(Statement("UPDATE lookup SET asked_at = asked_at - :ms"), ms=ms)
            tx.run(Statement("UPDATE unmatched_receipt SET received_at = received_at - :ms"), ms=ms)

        self.write(unit)
        self.keep_up()
        if is_expiry_due:
            self.run(self.expirer.once())
            self.run(self.lookups.settle_abandoned())

    def keep_up(self) -> None:
        for _ in range(3):
            self.clock += 10.0
            self.run(self.upkeep.run(self.clock))
            self.run(self.questions.run(self.clock, 100))

    def finish(self) -> None:
        """However a history went, everything comes to an end."""
        if not hasattr(self, "lane"):
            return
        for ticket, _ in self.store.glance(preparations.unqueued):
            self.run(Enqueuer(self.store, Rules(self.store, Defaults()), validity_s=48 * 3600).enqueue(ticket))
        self.take_the_lane()
        self.let_time_pass(9 * DAY, is_expiry_due=True)
        self.let_time_pass(2 * DAY, is_expiry_due=True)
        self.everything_holds()
        assert self.rows("SELECT id FROM message WHERE state NOT IN (2, 3, 4)") == []
        assert self.rows("SELECT message_id FROM dispatch") == []
        assert {row[0] for row in self.rows("SELECT reserved_mc FROM wallet")} == {0}
        assert {row[0] for row in self.rows("SELECT open FROM campaign")} <= {0}
        assert self.rows("SELECT id FROM lookup WHERE state = 0") == []
        self.forget()

    def forget(self) -> None:
        """Years later nothing is left of campaigns and messages, and the money is what it was."""
        before = self.rows("SELECT id, available_mc, reserved_mc FROM wallet")
        self.write(lambda tx: [tx.run(statement, ms=3 * 366 * DAY) for statement in MOVE_INTO_THE_PAST])
        retainer = Retainer(self.store, event_keep_days=1)
        while not self.run(retainer.once()):
            pass
        for table in ("message", "campaign", "trace"):
            assert self.rows(f"SELECT id FROM {table}") == []
        assert self.rows("SELECT id, available_mc, reserved_mc FROM wallet") == before
        self.no_wallet_is_below_its_limit_and_each_is_the_sum_of_its_entries()

    # -- the laws

    def wallet(self, wallet: int) -> Row:
        return self.rows(f"SELECT available_mc, reserved_mc, postpaid_limit_mc FROM wallet WHERE id = {wallet}")[0]

    @invariant()
    def everything_holds(self) -> None:
        self.no_wallet_is_below_its_limit_and_each_is_the_sum_of_its_entries()
        self.each_look_up_is_paid_once_or_given_back()
        self.each_message_settles_once_and_what_may_have_left_is_paid()
        self.the_counters_are_the_counts_of_the_states()
        self.the_queue_has_what_is_open_and_nothing_else()
        self.each_final_status_is_told_once()

    def no_wallet_is_below_its_limit_and_each_is_the_sum_of_its_entries(self) -> None:
        sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for wallet, kind, amount in self.rows("SELECT wallet_id, kind, SUM(amount_mc) FROM ledger GROUP BY 1, 2"):
            sums[wallet][kind] = amount
        open_: dict[int, int] = defaultdict(int)
        for wallet, price in self.rows(
            "SELECT c.wallet_id, SUM(m.price_mc) FROM message m JOIN campaign c ON c.id = m.campaign_id"
            " WHERE m.state = 0 GROUP BY 1"
        ):
            open_[wallet] = price
        for wallet, price in self.rows("SELECT wallet_id, SUM(price_mc) FROM lookup WHERE state = 0 GROUP BY 1"):
            open_[wallet] += price
        for wallet, available, reserved, limit in self.rows(
            "SELECT id, available_mc, reserved_mc, postpaid_limit_mc FROM wallet"
        ):
            entries = sums[wallet]
            assert available >= -limit
            given = entries["topup"] + entries["adjust"] + entries["transfer"]
            assert available == given + entries["release"] - entries["reserve"]
            assert reserved == entries["reserve"] - entries["capture"] - entries["release"] == open_[wallet]
            assert available + reserved + entries["capture"] == given
        assert sum(entries["transfer"] for entries in sums.values()) == 0

    def each_look_up_is_paid_once_or_given_back(self) -> None:
        entries: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for wallet, kind, amount in self.rows(
            "SELECT wallet_id, kind, SUM(amount_mc) FROM ledger WHERE campaign_id IS NULL GROUP BY 1, 2"
        ):
            entries[wallet][kind] = amount
        states: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for wallet, state, price in self.rows("SELECT wallet_id, state, SUM(price_mc) FROM lookup GROUP BY 1, 2"):
            states[wallet][state] = price
        for wallet in {*entries, *states}:
            asked, answered, failed = states[wallet]
            found = entries[wallet]
            assert (found["capture"], found["release"]) == (answered, failed)
            assert found["reserve"] == asked + answered + failed

    def each_message_settles_once_and_what_may_have_left_is_paid(self) -> None:
        entries: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for campaign, kind, amount in self.rows(
            "SELECT campaign_id, kind, SUM(amount_mc) FROM ledger WHERE campaign_id IS NOT NULL GROUP BY 1, 2"
        ):
            entries[campaign][kind] = amount
        settled: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for id_, campaign, state, price, refs in self.rows(
            "SELECT id, campaign_id, state, price_mc, carrier_refs FROM message"
        ):
            if state == State.ACCEPTED:
                settled[campaign][0] += price
            elif state in (State.SENT, State.DELIVERED) or refs is not None:
                assert id_ in self.may_have_left
                settled[campaign][1] += price
            elif self.unheard[id_]:
                assert state != State.CANCELLED
                settled[campaign][1] += price
            elif id_ not in self.may_have_left or self.never_resends:
                settled[campaign][2] += price
        for campaign, cost in self.rows("SELECT id, cost_mc FROM campaign"):
            open_, earned, returned = settled[campaign]
            found = entries[campaign]
            assert cost == found["reserve"] == open_ + found["capture"] + found["release"]
            assert found["capture"] >= earned
            assert found["release"] >= returned
            if self.never_resends:
                assert (found["capture"], found["release"]) == (earned, returned)

    def the_counters_are_the_counts_of_the_states(self) -> None:
        names = ("open", "delivered", "failed", "expired", "network_error", "cancelled")
        counted: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for campaign, state, dlr, count in self.rows(
            "SELECT campaign_id, state, dlr, COUNT(*) FROM message GROUP BY 1, 2, 3"
        ):
            if state not in FINAL:
                name = "open"
            elif state == State.FAILED:
                name = {Dlr.EXPIRED: "expired", Dlr.NETWORK_ERROR: "network_error"}.get(dlr, "failed")
            else:
                name = State(state).name.lower()
            counted[campaign][name] += count
        for campaign, sent, total, left_out, *counters in self.rows(
            "SELECT id, sent, total, invalid + duplicated + blacklisted + npai, " + ", ".join(names) + " FROM campaign"
        ):
            assert counters == [counted[campaign][name] for name in names]
            assert sum(counters) == sent
            assert total == sent + left_out
        nobodys = "SELECT COUNT(*) FROM message WHERE campaign_id = campaign.id AND state = 3 AND dlr = 5"
        assert self.rows(f"SELECT id FROM campaign WHERE unassigned != ({nobodys})") == []

    def the_queue_has_what_is_open_and_nothing_else(self) -> None:
        queued = {row[0]: row[1:] for row in self.rows("SELECT message_id, state, epoch FROM dispatch")}
        states = {row[0]: row[1] for row in self.rows("SELECT id, state FROM message")}
        coming = {
            row[0]
            for row in self.rows(
                "SELECT m.id FROM campaign c JOIN message m ON m.campaign_id = c.id AND m.id > c.queued_to"
                " AND m.state = 0"
            )
        }
        assert set(queued).isdisjoint(coming)
        assert set(queued) | coming == {id_ for id_, state in states.items() if state == State.ACCEPTED}
        being_sent = {id_ for id_, (state, _) in queued.items() if state == 1}
        assert being_sent <= {message.message_id for message, _ in self.in_flight}
        assert all(epoch == self.lane.epoch for state, epoch in queued.values() if state == 1)

    def each_final_status_is_told_once(self) -> None:
        told: dict[int, list[int]] = defaultdict(list)
        for message, payload in self.rows("SELECT message_id, payload FROM event ORDER BY id"):
            told[message].append(json.loads(payload)["status"])
        for id_, state, dlr in self.rows("SELECT id, state, dlr FROM message"):
            if state not in (State.DELIVERED, State.FAILED):
                assert told[id_] == []
            elif len(told[id_]) == 1:
                assert told[id_] == [dlr]
            else:
                assert (told[id_][0] in (Dlr.NETWORK_ERROR, Dlr.EXPIRED), told[id_][1:], dlr) == (True, [3], 3)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
