"""Whose turn it is: priorities, fairness, schedules, owners. And how the engine finds it out."""

from itertools import groupby

import pytest

from chappe.domain.lifecycle import Queue
from chappe.domain.marketing_hours import FOREVER
from chappe.domain.plans import MARKETING, SINGLE
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import plan
from chappe.store import campaigns, carriers, idempotency, quarantine, queue, submissions, tracking, wallets
from chappe.store import messages as message_rows
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of
from tests.store.build import (
    CARRIER,
    DAY,
    LIMITS,
    MINUTE,
    NOT_NOW,
    NOW,
    SHOP,
    STRANGER,
    TOO_FAST,
    Core,
    accepted,
    database,
    kept,
    lost,
    numbers,
    refused,
)

PARIS_NOON = "2031-05-20 12:00:00"
NOON = 1_937_037_600_000


def campaigns_of(core: Core, n: int) -> list[int]:
    return [message.campaign_id for message in core.claim(n)]


def runs(values: list[int]) -> list[int]:
    """The lengths of the stretches of equal values."""
    return [len(list(group)) for _, group in groupby(values)]


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    core = Core()
    tickets = []
    for number in numbers(5):
        tickets.append(core.submit(number))
        core.now += 1
    assert campaigns_of(core, 10) == tickets


def test_the_messages_of_a_campaign_leave_in_the_order_of_its_numbers() -> None:
    core = Core()
    core.submit(*reversed(numbers(50)))
    assert [str(message.number) for message in core.claim()] == list(reversed(numbers(50)))


def test_a_claim_takes_no_more_than_was_asked_and_nothing_twice() -> None:
    core = Core()
    core.submit(*numbers(10))
    claims = [[message.message_id for message in core.claim(n)] for n in (4, 4, 4, 4)]
    assert claims == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []]


def test_a_claim_tells_all_a_carrier_must_know() -> None:
    core = Core()
    ticket = core.submit(
        *numbers(2), text="Hi [info1]", sender="Shop", infos=[("Ana", *[None] * 3), ("Bo", *[None] * 3)]
    )
    first, second = core.claim()
    assert (first.number, first.text, first.sender, first.campaign_id) == (33612000000, "Hi Ana", "Shop", ticket)
    assert (first.encoding, first.parts, first.refs, first.attempts) == (0, 1, None, 0)
    assert first.expires_at == NOW + 2 * DAY
    assert second.text == "Hi Bo"


def test_a_single_message_goes_before_a_campaign_and_an_alert_before_marketing() -> None:
    core = Core(now=NOW + 8 * 3600 * 1000)  # in the morning: marketing may leave
    marketing = core.submit(*numbers(3), kind="marketing")
    alert = core.submit(*numbers(3))
    single = core.submit(*numbers(1))
    assert campaigns_of(core, 10) == [single, *[alert] * 3, *[marketing] * 3]


def test_a_single_message_overtakes_a_campaign_that_is_under_way() -> None:
    core = Core()
    campaign = core.submit(*numbers(10))
    assert campaigns_of(core, 4) == [campaign] * 4
    single = core.submit(*numbers(1))
    assert campaigns_of(core, 4) == [single, *[campaign] * 3]


@pytest.mark.parametrize("later_by_ms", [0, 1, 60_000])
def test_the_campaigns_of_two_accounts_advance_side_by_side(later_by_ms: int) -> None:
    core = Core()
    large = core.submit(*numbers(500), account=SHOP)
    assert campaigns_of(core, 100) == [large] * 100
    core.now += later_by_ms
    small = core.submit(*numbers(50), account=STRANGER)
    order = campaigns_of(core, 100)
    assert order.count(small) == order.count(large) == 50
    assert max(runs(order)) <= 2
    assert set(campaigns_of(core, 1000)) == {large}


def test_a_second_campaign_of_one_account_waits_behind_its_first_and_not_behind_the_others() -> None:
    core = Core()
    first = core.submit(*numbers(60), account=SHOP)
    second = core.submit(*numbers(60), account=SHOP)
    stranger = core.submit(*numbers(60), account=STRANGER)
    order = campaigns_of(core, 120)
    assert (order.count(first), order.count(stranger), order.count(second)) == (60, 60, 0)
    assert set(campaigns_of(core, 60)) == {second}


