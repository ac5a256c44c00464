"""Laws of the decision what a request becomes, and of what is written of it."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.accounts import Account
from chappe.domain.errors import Refusal
from chappe.domain.plans import Excluded, Limits, Plan, Recipients, Tally
from chappe.domain.pricing import balance_credits, cost_credits, price_mc
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import Planner, home_of, plan, read_recipients
from chappe.store import messages, submissions
from chappe.store.ids import Ids
from chappe.telecom.segments import Encoding, segments
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of
from tests.store.build import NOW, SHOP, STRANGER, database, top_up

LIMITS = Limits(max_recipients=30)
ROUTES = routes_to({"FR": 7, "CH": 8}, 9)
Info = tuple[str | None, str | None, str | None, str | None]
numbers = st.one_of(
    st.integers(0, 20).map(lambda i: f"06123456{i:02}"),
    st.integers(0, 5).map(lambda i: f"+3361234560{i}"),
    st.integers(0, 5).map(lambda i: f"+4179123450{i}"),
    st.text(max_size=15),
)
fields = st.none() | st.text(max_size=200)
texts = st.text(st.sampled_from("ab €é你🎉\n[]{}") | st.characters(codec="utf-8"), max_size=400) | st.sampled_from(
    ["Hello", "Hi [info1]", "[info1][info2] [info4]", "x" * 161, "[info5]", "<-short->", "100 % [info3]"]
)


@st.composite
def requests(draw: st.DrawFn) -> SubmitRequest:
    to = draw(st.lists(numbers, max_size=12))
    infos: list[Info | None] = draw(
        st.just([])
        | st.lists(st.none() | st.tuples(fields, fields, fields, fields), min_size=len(to), max_size=len(to))
    )
    refs = draw(st.just([]) | st.lists(st.none() | st.text(max_size=5), min_size=len(to), max_size=len(to)))
    return SubmitRequest(
        draw(texts), to, draw(st.sampled_from(["alert", "marketing"])), draw(st.none() | st.text(max_size=20)),
        draw(st.none() | st.sampled_from(["2031-05-21 10:00:00", "2031-05-20 01:00:00", "soon"])),
        draw(st.booleans()), refs, infos,
    )  # fmt: skip


def planned(request: SubmitRequest, account: Account = SHOP) -> Plan | None:
    """What the request becomes; None when it is refused, which is the only other way out."""
    try:
        return plan(request, rules_of(account), ROUTES, LIMITS, NOW, hours=HOURS)
    except Refusal:
        return None


@given(requests())
@settings(deadline=None)
def test_every_number_is_counted_once(request: SubmitRequest) -> None:
    made = planned(request)
    if made is not None:
        assert (
            made.total == len(request.numbers) == len(made.numbers) + made.left_out.invalid + made.left_out.duplicated
        )
        assert len(set(made.numbers)) == len(made.numbers)


known = st.frozensets(st.integers(0, 20).map(lambda i: 33_612_345_600 + i), max_size=8)
facts = st.builds(Excluded, known, known)


@given(requests(), facts)
@settings(deadline=None)
def test_every_number_is_counted_once_whoever_is_left_out(request: SubmitRequest, excluded: Excluded) -> None:
    try:
        made = plan(request, rules_of(SHOP), ROUTES, LIMITS, NOW, hours=HOURS, excluded=excluded)
    except Refusal:
        return
    left_out = made.left_out.invalid + made.left_out.duplicated + made.left_out.blacklisted + made.left_out.npai
    assert made.total == len(request.numbers) == len(made.numbers) + left_out
    assert not set(made.numbers) & (excluded.blacklisted | excluded.npai)
    without = plan(request, rules_of(SHOP), ROUTES, LIMITS, NOW, hours=HOURS)
    assert (made.left_out.invalid, made.left_out.duplicated) == (without.left_out.invalid, without.left_out.duplicated)
    assert made.left_out.blacklisted == len(set(without.numbers) & excluded.blacklisted)
    assert made.left_out.npai == len(set(without.numbers) & (excluded.npai - excluded.blacklisted))


@given(requests(), facts, st.lists(st.integers(0, 12), max_size=4))
@settings(deadline=None)
def test_a_request_planned_in_chunks_becomes_what_it_becomes_at_once(
    request: SubmitRequest, excluded: Excluded, cuts: list[int]
) -> None:
    try:
        whole = plan(request, rules_of(SHOP), ROUTES, LIMITS, NOW, hours=HOURS, excluded=excluded)
    except Refusal:
        return
    given_ = read_recipients(request, SHOP, LIMITS)
    home = home_of(given_, rules_of(SHOP))
    planner = Planner(request, rules_of(SHOP), ROUTES, LIMITS, NOW, HOURS, home=home)
    tally, rows = Tally(), []
    for first, last in pairwise([0, *sorted(cuts), len(given_.numbers)]):
        chunk = planner.plan(_part(given_, first, last), excluded)
        assert (chunk.text, chunk.sender, chunk.priority) == (whole.text, whole.sender, whole.priority)
        tally.add(chunk)
        rows += _rows(chunk)
    assert rows == _rows(whole)
    at_once = Tally()
    at_once.add(whole)
    assert tally == at_once


def _part(given_: Recipients, first: int, last: int) -> Recipients:
    part = slice(first, last)
    return Recipients(given_.numbers[part], given_.countries[part], given_.client_refs[part], given_.infos[part])


def _rows(made: Plan) -> list[tuple[object, ...]]:
    """The messages of a plan, one by one."""
    nothing = [None] * len(made.numbers)
    columns = (made.client_refs or nothing, made.texts or nothing, made.senders or nothing, made.infos or nothing)
    ready = made.ready or [made.send_at] * len(made.numbers)
    return list(
        zip(
            made.numbers,
            made.countries,
            made.lanes,
            made.encodings,
            made.parts,
            made.prices_mc,
            ready,
            *columns,
            strict=True,
        )
    )


@given(requests())
@settings(deadline=None)
def test_the_columns_of_a_plan_are_of_one_length(request: SubmitRequest) -> None:
    made = planned(request)
    if made is not None:
        count = len(made.numbers)
        assert {len(made.countries), len(made.lanes), len(made.encodings), len(made.parts), len(made.prices_mc)} == {
            count
        }
        assert len(made.texts) in (0, count)
        assert len(made.client_refs) in (0, count)


@given(requests())
@settings(deadline=None)
def test_the_cost_is_the_sum_of_the_prices_and_each_price_that_of_the_parts_that_will_be_sent(
    request: SubmitRequest,
) -> None:
    made = planned(request)
    if made is None:
        return
    assert made.cost_mc == sum(made.prices_mc)
    for i, count in enumerate(made.parts):
        text = (made.texts[i] if made.texts else None) or made.text
        cut = segments(text, unicode=request.is_unicode, limit=10)
        assert len(cut.parts) == count
        assert made.prices_mc[i] == price_mc(count)
        assert made.encodings[i] == (1 if cut.encoding is Encoding.UCS2 else 0) == int(request.is_unicode)


@given(requests())
@settings(deadline=None)
def test_a_plan_can_be_made_again_and_be_the_same(request: SubmitRequest) -> None:
    assert planned(request) == planned(request)


@given(requests())
@settings(deadline=None)
def test_a_message_leaves_not_before_now_and_has_its_whole_validity(request: SubmitRequest) -> None:
    made = planned(request)
    if made is not None:
        assert made.send_at >= NOW
        assert made.expires_at == (max(made.ready) if made.ready else made.send_at) + LIMITS.validity_s * 1000


@given(st.lists(requests(), max_size=6), st.integers(0, 40))
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_what_was_planned_and_paid_or_nothing(wanted: list[SubmitRequest], given_: int) -> None:
    db, ids = database(), Ids()
    top_up(db, STRANGER, given_ - 1000)
    left_mc = given_ * 1000
    for request in wanted:
        made = planned(request, STRANGER)
        if made is None:
            continue
        try:
            ticket, _, left = db.write(lambda tx, made=made: submissions.write(tx, ids, STRANGER, made, NOW))  # type: ignore[misc]
        except Refusal:
            assert made.cost_mc > left_mc
            continue
        left_mc -= made.cost_mc
        assert left == left_mc >= 0
        span = db.read(lambda tx, ticket=ticket: messages.span_of_ticket(tx, ticket))  # type: ignore[misc]
        assert span is not None
        rows = [db.read(lambda tx, i=i: messages.detail(tx, i)) for i in range(span[0], span[1] + 1)]  # type: ignore[misc]
        assert [row.number for row in rows if row] == made.numbers
        texts = made.texts or [None] * len(made.numbers)
        assert [row.text for row in rows if row] == [text or made.text for text in texts]
        assert [row.price_mc for row in rows if row] == made.prices_mc
        assert [row.client_ref for row in rows if row] == (made.client_refs or [None] * len(made.numbers))
        assert len(rows) == len(made.numbers)
    db.close()


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**15))
def test_what_is_printed_never_promises_more_than_there_is(available_mc: int, cost_mc: int) -> None:
    assert balance_credits(available_mc) * 1000 <= available_mc < (balance_credits(available_mc) + 1) * 1000
    assert (cost_credits(cost_mc) - 1) * 1000 < cost_mc <= cost_credits(cost_mc) * 1000
    if cost_credits(cost_mc) <= balance_credits(available_mc):
        assert cost_mc <= available_mc
