"""How carriers are doing, and who gets a message next when one cannot."""

from collections import Counter

import pytest

from chappe.domain.failover import PINNED, Pass, Tried, next_lane, passing
from chappe.domain.lane_health import (
    CHANCE_MS,
    SLOT_MS,
    WELL,
    Figures,
    Health,
    Signs,
    Slot,
    Thresholds,
    count_final,
    count_refused,
    link_health,
    quality,
)
from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import Refused

USUAL = Thresholds()
NOW = 1_795_000_000_000 // SLOT_MS * SLOT_MS
MINUTE = 60_000


def signs(is_bound: bool = True, steady_s: float = 60, held_back: float | None = 0.0) -> Signs:
    return Signs(is_bound, steady_s, held_back)


def figures(delivered: int, faults: int = 0, within: tuple[int, ...] | None = None) -> Figures:
    return Figures(delivered=delivered, failed=faults, faults=faults, within=within or (delivered, 0, 0, 0, 0))


def test_a_carrier_is_down_when_no_bind_has_held_for_a_while_and_back_when_one_does() -> None:
    assert link_health(WELL, signs(False, 29.9), USUAL, NOW) == WELL
    down = link_health(WELL, signs(False, 30), USUAL, NOW)
    assert (down.state, down.reason, down.since_at) == ("down", "not bound for 30 s", NOW)
    assert link_health(down, signs(False, 1), USUAL, NOW + 1) is down, "its gateway was started anew"
    assert link_health(down, signs(True, 1), USUAL, NOW + 1) is down
    assert link_health(down, signs(True, 2), USUAL, NOW + 2).state == "ok"
    assert link_health(WELL, signs(False, 5), Thresholds(down_s=5), NOW).state == "down"


def test_a_carrier_that_was_down_is_back_only_when_it_has_answered() -> None:
    down = link_health(WELL, signs(False, 30), USUAL, NOW)
    silent = Signs(True, 600, 0.0, is_unproven=True)
    unproven = link_health(down, silent, USUAL, NOW + 1)
    assert (unproven.state, link_health(unproven, silent, USUAL, NOW + CHANCE_MS)) == ("unproven", unproven)
    assert link_health(unproven, signs(False, 1), USUAL, NOW + 2).reason == "it was tried in vain"
    assert link_health(unproven, signs(True, 600), USUAL, NOW + 2).state == "ok"
    assert link_health(WELL, silent, USUAL, NOW) == WELL, "nothing speaks against one that was never tried"


def test_a_carrier_is_throttled_when_it_held_back_for_most_of_a_minute_and_for_a_minute_at_least() -> None:
    assert link_health(WELL, signs(held_back=0.5), USUAL, NOW) == WELL
    assert link_health(WELL, signs(held_back=None), USUAL, NOW) == WELL
    throttled = link_health(WELL, signs(held_back=0.51), USUAL, NOW)
    assert (throttled.state, throttled.reason) == ("throttled", "it held back 51% of the last minute")
    assert link_health(throttled, signs(held_back=0.3), USUAL, NOW + 2 * MINUTE) is throttled
    assert link_health(throttled, signs(held_back=0.0), USUAL, NOW + MINUTE - 1) is throttled
    assert link_health(throttled, signs(held_back=0.0), USUAL, NOW + MINUTE).state == "ok"
    assert link_health(throttled, signs(False, 30), USUAL, NOW).state == "down"


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (figures(49, 51), "49% of 100 arrived"),
        (figures(100, within=(0, 0, 0, 10, 90)), "half of 100 took 1767 s or longer"),
        (figures(49, 50), ""),
        (figures(50, 50), ""),
        (figures(100, within=(0, 0, 0, 60, 40)), ""),
    ],
)
def test_a_carrier_is_bad_where_too_few_messages_arrive_or_too_late(seen: Figures, reason: str) -> None:
    found = quality(WELL, [Slot(NOW - SLOT_MS, seen)], USUAL, NOW)
    assert (found.state, found.reason) == (("bad", reason) if reason else ("ok", ""))


def taken(sent: int, delivered: int, **more: int) -> Figures:
    return Figures(sent=sent, delivered=delivered, within=(delivered, 0, 0, 0, 0), **more)


def test_a_carrier_that_takes_everything_and_reports_nothing_is_bad_when_the_time_for_receipts_is_over() -> None:
    slot = Slot(NOW, taken(10_000, 120))
    over = NOW + SLOT_MS + USUAL.delay_s * 1000
    assert quality(WELL, [slot], USUAL, over - 1) == WELL
    found = quality(WELL, [slot], USUAL, over)
    assert (found.state, found.reason) == ("bad", "1% of 10000 arrived, 9880 without a receipt in time")
    patient = Thresholds(delay_s=0)
    assert quality(WELL, [slot], patient, over) == WELL
    assert quality(WELL, [slot], patient, NOW + SLOT_MS + 3_600_000).state == "bad"


