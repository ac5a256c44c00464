"""What carriers' answers and receipts change: states, money, counters, queue, webhook events, quarantine."""

import json

import pytest

from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.pipeline.record import MAX_RESENDS, UnknownPolicy
from chappe.store import carriers, queue
from tests.store.build import (
    CARRIER,
    CREDITS,
    DAY,
    LONG_TEXT,
    MINUTE,
    NOT_NOW,
    NOW,
    QUEUE_FULL,
    REFUSED,
    TOO_FAST,
    Core,
    accepted,
    delivered,
    failed,
    kept,
    lost,
    numbers,
    on_its_way,
    refused,
)

SENT = (State.SENT, Dlr.SENT)
DELIVERED = (State.DELIVERED, Dlr.DELIVERED)
TO = "33612345678"
NUMBER = int(TO)


def balance(core: Core) -> tuple[int, int]:
    """Credits that may be spent, credits set aside."""
    wallet = core.wallet()
    return wallet.available_mc // 1000, wallet.reserved_mc // 1000


def ledger(core: Core) -> list[tuple[object, ...]]:
    return [
        tuple(row) for row in core.rows("SELECT kind, amount_mc / 1000 FROM ledger WHERE wallet_id = 1 ORDER BY id")
    ]


def events(core: Core) -> list[int]:
    """The statuses that were told, in order."""
    return [json.loads(str(row[0]))["status"] for row in core.rows("SELECT payload FROM event ORDER BY id")]


def counters(core: Core, ticket: int) -> dict[str, int]:
    row = core.campaign(ticket)
    every = {
        name: getattr(row, name) for name in ("open", "delivered", "failed", "expired", "network_error", "cancelled")
    }
    return {name: count for name, count in every.items() if count}


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
    core = Core(policy=UnknownPolicy("hold", receipt_wait_s=3600))
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    due = message.expires_at + 3600 * 1000
    assert core.db.read(lambda tx: queue.unknown_due(tx, CARRIER, due - 1, 10)) == []
    assert core.db.read(lambda tx: queue.unknown_due(tx, CARRIER, due, 10)) == [(message.message_id, 0)]


def test_a_lost_answer_is_resent_only_by_policy_and_only_so_often() -> None:
    policy = UnknownPolicy("resend", resend_s=60)
    assert policy.decides_at(NOW, NOW + DAY) == NOW + MINUTE
    assert [policy.resends(tries) for tries in range(4)] == [True] * MAX_RESENDS + [False] * (4 - MAX_RESENDS)
    assert not UnknownPolicy("hold").resends(0)


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
    core = Core(policy=UnknownPolicy("resend"))
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
    core = Core(policy=UnknownPolicy("resend"))
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


# -- receipts


@pytest.mark.parametrize(
    ("answered", "reported", "rule"),
    [
        ("12345678", "12345678", "same"),
        ("abcDEF12", "ABCdef12", "same"),
        ("0012345678", "12345678", "same"),
        ("12345678", "0012345678", "same"),
        ("000", "0", "same"),
        ("BC614E", "12345678", "hex of decimal"),
        ("00bc614e", "0012345678", "hex of decimal"),
        ("12345678", "BC614E", "decimal of hex"),
        ("0012345678", "00bc614e", "decimal of hex"),
        ("7f9c-11aa", "7F9C-11AA", "same"),
    ],
)
def test_a_receipt_finds_its_message_however_the_carrier_writes_the_id(answered: str, reported: str, rule: str) -> None:
    core = Core()
    message = core.sent(answered)
    core.record(receipts=[delivered(reported, NUMBER)])
    assert core.status(message) == DELIVERED
    assert core.quarantined() == []
    assert core.db.read(carriers.receipt_rules) == {CARRIER: rule}


def test_a_receipt_of_another_carrier_finds_nothing() -> None:
    core = Core()
    message = core.sent("abc")
    other = Core(db=core.db, carrier=CARRIER + 1)
    other.record(receipts=[delivered("abc", NUMBER)])
    assert core.status(message) == SENT
    assert core.quarantined() == ["abc"]


def test_when_a_carrier_uses_an_id_again_the_receipts_number_decides_and_else_the_newest_message() -> None:
    core = Core()
    core.submit("33612345671", "33612345672", "33612345673")
    first, second, third = core.claim()
    core.record([accepted(each, "77") for each in (first, second, third)])
    core.record(receipts=[delivered("77", 33612345671)])
    core.record(receipts=[failed("77")])
    states = [core.status(each.message_id)[0] for each in (first, second, third)]
    assert states == [State.DELIVERED, State.SENT, State.FAILED]


