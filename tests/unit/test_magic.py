"""Magic numbers: found by their last digits in any country, and by nothing else."""

from pathlib import Path

import pytest

from chappe.domain.magic import MAGIC, PREFIX, outcome_of
from chappe.telecom.number_verdicts import verdict
from chappe.telecom.receipts import STATES
from chappe.telecom.segments import segments
from chappe.telecom.smpp.status import STATUSES


@pytest.mark.parametrize("start", ["33639", "44740", "1212", "4917"])
def test_a_magic_number_is_known_by_its_end_in_any_country(start: str) -> None:
    for code, outcome in MAGIC.items():
        assert outcome_of(f"{start}{PREFIX}{code}") == outcome


@pytest.mark.parametrize(
    "number",
    ["33612345678", "33600112233", "33600000001", "33639989900", "33639989999", "33639980001", "989901x", "", "36000"],
)
def test_a_number_like_any_other_has_no_magic(number: str) -> None:
    assert outcome_of(number) is None


def test_numbers_counted_up_are_hardly_ever_magic() -> None:
    found = sum(outcome_of(f"336{number:08}") is not None for number in range(1_000_000))
    assert found == len(MAGIC)


@pytest.mark.parametrize("code", MAGIC)
def test_a_message_to_a_magic_number_is_accepted(code: str) -> None:
    assert verdict(f"063998{PREFIX[2:]}{code}", "FR").problem is None


def test_each_outcome_is_one_that_carriers_can_tell() -> None:
    assert [outcome.code for outcome in MAGIC.values()] == list(MAGIC)
    assert len({outcome.name for outcome in MAGIC.values()}) == len(MAGIC)
    for outcome in MAGIC.values():
        assert outcome.stat in STATES or not outcome.stat
        assert STATUSES[outcome.refusal].kind in ("success", "permanent", "throttle")
        assert not outcome.again or (STATUSES[outcome.refusal].kind == "permanent" and not outcome.stat)


def test_the_long_reply_comes_in_two_parts() -> None:
    assert len(segments(MAGIC["18"].reply).parts) == 2


def test_the_page_about_testing_lists_them() -> None:
    page = (Path(__file__).parents[2] / "docs/testing.md").read_text()
    for outcome in MAGIC.values():
        assert f"| {PREFIX}{outcome.code} | `{outcome.name}` | {outcome.meaning} |" in page
