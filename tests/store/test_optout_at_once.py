"""Nobody who has said STOP gets what was accepted before and has not left."""

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.accounts import Account
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.outcomes import NO_REF
from chappe.domain.rulebook import Defaults, Override
from chappe.pipeline import curfew
from chappe.pipeline.curfew import UNWANTED
from chappe.pipeline.rules import Rules
from chappe.store import exclusions, queue, rules
from chappe.store.exclusions import NewExclusion
from chappe.store.queue import Claimed
from chappe.store.sqlite import Store, Tx
from tests.store.build import (
    BRANCH,
    CREDITS,
    DAY,
    LONG_TEXT,
    SHOP,
    STRANGER,
    TO,
    TOO_FAST,
    Core,
    accepted,
    balance,
    counters,
    events,
    lost,
    refused,
)

OTHER = "33612345679"
FAILED = (State.FAILED, Dlr.NOT_ALLOWED)


class Lane:
    """The lane of a carrier, as its gateway serves it. The marketing hours are always open."""

    def __init__(self) -> None:
        self.core = Core()
        self.core.db.write(lambda tx: rules.put(tx, [Override(0, "", "marketing_hours", "always")]))
        self.rules = Rules(cast(Store, self.core.db), Defaults())  # within a unit of work it reads through that

    def claim(self, n: int = 1000) -> list[Claimed]:
        """What the lane hands over now, as it does it."""
        core = self.core

        def unit(tx: Tx) -> list[Claimed]:
            cleared = curfew.claim(tx, self.rules, core.carrier, core.epoch, n, core.now)
            curfew.end_unwanted(tx, core.recorder, cleared.unwanted, core.now)
            return cleared.messages

        return core.db.write(unit)

    def stop(self, number: str = TO, account: Account = SHOP) -> None:
        self.core.db.write(lambda tx: exclusions.add(tx, account.id, "blacklist", [NewExclusion(int(number))], 0))


@pytest.mark.parametrize("kind", ["alert", "marketing"])
def test_what_waits_for_who_said_stop_is_not_sent_and_not_paid(kind: str) -> None:
    lane = Lane()
    core = lane.core
    core.listen()
    ticket = core.submit(TO, OTHER, kind=kind)
    lane.stop()
    core.now += DAY // 2  # marketing was planned for the next morning
    core.wake()
    assert [message.number for message in lane.claim()] == [int(OTHER)]
    unwanted, other = core.messages_of(ticket)
    assert (core.status(unwanted.id), core.queue_state(unwanted.id)) == (FAILED, None)
    assert core.queue_state(other.id) == Queue.SENDING
    assert balance(core) == (CREDITS - 1, 1), "only the other one is still set aside"
    assert counters(core, ticket) == {"open": 1, "failed": 1}
    assert events(core) == [Dlr.NOT_ALLOWED]
    assert core.column("SELECT detail FROM trace WHERE message_id = :id", id=unwanted.id) == [UNWANTED]


def test_a_message_for_later_is_not_sent_either() -> None:
    lane = Lane()
    ticket = lane.core.submit(TO, delay="2031-05-20 02:33:20")
    lane.stop()
    assert lane.claim() == []
    lane.core.now += DAY
    lane.core.wake()
    assert lane.claim() == []
    assert lane.core.status(lane.core.messages_of(ticket)[0].id) == FAILED
    assert balance(lane.core) == (CREDITS, 0)


def test_only_the_account_that_was_told_stop_is_kept_from_sending() -> None:
    lane = Lane()
    for account in (SHOP, BRANCH, STRANGER):
        lane.core.submit(TO, account=account)
    lane.stop(account=SHOP)
    assert [message.account_id for message in lane.claim()] == [BRANCH.id, STRANGER.id]


def test_a_refill_looks_for_as_many_others_as_it_had_to_end() -> None:
    lane = Lane()
    lane.core.submit(TO, OTHER, "33612345680", "33612345681")
    lane.stop(TO)
    lane.stop(OTHER)
    assert [message.number for message in lane.claim(2)] == [33612345680, 33612345681]


def test_a_long_message_that_has_begun_to_leave_is_finished() -> None:
    lane = Lane()
    lane.core.submit(TO, text=LONG_TEXT)
    (message,) = lane.claim()
    lane.core.record([refused(message, TOO_FAST, "r1", NO_REF, NO_REF)])
    lane.stop()
    (again,) = lane.claim()
    lane.core.record([accepted(again, "r1", "r2", "r3")])
    assert lane.core.status(message.message_id) == (State.SENT, Dlr.SENT)


def test_a_message_nobody_answered_for_is_not_sent_again_and_is_paid() -> None:
    lane = Lane()
    lane.core.submit(TO)
    (message,) = lane.claim()
    lane.core.record([lost(message)])
    lane.core.db.write(lambda tx: queue.resend(tx, [message.message_id]))
    lane.stop()
    assert lane.claim() == []
    assert lane.core.status(message.message_id) == FAILED
    assert balance(lane.core) == (CREDITS - 1, 0)


PEOPLE = ("33612345670", "33612345671", "33612345672")
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from([SHOP, BRANCH]), st.sets(st.sampled_from(PEOPLE), min_size=1)),
        st.tuples(st.just("stop"), st.sampled_from([SHOP, BRANCH]), st.sampled_from(PEOPLE)),
        st.tuples(st.just("back"), st.sampled_from([SHOP, BRANCH]), st.sampled_from(PEOPLE)),
        st.tuples(st.just("claim"), st.integers(1, 4)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_whatever_happens_nobody_who_said_stop_is_handed_over(moves: list[tuple[object, ...]]) -> None:
    lane = Lane()
    stopped: set[tuple[int, int]] = set()
    for move, *more in [*moves, ("claim", 1000)]:
        if move == "claim":
            messages = lane.claim(cast(int, more[0]))
            assert not {(message.account_id, message.number) for message in messages} & stopped
            lane.core.record([accepted(message) for message in messages])
            continue
        account = cast(Account, more[0])
        if move == "submit":
            lane.core.submit(*sorted(cast(set[str], more[1])), account=account)
        elif move == "stop":
            lane.stop(cast(str, more[1]), account)
            stopped.add((account.id, int(cast(str, more[1]))))
        else:
            number = int(cast(str, more[1]))
            lane.core.db.write(lambda tx, a=account.id, n=number: exclusions.remove(tx, a, "blacklist", n))  # type: ignore[misc]
            stopped.discard((account.id, number))
    sent = lane.core.column("SELECT COUNT(*) FROM message WHERE state = 1")[0]
    assert balance(lane.core) == (CREDITS - cast(int, sent), 0), "what was not sent is not paid"