def test_many_campaigns_of_one_account_are_no_way_to_get_more_turns() -> None:
    core = Core()
    for part in range(10):
        core.submit(*numbers(10, 33_613_000_000 + 10 * part), account=SHOP)
    stranger = core.submit(*numbers(10), account=STRANGER)
    assert campaigns_of(core, 20).count(stranger) == 10


def test_a_large_campaign_that_is_over_does_not_put_its_account_behind() -> None:
    core = Core()
    core.submit(*numbers(900), account=SHOP)
    core.claim(1000)
    core.now += 1000
    stranger = core.submit(*numbers(20), account=STRANGER)
    again = core.submit(*numbers(20), account=SHOP)
    order = campaigns_of(core, 20)
    assert order.count(again) == order.count(stranger) == 10


def test_lanes_do_not_stand_in_each_others_way() -> None:
    core = Core()
    other = Core(db=core.db, carrier=CARRIER + 1)
    mine, theirs = core.submit(*numbers(5)), other.submit(*numbers(5), account=STRANGER)
    assert (campaigns_of(core, 10), campaigns_of(other, 10)) == ([mine] * 5, [theirs] * 5)


def test_a_campaign_to_several_lanes_gets_its_turns_in_each() -> None:
    db = database()
    lanes = {"FR": 5, "CH": 6}
    cores = {country: Core(db=db, carrier=lane) for country, lane in lanes.items()}
    swiss = [f"4179123456{i}" for i in range(6)]
    mixed = [number for pair in zip(numbers(6), swiss, strict=True) for number in pair]
    for core in cores.values():
        core.submit(*numbers(6, 33_613_000_000), account=STRANGER)
    planned = plan(SubmitRequest("Hello", mixed), rules_of(SHOP), routes_to(lanes), LIMITS, NOW, hours=HOURS)
    ticket, *_ = db.write(lambda tx: submissions.write(tx, cores["FR"].ids, SHOP, planned, NOW))
    for country, core in cores.items():
        claimed = core.claim(8)
        assert [message.campaign_id for message in claimed].count(ticket) == 4
        ours = [message.number for message in claimed if message.campaign_id == ticket]
        assert ours == planned.numbers[country == "CH" :: 2][:4]


def test_a_scheduled_campaign_waits_for_its_time() -> None:
    core = Core()
    later = core.submit(*numbers(3), delay=PARIS_NOON)
    assert (core.wake(), core.claim()) == (0, [])
    assert core.db.read(lambda tx: queue.has_due(tx, CARRIER, Queue.SCHEDULED, NOON - 1)) is False
    assert core.db.read(lambda tx: queue.has_due(tx, CARRIER, Queue.SCHEDULED, NOON)) is True
    core.now = NOON - 1
    assert core.wake() == 0
    core.now = NOON
    assert (core.wake(), core.wake()) == (3, 0)
    assert campaigns_of(core, 10) == [later] * 3


def test_a_campaign_that_was_scheduled_has_no_advantage_over_one_that_comes_when_its_time_has_come() -> None:
    core = Core()
    early = core.submit(*numbers(40), account=SHOP, delay=PARIS_NOON)
    core.now = NOON
    fresh = core.submit(*numbers(40), account=STRANGER)
    core.wake()
    order = campaigns_of(core, 40)
    assert order.count(early) == order.count(fresh) == 20


def test_campaigns_of_two_accounts_scheduled_for_one_moment_advance_side_by_side() -> None:
    core = Core()
    left = core.submit(*numbers(40), account=SHOP, delay=PARIS_NOON)
    right = core.submit(*numbers(40), account=STRANGER, delay=PARIS_NOON)
    core.now = NOON
    while core.db.write(lambda tx: queue.wake_due(tx, CARRIER, core.now, 30)):
        pass
    order = campaigns_of(core, 40)
    assert order.count(left) == order.count(right) == 20


