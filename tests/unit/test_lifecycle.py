"""The states of a message, and the only ways from one to the next."""

from itertools import product

import pytest

from chappe.domain.lifecycle import FINAL, Dlr, Queue, State, combine, final_state, may_replace, rollup
from chappe.domain.outcomes import NO_REF, Tracked, cancel, finish, receipt, rollups, settled, submitted

AT = 1_937_000_000_000


def tracked(state: State = State.ACCEPTED, dlr: Dlr = Dlr.NOT_SENT, refs: tuple[str, ...] = (NO_REF,)) -> Tracked:
    return Tracked(
        id=1, campaign_id=10, account_id=100, wallet_id=1000, number=33612345678, country="FR", client_ref=None,
        parts=len(refs), price_mc=1000 * len(refs), was=state, state=state, dlr=dlr, refs=list(refs),
        submitted_at=None, done_at=None, was_dlr=dlr,
    )  # fmt: skip


def test_the_stored_numbers_are_these_and_stay_these() -> None:
    assert {state.name: state.value for state in State} == {
        "ACCEPTED": 0, "SENT": 1, "DELIVERED": 2, "FAILED": 3, "CANCELLED": 4,
    }  # fmt: skip
    assert {state.name: state.value for state in Queue} == {"READY": 0, "SENDING": 1, "UNKNOWN": 2, "SCHEDULED": 3}


def test_the_delivery_statuses_are_the_contracts() -> None:
    assert {status.name: status.value for status in Dlr} == {
        "NOT_SENT": 0, "SENT": 1, "NOT_DELIVERED": 2, "DELIVERED": 3, "NOT_ALLOWED": 4, "INVALID_DESTINATION": 5,
        "INVALID_SENDER": 6, "ROUTE_NOT_AVAILABLE": 7, "REJECTED": 9, "NETWORK_ERROR": 11, "EXPIRED": 12,
    }  # fmt: skip


def test_only_delivered_means_delivered() -> None:
    assert [dlr for dlr in Dlr if final_state(dlr) == State.DELIVERED] == [Dlr.DELIVERED]


def test_an_open_message_takes_any_final_status() -> None:
    assert all(may_replace(state, Dlr.SENT, dlr) for state in (State.ACCEPTED, State.SENT) for dlr in Dlr)


def test_of_the_final_statuses_only_the_two_of_not_knowing_give_way_and_only_to_delivered() -> None:
    replaced = {(state, old, new) for state, old, new in product(FINAL, Dlr, Dlr) if may_replace(state, old, new)}
    assert replaced == {
        (State.FAILED, Dlr.NETWORK_ERROR, Dlr.DELIVERED),
        (State.FAILED, Dlr.EXPIRED, Dlr.DELIVERED),
    }


@pytest.mark.parametrize(
    ("part_dlrs", "parts", "combined"),
    [
        ([], 1, None),
        ([0], 1, None),
        ([1], 1, None),
        ([3], 1, Dlr.DELIVERED),
        ([3], 2, None),
        ([3, 0], 2, None),
        ([3, 1, 3], 3, None),
        ([3, 3, 3], 3, Dlr.DELIVERED),
        ([0, 2], 2, Dlr.NOT_DELIVERED),
        ([3, 5], 2, Dlr.INVALID_DESTINATION),
        ([9, 2], 2, Dlr.REJECTED),
        ([12], 3, Dlr.EXPIRED),
    ],
)
def test_a_message_is_delivered_when_all_its_parts_are_and_fails_with_the_first_that_fails(
    part_dlrs: list[int], parts: int, combined: Dlr | None
) -> None:
    assert combine(part_dlrs, parts) == combined


def test_every_final_message_has_one_counter() -> None:
    assert rollup(State.DELIVERED, Dlr.DELIVERED) == "delivered"
    assert rollup(State.CANCELLED, Dlr.NOT_SENT) == "cancelled"
    assert rollup(State.FAILED, Dlr.EXPIRED) == "expired"
    assert rollup(State.FAILED, Dlr.NETWORK_ERROR) == "network_error"
    others = {rollup(State.FAILED, dlr) for dlr in Dlr if dlr not in (Dlr.EXPIRED, Dlr.NETWORK_ERROR)}
    assert others == {"failed"}


def test_a_message_is_sent_when_the_carrier_took_its_last_part() -> None:
    message = tracked(refs=(NO_REF, NO_REF))
    submitted(message, ["a", NO_REF], AT)
    assert (message.state, message.refs, message.submitted_at) == (State.ACCEPTED, ["a", NO_REF], AT)
    submitted(message, [NO_REF, "b"], AT + 1)
    assert (message.state, message.dlr, message.refs) == (State.SENT, Dlr.SENT, ["a", "b"])
    assert message.submitted_at == AT


def test_a_carrier_that_needs_more_parts_than_were_priced_sets_how_many_there_are() -> None:
    message = tracked(refs=(NO_REF,))
    submitted(message, ["a", "b"], AT)
    assert (message.state, message.refs) == (State.SENT, ["a", "b"])
    assert not receipt(message, 0, Dlr.DELIVERED, True, AT)
    assert receipt(message, 1, Dlr.DELIVERED, True, AT)


def test_a_carrier_that_needs_fewer_parts_than_before_sets_how_many_there_are() -> None:
    message = tracked(refs=("a", NO_REF, NO_REF))
    submitted(message, ["a", "b"], AT)
    assert (message.state, message.refs) == (State.SENT, ["a", "b"])


