"""What carriers' answers change: states, money, counters, queue, also when they come late or twice."""

from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.plans import SINGLE
from chappe.domain.unknown import Unknowns
from chappe.store import queue
from chappe.store.queue import Unanswered
from tests.store.build import (
    CARRIER,
    CREDITS,
    DELIVERED,
    LONG_TEXT,
    MINUTE,
    NOT_NOW,
    NOW,
    NUMBER,
    QUEUE_FULL,
    REFUSED,
    RESENDING,
    SENT,
    TO,
    TOO_FAST,
    Core,
    accepted,
    balance,
    counters,
    delivered,
    events,
    kept,
    ledger,
    lost,
    numbers,
    refused,
)

# -- answers


def test_a_message_the_carrier_took_is_sent_paid_for_and_out_of_the_queue() -> None:
    core = Core()
    ticket = core.submit(TO)
    assert balance(core) == (CREDITS - 1, 1)
    message = core.claim_one()
    result = core.record([accepted(message, "abc")])
    assert core.status(message.message_id) == SENT
    assert core.message(message.message_id).carrier_refs == "abc"
    assert core.message(message.message_id).submitted_at == NOW
    assert core.queue_state(message.message_id) is None
    assert (balance(core), ledger(core)[1:]) == ((CREDITS - 1, 0), [("reserve", 1), ("capture", 1)])
    assert counters(core, ticket) == {"open": 1}
    assert (result.sent, result.refused, result.unknown, result.final) == (1, 0, 0, 0)


def test_a_permanent_refusal_fails_the_message_and_gives_its_price_back() -> None:
    core = Core()
    core.listen()
    ticket = core.submit(TO, text=LONG_TEXT)
    message = core.claim_one()
    core.record([refused(message, REFUSED)])
    assert core.status(message.message_id) == (State.FAILED, Dlr.INVALID_DESTINATION)
    assert core.queue_state(message.message_id) is None
    assert (balance(core), ledger(core)[1:]) == ((CREDITS, 0), [("reserve", 3), ("release", 3)])
    assert counters(core, ticket) == {"failed": 1}
    assert events(core) == [Dlr.INVALID_DESTINATION]


def test_a_temporary_refusal_is_tried_again_later_and_given_up_after_the_last_try() -> None:
    core = Core()
    ticket = core.submit(TO)
    waits = []
    for _ in range(3):
        message = core.claim_one()
        core.record([refused(message, NOT_NOW)])
        assert core.queue_state(message.message_id) == Queue.SCHEDULED
        waits.append((core.message(message.message_id).ready_at or 0) - core.now)
        assert (core.wake(), core.claim()) == (0, [])
        core.now += waits[-1]
        assert core.wake() == 1
    assert waits == [30_000, 120_000, 600_000]
    assert balance(core) == (CREDITS - 1, 1)
    message = core.claim_one()
    core.record([refused(message, NOT_NOW)])
    assert core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert (balance(core), counters(core, ticket)) == ((CREDITS, 0), {"network_error": 1})


def test_a_message_of_a_carrier_that_is_too_busy_keeps_its_place_and_its_tries() -> None:
    core = Core()
    first, second = numbers(2)
    core.submit(first)
    core.submit(second)
    (message,) = core.claim(1)
    core.record([refused(message, TOO_FAST)])
    again, other = core.claim()
    assert (again.message_id, again.attempts) == (message.message_id, 0)
    assert other.number == int(second)


def test_a_message_for_a_full_queue_waits_a_minute() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([refused(message, QUEUE_FULL)])
    core.now += MINUTE - 1
    assert core.wake() == 0
    core.now += 1
    assert core.wake() == 1
    assert core.claim_one().attempts == 1


def test_what_was_never_written_goes_back_to_its_place_without_a_trace() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([kept(message)])
    assert core.queue_state(message.message_id) == Queue.READY
    assert core.claim_one() == message


def test_a_lost_answer_is_shown_held_and_not_sent_again() -> None:
    core = Core()
    ticket = core.submit(TO)
    message = core.claim_one()
    result = core.record([lost(message)])
    assert core.status(message.message_id) == (State.ACCEPTED, Dlr.NOT_SENT)
    assert core.queue_state(message.message_id) == Queue.UNKNOWN
    assert core.column("SELECT step FROM trace") == ["unknown"]
    assert (core.claim(), core.wake(), result.unknown) == ([], 0, 1)
    assert (balance(core), counters(core, ticket)) == ((CREDITS - 1, 1), {"open": 1})


def test_a_held_outcome_is_decided_when_its_receipt_can_no_longer_come() -> None:
    core = Core(unknowns=Unknowns(receipt_wait_s=3600))
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    due = message.expires_at + 3600 * 1000
    assert core.db.read(lambda tx: queue.unknown_due(tx, CARRIER, due - 1, 10)) == []
    assert core.db.read(lambda tx: queue.unknown_due(tx, CARRIER, due, 10)) == [
        Unanswered(message.message_id, SINGLE, message.expires_at, 0)
    ]


