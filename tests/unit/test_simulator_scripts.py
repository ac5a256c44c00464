"""The language of faults: what can be said, what is told about what cannot, and when it holds."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.carriers.simulator.faults import CALM, Faults, Mood, Running
from chappe.carriers.simulator.garbage import GARBAGE
from chappe.carriers.simulator.ids import ID_FORMATS
from chappe.carriers.simulator.language import ScriptError, read, ready_scripts, written
from chappe.carriers.simulator.outcomes import OUTCOMES
from chappe.carriers.simulator.script import CLAUSES, FAULTS, Clause, Kind, Nth, Statement, Value
from chappe.telecom.smpp.status import STATUSES

PAGE = Path(__file__).parents[2] / "docs/testing.md"

# -- any script that is printed and read again is the same ------------------------------------------------

TIMES = st.integers(1, 10**9)
SPANS = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(lambda pair: (min(pair), max(pair)))
NUMBERS = st.tuples(st.sampled_from(["", "*"]), st.integers(0, 10**15)).map(lambda pair: f"{pair[0]}{pair[1]}")
ARGUMENTS: dict[Kind, st.SearchStrategy[Value]] = {
    "status": st.sampled_from([*(set(STATUSES) - {0}), 0x400, 0xFFFFFFFF]),
    "span": SPANS,
    "up": TIMES,
    "down": TIMES,
    "number": st.integers(1, 10**9),
    "percent": st.integers(0, 99),
    "outcome": st.sampled_from(sorted(OUTCOMES)),
    "error": st.integers(0, 999),
    "ids": st.sampled_from(ID_FORMATS),
    "garbage": st.sampled_from(sorted(GARBAGE)),
    "text": st.text('STOP é👋"\\#%\n\r\t\x0b\x85\u2028', min_size=1),
}


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    fault = FAULTS[draw(st.sampled_from(sorted(FAULTS)))]
    count = len(fault.arguments) - draw(st.integers(0, fault.optional))
    arguments = tuple(draw(ARGUMENTS[kind]) for kind in fault.arguments[:count])
    may: set[Clause] = {"at", "times"} if fault.words == "flap" else set(CLAUSES[fault.scope])
    clauses: dict[Clause, object] = {
        "share": draw(st.integers(1, 10_000)) / 100,
        "part": draw(st.integers(1, 255)),
        "to": tuple(draw(st.lists(NUMBERS, min_size=1, max_size=3))),
        "nth": Nth(draw(st.sampled_from(["at", "from", "every"])), draw(st.integers(1, 10**6))),
        "at": draw(TIMES),
        "for": draw(TIMES),
        "times": draw(st.integers(1, 10**6)),
    }
    said = draw(st.sets(st.sampled_from(sorted(may - {"every"}))))
    given_ = {f"{name}_ms" if name in ("at", "for") else name: clauses[name] for name in said}
    if fault.scope == "moment" and "at" not in said:
        given_["every_ms"] = draw(TIMES)
    elif "every" in may and "for" in said:
        given_["every_ms"] = int(str(given_["for_ms"])) + draw(TIMES)
    return Statement(fault=fault.words, arguments=arguments, **given_)  # type: ignore[arg-type]


@given(st.lists(statements(), max_size=5).map(tuple))
def test_a_script_printed_and_read_again_is_the_same(script: tuple[Statement, ...]) -> None:
    assert read(written(script)) == script


@given(st.text())
def test_whatever_is_written_is_read_or_told_to_be_wrong(text: str) -> None:
    try:
        script = read(text)
    except ScriptError as error:
        wrong = error
    else:
        assert read(written(script)) == script
        return
    assert 1 <= wrong.line <= text.count("\n") + 1
    assert wrong.reason


def test_a_script_keeps_its_texts_whatever_they_hold() -> None:
    (statement,) = read('reply "a\u2028b\\n\x85#"')
    assert statement.arguments == ("a\u2028b\n\x85#",)


# -- reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("throttle 10 % for 5 min", Statement(fault="throttle", share=10, for_ms=300_000)),
        ("THROTTLE 0.5%", Statement(fault="throttle", share=0.5)),
        ("queue full at 3s for 5m every 1h",
         Statement(fault="queue full", at_ms=3000, for_ms=300_000, every_ms=3_600_000)),
        ("refuse 0x45 twice", Statement(fault="refuse", arguments=(0x45,), times=2)),
        ("refuse esme_rsyserr to 336, 337,*42", Statement(fault="refuse", arguments=(8,), to=("336", "337", "*42"))),
        ("late answer 40m", Statement(fault="late answer", arguments=((2_400_000, 2_400_000),))),
        ("late receipt 0s..1.5s", Statement(fault="late receipt", arguments=((0, 1500),))),
        ("drop after answer every 3rd 1 time", Statement(fault="drop after answer", nth=Nth("every", 3), times=1)),
        ("never answer part 2 at 1st", Statement(fault="never answer", part=2, nth=Nth("at", 1))),
        ("flap up 10s down 5s 6 times", Statement(fault="flap", arguments=(10_000, 5_000), times=6)),
        ("unbind every 24h  # good night", Statement(fault="unbind", every_ms=86_400_000)),
        ("refuse binds for 30s", Statement(fault="refuse binds", for_ms=30_000)),
        ("refuse binds ESME_RALYBND", Statement(fault="refuse binds", arguments=(5,))),
        ("report undeliverable error 1", Statement(fault="report", arguments=("undeliverable", 1))),
        ('reply "no # comment, \\"STOP\\""', Statement(fault="reply", arguments=('no # comment, "STOP"',))),
        ("congestion 95%", Statement(fault="congestion", arguments=(95,))),
    ],
)  # fmt: skip
def test_a_line_says_what_it_means(line: str, meaning: Statement) -> None:
    assert read(f"\n# a comment\n{line}\n") == (meaning,)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("trottle 10%", "no fault is called 'trottle 10%'; did you mean 'throttle'?"),
        ("explode", "no fault is called 'explode'"),
        ("refuse", "'refuse' needs (a status such as ESME_RSYSERR or 0x45) is missing at the end"),
        ("refuse ESME_NONSENSE", "unknown status 'ESME_NONSENSE'; write ESME_RSYSERR or 0x45"),
        ("refuse ESME_ROK", "ESME_ROK refuses nothing"),
        ("throttle 0%", "'0%' is no share above 0 and up to 100%"),
        ("throttle 101%", "'101%' is no share"),
        ("throttle 10% 20%", "a share (10%) is said twice"),
        ("throttle for 5", "'5' is no time such as 500ms, 30s"),
        ("throttle for 0s", "a time of nothing makes no sense here"),
        ("throttle every 5m", "'every' needs 'for'"),
        ("throttle for 2m every 1m", "it would begin again before it is over"),
        ("throttle sometimes", "'sometimes' is no clause; clauses are: 10%, part 2"),
        ("throttle to +336", "'+336' is no beginning (336) and no end (*42) of a number"),
        ("throttle from 10s", "'10s' does not say which one"),
        ("unbind", "'unbind' needs a moment: at 30s, or every 10m"),
        ("unbind every 24h 10%", "'unbind' cannot be limited by a share (10%)"),
        ("down part 2", "'down' cannot be limited by a part"),
        ("flap up 10s down 5s for 1m", "'flap' cannot be limited by a length"),
        ("flap 10s 5s", "after 'flap' comes 'up', not '10s'"),
        ("late answer 5s..1s", "'5s..1s' ends before it begins"),
        ("late answer 4000d", "longer than ten years"),
        ("report eaten", "'eaten' is none of delivered, undeliverable"),
        ("garbage truck", "'truck' is none of length, header"),
        ("ids roman", "'roman' is none of decimal, hex"),
        ("congestion 100", "'100' is no whole number of percent from 0 to 99"),
        ("report expired error 1000", "'1000' is no error code from 0 to 999"),
        ("write slowly 0", "'0' is no number from 1"),
        ("reply STOP", "'STOP' is no text in quotes"),
        ('reply "STOP', "a text has no closing quote"),
        ('reply "\\q"', "an escape that JSON does not know"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named_with_the_reason(line: str, reason: str) -> None:
    with pytest.raises(ScriptError) as error:
        read(f"# first\n\n{line}\nthrottle")
    assert error.value.line == 3
    assert reason in error.value.reason
    assert str(error.value).startswith("line 3: ")


def test_the_scripts_that_come_with_chappe_can_be_read() -> None:
    ready = ready_scripts()
    assert {"flapping", "bad-day"} <= set(ready)
    assert all(read(text) and text.startswith("# ") for text in ready.values())


def test_the_page_about_testing_names_every_fault_and_its_examples_can_be_read() -> None:
    page = PAGE.read_text()
    assert [words for words in FAULTS if f"`{words}" not in page] == []
    assert [kind for kind in GARBAGE if f"`{kind}`" not in page] == []
    assert [name for name in ready_scripts() if f"`{name}`" not in page] == []
    examples = page.split("```script\n")[1:]
    assert examples
    for example in examples:
        assert read(example.split("```")[0])


# -- when and how often -------------------------------------------------------------------------------------


def faults(script: str, seed: int | None = 1, speed: float = 1.0) -> Faults:
    return Faults(read(script), seed=seed, speed=speed, began=100.0)


def strikes(line: str, count: int = 10, step_ms: float = 0.0) -> list[int]:
    """Which of the things that fit are hit, counted from 1."""
    running = Running(read(line)[0], random.Random(1))
    return [number for number in range(1, count + 1) if running.strikes((number - 1) * step_ms)]


@pytest.mark.parametrize(
    ("line", "hit"),
    [
        ("throttle", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("throttle twice", [1, 2]),
        ("throttle at 3rd", [3]),
        ("throttle from 9th", [9, 10]),
        ("throttle every 4th", [4, 8]),
        ("throttle every 2nd once", [2]),
        ("throttle at 3s", [4, 5, 6, 7, 8, 9, 10]),
        ("throttle for 3s", [1, 2, 3]),
        ("throttle at 1s for 2s every 4s", [2, 3, 6, 7, 10]),
        ("throttle at 5s from 2nd", [7, 8, 9, 10]),
    ],
)
def test_clauses_choose_what_is_hit(line: str, hit: list[int]) -> None:
    assert strikes(line, step_ms=1000) == hit


def test_a_share_is_about_right_and_the_same_for_the_same_seed() -> None:
    hit = strikes("throttle 10%", 10_000)
    assert 900 < len(hit) < 1100
    assert strikes("throttle 10%", 10_000) == hit


def test_each_line_has_dice_of_its_own() -> None:
    def hits(script: str, line: int, seed: int) -> list[bool]:
        running = faults(script, seed).submits[line]
        return [running.strikes(0) for _ in range(200)]

    assert hits("throttle 50%", 0, 1) == hits("throttle 50%\nrefuse 0x45 50%", 0, 1)
    assert hits("throttle 50%", 0, 1) != hits("throttle 50%", 0, 2)
    assert hits("throttle 50%\nthrottle 50%", 0, 1) != hits("throttle 50%\nthrottle 50%", 1, 1)


def test_moods_change_when_the_script_says_so() -> None:
    script = faults("flap up 10s down 5s twice\nstop reading at 12s for 1s\nwrite slowly 100 at 60s")
    seen, now = [(0.0, script.mood(100.0))], 100.0
    while (change := script.next_change(now)) is not None and len(seen) < 20:
        now = change
        seen.append((round(now - 100, 3), script.mood(now)))
    down, deaf = Mood(is_down=True), Mood(is_down=True, is_reading=False)
    expected = [(0, CALM), (10, down), (12, deaf), (13, down), (15, CALM), (25, down), (30, CALM)]
    assert seen[:7] == expected
    assert seen[-1] == (60, Mood(octets_per_s=100))
    assert script.hits() == {
        "flap up 10s down 5s 2 times": 2,
        "stop reading at 12s for 1s": 1,
        "write slowly 100 at 1m": 1,
    }


def test_time_passes_faster_when_told_to() -> None:
    script = faults("down at 1m for 1m", speed=60)
    assert (script.mood(100.5), script.next_change(100.5)) == (CALM, 101.0)
    assert script.mood(101.5).is_down
    assert not script.mood(102.1).is_down


def test_moments_come_once_each_and_those_missed_together() -> None:
    script = faults("unbind every 10s 3 times\ndrop links at 15s")
    assert script.moments(109) == []
    assert script.moments(110) == ["unbind"]
    assert script.next_change(110) == 115
    assert script.moments(115) == ["drop links"]
    assert script.moments(145) == ["unbind"]
    assert script.moments(150) == ["unbind"]
    assert script.next_change(150) is None
