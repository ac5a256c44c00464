"""Laws of a message's states, whatever a carrier says and in whatever order."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.lifecycle import FINAL, Dlr, State, combine, final_state, may_replace, rollup
from chappe.domain.outcomes import NO_REF, Rollup, Tracked, cancel, finish, receipt, rollups, settled, submitted

AT = 1_937_000_000_000
FINAL_DLRS = [dlr for dlr in Dlr if dlr > Dlr.SENT]
NOBODY_KNEW = {Dlr.NETWORK_ERROR, Dlr.EXPIRED}
dlrs = st.sampled_from(FINAL_DLRS)
# What may happen to a message: answers for a part, its end, a cancel, a receipt for a part.
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("submitted"), st.integers(0, 2), dlrs),
        st.tuples(st.just("receipt"), st.integers(0, 2), dlrs),
        st.tuples(st.just("on its way"), st.integers(0, 2), dlrs),
        st.tuples(st.just("finish"), st.integers(0, 2), dlrs),
        st.tuples(st.just("cancel"), st.integers(0, 2), dlrs),
    ),
    max_size=12,
)


def tracked(parts: int) -> Tracked:
    return Tracked(
        id=1, campaign_id=10, account_id=100, wallet_id=1000, number=33612345678, country="FR", client_ref=None,
        parts=parts, price_mc=1000 * parts, was=State.ACCEPTED, state=State.ACCEPTED, dlr=Dlr.NOT_SENT,
        refs=[NO_REF] * parts, submitted_at=None, done_at=None,
    )  # fmt: skip


def happen(message: Tracked, what: str, seq: int, dlr: Dlr) -> bool:
    """Let something happen; whether the message got a final status by it."""
    seq %= message.parts
    match what:
        case "submitted":
            submitted(message, [f"r{seq}" if i == seq else NO_REF for i in range(message.parts)], AT)
            return False
        case "receipt":
            return receipt(message, seq, dlr, True, AT)
        case "on its way":
            return receipt(message, seq, Dlr.SENT, False, AT)
        case "finish":
            return finish(message, dlr, AT)
    return cancel(message, AT)


@given(st.integers(1, 3), happenings)
def test_states_only_ever_go_forward(parts: int, history: list[tuple[str, int, Dlr]]) -> None:
    message = tracked(parts)
    for what, seq, dlr in history:
        before = (message.state, message.dlr)
        has_ended = happen(message, what, seq, dlr)
        after = (message.state, message.dlr)
        if before[0] in FINAL and before != after:
            assert before[1] in NOBODY_KNEW
            assert after == (State.DELIVERED, Dlr.DELIVERED)
        if before[0] == State.SENT:
            assert after[0] != State.ACCEPTED
            assert after[0] != State.CANCELLED
        assert has_ended == (before != after and after[0] in FINAL)
        assert (message.done_at is not None) == (message.state in FINAL)
        assert (message.state == State.SENT) <= (NO_REF not in message.refs)


@given(st.integers(1, 3), happenings)
def test_a_message_has_at_most_two_ends_and_the_second_is_delivered(
    parts: int, history: list[tuple[str, int, Dlr]]
) -> None:
    message = tracked(parts)
    ends = [message.dlr for what, seq, dlr in history if happen(message, what, seq, dlr)]
    assert len(ends) <= 2
    if len(ends) == 2:
        assert ends[0] in NOBODY_KNEW
        assert ends[1] == Dlr.DELIVERED


@given(st.integers(1, 3), happenings)
def test_everything_that_happens_twice_has_happened_once(parts: int, history: list[tuple[str, int, Dlr]]) -> None:
    once, twice = tracked(parts), tracked(parts)
    for what, seq, dlr in history:
        happen(once, what, seq, dlr)
        happen(twice, what, seq, dlr)
        assert not happen(twice, what, seq, dlr)
    assert replace(once) == replace(twice)


@given(st.integers(1, 3), happenings, st.booleans())
def test_a_history_settles_once_however_it_is_cut_into_batches(
    parts: int, history: list[tuple[str, int, Dlr]], may_have_left: bool
) -> None:
    message = tracked(parts)
    captured = released = 0
    for what, seq, dlr in history:
        happen(message, what, seq, dlr)
        one = settled(message, may_have_left=may_have_left)
        captured, released = captured + one[0], released + one[1]
        message.was, message.was_dlr = message.state, message.dlr  # the batch is written
    if message.state == State.ACCEPTED:
        assert (captured, released) == (0, 0)
    else:
        assert sorted((captured, released)) == [0, message.price_mc]
    if message.state in (State.SENT, State.DELIVERED) and message.has_refs and not released:
        assert captured == message.price_mc
    if message.state == State.CANCELLED and not may_have_left:
        assert released == message.price_mc


@given(st.integers(1, 3), happenings, st.sets(st.integers(0, 11)))
def test_the_counters_add_up_however_a_history_is_cut_into_batches(
    parts: int, history: list[tuple[str, int, Dlr]], cuts: set[int]
) -> None:
    message = tracked(parts)
    counters = dict.fromkeys(Rollup._fields, 0)
    for i, (what, seq, dlr) in enumerate(history):
        happen(message, what, seq, dlr)
        if i in cuts or i == len(history) - 1:
            for move in rollups([message]).values():
                for name, by in move._asdict().items():
                    counters[name] += by
            message.was, message.was_dlr = message.state, message.dlr
    expected = dict.fromkeys(counters, 0)
    if message.state in FINAL:
        expected["opened"] = -1
        expected[rollup(message.state, message.dlr)] = 1
        expected["unassigned"] = int(message.state == State.FAILED and message.dlr == Dlr.INVALID_DESTINATION)
    assert counters == expected


@given(st.lists(st.sampled_from(list(Dlr)), max_size=8), st.integers(1, 8))
def test_whether_a_long_message_is_over_does_not_depend_on_the_order_of_its_receipts(
    part_dlrs: list[Dlr], parts: int
) -> None:
    other: list[Dlr] = sorted(part_dlrs)
    one, two = combine([*part_dlrs], parts), combine([*other], parts)
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert final_state(one) == final_state(two)
        assert one in part_dlrs


@given(st.lists(dlrs, min_size=1, max_size=6))
def test_the_last_word_is_the_first_final_one_but_for_those_where_nobody_knew(statuses: Sequence[Dlr]) -> None:
    message = tracked(1)
    submitted(message, ["a"], AT)
    for dlr in statuses:
        receipt(message, 0, dlr, True, AT)
    first = statuses[0]
    expected = Dlr.DELIVERED if first in NOBODY_KNEW and Dlr.DELIVERED in statuses else first
    assert message.dlr == expected


@given(st.sampled_from(list(State)), st.sampled_from(list(Dlr)), st.sampled_from(list(Dlr)))
def test_nothing_replaces_delivered_or_cancelled(state: State, dlr: Dlr, new: Dlr) -> None:
    if state in (State.DELIVERED, State.CANCELLED):
        assert not may_replace(state, dlr, new)