def test_an_ids_decimal_that_is_anothers_hex_goes_to_the_number_it_names() -> None:
    core = Core()
    core.submit("33612345671", "33612345672")
    first, second = core.claim()
    core.record([accepted(first, "256"), accepted(second, "100")])  # 0x100 is 256
    core.record(receipts=[delivered("100", 33612345671)])
    assert [core.status(each.message_id)[0] for each in (first, second)] == [State.DELIVERED, State.SENT]


def test_an_early_receipt_is_not_taken_for_another_message_whose_id_has_the_same_value() -> None:
    core = Core()
    core.submit("33612345671", "33612345672")
    first, second = core.claim()
    core.record([accepted(first, "100")])
    core.record(receipts=[delivered("256", 33612345672)])
    assert core.status(first.message_id) == SENT
    core.record([accepted(second, "256")])
    assert [core.status(each.message_id) for each in (first, second)] == [SENT, DELIVERED]


def test_a_number_in_national_form_is_recognised() -> None:
    core = Core()
    message = core.sent("BC614E")
    core.record(receipts=[delivered("12345678", 612345678)])
    assert core.status(message) == DELIVERED


@pytest.mark.parametrize("dlr", [2, 4, 5, 6, 9, 11, 12])
def test_a_failed_receipt_fails_the_message_with_its_status_and_the_price_stays_paid(dlr: int) -> None:
    core = Core()
    message = core.sent("abc")
    core.record(receipts=[failed("abc", dlr=dlr)])
    assert core.status(message) == (State.FAILED, dlr)
    assert balance(core) == (CREDITS - 1, 0)


def test_a_receipt_on_the_way_is_only_noted() -> None:
    core = Core()
    core.listen()
    message = core.sent("abc")
    core.record(receipts=[on_its_way("abc")])
    assert core.status(message) == SENT
    assert (events(core), core.column("SELECT step FROM trace")) == ([], ["receipt"])
    core.record(receipts=[delivered("abc"), on_its_way("abc")])
    assert core.status(message) == DELIVERED


def test_a_doubled_receipt_changes_nothing() -> None:
    core = Core()
    core.listen()
    ticket = core.submit(TO)
    message = core.claim_one()
    core.record([accepted(message, "abc")])
    core.record(receipts=[delivered("abc"), delivered("abc")])
    once = (core.message(message.message_id), counters(core, ticket), ledger(core), events(core))
    core.now += MINUTE
    core.record(receipts=[delivered("abc")])
    core.record(receipts=[failed("abc")])
    assert (core.message(message.message_id), counters(core, ticket), ledger(core), events(core)) == once
    assert events(core) == [Dlr.DELIVERED]
    assert core.quarantined() == []


def test_an_unknown_from_the_carrier_may_become_delivered_and_is_told_again() -> None:
    core = Core()
    core.listen()
    ticket = core.submit(TO)
    message = core.claim_one()
    core.record([accepted(message, "abc")])
    core.record(receipts=[failed("abc", dlr=11)])
    assert counters(core, ticket) == {"network_error": 1}
    core.record(receipts=[delivered("abc")])
    assert (core.status(message.message_id), counters(core, ticket)) == (DELIVERED, {"delivered": 1})
    core.record(receipts=[failed("abc", dlr=11)])
    assert (core.status(message.message_id), events(core)) == (DELIVERED, [Dlr.NETWORK_ERROR, Dlr.DELIVERED])


def test_two_final_receipts_in_one_batch_are_told_once_with_the_last_word() -> None:
    core = Core()
    core.listen()
    ticket = core.submit(TO)
    message = core.claim_one()
    core.record([accepted(message, "abc")])
    core.record(receipts=[failed("abc", dlr=11), delivered("abc")])
    assert (core.status(message.message_id), counters(core, ticket)) == (DELIVERED, {"delivered": 1})
    assert events(core) == [Dlr.DELIVERED]


# -- early and unmatched receipts


def test_a_receipt_that_beats_its_answer_within_a_batch_counts() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([accepted(message, "abc")], [delivered("ABC")])
    assert (core.status(message.message_id), core.quarantined()) == (DELIVERED, [])


def test_a_receipt_that_beats_its_answer_by_a_batch_waits_for_it() -> None:
    core = Core()
    core.listen()
    core.submit(TO)
    message = core.claim_one()
    result = core.record(receipts=[delivered("12345678", NUMBER)])
    assert ([one.ref for one in result.quarantined], core.quarantined()) == (["12345678"], ["12345678"])
    core.record([accepted(message, "BC614E")])
    assert (core.status(message.message_id), core.quarantined(), events(core)) == (DELIVERED, [], [Dlr.DELIVERED])


