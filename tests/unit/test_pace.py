"""What keeps a lane from being faster, as its operator reads it."""

import pytest

from chappe.pipeline.pace import BRAKES, NOTHING_WAITS, WINDOW, PaceMeter


def test_the_reason_is_what_took_the_most_time_since_the_last_report() -> None:
    meter = PaceMeter(0.0)
    meter.note(WINDOW, 0.2)
    meter.note(BRAKES["rate"], 0.9)
    assert meter.report(1.0).limited_by == WINDOW
    assert meter.report(2.0).limited_by == BRAKES["rate"]
    meter.note(NOTHING_WAITS, 2.1)
    assert meter.report(3.0).limited_by == NOTHING_WAITS


def test_the_speed_is_that_of_the_last_seconds() -> None:
    meter = PaceMeter(0.0)
    speeds = []
    for second in range(1, 12):
        meter.sent(100 if second <= 5 else 0)
        speeds.append(meter.report(float(second)).per_s)
    assert speeds[:5] == [100] * 5
    assert speeds[5:] == [80, 60, 40, 20, 0, 0]


def test_without_time_there_is_no_speed() -> None:
    meter = PaceMeter(5.0)
    meter.sent(3)
    assert meter.report(5.0) == (NOTHING_WAITS, 0)
    assert meter.report(7.0).per_s == pytest.approx(1.5, abs=1)
