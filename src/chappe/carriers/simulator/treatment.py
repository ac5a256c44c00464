"""How one submit is treated: by the options, by the script, or by its number when that is a magic one."""

import random
from collections.abc import Callable, Mapping
from typing import Final

from chappe.domain.magic import MagicOutcome, outcome_of
from chappe.telecom.receipts import STATES
from chappe.telecom.smpp import status
from chappe.telecom.smpp.bodies import ShortMessage

from .faults import Faults, Running
from .garbage import ENDS, REPLACES
from .ids import ANSWERS_HEX, REPORTS_HEX
from .judgement import UNANSWERED, Judge, Metered
from .options import SimulatorOptions
from .outcomes import OUTCOMES, Outcome
from .tally import Place

_EARLY_S: Final = 0.1
"""How long the answer waits when its receipt goes first: in one read a customer would not see which was first."""
_REFUSED_MOST: Final = 10_000


class Treatment:
    """What is done to one submit.

    Shape: `answer_s` None never answers; `drop` cuts the link before or after the answer; `odd_answer` and `noise` are
           kinds of garbage with their dice, in place of the answer and before it.
    Units: seconds; `receipt_s` and `reply_s` from now.
    """

    __slots__ = (
        "answer_s",
        "answers",
        "answers_hex",
        "congestion",
        "drop",
        "faults",
        "is_early",
        "noise",
        "odd_answer",
        "outcome",
        "receipt_s",
        "receipts",
        "reply",
        "reply_s",
        "reports_hex",
        "status",
    )

    def __init__(self, verdict: int, outcome: Outcome, id_format: str) -> None:
        self.status = max(verdict, 0)
        self.answer_s: float | None = None if verdict == UNANSWERED else 0.0
        self.answers = 1
        self.odd_answer: tuple[str, random.Random] | None = None
        self.noise: list[tuple[str, random.Random]] = []
        self.congestion: int | None = None
        self.drop = ""
        self.outcome = outcome
        self.receipt_s = 0.0
        self.receipts = 1
        self.is_early = False
        self.answers_hex = id_format in ANSWERS_HEX
        self.reports_hex = id_format in REPORTS_HEX
        self.reply = ""
        self.reply_s = 0.0
        self.faults: list[str] = []


class Treatments:
    """Decides the treatment of each submit."""

    def __init__(self, options: SimulatorOptions, judge: Judge, dice: random.Random, faults: Faults | None) -> None:
        self._options = options
        self._judge = judge
        self._dice = dice
        self._faults = faults
        self._lines = [(running, *_act(running)) for running in (faults.submits if faults else ())]
        self._refused_once: set[tuple[str, Place]] = set()

    def of(self, message: ShortMessage, place: Place, meter: Metered, now: float) -> Treatment:
        """What to do to this submit."""
        magic = outcome_of(message.destination) if self._options.magic else None
        if magic is not None:
            return self._by_magic(magic, message, place)
        options, dice = self._options, self._dice
        found = Treatment(self._judge.verdict(meter), self._judge.fate(), options.id_format)
        if found.answer_s is not None:
            found.answer_s = options.latency_s + options.latency_jitter_s * dice.random()
        found.receipt_s = (found.answer_s or 0.0) + options.receipt_delay_s + options.receipt_spread_s * dice.random()
        found.is_early = options.early_receipts
        if self._faults is not None:
            self._by_script(found, self._faults, message, place, now)
        return found

    def _by_script(self, found: Treatment, faults: Faults, message: ShortMessage, place: Place, now: float) -> None:
        elapsed = faults.elapsed_ms(now)
        decided: set[str] = set()
        for running, matter, act in self._lines:
            if matter in decided or (found.status and matter in _SPARED):
                continue
            if running.statement.fits(message.destination, place.part, place.parts) and running.strikes(elapsed):
                decided.add(matter)
                found.faults.append(running.words)
                act(found, running, faults.speed)
        found.reply_s = found.receipt_s
        if found.is_early and found.outcome.stat and found.answer_s is not None:
            found.answer_s = max(found.answer_s, _EARLY_S)

    def _by_magic(self, magic: MagicOutcome, message: ShortMessage, place: Place) -> Treatment:
        speed = self._options.speed
        found = Treatment(0, _outcome_of(magic.stat, magic.error), self._options.id_format)
        found.faults.append(f"magic {magic.code}")
        found.status = self._magic_status(magic, message.destination, place)
        found.answer_s = None if magic.answer_after_ms is None else magic.answer_after_ms / 1000 / speed
        found.is_early = magic.is_receipt_early
        found.receipt_s = (found.answer_s or 0.0) + magic.receipt_after_ms / 1000 / speed
        found.receipts = magic.copies
        if magic.parts == "first" and place.part > 1:
            found.outcome = OUTCOMES["none"]
        if magic.reply and place.part == 1:
            found.reply = magic.reply
            found.reply_s = found.receipt_s + magic.reply_after_ms / 1000 / speed
        return found

    def _magic_status(self, magic: MagicOutcome, destination: str, place: Place) -> int:
        """The refusal of a magic number: always, or of the first submit of each message."""
        if not magic.refusal or magic.again:
            return magic.refusal
        key = (destination, place)
        if key in self._refused_once:
            self._refused_once.discard(key)
            return status.ESME_ROK
        if len(self._refused_once) >= _REFUSED_MOST:
            self._refused_once.clear()
        self._refused_once.add(key)
        return magic.refusal