def test_a_receipt_that_beats_its_answer_waits_across_a_restart() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record(receipts=[delivered("abc", NUMBER)])
    core.restart()
    core.record([accepted(message, "abc")])
    assert (core.status(message.message_id), core.quarantined()) == (DELIVERED, [])


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("order", ["the usual one", "the other one"])
def test_all_receipts_that_beat_their_answer_are_applied_whatever_their_order(order: str, is_restarted: bool) -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    early = [on_its_way("abc", NUMBER), delivered("abc", NUMBER), delivered("abc", NUMBER)]
    for one in early if order == "the usual one" else reversed(early):
        core.record(receipts=[one])
    if is_restarted:
        core.restart()
    core.record([accepted(message, "abc")])
    assert (core.status(message.message_id), core.quarantined()) == (DELIVERED, [])


def test_after_a_restart_it_is_the_newest_of_too_many_receipts_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chappe.pipeline.held.MAX_HELD", 10)
    monkeypatch.setattr("chappe.pipeline.record.MAX_HELD", 10)
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record(receipts=[delivered(f"foreign.{i}") for i in range(30)])
    core.record(receipts=[delivered("abc")])
    core.restart()
    core.record([accepted(message, "abc")])
    assert core.status(message.message_id) == DELIVERED
    assert len(core.quarantined()) == 30


def test_a_receipt_that_belongs_to_nothing_is_kept_with_its_words() -> None:
    core = Core()
    core.sent("abc")
    result = core.record(receipts=[failed("nobody", 33699999999, dlr=5), delivered("", None)])
    assert len(result.quarantined) == 2
    rows = core.rows("SELECT carrier_id, ref, number, dlr, is_final, detail, received_at FROM unmatched_receipt")
    assert [tuple(row) for row in rows] == [
        (CARRIER, "nobody", 33699999999, 5, 1, "UNDELIV err:001", NOW),
        (CARRIER, "", None, 3, 1, "DELIVRD err:000", NOW),
    ]


def test_a_rolled_back_batch_is_recorded_again_as_if_for_the_first_time() -> None:
    core = Core()
    core.listen()
    core.submit(TO)
    message = core.claim_one()
    core.record(receipts=[delivered("abc")])

    class DiskFull(Exception):
        pass

    def failing(tx: object) -> None:
        core.recorder.record(tx, [accepted(message, "abc")], [], core.now)  # type: ignore[arg-type]
        raise DiskFull

    with pytest.raises(DiskFull):
        core.db.write(failing)
    assert core.status(message.message_id) == (State.ACCEPTED, Dlr.NOT_SENT)
    core.record([accepted(message, "abc")])
    assert (core.status(message.message_id), core.quarantined(), events(core)) == (DELIVERED, [], [Dlr.DELIVERED])


# -- receipts of messages whose answers were lost


def test_a_receipt_under_an_id_nobody_told_us_settles_the_only_unknown_message_to_its_number() -> None:
    core = Core()
    core.listen()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.record(receipts=[delivered("never.told", NUMBER)])
    assert core.status(message.message_id) == DELIVERED
    assert core.message(message.message_id).carrier_refs == "never.told"
    assert (balance(core), events(core)) == ((CREDITS - 1, 0), [Dlr.DELIVERED])
    assert (core.queue_state(message.message_id), core.quarantined()) == (None, [])


@pytest.mark.parametrize("ref", ["", "-", "two words"])
def test_a_receipt_that_names_no_usable_id_settles_the_unknown_message_too(ref: str) -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.record(receipts=[on_its_way(ref, NUMBER)])
    assert (core.status(message.message_id), balance(core)) == (SENT, (CREDITS - 1, 0))
    assert len((core.message(message.message_id).carrier_refs or "").split(" ")) == 1


def test_an_adopted_message_takes_its_later_receipts_under_the_same_id() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.record(receipts=[on_its_way("never.told", NUMBER)])
    assert core.status(message.message_id) == SENT
    core.record(receipts=[delivered("NEVER.told", NUMBER)])
    assert core.status(message.message_id) == DELIVERED


def test_one_of_two_receipts_for_one_unknown_message_is_not_taken_for_another() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record([lost(message)])
    core.record(receipts=[delivered("x", NUMBER), failed("y", NUMBER)])
    assert core.status(message.message_id) == DELIVERED
    assert core.quarantined() == ["y"]


