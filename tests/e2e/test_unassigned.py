"""Numbers that nobody has: from the carrier's receipt onto the account's NPAI list, and off it again."""

from pathlib import Path

import pytest

from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import BadData, NotFound
from chappe.domain.lifecycle import Dlr
from chappe.domain.requests import SubmitRequest
from tests.builders import on_loop
from tests.sending import Sending, sending_to, simulated

NOBODY, SOMEBODY = "33600112233", "33600112244"
UNKNOWN_SUBSCRIBER = SmppOptions(receipt_errors={"1": int(Dlr.INVALID_DESTINATION)})
FAILS = {"undeliverable": 100.0}


async def listed(sending: Sending, kind: str = "npai") -> list[int]:
    page = await sending.use_cases.exclusions.page(sending.account, kind, 0, 10)  # type: ignore[arg-type]
    return [row.number for row in page.rows]


async def counts(sending: Sending) -> tuple[int, int]:
    """(sent, left out as unassigned) of a send to both."""
    request = SubmitRequest("Hello", [NOBODY, SOMEBODY])
    answer = await sending.use_cases.submitter.simulate(sending.account, request)
    return answer.sent, answer.npai


@on_loop
async def test_a_number_that_the_carriers_table_calls_unknown_is_excluded_until_it_is_cleared(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(outcomes=FAILS), UNKNOWN_SUBSCRIBER) as (sending, _):
        cases, account = sending.use_cases, sending.account
        made = await cases.lists.create(account, "Members", [NOBODY, SOMEBODY], [])
        ticket = await sending.submit(NOBODY)
        await sending.until_all(ticket, "failed")
        assert await listed(sending) == [int(NOBODY)]
        assert await counts(sending) == (1, 1)

        assert await cases.lists.clear_npai(account, made.list_id) == 1
        assert [contact.number for contact in (await cases.lists.read(account, made.list_id, "", 0, 10)).rows] == [
            int(SOMEBODY)
        ]
        assert await cases.replies.blacklist_unassigned(account, ticket) == 1
        assert await listed(sending, "blacklist") == [int(NOBODY)]

        await cases.exclusions.remove(account, "blacklist", int(NOBODY))
        await cases.exclusions.remove(account, "npai", int(NOBODY))
        assert await counts(sending) == (2, 0)


@on_loop
async def test_a_failure_that_the_table_does_not_name_lists_nobody(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(outcomes=FAILS), SmppOptions(receipt_errors={"27": 5})) as (sending, _):
        await sending.until_all(await sending.submit(NOBODY), "failed")
        assert await listed(sending) == []


@on_loop
async def test_who_gets_another_message_later_stays_listed_until_the_account_says_otherwise(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(outcomes=FAILS), UNKNOWN_SUBSCRIBER) as (sending, simulator):
        late = await sending.submit(NOBODY)
        await sending.until_all(late, "failed")
        other = await sending.use_cases.accounts.create("other@example.org", "open-sesame", "FR", 100)
        simulator.change({"outcomes": {"delivered": 100.0}})
        answer = await sending.use_cases.submitter.submit(other, SubmitRequest("Hello", [NOBODY]))
        assert answer.ticket is not None
        await sending.until_all(answer.ticket, "delivered")
        assert await listed(sending) == [int(NOBODY)]


@on_loop
async def test_what_codes_mean_is_checked_and_replaces_what_was_said_before(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, _):
        await sending.carriers.read_receipts("carrier", {"001": 5, "27": 12})
        assert (await sending.carrier()).receipt_errors == {"1": 5, "27": 12}
        await sending.carriers.read_receipts("carrier", {})
        assert (await sending.carrier()).receipt_errors == {}
        for errors in ({"a b": 5}, {"1": 3}, {"123456789": 5}, {str(code): 5 for code in range(1, 300)}):
            with pytest.raises(BadData):
                await sending.carriers.read_receipts("carrier", errors)
        with pytest.raises(NotFound):
            await sending.carriers.read_receipts("nobody", {})