def test_an_answer_that_comes_after_the_end_is_kept_but_changes_no_state() -> None:
    message = tracked(State.FAILED, Dlr.NETWORK_ERROR)
    submitted(message, ["a"], AT)
    assert (message.state, message.dlr, message.refs) == (State.FAILED, Dlr.NETWORK_ERROR, ["a"])


def test_a_message_is_cancelled_only_before_a_carrier_took_any_of_it() -> None:
    message = tracked()
    assert cancel(message, AT)
    assert (message.state, message.dlr, message.done_at) == (State.CANCELLED, Dlr.NOT_SENT, AT)
    assert not cancel(message, AT + 1)
    assert not cancel(tracked(refs=("a", NO_REF)), AT)
    for state in (State.SENT, State.DELIVERED, State.FAILED):
        assert not cancel(tracked(state, Dlr.SENT), AT)


def test_an_intermediate_receipt_changes_nothing() -> None:
    message = tracked(State.SENT, Dlr.SENT, ("a",))
    assert not receipt(message, 0, Dlr.SENT, False, AT)
    assert (message.state, message.part_dlrs, message.is_touched) == (State.SENT, {}, False)


def test_a_receipt_counts_once_and_the_first_final_one_wins() -> None:
    message = tracked(State.SENT, Dlr.SENT, ("a",))
    assert receipt(message, 0, Dlr.DELIVERED, True, AT)
    assert not receipt(message, 0, Dlr.DELIVERED, True, AT + 1)
    assert not receipt(message, 0, Dlr.NOT_DELIVERED, True, AT + 2)
    assert (message.state, message.dlr, message.done_at) == (State.DELIVERED, Dlr.DELIVERED, AT)


def test_a_carrier_that_did_not_know_may_say_delivered_later() -> None:
    message = tracked(State.SENT, Dlr.SENT, ("a",))
    assert receipt(message, 0, Dlr.NETWORK_ERROR, True, AT)
    assert (message.state, message.dlr) == (State.FAILED, Dlr.NETWORK_ERROR)
    assert not receipt(message, 0, Dlr.NOT_DELIVERED, True, AT + 1)
    assert receipt(message, 0, Dlr.DELIVERED, True, AT + 2)
    assert (message.state, message.dlr, message.done_at) == (State.DELIVERED, Dlr.DELIVERED, AT + 2)


def test_a_message_whose_receipts_all_come_after_its_deadline_is_delivered_after_all() -> None:
    message = tracked(State.SENT, Dlr.SENT, ("a", "b"))
    assert finish(message, Dlr.EXPIRED, AT)
    assert not receipt(message, 1, Dlr.DELIVERED, True, AT + 1)
    assert message.dlr == Dlr.EXPIRED
    assert receipt(message, 0, Dlr.DELIVERED, True, AT + 2)
    assert (message.state, message.dlr) == (State.DELIVERED, Dlr.DELIVERED)


@pytest.mark.parametrize(
    ("was", "now", "refs", "may_have_left", "expected"),
    [
        (State.ACCEPTED, State.ACCEPTED, (NO_REF,), False, (0, 0)),
        (State.ACCEPTED, State.SENT, ("a",), False, (1000, 0)),
        (State.ACCEPTED, State.DELIVERED, ("a",), False, (1000, 0)),
        (State.ACCEPTED, State.FAILED, (NO_REF,), False, (0, 1000)),
        (State.ACCEPTED, State.FAILED, (NO_REF,), True, (1000, 0)),
        (State.ACCEPTED, State.FAILED, ("a", NO_REF), False, (2000, 0)),
        (State.ACCEPTED, State.CANCELLED, (NO_REF,), False, (0, 1000)),
        (State.SENT, State.FAILED, ("a",), False, (0, 0)),
        (State.SENT, State.DELIVERED, ("a",), True, (0, 0)),
        (State.FAILED, State.DELIVERED, (NO_REF,), True, (0, 0)),
    ],
)
def test_a_message_settles_when_it_stops_being_accepted_and_is_earned_as_soon_as_any_of_it_may_have_left(
    was: State, now: State, refs: tuple[str, ...], may_have_left: bool, expected: tuple[int, int]
) -> None:
    message = tracked(was, refs=refs)
    message.state = now
    assert settled(message, may_have_left=may_have_left) == expected


def test_the_counters_move_once_for_what_a_batch_did_to_a_message() -> None:
    message = tracked(State.ACCEPTED)
    submitted(message, ["a"], AT)
    assert rollups([message]) == {}
    finish(message, Dlr.NETWORK_ERROR, AT)
    finish(message, Dlr.DELIVERED, AT)
    assert rollups([message])[10] == (-1, 1, 0, 0, 0, 0, 0)


def test_a_message_that_is_delivered_after_all_leaves_the_counter_it_was_in() -> None:
    expired, lost = tracked(State.FAILED, Dlr.EXPIRED), tracked(State.FAILED, Dlr.NETWORK_ERROR)
    for message in (expired, lost):
        assert finish(message, Dlr.DELIVERED, AT)
    assert rollups([expired])[10] == (0, 1, 0, -1, 0, 0, 0)
    assert rollups([expired, lost])[10] == (0, 2, 0, -1, -1, 0, 0)