def test_waking_takes_those_first_whose_time_came_first() -> None:
    core = Core()
    core.submit(*numbers(2), delay="2031-05-20 13:00:00")
    sooner = core.submit(*numbers(2), delay=PARIS_NOON)
    core.now = NOON + 2 * 60 * MINUTE
    assert core.db.write(lambda tx: queue.wake_due(tx, CARRIER, core.now, 2)) == 2
    assert campaigns_of(core, 10) == [sooner] * 2


def test_a_message_that_was_put_back_keeps_its_place() -> None:
    core = Core()
    core.submit(*numbers(6))
    first, second, third = core.claim(3)
    core.record([accepted(first), kept(second), refused(third, TOO_FAST)])
    assert [message.message_id for message in core.claim()] == [2, 3, 4, 5, 6]


def test_a_single_message_that_was_refused_for_now_is_not_behind_a_campaign_when_its_time_comes() -> None:
    core = Core()
    core.submit(*numbers(1))
    message = core.claim_one()
    core.record([refused(message, NOT_NOW)])
    core.submit(*numbers(50))
    core.now += 30_000
    assert core.wake() == 1
    assert core.claim(1)[0].message_id == message.message_id


def test_a_lane_knows_whether_anything_is_ready_without_reading_it() -> None:
    core = Core()

    def is_ready() -> bool:
        return core.db.read(lambda tx: queue.has_ready(tx, CARRIER))

    assert not is_ready()
    core.submit(*numbers(1))
    assert is_ready()
    core.claim()
    assert not is_ready()


def test_each_new_owner_of_a_lane_has_a_higher_epoch() -> None:
    core = Core()
    epochs = [core.epoch]
    for _ in range(3):
        core.restart()
        epochs.append(core.epoch)
    assert epochs == [1, 2, 3, 4]


def test_what_an_earlier_owner_was_sending_is_found_by_the_next_and_nothing_else() -> None:
    core = Core()
    core.submit(*numbers(6))
    sending, answered, lost_one = core.claim(3)
    core.record([accepted(answered), lost(lost_one)])
    own = core.db.read(lambda tx: queue.orphans(tx, CARRIER, core.epoch))
    core.restart()
    (now_sending,) = core.claim(1)
    found = core.db.read(lambda tx: queue.orphans(tx, CARRIER, core.epoch))
    assert own == []
    assert [(each.message_id, each.expires_at) for each in found] == [(sending.message_id, sending.expires_at)]
    assert now_sending.message_id not in [each.message_id for each in found]


def test_what_was_written_down_by_another_epoch_is_not_put_back() -> None:
    core = Core()
    core.submit(*numbers(1))
    message = core.claim_one()
    core.db.write(lambda tx: queue.again_now(tx, [message.message_id], core.epoch + 1))
    assert core.queue_state(message.message_id) == Queue.SENDING


def test_a_message_nobody_is_sending_is_not_put_back_a_second_time() -> None:
    core = Core()
    core.submit(*numbers(1))
    message = core.claim_one()
    core.record([refused(message, NOT_NOW)])
    core.db.write(lambda tx: queue.again_now(tx, [message.message_id], core.epoch))
    assert core.queue_state(message.message_id) == Queue.SCHEDULED


def test_resending_takes_only_what_is_still_unknown() -> None:
    core = Core()
    core.submit(*numbers(2))
    unknown, sending = core.claim()
    core.record([lost(unknown)])
    core.db.write(lambda tx: queue.resend(tx, [unknown.message_id, sending.message_id]))
    assert core.queue_state(unknown.message_id) == Queue.READY
    assert core.queue_state(sending.message_id) == Queue.SENDING
    assert core.claim_one().attempts == 1