@pytest.mark.parametrize("other", ["unknown", "being sent"])
def test_with_two_unanswered_messages_to_a_number_a_receipt_under_an_unknown_id_is_not_guessed(other: str) -> None:
    core = Core()
    core.submit(TO)
    core.submit(TO)
    first, second = core.claim()
    core.record([lost(first), lost(second)] if other == "unknown" else [lost(first)])
    core.record(receipts=[delivered("never.told", NUMBER)])
    assert [core.status(each.message_id)[0] for each in (first, second)] == [State.ACCEPTED, State.ACCEPTED]
    assert core.quarantined() == ["never.told"]


def test_a_receipt_that_could_not_be_guessed_settles_the_unknown_message_once_the_other_is_answered() -> None:
    core = Core()
    core.submit(TO)
    core.submit(TO)
    first, second = core.claim()
    core.record([lost(first)])
    core.record(receipts=[delivered("never.told", NUMBER)])
    core.record([accepted(second, "abc")])
    assert [core.status(each.message_id) for each in (first, second)] == [DELIVERED, SENT]


def test_a_receipt_that_came_before_the_answer_was_found_to_be_lost_settles_it() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record(receipts=[delivered("never.told", NUMBER)])
    core.record([lost(message)])
    assert (core.status(message.message_id), core.quarantined()) == (DELIVERED, [])


def test_what_was_being_sent_when_a_process_died_is_settled_by_receipts_in_quarantine() -> None:
    core = Core()
    core.submit(TO)
    message = core.claim_one()
    core.record(receipts=[delivered("never.told", NUMBER)])
    core.restart()
    core.db.write(lambda tx: queue.make_unknown(tx, [(NOW + DAY, message.message_id)]))
    core.recorder.recorded(core.db.write(lambda tx: core.recorder.reconsider(tx, core.now)))
    assert (core.status(message.message_id), core.quarantined()) == (DELIVERED, [])


@pytest.mark.parametrize("how", ["lost now", "lost by a dead process", "answered under its id"])
def test_a_receipt_from_before_a_message_could_leave_is_about_another(how: str) -> None:
    core = Core()
    core.record(receipts=[delivered("old", NUMBER)])
    core.now += DAY
    core.submit(TO)
    message = core.claim_one()
    if how == "lost now":
        core.record([lost(message)])
    elif how == "answered under its id":
        core.record([accepted(message, "old")])
    else:
        core.restart()
        core.db.write(lambda tx: queue.make_unknown(tx, [(core.now + DAY, message.message_id)]))
        core.recorder.recorded(core.db.write(lambda tx: core.recorder.reconsider(tx, core.now)))
    assert core.status(message.message_id)[0] in (State.ACCEPTED, State.SENT)
    assert core.quarantined() == ["old"]


def test_a_long_message_is_not_adopted_by_number() -> None:
    core = Core()
    core.submit(TO, text=LONG_TEXT)
    message = core.claim_one()
    core.record([lost(message, "a", "-", "-")])
    core.record(receipts=[delivered("never.told", NUMBER)])
    assert core.status(message.message_id) == (State.ACCEPTED, Dlr.NOT_SENT)
    assert core.quarantined() == ["never.told"]


# -- long messages


@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
@pytest.mark.parametrize("batches", ["one", "several"])
def test_a_long_message_is_delivered_once_when_all_its_parts_are_in_any_order(order: str, batches: str) -> None:
    core = Core()
    core.listen()
    message = core.sent("a", "b", "c", text=LONG_TEXT)
    receipts = [delivered(ref, NUMBER) for ref in order]
    if batches == "one":
        core.record(receipts=receipts)
    else:
        for i, one in enumerate(receipts):
            core.record(receipts=[one, one])
            assert core.status(message) == (SENT if i < 2 else DELIVERED)
    assert core.status(message) == DELIVERED
    assert (events(core), balance(core)) == ([Dlr.DELIVERED], (CREDITS - 3, 0))


def test_a_long_message_fails_once_with_the_first_part_that_fails() -> None:
    core = Core()
    core.listen()
    message = core.sent("a", "b", "c", text=LONG_TEXT)
    core.record(receipts=[delivered("a")])
    core.record(receipts=[failed("b", dlr=5)])
    assert core.status(message) == (State.FAILED, Dlr.INVALID_DESTINATION)
    core.record(receipts=[delivered("c"), failed("c", dlr=9), delivered("b")])
    assert core.status(message) == (State.FAILED, Dlr.INVALID_DESTINATION)
    assert events(core) == [Dlr.INVALID_DESTINATION]


def test_receipts_that_beat_the_answers_of_a_long_message_count() -> None:
    core = Core()
    core.submit(TO, text=LONG_TEXT)
    message = core.claim_one()
    core.record(receipts=[delivered("b", NUMBER), delivered("c", NUMBER)])
    core.record([accepted(message, "a", "b", "c")])
    assert core.status(message.message_id) == SENT
    core.record(receipts=[delivered("a", NUMBER)])
    assert (core.status(message.message_id), core.quarantined()) == (DELIVERED, [])


