"""Which event is posted next."""

from chappe.domain.webhook_schedule import FIRST_PAUSE_S, OPENS_AFTER
from chappe.pipeline.webhook_targets import FIRST_WINDOW, Target, Targets
from chappe.store.webhooks import DueEvent, PendingRow

NOW = 1000.0


def row(webhook_id: int, url: str = "http://a.example/", *, is_live: bool = True, at: int = 0) -> PendingRow:
    return PendingRow(webhook_id, url, None, is_live, at)


def events(*ids: int) -> list[DueEvent]:
    return [DueEvent(event_id, 0, "{}") for event_id in ids]


def filled(rows: list[PendingRow], each: int = 10, **limits: int) -> Targets:
    """Every webhook of `rows` with `each` events; the ids tell the webhook: 3007 is the eighth of webhook 3."""
    targets = Targets(**{"per_host": 16, "read_ahead": 512, "in_memory": 1000, **limits})
    targets.update(rows)
    for target, limit in targets.wanting(rows, 0, NOW):
        first = target.webhook_id * 1000
        targets.add(target, events(*range(first, first + min(limit, each))), limit)
    return targets


def take_all(targets: Targets, now: float = NOW) -> list[tuple[Target, DueEvent]]:
    taken = []
    while (one := targets.take(now)) is not None:
        taken.append(one)
    return taken


def end(targets: Targets, target: Target, *, well: bool = True, through: bool = True, now: float = NOW) -> None:
    targets.finished(target, began=now, now=now, is_success=well, got_through=through, answered=well or through)


def test_webhooks_take_turns() -> None:
    targets = filled([row(1, "http://a.example/"), row(2, "http://b.example/")])
    assert [event.id for _, event in take_all(targets)] == [1000, 2000, 1001, 2001]


def test_a_new_host_is_called_by_few_at_once_and_by_more_after_each_answer() -> None:
    targets = filled([row(1)], each=60, per_host=4, read_ahead=64)
    first = take_all(targets)
    assert len(first) == FIRST_WINDOW
    end(targets, first[0][0])
    assert len(take_all(targets)) == 2
    for _ in range(10):
        end(targets, first[0][0])
        take_all(targets)
    assert first[0][0].host.in_flight == 4


def test_a_call_without_an_answer_halves_what_is_called_at_once() -> None:
    targets = filled([row(1)], each=60)
    target = take_all(targets)[0][0]
    target.host.window = 8
    end(targets, target, well=False, through=False)
    assert target.host.window == 4


def test_two_webhooks_of_one_host_share_its_places() -> None:
    targets = filled([row(1, "http://a.example/x"), row(2, "http://A.example/y")])
    assert len(take_all(targets)) == FIRST_WINDOW


def test_a_host_without_places_does_not_hold_up_another() -> None:
    targets = filled([row(1, "http://a.example/"), row(2, "http://b.example/")])
    take_all(targets)
    busy = targets.take(NOW)
    assert busy is None
    rows = [row(1), row(2, "http://b.example/"), row(3, "http://c.example/")]
    targets.update(rows)
    for target, limit in targets.wanting(rows, 0, NOW):
        targets.add(target, events(3000), limit)
    assert [event.id for _, event in take_all(targets)] == [3000]


def test_what_is_in_memory_is_not_queued_again_until_it_is_recorded() -> None:
    targets = filled([row(1)], each=2)
    taken = take_all(targets)
    target = taken[0][0]
    targets.add(target, events(1000, 1001, 1002), 3)
    assert [event.id for event in target.queue] == [1002]
    for _ in taken:
        end(targets, target)
    targets.add(target, events(1000), 1)
    assert [event.id for event in target.queue] == [1002]
    targets.recorded(1, 1000)
    targets.add(target, events(1000), 1)
    assert [event.id for event in target.queue] == [1002, 1000]


def test_memory_stays_bounded_and_those_left_out_come_first_the_next_time() -> None:
    rows = [row(i, f"http://h{i}.example/") for i in range(1, 101)]
    targets = filled(rows, each=32, in_memory=320)
    assert targets.held == 320
    for target, event in take_all(targets):
        end(targets, target)
        targets.recorded(target.webhook_id, event.id)
    target, _ = next(targets.wanting(rows, 0, NOW))
    assert target.webhook_id == 11