def test_what_may_move_from_a_lane_is_read_in_pieces_of_what_waits_for_its_turn_and_for_its_time() -> None:
    core = Core()
    core.submit(*numbers(3))
    core.submit(*numbers(2), delay=PARIS_NOON)
    Core(db=core.db, carrier=CARRIER + 1).submit(*numbers(1))
    core.claim(1)
    ready = core.db.read(lambda tx: queue.movable_ready(tx, CARRIER, MARKETING, None, 100))
    assert [(row.message_id, row.country, row.account_id, row.is_begun) for row in ready] == [
        (2, "FR", 1, False), (3, "FR", 1, False),
    ]  # fmt: skip
    rest = core.db.read(lambda tx: queue.movable_ready(tx, CARRIER, MARKETING, ready[0], 100))
    assert [row.message_id for row in rest] == [3]
    assert core.db.read(lambda tx: queue.movable_ready(tx, CARRIER, SINGLE, None, 100)) == []
    later = core.db.read(lambda tx: queue.movable_later(tx, CARRIER, FOREVER, None, 1))
    assert [row.message_id for row in later] == [4]
    rest = core.db.read(lambda tx: queue.movable_later(tx, CARRIER, FOREVER, later[0], 100))
    assert [row.message_id for row in rest] == [5]
    assert core.db.read(lambda tx: queue.movable_later(tx, CARRIER, NOW, None, 100)) == []


def test_the_lanes_in_use_are_found_whatever_waits_in_them() -> None:
    core = Core(carrier=0)
    assert core.db.read(queue.lanes_in_use) == []
    core.submit(*numbers(1))
    Core(db=core.db, carrier=9).submit(*numbers(2), delay=PARIS_NOON)
    busy = Core(db=core.db, carrier=4)
    busy.submit(*numbers(3))
    busy.claim()
    assert core.db.read(queue.lanes_in_use) == [0, 4, 9]
    assert core.db.read(queue.depth) == [(0, Queue.READY, 1), (4, Queue.SENDING, 3), (9, Queue.SCHEDULED, 2)]


# -- how the engine finds it: a scan that nobody notices with ten rows stops everything with a million

BIG = {"campaign", "message", "dispatch", "part", "ledger", "trace", "event", "idempotency", "unmatched_receipt"}
# Asked when figures are read, of the whole queue.
WHOLE = {("queue", "_DEPTH"), ("quarantine", "_COUNT")}
# Indexes of the few rows of a large table that are being worked on.
FEW = {"campaign_unqueued"}
MODULES = (campaigns, carriers, idempotency, message_rows, quarantine, queue, submissions, tracking, wallets)
STATEMENTS = [
    pytest.param(module, name, statement, id=module + name)
    for module, names in ((each.__name__.rpartition(".")[2], vars(each)) for each in MODULES)
    for name, statement in names.items()
    if isinstance(statement, Statement)
]


@pytest.fixture(scope="module")
def empty() -> Database:
    return database()


@pytest.mark.parametrize(("module", "name", "statement"), STATEMENTS)
def test_no_statement_reads_a_large_table_from_end_to_end(
    empty: Database, module: str, name: str, statement: Statement
) -> None:
    values = (1,) * len(statement.order)
    plan = [str(row[3]) for row in empty.connection.execute("EXPLAIN QUERY PLAN " + statement.sql, values)]
    aliases = {"m": "message", "d": "dispatch", "c": "campaign", "p": "part"}
    scanned = [step.split()[1] for step in plan if step.startswith("SCAN ") and step.split()[-1] not in FEW]
    large = [table for table in scanned if aliases.get(table, table) in BIG]
    assert large == [] or (module, name) in WHOLE


@pytest.mark.parametrize(
    "name", ["_HEAD", "_CLAIM", "_HAS_READY", "_HAS_DUE", "_DUE", "_UNKNOWN_DUE", "_ORPHANS", "_WAITING", "_NEXT_READY"]
)
def test_what_a_lane_asks_all_the_time_is_read_from_an_index_in_its_order(empty: Database, name: str) -> None:
    statement: Statement = getattr(queue, name)
    values = (1,) * len(statement.order)
    plan = [str(row[3]) for row in empty.connection.execute("EXPLAIN QUERY PLAN " + statement.sql, values)]
    assert any("INDEX dispatch_ready" in step or "INDEX dispatch_later" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)
