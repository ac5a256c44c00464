"""What a submit writes, what it answers, and what a cancel takes back: all of it or nothing."""

import asyncio
from pathlib import Path

import pytest
import time_machine

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, BadDate, InsufficientCredits, NotFound
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.plans import Limits
from chappe.domain.requests import IdempotencyKey, Simulation, Submission, SubmitRequest
from chappe.domain.rulebook import Defaults
from chappe.domain.webhook_schedule import EventState
from chappe.manage.campaigns import CampaignFilter, Campaigns
from chappe.manage.credits import MAX_CREDITS, Credits
from chappe.manage.messages import MessageFilter, Messages
from chappe.pipeline.links import Links
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import LARGE, Submitter
from chappe.store import exclusions, idempotency, queue
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from chappe.store.webhooks import AttemptRow, Outcome, record_outcomes
from tests.builders import on_loop
from tests.store.build import (
    BRANCH,
    CREDITS,
    LONG_TEXT,
    REFUSED,
    SHOP,
    STRANGER,
    TOO_FAST,
    Core,
    accepted,
    add_carrier,
    database,
    delivered,
    lost,
    numbers,
    refused,
)

TABLES = ("campaign", "message", "dispatch", "ledger", "fair_turn", "id_block", "idempotency", "wallet")


def to(*wanted: str, text: str = "Hello", **more: object) -> SubmitRequest:
    return SubmitRequest(text, list(wanted), **more)  # type: ignore[arg-type]