def test_giving_up_an_unknown_outcome_keeps_the_money_because_it_may_have_left() -> None:
    core = Core()
    core.listen()
    ticket = core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    given_up = core.db.write(
        lambda tx: core.recorder.give_up(
            tx, [message.message_id], Dlr.NETWORK_ERROR, "no receipt", core.now, may_have_left=True
        )
    )
    assert given_up == 1
    assert core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert (balance(core), counters(core, ticket)) == ((CREDITS - 1, 0), {"network_error": 1})
    assert (events(core), core.queue_state(message.message_id)) == ([Dlr.NETWORK_ERROR], None)


def test_giving_up_what_never_left_gives_the_money_back() -> None:
    core = Core()
    ticket = core.submit(TO)
    (message,) = core.messages_of(ticket)
    for _ in range(2):  # the second time there is nothing to give up
        core.db.write(
            lambda tx: core.recorder.give_up(tx, [message.id], Dlr.EXPIRED, "late", core.now, may_have_left=False)
        )
    assert (balance(core), counters(core, ticket)) == ((CREDITS, 0), {"expired": 1})
    assert ledger(core)[1:] == [("reserve", 1), ("release", 1)]


# -- answers that come late or to another owner


def test_a_late_answer_settles_an_unknown_message() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.record([accepted(message, "abc")])
    assert core.status(message.message_id) == SENT
    assert core.queue_state(message.message_id) is None
    assert balance(core) == (CREDITS - 1, 0)


def test_a_late_refusal_settles_an_unknown_message() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.record([refused(message, REFUSED)])
    assert core.status(message.message_id) == (State.FAILED, Dlr.INVALID_DESTINATION)
    assert balance(core) == (CREDITS, 0)


def test_an_answer_after_the_message_was_given_up_lets_its_receipt_find_it() -> None:
    core = Core()
    core.listen()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.db.write(
        lambda tx: core.recorder.give_up(tx, [message.message_id], Dlr.NETWORK_ERROR, "", core.now, may_have_left=True)
    )
    core.record([accepted(message, "abc")])
    assert core.status(message.message_id) == (State.FAILED, Dlr.NETWORK_ERROR)
    core.record(receipts=[delivered("abc", NUMBER)])
    assert core.status(message.message_id) == DELIVERED
    assert (balance(core), events(core)) == ((CREDITS - 1, 0), [Dlr.NETWORK_ERROR, Dlr.DELIVERED])


def test_a_refusal_of_an_earlier_try_does_not_end_a_message_that_is_being_tried_again() -> None:
    core = Core(unknowns=RESENDING)
    core.submit(TO)
    first = core.claim_one()
    core.record([lost(first)])
    core.db.write(lambda tx: queue.resend(tx, [first.message_id]))
    second = core.claim_one()
    assert (second.message_id, second.attempts) == (first.message_id, 1)
    core.record([refused(first, REFUSED)])
    assert core.status(first.message_id) == (State.ACCEPTED, Dlr.NOT_SENT)
    core.record([accepted(second, "abc")])
    core.record(receipts=[delivered("abc", NUMBER)])
    assert core.status(first.message_id) == DELIVERED
    assert balance(core) == (CREDITS - 1, 0)


def test_a_message_that_is_refused_after_a_try_nobody_answered_stays_paid_because_it_may_have_left() -> None:
    core = Core(unknowns=RESENDING)
    core.submit(TO)
    first = core.claim_one()
    core.record([lost(first)])
    core.db.write(lambda tx: queue.resend(tx, [first.message_id]))
    core.record([refused(core.claim_one(), REFUSED)])
    assert core.status(first.message_id) == (State.FAILED, Dlr.INVALID_DESTINATION)
    assert balance(core) == (CREDITS - 1, 0)


def test_an_owner_that_lost_its_lane_reports_what_was_taken_but_decides_nothing_more() -> None:
    core = Core()
    core.submit(*numbers(5))
    old, first_tries = core.recorder, core.claim()
    core.record([kept(message) for message in first_tries])
    core.restart()
    taken, busy, failing, unwritten, silent = core.claim()
    late = [accepted(taken), refused(busy, TOO_FAST), refused(failing, REFUSED), kept(unwritten), lost(silent)]
    core.db.write(lambda tx: old.record(tx, late, [], core.now))
    assert core.status(taken.message_id) == SENT
    for message in (busy, failing, unwritten, silent):
        assert core.status(message.message_id) == (State.ACCEPTED, Dlr.NOT_SENT)
        assert core.queue_state(message.message_id) == Queue.SENDING
    assert balance(core) == (CREDITS - 5, 4)


def test_an_answer_for_a_message_that_does_not_exist_is_ignored() -> None:
    core = Core()
    core.submit(TO)
    ghost = core.claim_one()._replace(message_id=999)
    assert core.record([accepted(ghost)]).sent == 0


def test_the_same_answer_twice_changes_nothing_more() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    for _ in range(2):
        core.record([accepted(message, "abc")])
    assert core.status(message.message_id) == SENT
    assert ledger(core)[1:] == [("reserve", 1), ("capture", 1)]
