"""Laws of the retry schedule, the breaker and the payload."""

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.webhook_schedule import MAX_PAUSE_S, RETRY_S, Breaker, next_attempt
from chappe.domain.webhooks import dlr_payload

jitters = st.floats(0, 1)


@given(st.integers(1, len(RETRY_S) + 5), jitters, jitters)
def test_a_later_retry_never_comes_sooner(attempts: int, jitter: float, other: float) -> None:
    earlier, later = next_attempt(attempts, jitter), next_attempt(attempts + 1, jitter)
    if earlier is None:
        assert later is None
    elif later is not None:
        assert 0 < earlier <= later
        low, high = next_attempt(attempts, 0.0), next_attempt(attempts, 1.0)
        assert low is not None
        assert high is not None
        assert low <= (next_attempt(attempts, other) or 0) <= high


@given(
    st.integers(0, 4_102_444_799_000),
    st.integers(0, 12),
    st.integers(1_000_000, 999_999_999_999_999),
    st.none() | st.text(),
    st.integers(1, 2**31 - 1),
    st.sampled_from(["FR", "CH", "GP"]),
)
def test_a_payload_reads_back_as_what_it_was_made_of(
    at: int, status: int, number: int, ref: str | None, campaign: int, country: str
) -> None:
    ref = None if ref is None else ref.encode("utf-8", "ignore").decode()
    read = json.loads(dlr_payload(at, status, number, ref, campaign, country))
    assert int(datetime.fromisoformat(read.pop("date")).timestamp()) == at // 1000
    assert read == {
        "status": status,
        "destination": str(number),
        "message_id": ref,
        "campaign_id": str(campaign),
        "country_code": country,
    }


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=60))
def test_a_breaker_never_closes_the_door_for_good(steps: list[tuple[bool, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for is_success, passed in steps:
        now += passed
        if is_success:
            breaker.succeeded()
            assert breaker.allows(now, 1000)
        else:
            breaker.failed(now, now)
        assert breaker.allows(now + MAX_PAUSE_S, 0)