def _outcome_of(stat: str, error: int) -> Outcome:
    if not stat:
        return OUTCOMES["none"]
    known = next((outcome for outcome in OUTCOMES.values() if outcome.stat == stat), None)
    if known is not None:
        return known._replace(error=error)
    return Outcome(stat.lower(), stat, STATES[stat].message_state or 0, error, False)


# -- what each line of a script does to a submit ------------------------------------------------------------

Act = Callable[[Treatment, Running, float], None]


def _seconds(running: Running, speed: float) -> float:
    (span,) = running.statement.arguments
    first, last = span if isinstance(span, tuple) else (0, 0)
    return (first + (last - first) * (running.dice.random() if first < last else 0.0)) / 1000 / speed


def _set(name: str, value: object) -> Act:
    def act(found: Treatment, running: Running, speed: float) -> None:
        setattr(found, name, value)

    return act


def _take(name: str) -> Act:
    def act(found: Treatment, running: Running, speed: float) -> None:
        setattr(found, name, running.statement.arguments[0])

    return act


def _late_answer(found: Treatment, running: Running, speed: float) -> None:
    wait = _seconds(running, speed)
    found.receipt_s += wait
    if found.answer_s is not None:
        found.answer_s += wait


def _late_receipt(found: Treatment, running: Running, speed: float) -> None:
    found.receipt_s += _seconds(running, speed)
    found.is_early = False


def _early_receipt(found: Treatment, running: Running, speed: float) -> None:
    found.is_early = True


def _report(found: Treatment, running: Running, speed: float) -> None:
    name, *error = running.statement.arguments
    found.outcome = OUTCOMES[str(name)]
    if error:
        found.outcome = found.outcome._replace(error=int(str(error[0])))


def _ids(found: Treatment, running: Running, speed: float) -> None:
    (written,) = running.statement.arguments
    found.answers_hex, found.reports_hex = written in ANSWERS_HEX, written in REPORTS_HEX


def _noise(found: Treatment, running: Running, speed: float) -> None:
    kind = str(running.statement.arguments[0])
    found.noise.append((kind, running.dice))
    if kind in ENDS:
        found.drop = "before"


def _odd_answer(found: Treatment, running: Running, speed: float) -> None:
    found.odd_answer = (str(running.statement.arguments[0]), running.dice)


_ACTS: Final[Mapping[str, tuple[str, Act]]] = {
    "throttle": ("status", _set("status", status.ESME_RTHROTTLED)),
    "queue full": ("status", _set("status", status.ESME_RMSGQFUL)),
    "refuse": ("status", _take("status")),
    "never answer": ("answer", _set("answer_s", None)),
    "late answer": ("answer", _late_answer),
    "double answer": ("answers", _set("answers", 2)),
    "drop before answer": ("drop", _set("drop", "before")),
    "drop after answer": ("drop", _set("drop", "after")),
    "report": ("outcome", _report),
    "no receipt": ("outcome", _set("outcome", OUTCOMES["none"])),
    "double receipt": ("receipts", _set("receipts", 2)),
    "early receipt": ("receipt time", _early_receipt),
    "late receipt": ("receipt time", _late_receipt),
    "ids": ("ids", _ids),
    "congestion": ("congestion", _take("congestion")),
    "reply": ("reply", _take("reply")),
}
"""Of the lines about one matter the first that hits holds; what a line does."""

_SPARED: Final = frozenset({"odd answer", "outcome", "receipts", "receipt time", "ids", "reply"})
"""What does not happen to a refused submit."""


def _act(running: Running) -> tuple[str, Act]:
    statement = running.statement
    if statement.fault != "garbage":
        return _ACTS[statement.fault]
    if statement.arguments[0] in REPLACES:
        return "odd answer", _odd_answer
    return f"noise: {statement.arguments[0]}", _noise