def test_a_webhook_with_a_long_queue_is_read_further_ahead_each_time() -> None:
    rows, read = [row(1)], []
    targets = filled(rows, each=0)
    for _ in range(7):
        for target, limit in targets.wanting(rows, 0, NOW):
            read.append(limit)
            targets.add(target, events(*range(limit)), limit)
            for _ in range(len(target.queue)):
                event = target.queue.popleft()
                targets.recorded(1, event.id)
    assert read == [32, 64, 128, 256, 512, 512, 512]
    assert targets.held == 0


def test_what_is_queued_for_a_paused_webhook_is_let_go() -> None:
    targets = filled([row(1)])
    targets.update([row(1, is_live=False)])
    assert targets.held == 0
    assert take_all(targets) == []
    assert list(targets.wanting([row(1, is_live=False)], 0, NOW)) == []


def test_a_changed_address_is_used_for_what_is_not_posted_yet() -> None:
    targets = filled([row(1, "http://a.example/")])
    (old, first), (_, second) = take_all(targets)
    rows = [row(1, "http://b.example/")]
    targets.update(rows)
    for target, limit in targets.wanting(rows, 0, NOW):
        targets.add(target, events(1000, 1001, 1002), limit)
    taken = take_all(targets)
    assert [(target.url, event.id) for target, event in taken] == [("http://b.example/", 1002)]
    end(targets, old)
    targets.recorded(1, first.id)
    assert targets.held == 2
    assert second.id in taken[0][0].held


def test_an_event_that_is_not_due_is_not_read() -> None:
    targets = Targets(per_host=16, read_ahead=512, in_memory=1000)
    rows = [row(1, at=5001)]
    targets.update(rows)
    assert list(targets.wanting(rows, 5000, NOW)) == []
    assert len(list(targets.wanting(rows, 5001, NOW))) == 1


def fail(targets: Targets, target: Target, times: int, *, through: bool = True) -> None:
    """Posts that fail, and leave as many on their way as there were."""
    for _ in range(times):
        end(targets, target, well=False, through=through)
        target.in_flight += 1
        target.host.in_flight += 1


def test_a_webhook_that_keeps_failing_is_tried_by_one_event_after_a_pause() -> None:
    rows = [row(1)]
    targets = filled(rows, each=30)
    target = take_all(targets)[0][0]
    fail(targets, target, OPENS_AFTER)
    targets.update(rows)
    assert list(target.queue) == []
    for _ in range(FIRST_WINDOW):
        end(targets, target, well=False)
    assert list(targets.wanting(rows, 0, NOW)) == []
    later = NOW + FIRST_PAUSE_S
    assert [limit - len(target.held) for target, limit in targets.wanting(rows, 0, later)] == [1]
    targets.add(target, events(1900), 1)
    assert len(take_all(targets, later)) == 1
    assert list(targets.wanting(rows, 0, later)) == []


def test_bad_answers_of_one_webhook_do_not_stop_its_neighbour_at_the_host() -> None:
    targets = filled([row(1, "http://a.example/x"), row(2, "http://a.example/y")])
    broken = take_all(targets)[0][0]
    fail(targets, broken, OPENS_AFTER)
    end(targets, broken, well=False)
    assert {target.webhook_id for target, _ in take_all(targets)} == {2}


def test_a_host_that_is_away_is_left_alone_for_all_its_webhooks() -> None:
    targets = filled([row(1, "http://a.example/x"), row(2, "http://a.example/y")])
    taken = take_all(targets)
    fail(targets, taken[0][0], OPENS_AFTER, through=False)
    assert take_all(targets) == []
    assert targets.is_resting(2)


def test_webhooks_without_events_are_forgotten() -> None:
    rows = [row(i, f"http://h{i}.example/") for i in range(1, 500)]
    targets = filled(rows, each=1)
    for target, event in take_all(targets):
        end(targets, target)
        targets.recorded(target.webhook_id, event.id)
    targets.update([])
    assert targets.held == 0
    assert not targets.is_resting(1)
    assert list(targets.wanting(rows, 0, NOW)) == []