def test_phones_that_are_off_a_burst_and_little_traffic_make_nobody_bad() -> None:
    over = NOW + SLOT_MS + USUAL.delay_s * 1000
    assert quality(WELL, [Slot(NOW, taken(10_000, 8_000))], USUAL, over) == WELL
    burst = [Slot(NOW - 2 * SLOT_MS, taken(200, 170)), Slot(NOW, taken(50_000, 0))]
    assert quality(WELL, burst, USUAL, NOW + SLOT_MS) == WELL
    later = [Slot(NOW, taken(50_000, 42_000)), *(Slot(NOW + n * SLOT_MS, taken(10, 8)) for n in range(1, 7))]
    assert quality(WELL, later, USUAL, NOW + 7 * SLOT_MS) == WELL
    assert quality(WELL, [Slot(NOW, taken(99, 0))], USUAL, over) == WELL


def test_silence_counts_only_when_the_link_was_there_for_the_receipts_to_come() -> None:
    slots, over = [Slot(NOW, taken(1_000, 0))], NOW + 4 * SLOT_MS
    assert quality(WELL, slots, USUAL, over, 299) == WELL
    assert quality(WELL, slots, USUAL, over, 300).state == "bad"


def test_what_was_never_answered_speaks_against_a_carrier() -> None:
    found = quality(WELL, [Slot(NOW, taken(40, 40, unknown=60))], USUAL, NOW + 1)
    assert found.reason == "40% of 100 arrived"


def test_who_is_not_asked_for_receipts_is_judged_by_what_it_refuses_and_what_it_says_failed() -> None:
    untold, over = Thresholds(is_told=False), NOW + 6 * SLOT_MS
    assert quality(WELL, [Slot(NOW, taken(10_000, 0))], untold, over) == WELL
    assert quality(WELL, [Slot(NOW, taken(10_000, 0, failed=900, faults=900))], untold, over) == WELL
    found = quality(WELL, [Slot(NOW, taken(100, 0, failed=60, faults=60))], untold, over)
    assert found.reason == "40% of 100 arrived"


def test_a_bad_carrier_is_not_well_again_by_the_few_receipts_that_came_soon() -> None:
    bad, first = Health("bad", "few arrive", NOW), NOW + SLOT_MS
    over = first + SLOT_MS + USUAL.delay_s * 1000
    assert quality(bad, [Slot(first, taken(40, 15))], USUAL, over - 1) is bad
    assert quality(bad, [Slot(first, taken(40, 15))], USUAL, over) is bad
    assert quality(bad, [Slot(first, taken(40, 30))], USUAL, over - 1) is bad
    assert quality(bad, [Slot(first, taken(40, 30))], USUAL, over).reason == "it delivers again"
    assert quality(bad, [Slot(first, taken(40, 40))], USUAL, first + 1).reason == "it delivers again"


def test_what_is_not_asked_for_makes_nobody_bad() -> None:
    lenient = Thresholds(success=0, delay_s=0)
    slow = figures(10, 90, within=(0, 0, 0, 0, 10))
    assert quality(WELL, [Slot(NOW - SLOT_MS, slow)], lenient, NOW) == WELL


def test_what_happened_before_a_judgement_does_not_count_for_the_next() -> None:
    bad = quality(WELL, [Slot(NOW - SLOT_MS, figures(0, 200))], USUAL, NOW + 1)
    good = Slot(NOW, figures(500))
    assert quality(bad, [Slot(NOW - SLOT_MS, figures(0, 200)), good], USUAL, NOW + SLOT_MS) is bad
    again = quality(bad, [Slot(NOW + SLOT_MS, figures(10))], USUAL, NOW + 2 * SLOT_MS)
    assert (again.state, again.reason) == ("ok", "it delivers again")
    assert quality(again, [Slot(NOW + SLOT_MS, figures(0, 200))], USUAL, NOW + 2 * SLOT_MS) is again


def test_a_bad_carrier_must_be_clearly_better_than_it_had_to_be() -> None:
    bad = Health("bad", "few arrive", NOW)
    for delivered, state in ((64, "bad"), (65, "ok")):
        slot = Slot(NOW + SLOT_MS, figures(delivered, 100 - delivered))
        assert quality(bad, [slot], USUAL, NOW + 2 * SLOT_MS).state == state
    slow = Slot(NOW + SLOT_MS, figures(100, within=(0, 0, 10, 90, 0)))
    assert quality(bad, [slow], USUAL, NOW + 2 * SLOT_MS) is bad