class Shop:
    """A database file with a carrier, the use cases on it, and the lane of that carrier."""

    def __init__(self, folder: Path, *, has_carrier: bool = True) -> None:
        path = folder / "chappe.db"
        self.db = database(path)
        if has_carrier:
            add_carrier(self.db)
        self.store = Store(path)
        self.ids = Ids()
        self.submitter = Submitter(
            self.store, self.ids, Limits(), Links(self.store, "sms.example"), Rules(self.store, Defaults())
        )
        self.core = Core(db=self.db, now=now_ms())

    async def submit(self, request: SubmitRequest, account: Account = SHOP, key: str | None = None) -> Submission:
        idempotency_key = IdempotencyKey(key, repr(request).encode()[:32].ljust(32)) if key else None
        return await self.submitter.submit(account, request, idempotency_key)

    async def credits(self, account: Account = SHOP) -> int:
        return (await Credits(self.store).balance(account)).credits

    def exclude(self, kind: exclusions.Kind, *excluded: int, account: Account = SHOP) -> None:
        rows = [exclusions.NewExclusion(number) for number in excluded]
        self.db.write(lambda tx: exclusions.add(tx, account.id, kind, rows, now_ms()))

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        rows = {table: self.db.connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        return {table: [tuple(row) for row in found] for table, found in rows.items()}

    async def close(self) -> None:
        await self.store.close()
        self.db.close()


@on_loop
async def test_a_submit_writes_campaign_messages_money_and_queue(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    request = to("0612345678", "x", "0612345678", "+33612345679", sender="Shop", client_refs=["a", "b", "c", "d"])
    answer = await shop.submit(request)
    assert answer == Submission(1, 2, CREDITS - 2, 4, 2, duplicated=1, invalid=1)
    campaign = shop.core.campaign(1)
    assert (campaign.total, campaign.sent, campaign.open, campaign.cost_mc) == (4, 2, 2, 2000)
    assert (campaign.sender, campaign.text, campaign.kind) == ("Shop", "Hello", "alert")
    found = shop.core.messages_of(1)
    assert [(m.number, m.client_ref, m.parts, m.price_mc, m.state, m.dlr) for m in found] == [
        (33612345678, "a", 1, 1000, State.ACCEPTED, Dlr.NOT_SENT),
        (33612345679, "d", 1, 1000, State.ACCEPTED, Dlr.NOT_SENT),
    ]
    assert [m.queue_state for m in found] == [Queue.READY, Queue.READY]
    assert shop.core.wallet() == ((CREDITS - 2) * 1000, 2000, 0)
    await shop.close()


@on_loop
async def test_tickets_and_message_ids_are_small_consecutive_numbers(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    answers = await asyncio.gather(*(shop.submit(to(*numbers(3))) for _ in range(4)))
    assert [answer.ticket for answer in answers] == [1, 2, 3, 4]
    assert [shop.core.span(ticket) for ticket in (1, 2, 3, 4)] == [(1, 3), (4, 6), (7, 9), (10, 12)]
    await shop.close()


@on_loop
async def test_without_enough_credits_nothing_at_all_is_written(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = shop.everything()
    with pytest.raises(InsufficientCredits, match="costs 1001 credits and the account has 1000"):
        await shop.submit(to(*numbers(CREDITS + 1)))
    assert shop.everything() == before
    assert (await shop.submit(to(*numbers(CREDITS)))).credits == 0
    await shop.close()


@on_loop
async def test_of_two_submits_at_once_that_need_all_the_credits_one_goes_through(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    request = to(*numbers(CREDITS - 1))
    results = await asyncio.gather(shop.submit(request), shop.submit(request), return_exceptions=True)
    assert [type(result) for result in results] == [Submission, InsufficientCredits]
    assert await shop.credits() == 1
    await shop.close()


@on_loop
async def test_a_request_of_which_nothing_is_left_gets_a_ticket_and_costs_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    answer = await shop.submit(to("hello"))
    assert answer == Submission(1, 0, CREDITS, 1, 0, invalid=1)
    campaign = await Campaigns(shop.store).get(SHOP, 1)
    assert (campaign.state, campaign.sent, campaign.total) == ("sent", 0, 1)
    assert Messages(shop.store).of_ticket(1, 10) == []
    with pytest.raises(BadData):
        await shop.submitter.cancel(SHOP, 1)
    await shop.close()


@on_loop
async def test_a_simulation_answers_what_the_submit_will_and_writes_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = shop.everything()
    request = to("0612345678", "x", "0612345678", text=LONG_TEXT)
    simulated = await shop.submitter.simulate(SHOP, request)
    assert simulated == Simulation(None, 3, CREDITS, 3, 1, duplicated=1, invalid=1)
    assert shop.everything() == before
    answer = await shop.submit(request)
    assert (answer.cost, answer.total, answer.sent) == (simulated.cost, simulated.total, simulated.sent)
    assert answer.credits == simulated.credits - simulated.cost
    await shop.close()


@on_loop
async def test_a_simulation_that_the_wallet_does_not_cover_still_tells_the_cost(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert (await shop.submitter.simulate(SHOP, to(*numbers(2000)))).cost == 2000
    await shop.close()


@on_loop
async def test_a_sub_account_draws_on_its_parents_credits(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    answer = await shop.submit(to("0612345678"), BRANCH)
    assert answer.credits == CREDITS - 1 == await shop.credits(SHOP)
    with pytest.raises(NotFound):
        await Campaigns(shop.store).get(SHOP, answer.ticket or 0)
    await shop.close()


@on_loop
async def test_messages_without_a_carrier_are_accepted_and_wait(tmp_path: Path) -> None:
    shop = Shop(tmp_path, has_carrier=False)
    await shop.submit(to("0612345678"))
    assert shop.core.column("SELECT lane_id FROM dispatch") == [0]
    await shop.close()


@on_loop
async def test_a_text_of_its_own_is_stored_with_the_message_and_a_common_one_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.submit(to(*numbers(2)))
    infos = [("Ana", None, None, None), ("Bo", None, None, None)]
    await shop.submit(to(*numbers(2), text="Hi [info1]", infos=infos))
    assert shop.core.column("SELECT text FROM message ORDER BY id") == [None, None, "Hi Ana", "Hi Bo"]
    await shop.close()


# -- who is left out


@on_loop
async def test_who_said_stop_or_does_not_exist_is_left_out_from_the_next_request_on(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    request = to("0612345601", "0612345602", "0612345603", "0612345603")
    assert (await shop.submit(request)).sent == 3
    shop.exclude("blacklist", 33612345601)
    shop.exclude("npai", 33612345602)
    answer = await shop.submit(request)
    assert answer == Submission(2, 1, CREDITS - 4, 4, 1, blacklisted=1, duplicated=1, npai=1)
    assert [m.number for m in shop.core.messages_of(2)] == [33612345603]
    assert shop.core.rows("SELECT total, sent, blacklisted, duplicated, npai FROM campaign WHERE id = 2") == [
        (4, 1, 1, 1, 1)
    ]
    assert (await shop.submitter.simulate(SHOP, to("0612345601"))).blacklisted == 1
    assert (await shop.submit(to("0612345601"), STRANGER)).sent == 1, "another account's list is not ours"
    await shop.close()


@on_loop
async def test_a_large_request_leaves_the_same_people_out(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.exclude("blacklist", 33_612_000_003, 33_612_000_004)
    shop.exclude("npai", 33_612_000_004, 33_612_000_005)
    answer = await shop.submitter.simulate(SHOP, to(*numbers(LARGE)))
    assert (answer.total, answer.sent, answer.blacklisted, answer.npai) == (LARGE, LARGE - 3, 2, 1)
    await shop.close()


@on_loop
async def test_the_fields_of_recipients_are_kept_with_the_messages(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    infos = [("Ana", "Li", None, None), None]
    await shop.submit(to(*numbers(2), infos=infos))
    assert shop.core.rows("SELECT infos, list_id FROM message ORDER BY id") == [("Ana\x1fLi", None), (None, None)]
    await shop.close()


# -- the same request twice


@on_loop
async def test_the_same_key_and_request_get_the_same_answer_and_send_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    first = await shop.submit(to("0612345678"), key="k")
    before = shop.everything()
    again = await asyncio.gather(*(shop.submit(to("0612345678"), key="k") for _ in range(5)))
    assert again == [first] * 5
    assert shop.everything() == before
    await shop.close()


@on_loop
async def test_two_requests_with_one_key_at_once_send_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    left, right = await asyncio.gather(*(shop.submit(to("0612345678"), key="k") for _ in range(2)))
    assert left == right
    assert shop.core.column("SELECT COUNT(*) FROM message") == [1]
    await shop.close()


@on_loop
async def test_a_request_that_is_sent_again_after_its_date_has_passed_gets_its_answer(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    request = to("0612345678", delay="2099-01-01 00:00:00")
    first = await shop.submit(request, key="k")
    with time_machine.travel("2099-06-01T00:00:00Z", tick=False):
        shop.db.write(lambda tx: tx.run(Statement("UPDATE idempotency SET created_at = :at"), at=now_ms() - 1000))
        assert await shop.submit(request, key="k") == first
        with pytest.raises(BadDate):
            await shop.submit(request, key="another")
    await shop.close()


@on_loop
async def test_the_same_key_for_another_request_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.submit(to("0612345678"), key="k")
    before = shop.everything()
    with pytest.raises(BadData) as refusal:
        await shop.submitter.submit(SHOP, to("0612345678"), IdempotencyKey("k", b"another".ljust(32)))
    assert refusal.value.field == "Idempotency-Key"
    assert shop.everything() == before
    await shop.close()


@on_loop
async def test_the_keys_of_two_accounts_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    first = await shop.submit(to("0612345678"), key="k")
    second = await shop.submit(to("0612345679"), STRANGER, key="k")
    assert first.ticket != second.ticket
    await shop.close()


@on_loop
async def test_a_refused_request_leaves_its_key_free(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    with pytest.raises(InsufficientCredits):
        await shop.submit(to(*numbers(CREDITS + 1)), key="k")
    assert (await shop.submit(to("0612345678"), key="k")).sent == 1
    await shop.close()


@on_loop
async def test_a_key_is_forgotten_after_a_day(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    now = now_ms()
    await shop.submit(to("0612345678"), key="k")
    shop.db.write(lambda tx: tx.run(Statement("UPDATE idempotency SET created_at = :at"), at=now - idempotency.KEEP_MS))
    assert (await shop.submit(to("0612345679"), key="k")).ticket == 2
    shop.db.write(lambda tx: tx.run(Statement("UPDATE idempotency SET created_at = :at"), at=now - idempotency.KEEP_MS))
    assert shop.db.write(lambda tx: idempotency.forget_old(tx, now)) == 1
    assert shop.db.write(lambda tx: idempotency.forget_old(tx, now)) == 0
    await shop.close()


# -- cancel


@on_loop
async def test_a_cancel_takes_back_what_waits_and_gives_its_price_back(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.core.listen()
    ticket = (await shop.submit(to(*numbers(5), text=LONG_TEXT))).ticket or 0
    assert await shop.credits() == CREDITS - 15
    assert await shop.submitter.cancel(SHOP, ticket) == CREDITS
    found = shop.core.messages_of(ticket)
    assert {(m.state, m.dlr, m.queue_state) for m in found} == {(State.CANCELLED, Dlr.NOT_SENT, None)}
    campaign = await Campaigns(shop.store).get(SHOP, ticket)
    assert (campaign.state, campaign.cancelled) == ("cancelled", 5)
    assert shop.core.campaign(ticket).open == 0
    assert shop.core.column("SELECT COUNT(*) FROM event") == [0]
    await shop.close()


@on_loop
async def test_a_cancel_leaves_what_a_carrier_has_seen(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    ticket = (await shop.submit(to(*numbers(5), text=LONG_TEXT))).ticket or 0
    sent, sending, partly = shop.core.claim(3)
    shop.core.record([accepted(sent), refused(partly, TOO_FAST, "a", "-", "-")])
    assert await shop.submitter.cancel(SHOP, ticket) == CREDITS - 9
    states = [m.state for m in shop.core.messages_of(ticket)]
    assert states == [State.SENT, State.ACCEPTED, State.ACCEPTED, State.CANCELLED, State.CANCELLED]
    assert shop.core.queue_state(sending.message_id) == Queue.SENDING
    assert shop.core.queue_state(partly.message_id) == Queue.READY
    campaign = shop.core.campaign(ticket)
    assert (campaign.open, campaign.cancelled) == (3, 2)
    await shop.close()


@on_loop
async def test_a_cancel_leaves_what_may_have_left_by_a_try_nobody_answered(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    ticket = (await shop.submit(to(*numbers(2)))).ticket or 0
    (message,) = shop.core.claim(1)
    shop.core.record([lost(message)])
    shop.db.write(lambda tx: queue.resend(tx, [message.message_id]))
    assert await shop.submitter.cancel(SHOP, ticket) == CREDITS - 1
    assert [m.state for m in shop.core.messages_of(ticket)] == [State.ACCEPTED, State.CANCELLED]
    with pytest.raises(BadData):
        await shop.submitter.cancel(SHOP, ticket)
    await shop.close()


@on_loop
async def test_a_delayed_campaign_is_cancelled_before_its_time(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    ticket = (await shop.submit(to(*numbers(2), delay="2099-01-01 00:00:00"))).ticket or 0
    assert (await Campaigns(shop.store).get(SHOP, ticket)).state == "waiting"
    assert await shop.submitter.cancel(SHOP, ticket) == CREDITS
    assert (await Campaigns(shop.store).get(SHOP, ticket)).state == "cancelled"
    await shop.close()


@on_loop
async def test_what_is_over_or_not_ours_cannot_be_cancelled(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    ticket = (await shop.submit(to("0612345678"))).ticket or 0
    with pytest.raises(NotFound):
        await shop.submitter.cancel(STRANGER, ticket)
    with pytest.raises(NotFound):
        await shop.submitter.cancel(SHOP, 999)
    await shop.submitter.cancel(SHOP, ticket)
    with pytest.raises(BadData):
        await shop.submitter.cancel(SHOP, ticket)
    assert await shop.credits() == CREDITS
    await shop.close()


# -- reading


@on_loop
async def test_a_page_of_campaigns_is_the_accounts_own_in_the_asked_order(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for text, count in (("b", 2), ("a", 3), ("c", 1)):
        await shop.submit(to(*numbers(count), text=text))
    await shop.submit(to("0612345678", text="theirs"), STRANGER)
    campaigns = Campaigns(shop.store)

    async def texts(**wanted: object) -> str:
        page = await campaigns.history(SHOP, CampaignFilter(**wanted))  # type: ignore[arg-type]
        return "".join(row.text for row in page.rows)

    assert await texts() == "cab"
    assert await texts(is_descending=False) == "bac"
    assert await texts(sort="text", is_descending=False) == "abc"
    assert await texts(sort="cost") == "abc"
    assert await texts(sms_min=2) == "ab"
    assert await texts(sms_min=2, sms_max=2) == "b"
    assert await texts(text="A") == "a"
    assert await texts(destination="0612000002") == "a"
    assert await texts(destination="+33612000001") == "ab"
    assert await texts(destination="+33699999999") == ""
    assert await texts(destination="nonsense") == ""
    assert await texts(start=1, length=1) == "a"
    page = await campaigns.history(SHOP, CampaignFilter(sms_min=2, length=1))
    assert (page.total, page.matching, len(page.rows)) == (3, 2, 1)
    await shop.close()


@on_loop
async def test_a_page_of_messages_is_searched_by_what_became_of_them(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.submit(to(*numbers(4)))
    messages = Messages(shop.store)
    sent, failing, waiting = shop.core.claim(3)
    shop.core.now = now_ms() + 1
    shop.core.record([accepted(sent, "a"), refused(failing, REFUSED)])
    await shop.submit(to(*numbers(1), text="cancel me", delay="2099-01-01 00:00:00"))
    await shop.submitter.cancel(SHOP, 2)
    everything = MessageFilter(0, 9_999_999_999_999)

    async def found(**wanted: object) -> list[int]:
        page = await messages.find(SHOP, MessageFilter(0, 9_999_999_999_999, is_descending=False, **wanted))  # type: ignore[arg-type]
        return [row.id for row in page.rows]

    assert await found() == [1, 2, 3, 4, 5]
    assert await found(status="sent") == [1]
    assert await found(status="waiting") == [3, 4]
    assert await found(status="not_sent") == [2, 5]
    assert await found(status="delivered") == []
    assert await found(status="moderation") == []
    assert await found(direction="in") == []
    assert await found(country="FR", destination="+336120000", text="HELLO") == [1, 2, 3, 4]
    assert await found(country="BE") == []
    assert (await messages.find(STRANGER, everything)).total == 0
    assert messages.show(waiting.message_id).state == "sending"
    assert [step.step for step in messages.show(failing.message_id).steps] == ["accepted", "refused", "failed"]
    with pytest.raises(NotFound):
        messages.show(999)
    await shop.close()


@on_loop
async def test_a_message_is_shown_with_every_step_of_it_in_the_order_of_time(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.core.listen()
    await shop.submit(to("0612345678"))
    shop.core.now = now_ms() + 1
    shop.core.record([refused(shop.core.claim_one(), TOO_FAST)])
    shop.core.record([accepted(shop.core.claim_one(), "abc")])
    shop.core.now += 1
    shop.core.record(receipts=[delivered("abc")])
    (event,) = shop.core.column("SELECT id FROM event")
    assert isinstance(event, int)
    attempt = AttemptRow(1, shop.core.now + 2, None, "cannot connect", 7)
    outcome_ = Outcome(66, event, EventState.DUE, shop.core.now + 5000, attempt)
    shop.db.write(lambda tx: record_outcomes(tx, [outcome_]))
    shown = Messages(shop.store).show(1)
    assert shown.state == "delivered"
    assert [(step.step, step.detail) for step in shown.steps] == [
        ("accepted", "campaign 1, 1 part(s)"),
        ("submitted", "carrier carrier took it as abc"),
        ("delivered", "status 3 DELIVERED"),
        ("webhook due", f"event {event} for webhook 66"),
        ("webhook attempt", f"event {event}: cannot connect, 7 ms"),
    ]
    await shop.close()


@on_loop
async def test_credits_are_whole_and_bounded(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    credits_ = Credits(shop.store)
    assert (await credits_.add(SHOP, 5)).balance.credits == CREDITS + 5
    assert (await credits_.add(SHOP, -CREDITS)).balance.credits == 5
    for wrong in (0, MAX_CREDITS + 1, -MAX_CREDITS - 1, -6):
        with pytest.raises(BadData):
            await credits_.add(SHOP, wrong)
    balance = await credits_.balance(BRANCH)
    assert (balance.credits, balance.postpaid_limit, balance.is_unlimited) == (5, None, True)
    await shop.close()


@on_loop
async def test_a_past_date_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = shop.everything()
    with pytest.raises(BadDate):
        await shop.submit(to("0612345678", delay="2001-01-01 00:00:00"))
    assert shop.everything() == before
    await shop.close()