def test_only_the_parts_the_carrier_has_not_taken_are_sent_again() -> None:
    core = Core()
    core.submit(TO, text=LONG_TEXT)
    message = core.claim_one()
    core.record([refused(message, TOO_FAST, "a", "-", "c")])
    again = core.claim_one()
    assert (again.refs, again.parts) == ("a - c", 3)
    assert balance(core) == (CREDITS - 3, 3)
    core.record([accepted(again, "a", "b", "c")])
    assert core.status(message.message_id) == SENT
    core.record(receipts=[delivered(ref) for ref in "abc"])
    assert core.status(message.message_id) == DELIVERED


def test_a_long_message_of_which_a_part_was_refused_for_good_is_paid_for() -> None:
    core = Core()
    ticket = core.submit(TO, text=LONG_TEXT)
    message = core.claim_one()
    core.record([refused(message, REFUSED, "a", "b", "-")])
    assert core.status(message.message_id) == (State.FAILED, Dlr.INVALID_DESTINATION)
    assert (balance(core), counters(core, ticket)) == ((CREDITS - 3, 0), {"failed": 1})
    core.record(receipts=[delivered("a"), delivered("b")])
    assert (core.status(message.message_id)[0], core.quarantined()) == (State.FAILED, [])


def test_an_early_failure_of_one_part_takes_the_rest_out_of_the_queue() -> None:
    core = Core()
    core.submit(TO, text=LONG_TEXT)
    message = core.claim_one()
    core.record([refused(message, NOT_NOW, "a", "-", "-")])
    core.record(receipts=[failed("a")])
    assert core.status(message.message_id) == (State.FAILED, Dlr.NOT_DELIVERED)
    assert (core.queue_state(message.message_id), balance(core)) == (None, (CREDITS - 3, 0))


def test_a_part_that_was_sent_again_is_delivered_by_a_receipt_under_either_of_its_ids() -> None:
    core = Core(policy=UnknownPolicy("resend"))
    core.submit(TO, text=LONG_TEXT)
    first = core.claim_one()
    core.record([lost(first, "a", "-", "c")])
    core.db.write(lambda tx: queue.resend(tx, [first.message_id]))
    second = core.claim_one()
    core.record([accepted(first, "a", "b1", "c")])  # late
    core.record([accepted(second, "a", "b2", "c")])
    for ref in ("b1", "a", "c"):
        core.record(receipts=[delivered(ref)])
    assert core.status(first.message_id) == DELIVERED


def test_a_carrier_that_cuts_into_more_parts_than_were_priced_is_waited_for_until_the_last() -> None:
    core = Core()
    message = core.sent("a", "b", "c", "d", text=LONG_TEXT)
    core.record(receipts=[delivered(ref) for ref in "abc"])
    assert core.status(message) == SENT
    core.record(receipts=[delivered("d")])
    assert core.status(message) == DELIVERED


# -- webhook events


def test_each_webhook_for_delivery_reports_gets_its_event_and_no_other_does() -> None:
    core = Core()
    core.listen(webhook=1)
    core.listen(webhook=2)
    core.listen(webhook=3, kind="MO")
    message = core.sent("abc", client_refs=["m-1"])
    core.record(receipts=[delivered("abc")])
    rows = core.rows("SELECT webhook_id, message_id, payload FROM event ORDER BY webhook_id")
    assert [row[:2] for row in rows] == [(1, message), (2, message)]
    assert json.loads(rows[0][2]) == {
        "date": "2031-05-20T01:33:20+02:00",
        "status": 3,
        "destination": TO,
        "message_id": "m-1",
        "campaign_id": "1",
        "country_code": "FR",
    }


def test_a_paused_webhook_gets_no_events() -> None:
    core = Core()
    core.listen()
    core.db.connection.execute("UPDATE webhook SET is_live = 0")
    core.sent("abc")
    core.record(receipts=[delivered("abc")])
    assert events(core) == []


def test_the_carriers_name_stays_with_a_message_that_another_job_ends() -> None:
    core = Core()
    message = core.sent("abc")
    job = Core(db=core.db, carrier=0)
    job.db.write(lambda tx: job.recorder.give_up(tx, [message], Dlr.EXPIRED, "silent", NOW, may_have_left=True))
    assert core.status(message) == (State.FAILED, Dlr.EXPIRED)
    assert core.column("SELECT carrier_id FROM message") == [CARRIER]