def test_a_bad_carrier_of_which_nothing_is_seen_gets_another_chance() -> None:
    bad = Health("bad", "few arrive", NOW)
    assert quality(bad, [], USUAL, NOW + CHANCE_MS - 1) is bad
    assert quality(bad, [], USUAL, NOW + CHANCE_MS).reason == "another chance"


def test_numbers_that_nobody_has_and_senders_that_nobody_may_use_do_not_count_against_a_carrier() -> None:
    counts: Counter[str] = Counter()
    for dlr in (Dlr.INVALID_DESTINATION, Dlr.INVALID_SENDER, Dlr.NOT_ALLOWED, Dlr.REJECTED):
        count_refused(counts, dlr)
        count_final(counts, dlr, 0)
    for delay_s in (1, 14, 59, 200, 3000, 9000):
        count_final(counts, Dlr.DELIVERED, delay_s * 1000)
    found = Figures.of(counts)
    assert (found.refused, found.failed, found.faults, found.delivered) == (4, 4, 2, 6)
    assert (found.within, found.tally().success) == ((1, 1, 1, 1, 1), 0.75)
    assert 15 <= found.median_delay_s <= 60
    assert found.mean_delay_s == pytest.approx(12274 / 6)


# -- who is next

NO_CREDIT = Refused("permanent", Dlr.ROUTE_NOT_AVAILABLE, "0x00000045")
NO_NUMBER = Refused("permanent", Dlr.INVALID_DESTINATION, "ESME_RINVDSTADR")
BLOCKED = Refused("permanent", Dlr.NOT_ALLOWED, "Twilio 21610")
NO_ACCESS = Refused("temporary", Dlr.NOT_ALLOWED, "HTTP 401")
SYSTEM = Refused("temporary", Dlr.NETWORK_ERROR, "ESME_RSYSERR")
FOR_NOW = Refused("temporary", Dlr.NETWORK_ERROR, "ESME_RX_T_APPN")
TOO_FAST = Refused("throttle", Dlr.NETWORK_ERROR, "ESME_RTHROTTLED")
FULL = Refused("queue_full", Dlr.NETWORK_ERROR, "ESME_RMSGQFUL")


@pytest.mark.parametrize(
    ("refused", "attempts", "state", "way"),
    [
        (NO_CREDIT, 0, "ok", Pass("any", "for good")),
        (NO_NUMBER, 0, "ok", None),
        (BLOCKED, 0, "ok", None),
        (NO_ACCESS, 0, "ok", Pass("well", "once")),
        (SYSTEM, 0, "ok", Pass("well", "once")),
        (SYSTEM, 3, "ok", Pass("any", "for good")),
        (FOR_NOW, 0, "ok", None),
        (FOR_NOW, 3, "ok", Pass("any", "for good")),
        (TOO_FAST, 0, "ok", None),
        (TOO_FAST, 0, "throttled", Pass("well", "")),
        (FULL, 1, "ok", None),
        (FULL, 2, "ok", Pass("well", "")),
        (FULL, 20, "ok", Pass("any", "for good")),
    ],
)
def test_what_is_about_the_carrier_goes_to_another_one_and_what_is_about_the_message_does_not(
    refused: Refused, attempts: int, state: str, way: Pass | None
) -> None:
    assert passing(refused, attempts, state) == way  # type: ignore[arg-type]


def test_who_tried_is_remembered_as_it_is_written() -> None:
    tried = Tried.read(None).adding(5, for_good=False).adding(7, for_good=True).adding(6, for_good=False)
    assert tried.text() == "5 6 7!"
    assert Tried.read("5 6 7!") == tried
    assert tried.adding(5, for_good=True).text() == "6 5! 7!"
    assert tried.adding(7, for_good=False) == tried
    assert (Tried.read(PINNED).is_pinned, Tried.read(PINNED).text(), Tried().text()) == (True, PINNED, None)


def test_who_has_not_answered_since_it_was_down_takes_nothing_over() -> None:
    states = {1: "down", 2: "unproven", 3: "bad"}
    assert next_lane((2, 3), 1, Tried(), states, "working", again=True) == 3  # type: ignore[arg-type]


def test_the_next_is_the_best_that_is_able_and_has_not_tried() -> None:
    states = {1: "ok", 2: "down", 3: "bad", 4: "ok"}
    order = (2, 3, 4, 1)

    def next_of(tried: str | None, reach: str, again: bool = False) -> int | None:
        return next_lane(order, 1, Tried.read(tried), states, reach, again=again)  # type: ignore[arg-type]

    assert (next_of(None, "any"), next_of(None, "working"), next_of(None, "well")) == (2, 3, 4)
    assert (next_of("4", "well"), next_of("4", "well", again=True)) == (None, 4)
    assert next_of("4!", "well", again=True) is None
    assert (next_of("3", "working", again=True), next_of(PINNED, "any", again=True)) == (4, None)
