"""Windows as people write them: what can be read, what it means, and why the rest is refused."""

import pytest

from chappe.domain.errors import BadData
from chappe.domain.legal_hours import Span, Window, read_window, window_text


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("mon-sat 08:00-20:00", Window((Span(0, 5, 480, 1200),))),
        ("mon-sat 08:00-20:00 no-holidays", Window((Span(0, 5, 480, 1200),), on_holidays=False)),
        ("mon-fri 08:00-20:00, sat-sun 09:00-18:00", Window((Span(0, 4, 480, 1200), Span(5, 6, 540, 1080)))),
        ("sun 00:00-24:00", Window((Span(6, 6, 0, 1440),))),
        ("sat-mon 08:30-19:30", Window((Span(5, 0, 510, 1170),))),
        ("  MON-Sat  8:00-20:00  No-Holidays ", Window((Span(0, 5, 480, 1200),), on_holidays=False)),
        ("always", Window((Span(0, 6, 0, 1440),))),
    ],
)
def test_a_window_is_read_as_it_is_written(text: str, window: Window) -> None:
    assert read_window(text) == window
    assert hash(read_window(text)) == hash(window)
    assert read_window(window_text(window)) == window


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'mon-sat 08:00-20:00' are expected"),
        ("no-holidays", "'mon-sat 08:00-20:00' are expected"),
        ("always no-holidays", "has 'always' where"),
        ("mon-sat", "has 'mon-sat' where"),
        ("mon-sat 08:00-20:00,", "has '' where"),
        ("mon-sat 08h00-20h00", "expected"),
        ("08:00-20:00", "expected"),
        ("mon 08:00-12:00 14:00-18:00", "expected"),
        ("lun-sam 08:00-20:00", "'lun', which is none of mon, tue"),
        ("mon-xyz 08:00-20:00", "'xyz'"),
        ("mon 08:60-20:00", "08:60, which is not on the clock"),
        ("mon 08:00-24:01", "24:01, which is not on the clock"),
        ("mon 25:00-26:00", "26:00, which is not on the clock"),
        ("mon 20:00-08:00", "never open from 20:00 to 08:00"),
        ("mon 08:00-08:00", "never open"),
        ("mon 24:00-24:00", "never open"),
        ("mon ٠٨:٠٠-20:00", "expected"),
    ],
)
def test_what_is_no_window_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadData) as refused:
        read_window(text)
    assert refused.value.field == "marketing_window"
    assert reason in refused.value.reason


@pytest.mark.parametrize("spans", [(), (Span(0, 7, 0, 60),), (Span(-1, 0, 0, 60),), (Span(0, 0, -1, 60),)])
def test_a_window_that_is_none_cannot_be_made(spans: tuple[Span, ...]) -> None:
    with pytest.raises(BadData):
        Window(spans)


def test_only_what_never_closes_is_written_as_always() -> None:
    assert window_text(read_window("mon-sun 00:00-24:00")) == "always"
    assert window_text(read_window("mon-sun 00:00-24:00 no-holidays")) == "mon-sun 00:00-24:00 no-holidays"
    assert read_window("mon-fri 00:00-24:00, sat-sun 00:00-12:00, sat-sun 12:00-24:00").is_always
    assert not read_window("mon-sun 00:00-24:00 no-holidays").is_always


def test_hours_that_overlap_are_joined() -> None:
    assert read_window("mon 08:00-12:00, mon-tue 10:00-14:00, mon 14:00-15:00").hours[:2] == (
        ((480, 900),),
        ((600, 840),),
    )
