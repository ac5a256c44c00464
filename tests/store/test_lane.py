"""A lane between the queue and its carrier: what it claims leaves or goes back, and what it is told is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chappe.carriers.connection import Address, Cut, Outgoing
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.submits import Writer
from chappe.domain.errors import Unavailable
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.retry import Refused
from chappe.domain.rulebook import Defaults
from chappe.pipeline import dispatch
from chappe.pipeline.dispatch import LaneRunner
from chappe.pipeline.record import Recorded
from chappe.pipeline.rules import Rules
from chappe.pipeline.sending import Token
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from tests.builders import on_loop
from tests.store.build import CREDITS, LONG_TEXT, NOT_NOW, TO, Core, add_carrier, balance, database

HERE = Address("carrier", "127.0.0.1", 2775, "chappe", "secret")


class Wire:
    """A carrier that is bound and keeps what it is given; what it answers is the test's to say."""

    free, capacity, is_bound, can_query = 100, 100, True, False

    def __init__(self) -> None:
        self.options = SmppOptions()
        self.given: list[Token] = []
        self.cannot = ""
        self.states: list[Any] = []

    def start(self) -> None:
        """It is connected already."""

    async def stop(self) -> None:
        """Nothing is in flight."""

    def reconfigure(self, address: Address, options: SmppOptions) -> None:
        self.options = options

    def cut(self, message: Outgoing) -> Cut:
        if self.cannot:
            raise ValueError(self.cannot)
        return Writer(self.options).write(message)

    def submit(self, items: Sequence[tuple[Token, Any]]) -> list[tuple[Token, str]]:
        self.given += [token for token, _ in items]
        return []

    def take(self) -> list[Token]:
        taken, self.given = self.given, []
        return taken


class Office:
    """A lane on a real database, a step at a time."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.wire = wire
        self.core = Core(db=database(folder / "chappe.db"), now=now_ms())
        add_carrier(self.core.db)
        self.store = Store(folder / "chappe.db")
        rules, lane = Rules(self.store, Defaults()), self.core.recorder._lane
        self.runner = LaneRunner(self.store, self.core.ids, rules, lane, HERE, wire.options, 0)

    async def turn(self) -> list[Token]:
        """What leaves in one turn."""
        self.runner.wake()
        await self.runner._turn(100)
        return self.wire.take()

    def answer(self, token: Token, said: Refused | str, *, late: bool = False) -> None:
        refused, ref = (None, said) if isinstance(said, str) else (said, "")
        self.runner.answered([(token, refused, ref)], late=late)

    def queue(self) -> list[object]:
        return self.core.column("SELECT state FROM dispatch")

    def steps(self) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.core.rows("SELECT step, detail FROM trace ORDER BY id")]

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(dispatch, "connection_of", lambda address, options, listener: made)
    monkeypatch.setattr(dispatch, "UNAVAILABLE_S", 0.01)
    return made


def test_a_lane_outlives_a_database_that_cannot_be_read_for_a_while(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        office.core.submit(TO)
        (token,) = await office.turn()
        office.answer(token, "a")
        with monkeypatch.context() as patch:
            patch.setattr(office.store, "glance", _away)
            assert await office.turn() == []
        office.core.submit(TO)
        assert len(await office.turn()) == 1
        assert office.core.status(token[0].message_id) == (State.SENT, Dlr.SENT)
        await office.close()

    scenario()


def test_of_a_message_that_is_partly_taken_the_rest_is_not_cut_in_another_way(tmp_path: Path, wire: Wire) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        office.core.submit(TO, text=LONG_TEXT)
        first, *others = await office.turn()
        office.answer(first, "a")
        office.runner.unsent(others)
        await office.turn()
        office.runner.reconfigure(HERE, SmppOptions(long_messages="payload"), 0, is_paused=False)
        await office.turn()
        assert await office.turn() == []
        assert office.core.status(first[0].message_id) == (State.FAILED, Dlr.NOT_DELIVERED)
        assert office.steps()[-1] == ("refused", dispatch.CUT_ANEW)
        assert balance(office.core) == (CREDITS - 3, 0)
        assert office.queue() == []
        await office.close()

    scenario()


def test_a_message_of_which_nothing_is_missing_any_more_leaves_the_queue(tmp_path: Path, wire: Wire) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        office.core.submit(TO, text=LONG_TEXT)
        (message,) = office.core.claim()
        office.runner._send([message._replace(refs="a b c")])
        assert wire.take() == []
        await office.turn()
        assert office.core.status(message.message_id) == (State.SENT, Dlr.SENT)
        assert office.queue() == []
        await office.close()

    scenario()


def test_what_a_carrier_cannot_say_is_not_counted_against_it(tmp_path: Path, wire: Wire) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        wire.cannot = "it wants a sender"
        office.core.submit(TO)
        await office.turn()
        await office.turn()
        assert office.steps()[-1] == ("refused", "cannot be encoded: it wants a sender")
        assert office.core.column("SELECT dlr FROM message") == [Dlr.ROUTE_NOT_AVAILABLE]
        assert office.core.column("SELECT SUM(refused) + SUM(faults) FROM carrier_figure") in ([0], [None])
        await office.close()

    scenario()


def test_a_fault_after_a_commit_writes_nothing_twice_and_forgets_nothing_that_was_claimed(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        office.core.submit(TO)
        (token,) = await office.turn()
        office.answer(token, "a")
        office.core.submit(TO)
        with monkeypatch.context() as patch:
            patch.setattr(office.runner._recorder, "recorded", _faulty)
            assert len(await office.turn()) == 1
        assert office.core.column("SELECT SUM(sent) FROM carrier_figure") == [1]
        await office.close()

    scenario()


def test_a_long_message_is_known_again_when_all_its_lost_parts_were_answered_late(tmp_path: Path, wire: Wire) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        office.core.submit(TO, text=LONG_TEXT)
        first, second, third = await office.turn()
        office.answer(first, "a")
        office.runner.unknown([second, third])
        await office.turn()
        office.answer(second, NOT_NOW, late=True)
        await office.turn()
        assert office.queue() == [Queue.UNKNOWN]
        office.answer(third, "c", late=True)
        await office.turn()
        assert office.queue() == [Queue.SCHEDULED]
        assert office.core.column("SELECT carrier_refs FROM message") == ["a - c"]
        await office.close()

    scenario()


def test_what_is_claimed_while_the_carrier_is_being_paused_goes_back(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    @on_loop
    async def scenario() -> None:
        office = Office(tmp_path, wire)
        office.core.submit(TO)
        commit = office.runner._commit

        async def paused_meanwhile(*args: Any) -> Any:
            result = await commit(*args)
            office.runner.reconfigure(HERE, wire.options, 0, is_paused=True)
            return result

        with monkeypatch.context() as patch:
            patch.setattr(office.runner, "_commit", paused_meanwhile)
            assert await office.turn() == []
        assert office.runner._room() == 0
        await office.runner._turn(0)
        assert office.queue() == [Queue.READY]
        office.runner.reconfigure(HERE, wire.options, 0, is_paused=False)
        assert len(await office.turn()) == 1
        await office.close()

    scenario()


def _away(query: object) -> None:
    raise Unavailable("the database does not answer")


def _faulty(result: Recorded) -> None:
    raise KeyError("a fault of ours")
