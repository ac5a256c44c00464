"""Whatever becomes of carriers, every accepted message waits or ends, once, and no two carriers have taken it."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chappe.domain.failover import STOPPED
from chappe.domain.lane_health import Health, HealthState
from chappe.domain.lifecycle import FINAL, Dlr, Queue, State
from chappe.domain.outcomes import NO_REF, Outcome
from chappe.domain.requests import SubmitRequest
from chappe.domain.retry import Refused
from chappe.domain.routes import Route
from chappe.domain.routing import RouteTable
from chappe.domain.submission import plan
from chappe.pipeline import failover
from chappe.pipeline.record import Lane, Recorder
from chappe.store import lane_health, queue, routes, submissions
from chappe.store.queue import Claimed
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.rulebooks import HOURS, rules_of
from tests.store.build import CREDITS, LIMITS, LONG_TEXT, SHOP, Core, add_carrier, database, top_up

LANES = (5, 6, 7)
REFUSALS = [
    Refused("permanent", Dlr.ROUTE_NOT_AVAILABLE, "no credit"),
    Refused("permanent", Dlr.INVALID_DESTINATION, "ESME_RINVDSTADR"),
    Refused("temporary", Dlr.NETWORK_ERROR, "ESME_RSYSERR"),
    Refused("temporary", Dlr.NETWORK_ERROR, "later"),
    Refused("throttle", Dlr.NETWORK_ERROR, "ESME_RTHROTTLED"),
    Refused("queue_full", Dlr.NETWORK_ERROR, "ESME_RMSGQFUL"),
]
lanes = st.sampled_from(LANES)
answers: st.SearchStrategy[str | int] = st.sampled_from(["take", "part", "lose", "keep", *range(len(REFUSALS))])
which = st.integers(0, 1000)


class Known:
    """The routes as they are, without a moment's delay, also for whoever is in a unit of work."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path)

    def table(self) -> RouteTable:
        return self.db.read(routes.table)


class Carriers(RuleBasedStateMachine):
    """Three carriers that take, refuse, lose, and come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "chappe.db"
        self.core = Core(db=database(path))
        top_up(self.core.db, SHOP, 10_000)
        self.known = Known(path)
        self.lanes: dict[int, Core] = {}
        for lane in LANES:
            add_carrier(self.core.db, lane, f"carrier{lane}")
            self.core.db.write(lambda tx, lane=lane: routes.insert(tx, Route(lane, lane, rank=lane // 6), 0))  # type: ignore[misc]
            self.lanes[lane] = Core(db=self.core.db, carrier=lane, ids=self.core.ids)
            self.lanes[lane].recorder = Recorder(Lane(lane, self.lanes[lane].epoch), self.core.ids, self.known)  # type: ignore[arg-type]
        self.flying: list[tuple[int, Claimed]] = []
        self.accepted = 0
        self.taken: Counter[int] = Counter()
        self.moves: Counter[int] = Counter()

    def teardown(self) -> None:
        self.known.db.close()
        self.core.db.close()
        self.folder.cleanup()

    @initialize(count=st.integers(1, 4), is_long=st.booleans())
    def begin(self, count: int, is_long: bool) -> None:
        self.submit(count=count, is_long=is_long)

    @rule(count=st.integers(1, 4), is_long=st.booleans())
    def submit(self, count: int, is_long: bool) -> None:
        to = [str(33_612_000_000 + self.accepted + i) for i in range(count)]
        request = SubmitRequest(LONG_TEXT if is_long else "Hello", to)
        made = plan(request, rules_of(SHOP), self.known.table(), LIMITS, self.core.now, hours=HOURS)
        self.core.db.write(lambda tx: submissions.write(tx, self.core.ids, SHOP, made, self.core.now))
        self.accepted += count

    @rule(n=st.integers(1, 3))
    def claim(self, n: int) -> None:
        table = self.known.table()
        for lane in LANES:
            if table.health(lane).state not in STOPPED:
                self.flying += [(lane, message) for message in self.lanes[lane].claim(n)]

    @precondition(lambda self: self.flying)
    @rule(pick=which, what=answers)
    def answer(self, pick: int, what: str | int) -> None:
        self._answer(pick, what)

    @precondition(lambda self: self.flying)
    @rule(what=st.lists(answers, min_size=1, max_size=6))
    def answer_many(self, what: list[str | int]) -> None:
        for each in what[: len(self.flying)]:
            self._answer(0, each)

    def _answer(self, pick: int, what: str | int) -> None:
        lane, message = self.flying.pop(pick % len(self.flying))
        core = self.lanes[lane]
        known = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
        if what == "take" or (what == "part" and message.parts == 1):
            self.taken[message.message_id] += 1
            outcome: object = "accepted"
            known = [ref if ref != NO_REF else f"{lane}.{message.message_id}.{i}" for i, ref in enumerate(known)]
        elif what == "part":
            known[0] = f"{lane}.{message.message_id}.0"
            outcome = REFUSALS[2]
        elif what in ("lose", "keep"):
            outcome = "unknown" if what == "lose" else "unsent"
        else:
            outcome = REFUSALS[int(what)]
        core.record([Outcome(message.message_id, known, outcome, message.attempts, message.expires_at)])  # type: ignore[arg-type]

    @rule(lane=lanes, state=st.sampled_from(["ok", "ok", "down", "throttled", "bad"]))
    def judge(self, lane: int, state: HealthState) -> None:
        self.core.db.write(lambda tx: lane_health.put(tx, [(lane, "", Health(state, "a test"))]))

    @rule()
    def fail_over(self) -> None:
        table = self.known.table()
        for lane in self.core.db.read(queue.lanes_in_use):
            leaving = failover.leaving_of(table, lane, self.core.now)
            if leaving is not None:
                going = failover._Pass(table, 0, 0)
                while going.again_at is None:
                    found, moved = self.core.db.write(
                        lambda tx, lane=lane, leaving=leaving, going=going: failover._move_next(  # type: ignore[misc]
                            tx, lane, leaving, going
                        )
                    )
                    going.after(found, moved, self.core.now)

    @rule()
    def wait(self) -> None:
        """What waits for another try gets it."""
        self.core.db.write(lambda tx: tx.run(Statement("UPDATE dispatch SET state = 0 WHERE state = 3")))

    @invariant()
    def every_message_waits_or_is_taken_or_has_ended(self) -> None:
        rows = self.core.rows(
            "SELECT m.id, m.state, d.state, d.lane_id, m.carrier_refs FROM message m"
            " LEFT JOIN dispatch d ON d.message_id = m.id"
        )
        assert len(rows) == self.accepted
        flying = Counter(message.message_id for _, message in self.flying)
        assert max(flying.values(), default=0) <= 1, "no two carriers have it in hand"
        for message, state, waits, lane, refs in rows:
            if state == State.SENT or state in FINAL:
                assert waits is None
                assert not flying[message]
            else:
                assert waits is not None, "it would never end"
                assert lane in LANES
                assert (waits == Queue.SENDING) == bool(flying[message])
            if refs:
                assert len({ref.split(".")[0] for ref in refs.split(" ") if ref != NO_REF}) == 1, "one carrier's parts"

    @invariant()
    def nobody_gets_a_message_twice(self) -> None:
        assert max(self.taken.values(), default=0) <= 1

    @invariant()
    def the_wallet_agrees(self) -> None:
        found = self.core.wallet()
        assert found.available_mc + found.reserved_mc <= (CREDITS + 10_000) * 1000


Carriers.TestCase.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
test_every_message_waits_or_ends_once = Carriers.TestCase
