"""Messages of several parts, reported once; and the webhook events that tell of every message."""

import json

import pytest

from chappe.domain.lifecycle import Dlr, State
from chappe.store import queue
from tests.store.build import (
    CARRIER,
    CREDITS,
    DELIVERED,
    LONG_TEXT,
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
    failed,
    lost,
    refused,
)

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


def test_a_long_message_whose_parts_were_taken_by_different_tries_is_sent() -> None:
    core = Core(unknowns=RESENDING)
    core.submit(TO, text="abcdefghij" * 30)
    first = core.claim_one()
    core.record([lost(first)])
    core.db.write(lambda tx: queue.resend(tx, [first.message_id]))
    second = core.claim_one()
    core.record([lost(first, "a", "-")])  # its late answer
    core.record([refused(second, QUEUE_FULL, "-", "b")])
    assert core.status(first.message_id) == SENT
    assert core.queue_state(first.message_id) is None
    core.record([], [delivered("a"), delivered("b")])
    assert core.status(first.message_id) == DELIVERED


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
    core = Core(unknowns=RESENDING)
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
