"""How receipts find their messages, whenever they come and whatever id they name, and what they change."""

import pytest

from chappe.domain.lifecycle import Dlr, State
from chappe.store import carriers, queue
from tests.store.build import (
    CARRIER,
    CREDITS,
    DAY,
    DELIVERED,
    LONG_TEXT,
    MINUTE,
    NOW,
    NUMBER,
    SENT,
    TO,
    Core,
    accepted,
    balance,
    counters,
    delivered,
    events,
    failed,
    ledger,
    lost,
    on_its_way,
)

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
