"""When a refused message is tried again, when it is given up, and what carriers' statuses mean for it."""

import pytest

from chappe.carriers.refusals import Refusals
from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import MAX_QUEUE_FULL, QUEUE_FULL_S, Again, Fail, RefusalClass, Refused, after_refusal
from chappe.telecom.smpp import status


def verdicts(kind: RefusalClass, dlr: int = 11, most: int = 100) -> list[Again | Fail]:
    """What follows refusal after refusal, until the message is given up."""
    found: list[Again | Fail] = []
    attempts = 0
    for _ in range(most):
        verdict = after_refusal(Refused(kind, dlr, "x"), attempts)
        found.append(verdict)
        if isinstance(verdict, Fail):
            break
        attempts += verdict.counts
    return found


def test_a_permanent_refusal_is_the_last_word_with_its_status() -> None:
    assert verdicts("permanent", 5) == [Fail(Dlr.INVALID_DESTINATION)]


@pytest.mark.parametrize("kind", ["temporary", "protocol"])
def test_a_temporary_refusal_is_tried_three_times_more_later_and_later(kind: RefusalClass) -> None:
    again = [Again(30, counts=True), Again(120, counts=True), Again(600, counts=True)]
    assert verdicts(kind) == [*again, Fail(Dlr.NETWORK_ERROR)]


def test_a_full_queue_is_asked_again_every_minute_twenty_times() -> None:
    found = verdicts("queue_full")
    assert found == [Again(QUEUE_FULL_S, counts=True)] * MAX_QUEUE_FULL + [Fail(Dlr.NETWORK_ERROR)]


def test_being_too_fast_uses_up_no_try_and_keeps_the_place_in_the_queue() -> None:
    assert verdicts("throttle") == [Again(0, counts=False)] * 100


def test_more_tries_than_there_are_gives_up_too() -> None:
    assert after_refusal(Refused("temporary", 11, "x"), 99) == Fail(Dlr.NETWORK_ERROR)
    assert after_refusal(Refused("queue_full", 11, "x"), 99) == Fail(Dlr.NETWORK_ERROR)


@pytest.mark.parametrize(
    ("value", "kind", "dlr"),
    [
        (status.ESME_RTHROTTLED, "throttle", Dlr.NETWORK_ERROR),
        (status.ESME_RMSGQFUL, "queue_full", Dlr.NETWORK_ERROR),
        (status.ESME_RSYSERR, "temporary", Dlr.NETWORK_ERROR),
        (status.ESME_RINVDSTADR, "permanent", Dlr.INVALID_DESTINATION),
        (status.ESME_RINVBNDSTS, "protocol", Dlr.NETWORK_ERROR),
        (0x0A, "permanent", Dlr.INVALID_SENDER),
        (0x402, "permanent", Dlr.REJECTED),
    ],
)
def test_a_carriers_status_becomes_the_refusal_it_means(value: int, kind: RefusalClass, dlr: Dlr) -> None:
    found = Refusals({}, {}).of(value)
    assert (found.kind, found.dlr) == (kind, dlr)


@pytest.mark.parametrize("value", [*status.STATUSES, 0x400, 0x4FF, 0x500, 0xFFFF, 0xFFFFFFFF])
def test_no_status_a_carrier_may_answer_leaves_us_without_a_verdict(value: int) -> None:
    if value == status.ESME_ROK:
        return
    refused = Refusals({}, {}).of(value)
    assert refused.name
    assert isinstance(after_refusal(refused, 99), Fail) or refused.kind == "throttle"
